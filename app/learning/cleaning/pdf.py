"""PDF (ISO 32000-2): only what draws pages is read, by a closed list of names, and written into a new file.

https://pdfa.org/resource/iso-32000-2/
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from typing import Any, Final

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    EncodedStreamObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    StreamObject,
)

from app.learning.cleaning.pdf_names import DRAWING, FILTERS, MAPS
from app.learning.cleaning.pdf_pictures import bare_jpeg, bare_jpeg2000
from app.learning.cleaning.results import Cleaned, Passage, Refused, bounded

MOST_PAGES: Final = 100
MOST_OBJECTS: Final = 60_000
MOST_DEPTH: Final = 150

# A picture that stands in the drawing itself (ISO 32000-2, 8.9.7).
_INLINE: Final = re.compile(rb"\bBI\s[^()]{1,1000}?\bID\s")
# What a file may claim that a character means, and no text has: halves of characters and controls.
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PAGE: Final = ("/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/Group", "/UserUnit")
_FIELDS: Final = "/AcroForm"
_NOTED: Final = {"/Popup", "/Text", "/FreeText", "/Highlight", "/Underline", "/StrikeOut", "/Ink", "/Stamp", "/Caret"}


def clean_pdf(data: bytes) -> Cleaned:
    """A PDF that shows the same pages and holds nothing else: no data about it, no scripts, links, notes or files.

    Args:
        data: the file.

    Raises:
        Refused: encrypted, a form to fill in, over 100 pages, broken, or too hard to read.
    """
    # What a strange file makes the library say is of no use to anybody.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _clean(data)
    except (Refused, MemoryError, RecursionError):
        raise
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError,
            AssertionError, NotImplementedError, EOFError, StopIteration, LookupError, RuntimeError):  # fmt: skip
        # The library tells a broken file by many names.
        raise Refused("broken") from None


def _clean(data: bytes) -> Cleaned:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise Refused("encrypted")
    root = reader.trailer["/Root"].get_object()
    if not isinstance(root, DictionaryObject):
        raise Refused("broken")
    form = _got(root.get(_FIELDS))
    if isinstance(form, DictionaryObject) and ("/XFA" in form or _got(form.get("/Fields"))):
        raise Refused("form")
    if len(reader.pages) > MOST_PAGES:
        raise Refused("too_many_pages")
    if not len(reader.pages):
        raise Refused("broken")
    writer = PdfWriter()
    copy = _Copy(writer)
    removed = _about(reader, root)
    passages = []
    for number, page in enumerate(reader.pages, 1):
        removed |= _around(page)
        _add(writer, copy, page)
        text = _UNREADABLE.sub(" ", page.extract_text())
        passages.append(Passage(f"page {number}", text))
        copy.pictures += _shows_unread(page, text)
    writer.metadata = None
    out = io.BytesIO()
    writer.write(out)
    return Cleaned(
        "application/pdf", ".pdf", out.getvalue(), tuple(sorted(removed | copy.removed)), bounded(passages),
        has_pictures=copy.pictures > 0,
    )  # fmt: skip


def _add(writer: PdfWriter, copy: _Copy, page: DictionaryObject) -> None:
    fresh = writer.add_blank_page(width=1, height=1)
    for name in list(fresh):
        if name not in ("/Type", "/Parent"):
            del fresh[name]
    for name in _PAGE:
        if name in page:
            fresh[NameObject(name)] = copy.of(page.raw_get(name), name, 0)


def _about(reader: PdfReader, root: DictionaryObject) -> set[str]:
    """What the file says of itself, as far as people should be told."""
    removed: set[str] = set()
    about = _got(reader.trailer.get("/Info"))
    if isinstance(about, DictionaryObject) and about:
        removed.add("author" if about.get("/Author") else "notes")
    if "/Metadata" in root:
        removed.add("notes")
    names = _got(root.get("/Names"))
    if not isinstance(names, DictionaryObject):
        names = DictionaryObject()
    if "/OpenAction" in root or "/AA" in root or "/JavaScript" in names:
        removed.add("actions")
    if "/EmbeddedFiles" in names or "/AF" in root or "/Collection" in root:
        removed.add("attachments")
    if "/OCProperties" in root:
        removed.add("layers")
    return removed


def _around(page: DictionaryObject) -> set[str]:
    """What lies on a page and is not drawn by it."""
    removed: set[str] = set()
    notes = _got(page.get("/Annots"))
    for each in notes if isinstance(notes, ArrayObject) else ():
        note = _got(each)
        kind = note.get("/Subtype") if isinstance(note, DictionaryObject) else None
        if kind == "/Widget":
            raise Refused("form")
        removed.add("attachments" if kind == "/FileAttachment" else "comments" if kind in _NOTED else "links")
    if "/AA" in page:
        removed.add("actions")
    return removed


def _shows_unread(page: PageObject, text: str) -> bool:
    """Whether a page draws what is no text to the scan: a picture in the drawing, or letters as mere lines."""
    contents = page.get_contents()
    drawn = contents.get_data() if contents is not None else b""
    return bool(_INLINE.search(drawn) or (drawn.strip() and not text.strip()))


def _got(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


class _Copy:
    """Copies objects that draw; each object of the old file becomes at most one of the new."""

    def __init__(self, writer: PdfWriter) -> None:
        self._writer = writer
        self._made: dict[tuple[int, int], PdfObject] = {}
        self._objects = 0
        self.removed: set[str] = set()
        self.pictures = 0

    def of(self, value: Any, name: str, depth: int) -> PdfObject:
        """A copy of a value that stands under a name."""
        self._objects += 1
        if depth > MOST_DEPTH or self._objects > MOST_OBJECTS:
            raise Refused("too_hard")
        if isinstance(value, IndirectObject):
            return self._indirect(value, name, depth)
        if isinstance(value, StreamObject):
            return self._stream(value, depth)
        if isinstance(value, DictionaryObject):
            fresh = DictionaryObject()
            self._fill(fresh, value, name, depth)
            return fresh
        if isinstance(value, ArrayObject):
            return ArrayObject([self.of(each, name, depth + 1) for each in value])
        return value if isinstance(value, PdfObject) else NullObject()

    def _indirect(self, value: IndirectObject, name: str, depth: int) -> PdfObject:
        key = (value.idnum, value.generation)
        if key in self._made:
            return self._made[key]
        target = value.get_object()
        if isinstance(target, IndirectObject):
            raise Refused("broken")
        if not isinstance(target, (DictionaryObject, ArrayObject)):
            return self.of(target, name, depth + 1)
        # Its place is given out before it is filled: what leads back to itself finds it.
        place = self._writer._add_object(NullObject())
        self._made[key] = place
        self._writer._replace_object(place, self.of(target, name, depth + 1))
        return place

    def _stream(self, value: StreamObject, depth: int) -> PdfObject:
        fresh = EncodedStreamObject()
        filters = _filters(value)
        if not set(filters) <= FILTERS or "/F" in value:
            raise Refused("too_hard")
        content = value._data if isinstance(value, EncodedStreamObject) else value.get_data()
        if filters[-1:] == ["/DCTDecode"] and len(filters) == 1:
            content = bare_jpeg(content)
        elif filters == ["/JPXDecode"]:
            content = bare_jpeg2000(content)
        elif filters and filters[-1] in ("/DCTDecode", "/JPXDecode"):
            raise Refused("inner_picture")
        # A pattern may be written all over, and is never read; a form may hold a picture in its drawing.
        kind = value.get("/Subtype")
        hides = kind == "/Form" and bool(_INLINE.search(value.get_data()))
        self.pictures += kind == "/Image" or "/PatternType" in value or hides
        if value.get("/Subtype") == "/PS":
            raise Refused("embedded")
        self._fill(fresh, value, "", depth)
        if not isinstance(value, EncodedStreamObject):
            fresh.pop(NameObject("/Filter"), None)
            fresh.pop(NameObject("/DecodeParms"), None)
        fresh.pop(NameObject("/Length"), None)
        fresh._data = content
        fresh[NameObject("/Length")] = NumberObject(len(content))
        return fresh

    def _fill(self, fresh: DictionaryObject, old: DictionaryObject, name: str, depth: int) -> None:
        """The entries of a dictionary that draw. Under some names each entry has a name of the author's."""
        self.pictures += "/CharProcs" in old  # letters that are drawings: what they are said to mean may be another
        for key in list(old):
            value = old.raw_get(key)
            if name in MAPS or key in DRAWING:
                fresh[NameObject(key)] = self.of(value, "" if name in MAPS else str(key), depth + 1)


def _filters(value: StreamObject) -> list[str]:
    named = _got(value.get("/Filter"))
    if named is None or isinstance(named, NullObject):
        return []
    return [str(_got(each)) for each in named] if isinstance(named, ArrayObject) else [str(named)]
