"""Is this the person? Compares an e-mail address with the identifiers in a badge."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote

from app.verifier.schemas import HolderFacts, Identifier

# MD5 is broken for signatures; here it only hides an address, and older issuers may use it (the standard names both).
_HASHES: Final[Mapping[str, Callable[[bytes], str]]] = {
    "sha256": lambda data: hashlib.sha256(data).hexdigest(),
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_MAILTO: Final = "mailto:"
MAX_LENGTH: Final = 320


def email_matches(holder: HolderFacts, email: str) -> bool:
    """Tell whether `email` is one of the addresses the badge names.

    One match is enough, among all identifiers of the type emailAddress and an id that is a mailto address. Plain
    addresses are compared without regard to case. Of a hash nobody can tell which case was hashed, so three spellings
    are tried: as typed, in lower case, and with only the domain in lower case. The address is not kept, logged or
    shown. https://www.imsglobal.org/spec/ob/v3p0#identityobject
    """
    typed = email.strip()
    if not typed or len(typed) > MAX_LENGTH:
        return False
    local, at, domain = typed.rpartition("@")
    spellings = {typed, typed.lower(), f"{local}{at}{domain.lower()}"}
    subject_id = holder.subject_id or ""
    if subject_id.lower().startswith(_MAILTO) and _same(unquote(subject_id[len(_MAILTO) :]), typed):
        return True
    return any(
        _matches(identifier, spelling)
        for identifier in holder.identifiers
        if identifier.kind == "emailAddress"
        for spelling in spellings
    )


def _matches(identifier: Identifier, spelling: str) -> bool:
    if not identifier.hashed:
        return _same(identifier.value.strip(), spelling)
    name, _, expected = identifier.value.partition("$")
    if name not in _HASHES:
        return False
    digest = _HASHES[name]((spelling + identifier.salt).encode())
    return hmac.compare_digest(digest.encode(), expected.lower().encode())


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.lower().encode(), other.lower().encode())
