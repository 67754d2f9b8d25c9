"""The issuer's own keys: the only keys a badge may be checked with.

A signature names its key. The name is never trusted: not a key inside it, not the place before its `#`. The key must be
listed by the issuer whom the badge names, in that issuer's own document, for the purpose of making assertions.
https://www.w3.org/TR/cid-1.0/#retrieve-verification-method
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from app.vc import did
from app.vc.errors import DidError
from app.vc.keys import PublicKey
from app.verifier import did_jwk, web_keys
from app.verifier.key_documents import ForeignKey, KeyDocuments
from app.verifier.sources import Budgeted

__all__ = ["ForeignKey", "IssuerKeys"]

_DID_KEY: Final = "did:key:"


class IssuerKeys:
    """Finds keys of one issuer; what `vc.data_integrity` and `vc.vc_jwt` call `resolve_key`.

    Args:
        issuer_id: the id of the issuer the document names.
        source: where key documents come from.
        at: the moment for which a key must be in use.
        allow_http_localhost: may this machine's own names be asked by plain http?
    """

    def __init__(self, issuer_id: str, source: Budgeted, *, at: datetime, allow_http_localhost: bool) -> None:
        self._issuer_id = issuer_id
        self._documents = KeyDocuments(source)
        self._at = at
        self._allow_http_localhost = allow_http_localhost
        self._found: dict[tuple[str, str], PublicKey] = {}

    def __call__(self, method_id: str, purpose: str) -> PublicKey:
        """Return the key `method_id`, if it is the issuer's and serves `purpose`; raises VcError.

        A badge and its status list name the same key, as a rule, and one verification sees one state of things.
        """
        if (method_id, purpose) not in self._found:
            self._found[method_id, purpose] = self._find_anew(method_id, purpose)
        return self._found[method_id, purpose]

    def _find_anew(self, method_id: str, purpose: str) -> PublicKey:
        try:
            return self._find(method_id, purpose)
        except DidError as error:
            # A kept copy may be from before the key was added.
            if error.code not in ("key_not_found", "key_not_authorised") or not self._documents.drop_copies():
                raise
            return self._find(method_id, purpose)

    def _find(self, method_id: str, purpose: str) -> PublicKey:
        controller, _, fragment = method_id.partition("#")
        if web_keys.is_web_address(self._issuer_id) and web_keys.is_web_address(method_id):
            return web_keys.find(self._issuer_id, method_id, purpose, self._documents, at=self._at)
        if controller != self._issuer_id:
            raise ForeignKey("issuer_key_mismatch", "The key is not one of the issuer's.")
        if controller.startswith(_DID_KEY):
            return _only(fragment, controller.removeprefix(_DID_KEY), lambda: did.did_key(controller))
        if controller.startswith(did_jwk.PREFIX):
            return _only(fragment, did_jwk.KEY_NAME, lambda: did_jwk.key_of(controller))
        url = did.did_web_url(controller, allow_http_localhost=self._allow_http_localhost)
        return did.key_from_document(self._documents.load(url), controller, method_id, purpose, at=self._at)


def _only(fragment: str, name: str, key: Callable[[], PublicKey]) -> PublicKey:
    """The key of a DID that is its key, which has one name in it."""
    if fragment and fragment != name:
        raise DidError("key_not_found", "A DID that is a key has one key only.")
    return key()
