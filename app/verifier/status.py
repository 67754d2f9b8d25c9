"""Has the issuer taken the badge back?

Every entry of `credentialStatus` is looked up, whatever the others say. A list that cannot be had, or not be relied on,
leaves the question open; it never means "not revoked".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.verifier import revocation_list, status_lists
from app.verifier.form import as_list
from app.verifier.schemas import OK
from app.verifier.status_lists import Lists
from app.verifier.wording import Stopped, fail, unknown

__all__ = ["Lists", "Status", "check"]

MAX_ENTRIES: Final = 4


@dataclass(frozen=True)
class Status:
    """What the lists say: a code for the check, the oldest list's own date and the first list's address.

    `list_at` is None where there is no list, or one says nothing of its age.
    """

    code: str
    list_at: datetime | None = None
    list_url: str | None = None


def check(document: dict[str, Any], lists: Lists) -> Status:
    """Look the credential up in every list it names; raises Stopped with the gravest answer."""
    entries = as_list(document.get("credentialStatus"))
    if not entries:
        return Status("no_status")
    if len(entries) > MAX_ENTRIES or not all(isinstance(entry, dict) for entry in entries):
        raise fail("status_malformed")
    stops: list[Stopped] = []
    dates: list[datetime | None] = []
    for entry in entries:
        try:
            dates.append(_look_up(document, entry, lists))
        except Stopped as stop:
            stops.append(stop)
    if stops:
        raise min(stops, key=_gravity)
    known = [date for date in dates if date is not None]
    first = entries[0].get("statusListCredential", entries[0].get("id"))
    return Status(OK, min(known) if len(known) == len(dates) else None, str(first))


def _look_up(document: dict[str, Any], entry: dict[str, Any], lists: Lists) -> datetime | None:
    """Return the date of the list if the entry says nothing against the credential."""
    types = as_list(entry.get("type"))
    if status_lists.BITSTRING.entry_type in types:
        return status_lists.look_up(entry, status_lists.BITSTRING, lists)
    if status_lists.OF_2021.entry_type in types:
        return status_lists.look_up(entry, status_lists.OF_2021, lists)
    if revocation_list.TYPE in types:
        revocation_list.look_up(entry, document, lists)
        return None
    raise unknown("status_unsupported")


def _gravity(stop: Stopped) -> int:
    order = ("revoked", "suspended")
    if stop.code in order:
        return order.index(stop.code)
    return len(order) if stop.result == "fail" else len(order) + 1
