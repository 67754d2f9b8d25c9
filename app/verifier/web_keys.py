"""Keys of issuers whose id is a web address.

Anybody can write "controller: the good issuer" into a file of their own, so such a claim proves nothing by itself, not
even on the issuer's own host: many hosts show files of many people. A key is the issuer's only if a place says so that
the issuer alone can write to:

1. the document at the issuer's id, which lists the key for the purpose;
2. a document in the issuer's own folder, below the path of its id, which names the issuer as its controller;
3. the key set of the whole host, `/.well-known/jwks.json` (RFC 8615: a place for whoever runs the host). Where its keys
   say whose they are (`iss`), only the issuer's own count.

https://www.w3.org/TR/cid-1.0/#retrieve-verification-method https://www.imsglobal.org/spec/ob/v3p0/impl#key-management
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from app.vc import did
from app.vc.errors import DidError
from app.vc.keys import PublicKey
from app.verifier.key_documents import ForeignKey, KeyDocuments, KeyUnreachable, NothingPublished

JWKS_PATH: Final = "/.well-known/jwks.json"
_MAX_KEYS: Final = 100
_MAX_URL: Final = 1_000


def find(issuer_id: str, method_id: str, purpose: str, documents: KeyDocuments, *, at: datetime) -> PublicKey:
    """Return the key `method_id` (an https address, perhaps with a fragment) of the issuer `issuer_id` (one as well).

    Raises ForeignKey for a key on another host, KeyUnreachable, DidError (did_malformed, did_document_invalid,
    key_not_found, key_not_authorised, key_revoked, key_expired) or KeyInvalid.
    """
    base, _, _ = method_id.partition("#")
    if _origin(base) != _origin(issuer_id):
        raise ForeignKey("issuer_key_mismatch", "The key lies on another host than its issuer.")
    if base == issuer_id:
        return _at_the_issuer(documents.load(base), issuer_id, method_id, purpose, at=at)
    if _is_below(base, issuer_id):
        return _single(documents.load(base), issuer_id, method_id, purpose, at=at)
    return _published(issuer_id, method_id, purpose, documents, at=at)


def _is_below(address: str, issuer_id: str) -> bool:
    """Tell whether an address lies in the issuer's own folder; a whole host, or a query, is nobody's own."""
    parts = urlsplit(issuer_id)
    if parts.query or not parts.path.strip("/"):
        return False
    return address.startswith(issuer_id.rstrip("/") + "/")


def is_web_address(identifier: str) -> bool:
    """Tell whether an id is an address at which its issuer could publish keys."""
    return identifier.startswith("https://")


def _origin(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    odd = parts.scheme != "https" or not host or parts.username is not None or len(address) > _MAX_URL
    if odd or "/.." in address or "/./" in address or "%2e" in address.lower() or "\\" in address:
        raise DidError("did_malformed", "A key's address must be a plain https address.")
    return str(host), port or 443


def _at_the_issuer(
    document: dict[str, Any], issuer_id: str, method_id: str, purpose: str, *, at: datetime
) -> PublicKey:
    """The document at the issuer's own id: a controller document, or the one key that the issuer has."""
    if "publicKeyMultibase" in document or "publicKeyJwk" in document or "kty" in document:
        return _single(document, issuer_id, method_id, purpose, at=at)
    return did.key_from_document(document, issuer_id, method_id, purpose, at=at)


def _single(document: dict[str, Any], issuer_id: str, method_id: str, purpose: str, *, at: datetime) -> PublicKey:
    """One key, as a Multikey, a JsonWebKey or a bare JWK, that names the issuer as its controller.

    It is judged as if the issuer's document listed it and nothing else, its controller too: who put it there was asked
    before.
    """
    if document.get("id", document.get("kid", method_id)) not in (method_id, method_id.partition("#")[0]):
        raise DidError("key_not_found", "At the key's address there is another key.")
    if "kty" in document:
        _signs(document)
        members = ("controller", "id", "expires", "revoked")
        document = {**{name: document[name] for name in members if name in document}, "publicKeyJwk": document}
    method = {**document, "id": method_id}
    listing = {"id": issuer_id, "verificationMethod": [method], purpose: [method_id]}
    return did.key_from_document(listing, issuer_id, method_id, purpose, at=at)


def _published(issuer_id: str, method_id: str, purpose: str, documents: KeyDocuments, *, at: datetime) -> PublicKey:
    """A key elsewhere on the issuer's host, if the host's key set or else the issuer's own document lists it."""
    host, port = _origin(issuer_id)
    jwks_url = f"https://{host}{'' if port == 443 else f':{port}'}{JWKS_PATH}"
    silence: KeyUnreachable | None = None
    try:
        jwk = _in_set(documents.load(jwks_url), jwks_url, issuer_id, method_id)
    except (NothingPublished, DidError):
        jwk = None
    except KeyUnreachable as error:
        jwk, silence = None, error
    if jwk is not None:
        return PublicKey.from_jwk(jwk)
    listing = documents.load(issuer_id)
    named = listing.get(purpose)
    if listing.get("id") == issuer_id and isinstance(named, list) and method_id in named:
        if not any(isinstance(each, dict) and each.get("id") == method_id for each in _methods(listing)):
            return _single(documents.load(method_id.partition("#")[0]), issuer_id, method_id, purpose, at=at)
        return did.key_from_document(listing, issuer_id, method_id, purpose, at=at)
    if silence is not None:
        raise silence  # the key set might have listed it
    raise DidError("key_not_authorised", "Neither the issuer nor its host's key set lists the key.")


def _methods(document: dict[str, Any]) -> list[Any]:
    methods = document.get("verificationMethod")
    return methods if isinstance(methods, list) else []


def _in_set(key_set: dict[str, Any], url: str, issuer_id: str, method_id: str) -> dict[str, Any] | None:
    keys = key_set.get("keys")
    if not isinstance(keys, list) or len(keys) > _MAX_KEYS or not all(isinstance(key, dict) for key in keys):
        raise DidError("did_document_invalid", "The host's key set is not a key set.")
    address, _, name = method_id.partition("#")
    names = (method_id, name) if address == url and name else (method_id,)
    found: list[dict[str, Any]] = [key for key in keys if key.get("kid") in names]
    if any("iss" in key for key in keys):
        found = [key for key in found if key.get("iss") == issuer_id]
    if len(found) != 1:
        return None
    _signs(found[0])
    return found[0]


def _signs(jwk: dict[str, Any]) -> None:
    if jwk.get("use", "sig") != "sig":
        raise DidError("key_not_authorised", "The key is not there to sign.")
