"""The XML inside a Word document: what may stay of it, what must not be there, and its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, register_namespace

from app.learning.cleaning.results import Passage, Refused

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_WP: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PIC: Final = "{http://schemas.openxmlformats.org/drawingml/2006/picture}"
_V: Final = "{urn:schemas-microsoft-com:vml}"
_O: Final = "{urn:schemas-microsoft-com:office:office}"
_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
PACKAGE: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"

MOST_ELEMENTS: Final = 1_000_000
MOST_DEPTH: Final = 300

_NAMESPACES: Final = {
    "w": _W, "r": _R, "wp": _WP, "a": _A, "pic": _PIC, "v": _V, "o": _O,
    "w10": "{urn:schemas-microsoft-com:office:word}",
    "m": "{http://schemas.openxmlformats.org/officeDocument/2006/math}",
}  # fmt: skip
_KNOWN: Final = frozenset((*_NAMESPACES.values(), "{http://www.w3.org/XML/1998/namespace}"))
for _prefix, _namespace in _NAMESPACES.items():
    register_namespace(_prefix, _namespace[1:-1])

_CHANGES: Final = frozenset(
    _W + name
    for name in (
        "ins", "del", "moveFrom", "moveTo", "cellIns", "cellDel", "cellMerge", "delText", "delInstrText", "rPrChange",
        "pPrChange", "sectPrChange", "tblPrChange", "tblGridChange", "trPrChange", "tcPrChange", "tblPrExChange",
        "numberingChange", "moveFromRangeStart", "moveToRangeStart", "customXmlInsRangeStart", "customXmlDelRangeStart",
        "commentRangeStart", "commentReference", "annotationRef",
    )
)  # fmt: skip
_EMBEDDED: Final = frozenset(
    (_W + "object", _W + "control", _W + "altChunk", _W + "subDoc", _W + "movie", _O + "OLEObject", _V + "textpath",
     _A + "t")
)  # fmt: skip
# Left out with all that is in them: what fields would fetch or run, links to data, names of places in the text.
_DROPPED: Final = {
    _W + "instrText": "fields", _W + "fldChar": "fields", _W + "sdtPr": "", _W + "sdtEndPr": "", _W + "rsid": "",
    _W + "rsids": "", _W + "bookmarkStart": "", _W + "bookmarkEnd": "", _W + "proofErr": "",
    _W + "permStart": "other_data", _W + "numPicBullet": "", _W + "lvlPicBulletId": "",
    _W + "permEnd": "", _W + "customXmlPr": "other_data", _W + "smartTagPr": "other_data", _A + "extLst": "",
    _A + "hlinkClick": "links", _A + "hlinkHover": "links", _W + "lastRenderedPageBreak": "", _W + "docPartObj": "",
    _W + "dataBinding": "other_data", _W + "printerSettings": "", _W + "attachedTemplate": "template",
    _W + "mailMerge": "other_data", _W + "saveThroughXslt": "other_data", _W + "embedRegular": "",
    _W + "vanish": "unhidden", _W + "specVanish": "unhidden",
    _W + "framesetSplitbar": "", _W + "frameset": "links", _W + "hdrShapeDefaults": "", _W + "ffData": "fields",
}  # fmt: skip
_UNWRAPPED: Final = {_W + "fldSimple": "fields", _W + "smartTag": "", _W + "customXml": "other_data"}
_HIDDEN_IDS: Final = ("rsid",)
_LINKING: Final = frozenset(
    ("href", "src", "althref", "hrefblip", "onclick", "onmouseover", "tooltip", "doclocation", "tgtframe")
)
# What draws in the older form of drawings; others hold names, and whole drawings once more as they were (`gfxdata`).
_VML_WORDS: Final = """
    style type coordsize coordorigin path adj fillcolor filled stroked strokecolor strokeweight strokeok fillok inset
    from to points arcsize control1 control2 startangle endangle opacity opacity2 color color2 on angle focus focussize
    focusposition method joinstyle miterlimit endcap dashstyle linestyle weight startarrow endarrow startarrowwidth
    startarrowlength endarrowwidth endarrowlength cropleft cropright croptop cropbottom gain blacklevel grayscale
    bilevel chromakey eqn position polar xrange yrange offset obscured origin matrix aspect size alignshape rotate
    gradientshapeok limo textboxrect connecttype connectlocs aspectratio verticies ext wrapcoords print
"""
_VML: Final = frozenset(_VML_WORDS.split())
_SAYING: Final = frozenset((_W + "t", _NAMESPACES["m"] + "t"))
_MEASURING: Final = frozenset((_WP + "posOffset", _WP + "align"))
_MEASURE: Final = re.compile(r"\s*[A-Za-z0-9-]{1,20}\s*")
# Words that are shown or read out and are no text of a paragraph.
_TOLD: Final = {
    _W + "tblCaption": "the title of a table", _W + "tblDescription": "the description of a table",
    _W + "lvlText": "the numbering of a list",
}  # fmt: skip
_NUMBERING: Final = re.compile(r"%\d|[^\w]|\b\w\b")
_PLACES: Final = {"": "paragraph {}", "header": "the page header", "footer": "the page footer",
                  "footnotes": "a footnote", "endnotes": "an endnote", "numbering": "a list", "styles": "a style",
                  "theme": "a theme"}  # fmt: skip


def cleaned_part(root: Element, kept: frozenset[str]) -> set[str]:
    """Make a part clean, in place.

    Args:
        root: the part's root.
        kept: ids of the relationships that stay.

    Returns:
        What was taken out.

    Raises:
        Refused: tracked changes, comments, embedded objects, linked pictures, or too deep.
    """
    removed: set[str] = set()
    todo: list[tuple[Element, int]] = [(root, 1)]
    seen = 0
    _attributes(root, kept, removed)
    _words(root)
    while todo:
        element, depth = todo.pop()
        seen += 1
        if depth > MOST_DEPTH or seen > MOST_ELEMENTS:
            raise Refused("too_big_inside")
        children = list(_children(element, removed))
        for child in children:
            _refuse(child)
            _attributes(child, kept, removed)
            _words(child)
            todo.append((child, depth + 1))
        element[:] = children
    return removed


def passages_of(root: Element, kind: str) -> Iterator[Passage]:
    """The text of a part, paragraph by paragraph in its order; and what pictures are said to show.

    Args:
        root: of a clean part.
        kind: empty for the main part, else `header` and the like.
    """
    number, pieces = 0, list[str]()
    place = _PLACES[kind]
    for element in root.iter():
        if element.tag == _W + "p":
            if "".join(pieces).strip():
                number += 1
                yield Passage(place.format(number), "".join(pieces))
            pieces = []
        elif element.tag in (_W + "t", _NAMESPACES["m"] + "t"):
            pieces.append(element.text or "")
        elif element.tag in (_W + "tab", _W + "br", _W + "cr"):
            pieces.append(" ")
        elif element.tag == _WP + "docPr" and element.get("descr"):
            yield Passage("the description of a picture", element.get("descr", ""))
        elif element.tag in _TOLD and _NUMBERING.sub("", element.get(_W + "val", "")):
            yield Passage(_TOLD[element.tag], element.get(_W + "val", ""))
    if "".join(pieces).strip():
        yield Passage(place.format(number + 1), "".join(pieces))


def _children(element: Element, removed: set[str]) -> Iterator[Element]:
    """The children that stay; wrappers give way to what they hold."""
    waiting = list(element)
    steps = 0
    while waiting:
        child = waiting.pop(0)
        steps += 1
        if steps > MOST_ELEMENTS:
            raise Refused("too_big_inside")
        tag = child.tag
        if tag == _MC + "AlternateContent":
            fallback = child.find(_MC + "Fallback")
            if fallback is None or not _shows_something(fallback):
                _refuse_text_in(child)
            waiting[:0] = list(fallback) if fallback is not None else []
        elif tag in _UNWRAPPED:
            removed.update(filter(None, (_UNWRAPPED[tag],)))
            waiting[:0] = list(child)
        elif tag in _DROPPED:
            removed.update(filter(None, (_DROPPED[tag],)))
        elif not isinstance(tag, str) or not any(tag.startswith(known) for known in _KNOWN):
            _refuse_text_in(child)
        else:
            yield child


def _refuse_text_in(child: Element) -> None:
    """What is of no known kind goes; but not if it holds words, which would be lost without a word."""
    for each in child.iter():
        if each.tag in _CHANGES:
            raise Refused("tracked")
    if _says_something(child):
        raise Refused("embedded")


def _says_something(element: Element) -> bool:
    """Whether there are words in it, in whichever form."""
    return any(each.tag.endswith("}t") and (each.text or "").strip() for each in element.iter())


def _shows_something(fallback: Element) -> bool:
    """Whether the older form of a drawing has its words, or shows a picture of them."""
    return _says_something(fallback) or any(each.tag in (_A + "blip", _V + "imagedata") for each in fallback.iter())


def _words(element: Element) -> None:
    """Leave words only where they are shown, and so are read."""
    element.tail = None
    if element.tag in _MEASURING:
        element.text = element.text if _MEASURE.fullmatch(element.text or "") else None
    elif element.tag not in _SAYING:
        element.text = None


def _refuse(element: Element) -> None:
    if element.tag in _CHANGES:
        raise Refused("tracked")
    if element.tag in _EMBEDDED:
        raise Refused("embedded")


def _attributes(element: Element, kept: frozenset[str], removed: set[str]) -> None:
    """Leave out ids of who edited when, links, and whatever is of no known kind."""
    for name, value in list(element.attrib.items()):
        namespace, _, local = name.rpartition("}")
        if namespace + "}" == _R:
            if value not in kept:
                if element.tag in (_A + "blip", _V + "imagedata", _V + "fill"):
                    raise Refused("linked_picture")
                del element.attrib[name]
        elif local.startswith(_HIDDEN_IDS):
            removed.add("history")
            del element.attrib[name]
        elif _is_odd(element, namespace and namespace + "}", local):
            del element.attrib[name]
    if element.tag in (_WP + "docPr", _PIC + "cNvPr"):
        # The name is often the file's, the description sometimes a path on somebody's computer.
        element.set("name", "Picture")
        if element.tag == _PIC + "cNvPr":
            element.attrib.pop("descr", None)
        element.attrib.pop("title", None)


def _is_odd(element: Element, namespace: str, local: str) -> bool:
    """Whether an attribute is of no known kind, or leads somewhere."""
    if local.lower() in _LINKING or namespace == _O or (namespace and namespace not in _KNOWN):
        return True
    return not namespace and element.tag.startswith((_V, _O)) and local not in _VML
