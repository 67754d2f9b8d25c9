"""Documents in which issuers publish keys, fetched and parsed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from app.vc import json_text
from app.vc.errors import DidError, ParseError, VcError
from app.verifier.errors import SourceUnavailable
from app.verifier.sources import Budgeted

ACCEPT: Final = "application/did+ld+json, application/did+json;q=0.9, application/json;q=0.8, */*;q=0.1"
MAX_DOCUMENT: Final = 500_000
LARGEST_KEPT: Final = 64_000


class KeyUnreachable(VcError):
    """The place where the issuer publishes its keys did not answer: nobody can tell whether the signature holds."""


class NothingPublished(KeyUnreachable):
    """The issuer's server says that there is nothing at that place."""


class ForeignKey(VcError):
    """The signature names a key of somebody else than the issuer."""


class KeyDocuments:
    """The documents of one verification in which keys are looked up.

    Args:
        documents: where they come from.
    """

    def __init__(self, documents: Budgeted) -> None:
        self._documents = documents
        self._loaded: set[str] = set()

    def load(self, url: str) -> dict[str, Any]:
        """Return the JSON object at `url`, perhaps a kept copy; raises KeyUnreachable or DidError."""
        self._loaded.add(url)
        try:
            data = self._documents.get_public(url, ACCEPT)
        except SourceUnavailable as error:
            kind = NothingPublished if error.reason == "missing" else KeyUnreachable
            raise kind("key_not_found", "The place where the issuer publishes its keys did not answer.") from error
        try:
            return _parsed(data) if len(data) <= LARGEST_KEPT else _parse(data)
        except ParseError as error:
            raise DidError("did_document_invalid", "The issuer's key document is not JSON.") from error

    def drop_copies(self) -> bool:
        """Load anew what came as kept copies; tell whether there is any such document."""
        return self._documents.drop_copies(self._loaded)


def _parse(data: bytes) -> dict[str, Any]:
    return json_text.loads(data, max_bytes=MAX_DOCUMENT)


# What the same bytes say is always the same; which bytes are published is asked each time. Nobody changes what is here.
_parsed = lru_cache(64)(_parse)
