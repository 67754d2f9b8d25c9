"""Badges in SVG files. https://www.imsglobal.org/spec/ob/v3p0/#svg"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from app.vc.errors import BakingError

MAX_PICTURE: Final = 5_000_000
MAX_DOCUMENT: Final = 1_000_000
NAMESPACE: Final = "https://purl.imsglobal.org/ob/v3p0"

_MAX_ELEMENTS: Final = 100_000
_MAX_DEPTH: Final = 1_000
_SVG: Final = "{http://www.w3.org/2000/svg}svg"
_CREDENTIAL: Final = f"{{{NAMESPACE}}}credential"
_SPACE: Final = " \t\r\n"  # what XML calls so; a badge may begin with any other space there is
_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_ENCODING: Final = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"
# What may stand before the root element (a document type only by name, never with declarations), then its start tag.
_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?(?:(?!\?>).)*+\?>|<!--(?:(?!-->).)*+-->|<!DOCTYPE[^\[<>]*+>)*+"
    rb"(<[^\s/>]++(?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>",
    re.DOTALL,
)


def bake_svg(svg: bytes, document: bytes) -> bytes:
    """Return `svg` (UTF-8, up to 5 MB) with `document` (JSON, or a compact JWS) right after its root's start tag.

    Scripts in the picture are not removed here: bake only pictures you drew or scrubbed. Raises BakingError
    (baking_refused) for a picture that is not a plain SVG or already holds a badge, and for a badge that XML would not
    give back as it is.
    """
    if not document or len(document) > MAX_DOCUMENT:
        raise _refused("The badge is empty or larger than 1 MB.")
    if len(svg) > MAX_PICTURE:
        raise _refused("The picture is larger than 5 MB.")
    if _badges(svg):
        raise _refused("The picture already holds a badge.")
    root = _ROOT.match(svg)
    if root is None:
        raise _refused("The SVG's root element cannot be found.")
    tag, closing = root[1], root[2]
    name = tag.split(maxsplit=1)[0][1:]
    # The prefix is declared on the root as the specification shows it, unless the picture declares it already.
    declared = b"" if re.search(rb"\sxmlns:openbadges\s*=", tag) else b' xmlns:openbadges="' + NAMESPACE.encode() + b'"'
    end = b"</" + name + b">" if closing else b""
    baked = svg[: root.end(1)] + declared + b">" + _element(document) + end + svg[root.end() :]
    if [found.content for found in _badges(baked)] == [document]:
        return baked
    raise _refused("The SVG or the badge is written in a way that cannot be baked.")


def unbake_svg(svg: bytes) -> bytes:
    """Return the badge in `svg`: JSON, or a compact JWS; it is a stranger's text and not yet checked in any way.

    Raises BakingError: baking_missing where there is none; baking_refused for XML that declares anything, for two
    badges, for a badge that is not one plain text, or for one larger than 1 MB.
    """
    found = _badges(svg)
    if not found:
        raise BakingError("baking_missing", "The picture holds no badge.")
    if len(found) > 1:
        raise _refused("The picture holds more than one badge.")
    if not found[0].content or len(found[0].content) > MAX_DOCUMENT:
        raise _refused("The badge in the picture is empty or larger than 1 MB.")
    return found[0].content


class _Badge:
    """One credential element as it is read: a JWS in `verify`, or a text."""

    def __init__(self, verify: str | None) -> None:
        self._verify = verify
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """Take the next piece of its text."""
        self._texts.append(text)

    def close(self) -> None:
        """Refuse what different readers would read differently."""
        if self._verify is None:
            return
        if "".join(self._texts).strip(_SPACE):
            raise _refused("The picture holds more than one badge.")
        if not _JWS.fullmatch(self._verify.strip(_SPACE)):
            raise _refused("The badge in the picture is not written correctly.")

    @property
    def content(self) -> bytes:
        """The badge's bytes."""
        text = "".join(self._texts) if self._verify is None else self._verify
        return text.strip(_SPACE).encode()


class _Reader:
    """Receives a picture piece by piece and keeps nothing of it but badges, so that its size costs no memory."""

    def __init__(self) -> None:
        self.badges: list[_Badge] = []
        self._open: _Badge | None = None
        self._elements = 0
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if self._elements == 0 and tag != _SVG:
            raise _refused("The picture is not an SVG.")
        self._elements += 1
        self._depth += 1
        if self._elements > _MAX_ELEMENTS or self._depth > _MAX_DEPTH:
            raise _refused("The picture has too many parts, or they are too deep in each other.")
        self._stay_plain()
        if tag == _CREDENTIAL:
            self._open = _Badge(attributes.get("verify"))
            self.badges.append(self._open)

    def end(self, _tag: str) -> None:
        """An element ends; within a badge there is none, so it is the badge itself."""
        self._depth -= 1
        if self._open is not None:
            self._open.close()
            self._open = None

    def data(self, text: str) -> None:
        """Some text."""
        if self._open is not None:
            self._open.add(text)

    def comment(self, _text: str) -> None:
        """A comment: some readers stop there, others read on."""
        self._stay_plain()

    def pi(self, _target: str, _text: str | None = None) -> None:
        """An instruction to some program, likewise."""
        self._stay_plain()

    def _stay_plain(self) -> None:
        if self._open is not None:
            raise _refused("The badge in the picture is not one plain text.")


class _Parser(DefusedXMLParser):
    """Takes a document type by name, which drawing programs write and nobody reads, and none that declares anything."""

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: bool
    ) -> None:
        """Refuse declarations: they could add entities, or attributes that stand nowhere in the file."""
        if has_internal_subset:
            super().defused_start_doctype_decl(name, sysid, pubid, has_internal_subset)


def _badges(svg: bytes) -> list[_Badge]:
    if len(svg) > MAX_PICTURE + 2 * MAX_DOCUMENT:
        raise _refused("The picture is larger than 5 MB.")
    encoding = _ENCODING.match(svg.removeprefix(_BOM))
    if encoding is not None and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise _refused("The SVG is not written in UTF-8.")
    try:
        has_nul = "\0" in svg.decode()  # a parser takes it for UTF-16
    except UnicodeDecodeError as problem:
        raise _refused("The SVG is not written in UTF-8.") from problem
    if has_nul:
        raise _refused("The SVG is not written in UTF-8.")
    reader = _Reader()
    parser = _Parser(target=reader, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(svg)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as problem:
        raise _refused("The picture is not a plain SVG.") from problem
    return reader.badges


def _element(document: bytes) -> bytes:
    if _JWS.fullmatch(document.decode(errors="replace")):
        return b'<openbadges:credential verify="' + document + b'"></openbadges:credential>'
    body = document.replace(b"]]>", b"]]]]><![CDATA[>")
    return b"<openbadges:credential><![CDATA[" + body + b"]]></openbadges:credential>"


def _refused(detail: str) -> BakingError:
    return BakingError("baking_refused", detail)
