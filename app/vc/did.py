"""DIDs of issuers: names, documents, and the key a document gives for one purpose.

Nothing is fetched here. Whoever fetches a document asks `did_web_url` where it is, and hands what came back to
`key_from_document`. https://www.w3.org/TR/did-core/ https://w3c-ccg.github.io/did-method-web/
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from openvc.did.base import DidResolutionError
from openvc.did.did_key import DidKeyResolver

from app.vc.errors import DidError, ModelError
from app.vc.keys import PublicKey
from app.vc.timestamps import parse_rfc3339, rfc3339

# DID Core first: widespread verifiers take their short path only then. The others define Multikey and JsonWebKey.
DID_CONTEXTS: Final = (
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/multikey/v1",
    "https://w3id.org/security/jwk/v1",
)
_MAX_DID: Final = 1_000
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class VerificationMethodSpec:
    """One key to be listed in a DID document.

    `id`: the full DID URL; `expires`, `revoked`: aware moments or None. A revoked key stays listed, so that its badges
    can say why they fail, but loses assertionMethod; a merely retired one keeps it while its badges live.
    """

    id: str
    public_key: PublicKey
    expires: datetime | None = None
    revoked: datetime | None = None


@lru_cache(maxsize=256)
def did_web_for(base_url: str, issuer_key: str) -> str:
    """Return the did:web of issuer `issuer_key` (letters, digits, . _ -) under `base_url` (http or https).

    For https://badges.example.au it is did:web:badges.example.au:issuers:KEY; a port is written %3A. Raises DidError
    (did_malformed).
    """
    parts = urlsplit(base_url)
    try:
        port = parts.port
    except ValueError as problem:
        raise _malformed("The base URL has no valid port.") from problem
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        raise _malformed("The base URL must be http or https with a host and nothing after its path.")
    if not _HOST.fullmatch(host):
        raise _malformed("The base URL's host cannot be part of a did:web.")
    authority = host if port is None else f"{host}%3A{port}"
    if ":" in issuer_key:
        raise _malformed("An issuer's key may hold letters, digits, dots, underscores and hyphens only.")
    segments = [quote(segment, safe="") for segment in parts.path.split("/") if segment]
    did = ":".join(["did:web", authority, *segments, "issuers", issuer_key])
    did_web_url(did, allow_http_localhost=True)
    return did


def did_web_url(did: str, *, allow_http_localhost: bool) -> str:
    """Return the URL of a did:web's document: https, or http for this machine's own names where that is allowed.

    Own names are localhost, *.localhost and 127.0.0.1. Other IP addresses are never accepted. Raises DidError
    (did_unsupported for another method, did_malformed). https://w3c-ccg.github.io/did-method-web/#read-resolve
    """
    if not did.startswith("did:web:"):
        raise DidError("did_unsupported", "Only did:web names a document on the web.")
    authority, *segments = did.removeprefix("did:web:").split(":")
    host, _, port = unquote(authority).partition(":") if "%3a" in authority.lower() else (authority, "", "")
    odd_port = (port and not _is_port(port)) or authority.count("%") != (1 if port else 0)
    if len(did) > _MAX_DID or not _HOST.fullmatch(host) or odd_port:
        raise _malformed("The did:web does not name a host.")
    for segment in segments:
        if not _SEGMENT.fullmatch(segment) or not _is_safe(unquote(segment)):
            raise _malformed("The did:web has a path that cannot be followed.")
    local = host in ("localhost", _LOOPBACK) or host.endswith(".localhost")
    if _is_ip(host) and not (allow_http_localhost and host == _LOOPBACK):
        raise _malformed("A did:web may not name an IP address.")
    scheme = "http" if local and allow_http_localhost else "https"
    path = "/".join(segments) if segments else ".well-known"
    return f"{scheme}://{host}{':' + port if port else ''}/{path}/did.json"


def did_document(did: str, methods: Sequence[VerificationMethodSpec]) -> dict[str, Any]:
    """Return the DID document that lists `methods`: Ed25519 as Multikey, P-256 and RSA as JsonWebKey.

    assertionMethod holds full ids as text, because the 1EdTech validator reads nothing else; a P-256 key is written as
    a JWK because the same validator takes no Multikey for a JWT. Raises DidError (did_malformed) for an id that is not
    of this DID or used twice. https://www.w3.org/TR/cid-1.0/#verification-methods
    """
    ids = [method.id for method in methods]
    if len(set(ids)) != len(ids) or any(not method_id.startswith(did + "#") for method_id in ids):
        raise _malformed("A key's id must be the DID, #, and a name used once.")
    return {
        "@context": list(DID_CONTEXTS),
        "id": did,
        "verificationMethod": [_method(did, method) for method in methods],
        "assertionMethod": [method.id for method in methods if method.revoked is None],
    }


def key_from_document(document: dict[str, Any], did: str, method_id: str, purpose: str, *, at: datetime) -> PublicKey:
    """Return the key that `document` gives for `method_id`, if `did` lets it serve `purpose` at the moment `at`.

    `purpose` is a verification relationship such as assertionMethod; `at` is aware. All names are compared exactly and
    the key is read from the listed method only, never from the id's fragment. Raises DidError: did_document_invalid,
    key_not_found, key_revoked, key_expired, key_not_authorised; KeyInvalid (key_malformed).
    https://www.w3.org/TR/cid-1.0/#retrieve-verification-method
    """
    if document.get("id") != did:
        raise DidError("did_document_invalid", "The document found is not the document of this DID.")
    method = _listed(document, method_id)
    if method.get("controller") != did:
        raise DidError("key_not_authorised", "The key is controlled by somebody else.")
    for member, code in (("revoked", "key_revoked"), ("expires", "key_expired")):
        if member in method and _moment(method[member]) <= at:
            raise DidError(code, f"The key was {'revoked' if member == 'revoked' else 'in use only'} before this.")
    relationship = document.get(purpose)
    embedded = isinstance(relationship, list) and any(item is method for item in relationship)
    if not isinstance(relationship, list) or not (method_id in relationship or embedded):
        raise DidError("key_not_authorised", f"The DID does not let this key serve {purpose}.")
    return _key(method)


def did_key(did: str) -> PublicKey:
    """Return the key that a did:key is; raise DidError (did_unsupported, did_malformed) or KeyInvalid (key_malformed).

    https://w3c-ccg.github.io/did-key-spec/
    """
    if not DidKeyResolver().supports(did):
        raise DidError("did_unsupported", "This is not a did:key in base58btc.")
    if len(did) > _MAX_DID // 4:
        raise _malformed("The did:key is too long.")
    try:
        method = DidKeyResolver().resolve(did).verification_methods[0]
    except DidResolutionError as problem:
        raise _malformed("The did:key does not hold a key.") from problem
    return PublicKey.from_jwk(dict(method.public_key_jwk or {}))


def _method(did: str, spec: VerificationMethodSpec) -> dict[str, Any]:
    method: dict[str, Any] = {"id": spec.id}
    if spec.public_key.algorithm == "Ed25519":
        method |= {"type": "Multikey", "controller": did, "publicKeyMultibase": spec.public_key.multikey}
    else:
        method |= {"type": "JsonWebKey", "controller": did, "publicKeyJwk": spec.public_key.to_jwk()}
    for member, moment in (("expires", spec.expires), ("revoked", spec.revoked)):
        if moment is not None:
            method[member] = rfc3339(moment)
    return method


def _listed(document: dict[str, Any], method_id: str) -> dict[str, Any]:
    methods = document.get("verificationMethod")
    relationships = [item for value in document.values() if isinstance(value, list) for item in value]
    found = [item for item in relationships if isinstance(item, dict) and item.get("id") == method_id]
    if not isinstance(methods, list | None) or len(found) > 1:
        raise DidError("did_document_invalid", "The DID document lists the key in a way that cannot be trusted.")
    if not found:
        raise DidError("key_not_found", "The DID document does not list the key that signed.")
    return found[0]


def _moment(value: Any) -> datetime:
    try:
        return parse_rfc3339(value)
    except ModelError as problem:
        raise DidError("did_document_invalid", "The DID document gives a key a date that cannot be read.") from problem


def _key(method: dict[str, Any]) -> PublicKey:
    multibase, jwk = method.get("publicKeyMultibase"), method.get("publicKeyJwk")
    if isinstance(multibase, str) and jwk is None:
        return PublicKey.from_multikey(multibase)
    if isinstance(jwk, dict) and multibase is None:
        return PublicKey.from_jwk(jwk)
    raise DidError("did_document_invalid", "The DID document does not write the key in one known form.")


def _malformed(detail: str) -> DidError:
    return DidError("did_malformed", detail)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536


def _is_safe(segment: str) -> bool:
    return segment not in (".", "..") and not re.search(r"[\x00-\x1f/\\?#%\x7f]", segment)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Browsers and libraries also read 127.1 or 2130706433 as addresses: a name ends in a part with a letter.
        return not re.search(r"[a-z]", host.rpartition(".")[2]) or host.rpartition(".")[2].startswith("0x")
    return True
