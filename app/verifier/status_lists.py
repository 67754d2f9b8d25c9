"""Signed lists of bits: Bitstring Status List 1.0 and its forerunner, Status List 2021.

https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm https://www.w3.org/TR/2023/WD-vc-status-list-20230427/
And beyond them: the list must be the document at the very address the credential names, signed by the credential's own
issuer, and in date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.vc import contexts, status_list
from app.vc.data_integrity import ResolveKey
from app.vc.errors import StatusListError, VcError
from app.verifier import dates, remembered, signature
from app.verifier.errors import SourceUnavailable
from app.verifier.form import as_list, identifier_of
from app.verifier.reading import Readable
from app.verifier.sources import Budgeted
from app.verifier.wording import Stopped, fail, unknown

ACCEPT: Final = (
    "application/vc, application/vc+ld+json;q=0.9, application/ld+json;q=0.8, application/json;q=0.7, "
    "application/vc+jwt;q=0.6, application/jwt;q=0.6, */*;q=0.1"
)
_MEANING: Final = {"revocation": "revoked", "suspension": "suspended"}
# `refresh` says that a newer copy exists, which changes nothing about this one.
_READ_PURPOSES: Final = (*_MEANING, "refresh")
_MAX_TTL: Final = 10**12


@dataclass(frozen=True)
class ListKind:
    """The names that one of the two specifications has for its parts, and the versions of credentials it may be in."""

    entry_type: str
    credential_type: str
    subject_type: str
    first_contexts: tuple[str, ...]


BITSTRING: Final = ListKind(
    "BitstringStatusListEntry", "BitstringStatusListCredential", "BitstringStatusList", (contexts.VC_V2,)
)
OF_2021: Final = ListKind("StatusList2021Entry", "StatusList2021Credential", "StatusList2021", contexts.FIRST_CONTEXTS)


@dataclass(frozen=True)
class Lists:
    """Where lists come from and whose signature they must carry."""

    source: Budgeted
    issuer_id: str
    resolve_key: ResolveKey
    at: datetime
    allow_http_localhost: bool = False


def look_up(entry: dict[str, Any], kind: ListKind, lists: Lists) -> datetime:
    """Return the date of the list if the entry's bit is not set or means nothing; raises Stopped.

    Statuses of several bits, and purposes that are not named above (`message` among them), mean what their issuer
    likes: unknown.
    """
    asked = _asked(entry)
    if asked.size != 1 or asked.purpose not in _READ_PURPOSES:
        raise unknown("status_unsupported")
    document, dated = _list(asked.list_url, kind, lists)
    try:
        is_set = status_list.read_status(_as_bitstring(document, kind), asked)
    except VcError as error:
        raise fail(error.code) from error
    if is_set and asked.purpose in _MEANING:
        raise fail(_MEANING[asked.purpose])
    return dated


def _asked(entry: dict[str, Any]) -> status_list.StatusEntry:
    index = entry.get("statusListIndex")
    if isinstance(index, int) and not isinstance(index, bool):  # against the standard, but some issuers write it
        entry = {**entry, "statusListIndex": str(index)}
    try:
        return status_list.read_entry({**entry, "type": BITSTRING.entry_type})
    except StatusListError as error:
        if error.code == "status_unsupported":
            raise unknown(error.code) from error
        raise fail("status_range" if error.code == "status_range" else "status_malformed") from error


def _as_bitstring(document: dict[str, Any], kind: ListKind) -> dict[str, Any]:
    """A list of 2021 in the words of the later specification, which has the same bits in another spelling."""
    if kind is BITSTRING:
        return document
    types, subject = document.get("type"), document.get("credentialSubject")
    if isinstance(subject, list) and len(subject) == 1:
        subject = subject[0]
    if not isinstance(types, list) or kind.credential_type not in types or not isinstance(subject, dict):
        raise fail("status_malformed")
    encoded = subject.get("encodedList")
    if subject.get("type") not in (kind.subject_type, [kind.subject_type]) or not isinstance(encoded, str):
        raise fail("status_malformed")
    # Its text says base64, its examples and its users write base64url; the two differ in two letters and the padding.
    bits = encoded.rstrip("=").replace("+", "-").replace("/", "_")
    renamed = {**subject, "type": BITSTRING.subject_type, "encodedList": f"u{bits}"}
    return {**document, "type": [*types, BITSTRING.credential_type], "credentialSubject": renamed}


def _list(url: str, kind: ListKind, lists: Lists) -> tuple[dict[str, Any], datetime]:
    """Fetch a list and return it once its origin, signature and age are good."""
    try:
        data = lists.source.get_public(url, ACCEPT)
    except SourceUnavailable as error:
        raise unknown("status_unavailable") from error
    try:
        readable = remembered.read_list(data)
    except Stopped as error:
        raise unknown("status_unavailable") from error
    document = readable.document
    if not _is_first(document, kind) or document.get("id") != url:
        raise fail("status_malformed")
    if identifier_of(document.get("issuer")) != lists.issuer_id:
        raise unknown("status_issuer")
    signed = _signed(readable, lists.resolve_key)
    begins = _in_date(document, lists.at)
    if signed.expires is not None and signed.expires <= lists.at:
        raise unknown("status_stale")
    _keep_no_longer_than_it_is_good(url, document, lists)
    # When it was signed says more than from when it counts: an issuer may let a list begin a little in the past.
    return document, signed.created or begins


def _is_first(document: dict[str, Any], kind: ListKind) -> bool:
    first = as_list(document.get("@context"))[:1]
    return first != [] and first[0] in kind.first_contexts


def _signed(readable: Readable, resolve_key: ResolveKey) -> signature.Signed:
    try:
        return remembered.check_list(readable, resolve_key)
    except signature.IssuerMismatch as error:
        raise fail("status_signature") from error
    except Stopped as stop:
        raise (fail if stop.result == "fail" else unknown)("status_signature") from stop


def _in_date(document: dict[str, Any], at: datetime) -> datetime:
    try:
        begins, ends = dates.period(document)
    except ValueError as error:
        raise fail("status_malformed") from error
    if begins is None:
        raise fail("status_malformed")
    if begins > at or (ends is not None and ends <= at):
        raise unknown("status_stale")
    return begins


def _keep_no_longer_than_it_is_good(url: str, document: dict[str, Any], lists: Lists) -> None:
    """§2.2: `ttl`, in milliseconds, is how long a verifier may keep the list; its own end is a bound as well."""
    subject = as_list(document.get("credentialSubject"))
    ttl = subject[0].get("ttl") if subject and isinstance(subject[0], dict) else None
    if isinstance(ttl, int) and not isinstance(ttl, bool) and 0 <= ttl <= _MAX_TTL:
        lists.source.keep_no_longer(url, ttl / 1000)
    _, ends = dates.period(document)
    if ends is not None:
        lists.source.keep_no_longer(url, (ends - lists.at).total_seconds())
