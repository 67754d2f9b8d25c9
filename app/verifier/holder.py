"""Is this the person? Compares an e-mail address with the identifiers in a badge."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from app.verifier.schemas import HolderFacts, Identifier

_HASHES: Final = {"sha256": hashlib.sha256}


def email_matches(holder: HolderFacts, email: str) -> bool:
    """Tell whether `email` is one of the addresses the badge names.

    As typed and in lower case: issuers differ in which they hash. The address is not kept, logged or shown.
    https://www.imsglobal.org/spec/ob/v3p0#identityobject
    """
    typed = email.strip()
    spellings = {typed, typed.lower()} - {""}
    return any(
        _matches(identifier, spelling)
        for identifier in holder.identifiers
        if identifier.kind == "emailAddress"
        for spelling in spellings
    )


def _matches(identifier: Identifier, spelling: str) -> bool:
    if not identifier.hashed:
        return hmac.compare_digest(identifier.value.lower().encode(), spelling.lower().encode())
    name, _, expected = identifier.value.partition("$")
    if name not in _HASHES:
        return False
    digest = _HASHES[name]((spelling + identifier.salt).encode()).hexdigest()
    return hmac.compare_digest(digest.encode(), expected.lower().encode())
