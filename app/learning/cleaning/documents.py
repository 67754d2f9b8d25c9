"""Word documents (ECMA-376): only parts of a closed list, read and written anew, go into a new file.

https://ecma-international.org/publications-and-standards/standards/ecma-376/
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.learning.cleaning.pictures import clean_picture
from app.learning.cleaning.results import Cleaned, Passage, Refused, bounded
from app.learning.cleaning.word_xml import PACKAGE, RELATIONS, cleaned_part, passages_of
from app.learning.cleaning.zips import unpack

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MOST_PART: Final = 25_000_000  # bytes of one XML part

_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAIN: Final = f"{_WORD}document.main+xml"
_TYPES: Final = "{http://schemas.openxmlformats.org/package/2006/content-types}"
# Parts that are kept, by the last word of the relationship that leads to them.
_PARTS: Final = {
    "styles": f"{_WORD}styles+xml", "numbering": f"{_WORD}numbering+xml", "header": f"{_WORD}header+xml",
    "footer": f"{_WORD}footer+xml", "footnotes": f"{_WORD}footnotes+xml", "endnotes": f"{_WORD}endnotes+xml",
    "theme": "application/vnd.openxmlformats-officedocument.theme+xml",
}  # fmt: skip
# The element that each begins with: a part of another form does not come in under a name that is read less closely.
_ROOTS: Final = {
    "": f"{_W}document", "styles": f"{_W}styles", "numbering": f"{_W}numbering", "header": f"{_W}hdr",
    "footer": f"{_W}ftr", "footnotes": f"{_W}footnotes", "endnotes": f"{_W}endnotes",
    "theme": "{http://schemas.openxmlformats.org/drawingml/2006/main}theme",
}  # fmt: skip
_WRITTEN: Final = frozenset(("", "header", "footer", "footnotes", "endnotes"))  # what people wrote
_DOCUMENT: Final = "word/document.xml"
_COMMENTS: Final = {"comments", "commentsextended", "commentsids", "commentsextensible"}
# What somebody sees of it could not be kept, so it is not left out behind their back.
_EMBEDDED: Final = {
    "oleobject", "package", "control", "chart", "chartex", "diagramdata", "afchunk", "subdocument", "video", "audio",
    "media", "ink", "slicer",
}  # fmt: skip
_MACROS: Final = {"vbaproject", "wordvbadata", "keymapcustomizations", "activexcontrolbinary", "vbaprojectsignature"}
_EXTRAS: Final = ("GIF", "BMP")  # pictures that Word keeps as they came
_SETTINGS: Final = (
    '<w:settings xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:compat><w:compatSetting '
    'w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>'
)
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_DRAWING: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DEFAULTS: Final = (
    ("rels", "application/vnd.openxmlformats-package.relationships+xml"),
    ("xml", "application/xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("webp", "image/webp"),
)


@dataclass
class _Parts:
    """The new file as it grows. Its parts have names of ours: no name of the old file reaches the new one."""

    old: dict[str, bytes]
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)  # by the old name: kind and new name
    new: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    passages: list[Passage] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    pictures: dict[str, str] = field(default_factory=dict)


def clean_document(data: bytes) -> Cleaned:
    """A Word document with its text, its form and its pictures, and nothing else.

    Args:
        data: a ZIP file.

    Raises:
        Refused: no Word document, tracked changes or comments in it, macros, embedded objects, a bomb, or broken.
    """
    old = unpack(data)
    main = _main_part(old)
    parts = _Parts(old)
    if any(name.lower().startswith("docprops/") for name in old):
        parts.removed.add("author")
    if any(name.lower().startswith("customxml/") for name in old):
        parts.removed.add("other_data")
    parts.taken[main] = ("", _DOCUMENT)
    _take(parts, main)
    parts.new["word/settings.xml"] = _DECLARATION + _SETTINGS.encode()
    parts.types["word/settings.xml"] = f"{_WORD}settings+xml"
    content = _packed(parts)
    return Cleaned(
        MEDIA_TYPE, ".docx", content, tuple(sorted(parts.removed)), bounded(parts.passages), bool(parts.pictures)
    )


def parse(content: bytes) -> Element:
    """XML that declares nothing.

    Raises:
        Refused: it does, or is broken, or too large.
    """
    if len(content) > MOST_PART:
        raise Refused("too_big_inside")
    try:
        root: Element = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise Refused("broken") from None
    except (ParseError, ValueError, LookupError, UnicodeError):
        raise Refused("broken") from None
    return root


def _main_part(old: dict[str, bytes]) -> str:
    """The name of the main part of a Word document without macros."""
    names = {name.lower() for name in old}
    if any("vbaproject" in name or "vbadata" in name for name in names):
        raise Refused("macros")
    if "[Content_Types].xml" not in old:
        raise Refused("other_office" if "mimetype" in old or "content.xml" in old else "archive")
    kinds = {
        override.get("PartName", "").lstrip("/"): override.get("ContentType", "")
        for override in parse(old["[Content_Types].xml"]).iter(f"{_TYPES}Override")
    }
    if any("macroenabled" in kind.lower() for kind in kinds.values()):
        raise Refused("macros")
    mains = [name for name, kind in kinds.items() if kind == _MAIN and name in old]
    if len(mains) != 1:
        raise Refused("other_office")
    return mains[0]


def _take(parts: _Parts, old: str) -> None:
    """One part and, first, what it leads to.

    Raises:
        Refused: it is not what it is said to be.
    """
    kind, name = parts.taken[old]
    kept = _relations(parts, old, follows=kind in _WRITTEN)
    root = parse(parts.old[old])
    if root.tag != _ROOTS[kind]:
        raise Refused("broken" if kind else "other_office")
    if kind != "theme":
        parts.removed |= cleaned_part(root, frozenset(kept))
    else:
        _plain_theme(root)
    parts.passages.extend(passages_of(root, kind))
    parts.new[name] = _DECLARATION + tostring(root, encoding="utf-8")
    parts.types[name] = _PARTS.get(kind, _MAIN)
    listed = Element(f"{PACKAGE}Relationships")
    for identifier, (relation, target) in kept.items():
        relative = posixpath.relpath(target, posixpath.dirname(name))
        SubElement(listed, f"{PACKAGE}Relationship", Id=identifier, Type=f"{RELATIONS}{relation}", Target=relative)
    if kind == "":
        SubElement(
            listed, f"{PACKAGE}Relationship", Id="rSettings", Type=f"{RELATIONS}settings",
            Target=posixpath.relpath("word/settings.xml", posixpath.dirname(name)),
        )  # fmt: skip
    if len(listed):
        parts.new[_relations_name(name)] = _DECLARATION + tostring(listed, encoding="utf-8")


def _relations(parts: _Parts, name: str, *, follows: bool) -> dict[str, tuple[str, str]]:
    """What a part leads to and is kept: by the relationship's id its kind and the target's name."""
    content = parts.old.get(_relations_name(name))
    kept: dict[str, tuple[str, str]] = {}
    if content is None or not follows:
        return kept
    for relation in parse(content).iter(f"{PACKAGE}Relationship"):
        kind = relation.get("Type", "").rsplit("/", 1)[-1]
        identifier = relation.get("Id", "")
        if _is_left_out(parts, kind, relation.get("TargetMode", "Internal") != "Internal"):
            continue
        target = posixpath.normpath(posixpath.join("/", posixpath.dirname(name), relation.get("Target", "")))[1:]
        if kind in _PARTS and target in parts.old:
            kept[identifier] = (kind, _part(parts, target, kind))
        elif kind == "image":
            kept[identifier] = (kind, _picture(parts, target))
    return kept


def _part(parts: _Parts, old: str, kind: str) -> str:
    """A part that another leads to: taken once, and as one kind; its name from now on."""
    if old not in parts.taken:
        # Noted before it is read: a part that leads back to it is not followed again.
        parts.taken[old] = (kind, f"word/{kind}{len(parts.taken)}.xml")
        _take(parts, old)
    known, name = parts.taken[old]
    if known != kind:
        raise Refused("broken")
    return name


def _is_left_out(parts: _Parts, kind: str, external: bool) -> bool:
    """Whether a relationship is not followed, and what people are told of it.

    Raises:
        Refused: leaving it out would change what the document says.
    """
    plain = kind.lower()
    if plain in _MACROS:
        raise Refused("macros")
    if plain in _EMBEDDED:
        raise Refused("embedded")
    if external:
        if plain == "image":
            raise Refused("linked_picture")
        parts.removed.add("template" if plain == "attachedtemplate" else "links")
        return True
    if plain in _COMMENTS and _has_comments(parts.old):
        raise Refused("tracked")
    return False


def _has_comments(old: dict[str, bytes]) -> bool:
    return any(
        name.lower().endswith("comments.xml") and any(each.tag.endswith("}comment") for each in parse(content).iter())
        for name, content in old.items()
    )


def _picture(parts: _Parts, name: str) -> str:
    """A picture inside, made clean like any other; the name it has from now on."""
    if name in parts.pictures:
        return parts.pictures[name]
    content = parts.old.get(name)
    if content is None:
        raise Refused("broken")
    try:
        cleaned = clean_picture(content, ("JPEG", "PNG", "WEBP", *_EXTRAS))
    except Refused as refused:
        raise Refused("inner_picture" if refused.code == "broken" else refused.code) from None
    fresh = f"word/media/picture{len(parts.pictures) + 1}{cleaned.suffix}"
    parts.pictures[name] = fresh
    parts.new[fresh] = cleaned.content
    parts.removed |= set(cleaned.removed) - {"size"}
    return fresh


def _plain_theme(root: Element) -> None:
    """Colours and fonts; no pictures, no extensions and no words."""
    for parent in root.iter():
        parent.text = parent.tail = None
        for place, child in enumerate(list(parent)):
            if child.tag == f"{_DRAWING}blipFill":
                solid = Element(f"{_DRAWING}solidFill")
                SubElement(solid, f"{_DRAWING}schemeClr", val="phClr")
                parent[place] = solid
        parent[:] = [
            each
            for each in parent
            if each.tag.startswith(_DRAWING) and each.tag not in (f"{_DRAWING}extLst", f"{_DRAWING}custClrLst")
        ]
        for name in [each for each in parent.attrib if each.startswith("{")]:
            del parent.attrib[name]
        if "name" in parent.attrib:
            parent.set("name", "Theme")


def _relations_name(name: str) -> str:
    folder, base = posixpath.split(name)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def _packed(parts: _Parts) -> bytes:
    """The new file: what it holds is listed first, as readers expect."""
    kinds = Element(f"{_TYPES}Types")
    for suffix, kind in _DEFAULTS:
        SubElement(kinds, f"{_TYPES}Default", Extension=suffix, ContentType=kind)
    for name, media_type in parts.types.items():
        SubElement(kinds, f"{_TYPES}Override", PartName=f"/{name}", ContentType=media_type)
    root = Element(f"{PACKAGE}Relationships")
    SubElement(root, f"{PACKAGE}Relationship", Id="rMain", Type=f"{RELATIONS}officeDocument", Target=_DOCUMENT)
    files = {
        "[Content_Types].xml": _DECLARATION + tostring(kinds, encoding="utf-8"),
        "_rels/.rels": _DECLARATION + tostring(root, encoding="utf-8"),
        **parts.new,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
