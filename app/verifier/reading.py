"""From bytes of any of the four kinds to one JSON document and the way it is secured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.vc import baking, json_text
from app.vc.errors import VcError
from app.vc.keys import base64url_decode
from app.verifier.errors import SourceUnavailable
from app.verifier.ports import DocumentSource
from app.verifier.schemas import Container, Presented, Securing
from app.verifier.wording import Stopped, fail, unknown

MAX_BADGE_BYTES: Final = 5_000_000
MAX_TEXT_BYTES: Final = 1_000_000
ACCEPT: Final = (
    "application/vc+ld+json, application/vc;q=0.9, application/ld+json;q=0.8, application/json;q=0.7, "
    "application/vc+jwt;q=0.6, application/jwt;q=0.6, image/png;q=0.5, image/svg+xml;q=0.5, text/plain;q=0.4, */*;q=0.1"
)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_HTML: Final = re.compile(r"<(!doctype\s+)?html", re.IGNORECASE)
_REGISTERED_CLAIMS: Final = ("iss", "sub", "jti", "nbf", "exp", "iat", "aud")


@dataclass(frozen=True)
class Readable:
    """A badge that could be read, before anything of it is believed.

    `document`: the credential, of a token its payload without the registered claims; `token`: the compact JWS, if any.
    """

    container: Container
    securing: Securing
    document: dict[str, Any]
    token: str | None


def read(presented: Presented, source: DocumentSource) -> Readable:
    """Fetch if need be, recognise the kind by its first bytes and parse; raises Stopped."""
    data = presented.data if presented.address is None else _fetch(presented.address, source)
    if not data:
        raise fail("parse_error")
    if len(data) > MAX_BADGE_BYTES:
        raise fail("too_large")
    if data.startswith(_PNG):
        return _parse(_unbaked(baking.unbake_png, data), "png")
    text = _text(data)
    if text.startswith("<"):
        if _HTML.match(text):
            raise fail("not_a_badge")
        return _parse(_unbaked(baking.unbake_svg, data), "svg")
    return _parse(text, "json" if text.startswith("{") else "jwt")


def _fetch(address: str, source: DocumentSource) -> bytes:
    try:
        return source.get(address, ACCEPT)
    except SourceUnavailable as error:
        refused = "That address was not asked: only public https addresses are." if error.reason == "refused" else None
        raise Stopped("unknown", "url_unavailable", refused) from error


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise fail("parse_error") from error


def _unbaked(unbake: Callable[[bytes], bytes], picture: bytes) -> str:
    try:
        content = unbake(picture)
    except VcError as error:
        raise fail("no_badge_in_picture") from error
    return _text(content)


def _parse(text: str, container: Container) -> Readable:
    try:
        if text.startswith("{"):
            return Readable(container, "data-integrity", json_text.loads(text, max_bytes=MAX_TEXT_BYTES), None)
        return Readable(container, "jwt", _payload(text), text)
    except VcError as error:
        raise fail("parse_error") from error


def _payload(token: str) -> dict[str, Any]:
    """The credential a token claims to carry. Not verified: only for judging its form before its signature."""
    if len(token) > MAX_TEXT_BYTES or not _COMPACT_JWS.fullmatch(token):
        raise fail("parse_error")
    try:
        claims = json_text.loads(base64url_decode(token.split(".")[1]), max_bytes=MAX_TEXT_BYTES)
    except ValueError as error:
        raise fail("parse_error") from error
    if "vc" in claims:  # the older VC 1.1 way of wrapping a credential
        raise unknown("context_unknown")
    return {key: value for key, value in claims.items() if key not in _REGISTERED_CLAIMS}
