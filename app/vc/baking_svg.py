"""Badges in SVG files. https://www.imsglobal.org/spec/ob/v3p0/#svg"""

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.vc.errors import BakingError

MAX_PICTURE: Final = 5_000_000
MAX_DOCUMENT: Final = 1_000_000
NAMESPACE: Final = "https://purl.imsglobal.org/ob/v3p0"

_SVG: Final = "{http://www.w3.org/2000/svg}svg"
_CREDENTIAL: Final = f"{{{NAMESPACE}}}credential"
_JWS: Final = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_ENCODING: Final = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", re.IGNORECASE)
# What may stand before the root element (a document type only by name, never with declarations), then its start tag.
_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?(?:(?!\?>).)*+\?>|<!--(?:(?!-->).)*+-->|<!DOCTYPE[^\[<>]*+>)*+"
    rb"(<[^\s/>]++(?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>",
    re.DOTALL,
)


def bake_svg(svg: bytes, document: bytes) -> bytes:
    """Return `svg` (UTF-8, up to 5 MB) with `document` (JSON, or a compact JWS) right after its root's start tag.

    Scripts in the picture are not removed here: bake only pictures you drew or scrubbed. Raises BakingError
    (baking_refused) for a picture that is not a plain SVG or already holds a badge.
    """
    if not document or len(document) > MAX_DOCUMENT:
        raise _refused("The badge is empty or larger than 1 MB.")
    if len(svg) > MAX_PICTURE:
        raise _refused("The picture is larger than 5 MB.")
    if _credentials(_parse(svg)):
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
    if [_content(found) for found in _credentials(_parse(baked))] == [document]:
        return baked
    raise _refused("The SVG or the badge is written in a way that cannot be baked.")


def unbake_svg(svg: bytes) -> bytes:
    """Return the badge in `svg`: JSON, or a compact JWS; it is a stranger's text and not yet checked in any way.

    Raises BakingError: baking_missing where there is none, baking_refused for XML that declares entities, for two
    badges or for one larger than 1 MB.
    """
    return _read(_parse(svg))


def _parse(svg: bytes) -> Element:
    if len(svg) > MAX_PICTURE + 2 * MAX_DOCUMENT:
        raise _refused("The picture is larger than 5 MB.")
    encoding = _ENCODING.match(svg.removeprefix(b"\xef\xbb\xbf"))
    if encoding is not None and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise _refused("The SVG is not written in UTF-8.")
    try:
        # Drawing programs name the SVG 1.1 document type; it is never read, and one that declares entities is refused.
        root = fromstring(svg, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as problem:
        raise _refused("The picture is not a plain SVG.") from problem
    if not isinstance(root, Element) or root.tag != _SVG:
        raise _refused("The picture is not an SVG.")
    return root


def _credentials(root: Element) -> list[Element]:
    return list(root.iter(_CREDENTIAL))


def _read(root: Element) -> bytes:
    found = _credentials(root)
    if not found:
        raise BakingError("baking_missing", "The picture holds no badge.")
    if len(found) > 1 or len(found[0]):
        raise _refused("The picture holds more than one badge.")
    text = _content(found[0])
    if not text or len(text) > MAX_DOCUMENT:
        raise _refused("The badge in the picture is empty or larger than 1 MB.")
    return text


def _content(element: Element) -> bytes:
    return (element.get("verify") or element.text or "").strip().encode()


def _element(document: bytes) -> bytes:
    if _JWS.fullmatch(document):
        return b'<openbadges:credential verify="' + document + b'"></openbadges:credential>'
    body = document.replace(b"]]>", b"]]]]><![CDATA[>")
    return b"<openbadges:credential><![CDATA[" + body + b"]]></openbadges:credential>"


def _refused(detail: str) -> BakingError:
    return BakingError("baking_refused", detail)
