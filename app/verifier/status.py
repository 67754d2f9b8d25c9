"""Has the issuer taken the badge back?

Bitstring Status List 1.0 (https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm), and beyond it: the list
must be the document at the very address the badge names, signed by the badge's own issuer, and in date. A list that
cannot be had, or not be relied on, leaves the question open; it never means "not revoked".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.vc import contexts, status_list
from app.vc.data_integrity import ResolveKey
from app.vc.errors import VcError
from app.verifier import signature
from app.verifier.errors import SourceUnavailable
from app.verifier.form import as_list, identifier_of
from app.verifier.moments import moment, moment_or_none
from app.verifier.ports import DocumentSource
from app.verifier.reading import read
from app.verifier.schemas import OK, Presented
from app.verifier.wording import Stopped, fail, unknown

ACCEPT: Final = (
    "application/vc, application/vc+ld+json;q=0.9, application/ld+json;q=0.8, application/json;q=0.7, "
    "application/vc+jwt;q=0.6, application/jwt;q=0.6, */*;q=0.1"
)
MAX_ENTRIES: Final = 4
_INDEX: Final = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_MEANING: Final = {"revocation": "revoked", "suspension": "suspended"}


@dataclass(frozen=True)
class Status:
    """What the lists say: a code for the check, the oldest list's own date and the first list's address."""

    code: str
    list_at: datetime | None = None
    list_url: str | None = None


@dataclass(frozen=True)
class Lists:
    """Where lists come from and whose signature they must carry."""

    source: DocumentSource
    issuer_id: str
    resolve_key: ResolveKey
    at: datetime


def check(document: dict[str, Any], lists: Lists) -> Status:
    """Look the badge up in every list it names; raises Stopped with the gravest answer.

    Entries of purpose `refresh` say that a newer copy exists, which changes nothing about this one.
    """
    entries = as_list(document.get("credentialStatus"))
    if not entries:
        return Status("no_status")
    if len(entries) > MAX_ENTRIES or not all(isinstance(entry, dict) for entry in entries):
        raise fail("status_malformed")
    stops: list[Stopped] = []
    dates: list[datetime] = []
    for entry in entries:
        try:
            dates.append(_look_up(entry, lists))
        except Stopped as stop:
            stops.append(stop)
    if stops:
        raise min(stops, key=_gravity)
    return Status(OK, min(dates), str(entries[0].get("statusListCredential")))


def _gravity(stop: Stopped) -> int:
    order = ("revoked", "suspended")
    if stop.code in order:
        return order.index(stop.code)
    return len(order) if stop.result == "fail" else len(order) + 1


def _look_up(entry: dict[str, Any], lists: Lists) -> datetime:
    """Return the date of the list if the badge's bit is not set."""
    if "BitstringStatusListEntry" not in as_list(entry.get("type")) or entry.get("statusSize", 1) != 1:
        raise unknown("status_unsupported")
    purpose, url, index = entry.get("statusPurpose"), entry.get("statusListCredential"), _index(entry)
    if not isinstance(purpose, str) or not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise fail("status_malformed")
    if purpose not in (*_MEANING, "refresh"):
        raise unknown("status_unsupported")
    document, dated = _list(url, lists)
    try:
        is_set = status_list.read_bit(document, index, purpose)
    except VcError as error:
        raise fail(error.code) from error
    if is_set and purpose in _MEANING:
        raise fail(_MEANING[purpose])
    return dated


def _index(entry: dict[str, Any]) -> int:
    value = entry.get("statusListIndex")
    if isinstance(value, int) and not isinstance(value, bool):  # against the standard, but some issuers write it
        value = str(value)
    if not isinstance(value, str) or not _INDEX.fullmatch(value):
        raise fail("status_malformed")
    return int(value)


def _list(url: str, lists: Lists) -> tuple[dict[str, Any], datetime]:
    """Fetch a list and return it once its origin, signature and age are good."""
    try:
        data = lists.source.get(url, ACCEPT)
    except SourceUnavailable as error:
        raise unknown("status_unavailable") from error
    try:
        readable = read(Presented.from_bytes(data), lists.source)
    except Stopped as error:
        raise unknown("status_unavailable") from error
    document = readable.document
    if as_list(document.get("@context"))[:1] != [contexts.VC_V2] or document.get("id") != url:
        raise fail("status_malformed")
    if identifier_of(document.get("issuer")) != lists.issuer_id:
        raise unknown("status_issuer")
    signed = _signed(lambda: signature.check(readable, lists.resolve_key))
    _in_date(document, lists.at)
    if signed.expires is not None and signed.expires <= lists.at:
        raise unknown("status_stale")
    # When it was signed says more than from when it counts: an issuer may let a list begin a little in the past.
    return document, signed.created or moment(document["validFrom"])


def _signed(verify: Callable[[], signature.Signed]) -> signature.Signed:
    try:
        return verify()
    except signature.IssuerMismatch as error:
        raise fail("status_signature") from error
    except Stopped as stop:
        raise (fail if stop.result == "fail" else unknown)("status_signature") from stop


def _in_date(document: dict[str, Any], at: datetime) -> None:
    begins = moment_or_none(document.get("validFrom"))
    if begins is None or ("validUntil" in document and moment_or_none(document["validUntil"]) is None):
        raise fail("status_malformed")
    ends = moment_or_none(document.get("validUntil"))
    if begins > at or (ends is not None and ends <= at):
        raise unknown("status_stale")
