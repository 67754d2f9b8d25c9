"""From bytes of any of the four kinds to one JSON document and the way it is secured."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.vc import baking, contexts, enveloping, json_text
from app.vc.errors import JwtInvalid, VcError
from app.vc.keys import base64url_decode
from app.verifier import wrapped
from app.verifier.errors import SourceUnavailable
from app.verifier.ports import DocumentSource
from app.verifier.schemas import Container, Presented, Securing
from app.verifier.wording import Stopped, fail

MAX_BADGE_BYTES: Final = 5_000_000
MAX_TEXT_BYTES: Final = 1_000_000
SECONDS_TO_ARRIVE: Final = 60.0
"""How long a badge may take to come in: who sends a byte a second holds a connection, not for ever."""
ACCEPT: Final = (
    "application/vc+ld+json, application/vc;q=0.9, application/ld+json;q=0.8, application/json;q=0.7, "
    "application/vc+jwt;q=0.6, application/jwt;q=0.6, image/png;q=0.5, image/svg+xml;q=0.5, text/plain;q=0.4, */*;q=0.1"
)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_HTML: Final = re.compile(r"<(!doctype\s+)?html", re.IGNORECASE)
_REGISTERED_CLAIMS: Final = ("iss", "sub", "jti", "nbf", "exp", "iat", "aud")
_ENVELOPE: Final = re.compile(r"data:application/(?:vc\+jwt|jwt),(.+)", re.DOTALL)


@dataclass(frozen=True)
class Readable:
    """A badge that could be read, before anything of it is believed.

    `document`: the credential, of a token its payload without the registered claims; `token`: the compact JWS, if any;
    `is_wrapped`: whether the token carries the credential as VC 1.1 does; `digest`: SHA-256 of the text that all of it
    was read from, None where it stood inside another document.
    """

    container: Container
    securing: Securing
    document: dict[str, Any]
    token: str | None
    is_wrapped: bool = False
    digest: bytes | None = None


def read(presented: Presented, source: DocumentSource) -> Readable:
    """Fetch if need be, recognise the kind by its first bytes and parse; raises Stopped."""
    return read_bytes(presented.data or b"" if presented.address is None else _fetch(presented.address, source))


def read_bytes(data: bytes) -> Readable:
    """Recognise the kind of a badge that is at hand, and parse it; raises Stopped."""
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


def read_token(token: str, container: Container = "jwt") -> Readable:
    """Read a compact JWS; raises Stopped."""
    try:
        claims = _claims(token)
        if wrapped.is_wrapped(claims):
            return Readable(
                container, "jwt", wrapped.credential_of(claims), token, is_wrapped=True, digest=_digest(token)
            )
    except JwtInvalid as error:
        raise fail(error.code) from error
    except VcError as error:
        raise fail("parse_error") from error
    document = {key: value for key, value in claims.items() if key not in _REGISTERED_CLAIMS}
    return Readable(container, "jwt", document, token, digest=_digest(token))


def _parse(text: str, container: Container) -> Readable:
    if not text.startswith("{"):
        return read_token(text, container)
    try:
        document = json_text.loads(text, max_bytes=MAX_TEXT_BYTES)
    except VcError as error:
        raise fail("parse_error") from error
    if enveloping.is_enveloped(document, "credential"):
        return read_token(_enveloped(document), container)
    return Readable(container, "data-integrity", document, None, digest=_digest(text))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _enveloped(envelope: dict[str, Any]) -> str:
    """The token in an envelope, which is unsigned itself and says nothing else.

    https://www.w3.org/TR/vc-data-model-2.0/#enveloped-verifiable-credentials
    """
    named, types, identifier = envelope.get("@context"), envelope.get("type"), envelope.get("id")
    first = named[:1] if isinstance(named, list) else [named]
    found = _ENVELOPE.fullmatch(identifier) if isinstance(identifier, str) else None
    is_alone = envelope.keys() <= {"@context", "type", "id"} and (not isinstance(types, list) or len(types) == 1)
    if first != [contexts.VC_V2] or found is None or not is_alone:
        raise fail("parse_error")
    return found[1]


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token. Not verified: only for judging the credential's form before its signature."""
    if len(token) > MAX_TEXT_BYTES or not _COMPACT_JWS.fullmatch(token):
        raise fail("parse_error")
    try:
        return json_text.loads(base64url_decode(token.split(".")[1]), max_bytes=MAX_TEXT_BYTES)
    except ValueError as error:
        raise fail("parse_error") from error
