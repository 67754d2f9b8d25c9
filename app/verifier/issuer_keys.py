"""The issuer's own keys: the only keys a badge may be checked with.

A signature names its key. The name is never trusted: not a key inside it, not the place before its `#`. The key must be
listed by the issuer whom the badge names, in that issuer's own document, for the purpose of making assertions.
https://www.w3.org/TR/cid-1.0/#retrieve-verification-method
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.vc import did, json_text
from app.vc.errors import DidError, ParseError, VcError
from app.vc.keys import PublicKey
from app.verifier.errors import SourceUnavailable
from app.verifier.ports import DocumentSource

ACCEPT: Final = "application/did+ld+json, application/did+json;q=0.9, application/json;q=0.8, */*;q=0.1"
MAX_DOCUMENT: Final = 500_000


class KeyUnreachable(VcError):
    """The place where the issuer publishes its keys did not answer: nobody can tell whether the signature holds."""


class ForeignKey(VcError):
    """The signature names a key of somebody else than the issuer."""


class IssuerKeys:
    """Finds keys of one issuer; what `vc.data_integrity` and `vc.vc_jwt` call `resolve_key`.

    Args:
        issuer_id: the id of the issuer the document names.
        source: where DID documents come from.
        at: the moment for which a key must be in use.
        allow_http_localhost: may this machine's own names be asked by plain http?
    """

    def __init__(self, issuer_id: str, source: DocumentSource, *, at: datetime, allow_http_localhost: bool) -> None:
        self._issuer_id = issuer_id
        self._source = source
        self._at = at
        self._allow_http_localhost = allow_http_localhost

    def __call__(self, method_id: str, purpose: str) -> PublicKey:
        """Return the key `method_id`, if it is the issuer's and serves `purpose`; raises VcError."""
        if not method_id.startswith("did:"):
            raise DidError("did_unsupported", "Keys are looked up by DID only.")
        controller, _, fragment = method_id.partition("#")
        if controller != self._issuer_id:
            raise ForeignKey("issuer_key_mismatch", "The key is not one of the issuer's.")
        if controller.startswith("did:key:"):
            if fragment and fragment != controller.removeprefix("did:key:"):
                raise DidError("key_not_found", "A did:key has one key, which is named like the DID.")
            return did.did_key(controller)
        return did.key_from_document(self._document(controller), controller, method_id, purpose, at=self._at)

    def _document(self, controller: str) -> dict[str, Any]:
        url = did.did_web_url(controller, allow_http_localhost=self._allow_http_localhost)
        try:
            data = self._source.get(url, ACCEPT)
        except SourceUnavailable as error:
            raise KeyUnreachable("key_not_found", "The issuer's DID document could not be fetched.") from error
        try:
            return json_text.loads(data, max_bytes=MAX_DOCUMENT)
        except ParseError as error:
            raise DidError("did_document_invalid", "The issuer's DID document is not JSON.") from error
