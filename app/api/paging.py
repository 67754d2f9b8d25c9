"""Lists in pages: `{"items": […], "next_cursor": …}`, each page beginning where the one before ended.

A cursor holds the place in the order of the list, a moment and an id, so that what is added meanwhile neither shifts a
page nor is told twice. It is text without a meaning for the client; it opens nothing that the client could not have.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from fastapi import Query, Request
from pydantic_core import PydanticCustomError

from app.api.refusals import CursorRefused, QueryRefused
from app.awards.award_input import read_moment

MOST: Final = 200
USUAL: Final = 50
_ID: Final = re.compile(r"[A-Za-z0-9:._-]{1,80}")
ItemT = TypeVar("ItemT")

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many items a page has at most.")]
Cursor = Annotated[str | None, Query(max_length=400, description="next_cursor of the page before.")]


def page_of(
    rows: Sequence[ItemT], limit: int, *, place: Callable[[ItemT], tuple[datetime, str]], list_name: str
) -> tuple[Sequence[ItemT], str | None]:
    """The rows of a page and the cursor of the next one.

    Args:
        rows: as found, one more than fit on the page if there is another page.
        limit: how many fit.
        place: where a row stands in the order.
        list_name: which list it is, so that no cursor serves for another.
    """
    shown = rows[:limit]
    if len(rows) <= limit or not shown:
        return shown, None
    moment, identifier = place(shown[-1])
    return shown, write_cursor(list_name, moment, identifier)


def write_cursor(list_name: str, moment: datetime, identifier: str) -> str:
    """A cursor behind the row of this place."""
    said = [list_name, moment.astimezone(UTC).isoformat(), identifier]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def read_cursor(list_name: str, cursor: str | None) -> tuple[datetime, str] | None:
    """The place that a cursor stands for; None where there is none.

    Raises:
        CursorRefused: it is none of this list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        of_list, moment, identifier = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise CursorRefused from None
    if of_list != list_name or not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        raise CursorRefused
    return place, identifier


def only(*names: str, also_open: bool = False) -> Callable[[Request], None]:
    """A dependency that refuses parameters that are not these: one with a slip in its name would do nothing.

    Args:
        names: the parameters that there are.
        also_open: whether it refuses them without a token as well, where none is needed.
    """
    known = frozenset(names)

    def check(request: Request) -> None:
        if not also_open and not request.headers.get("authorization"):
            return  # whoever shows no token is told that, and by what comes after this: it is asked first
        for name in request.query_params:
            if name not in known:
                shown = name if name.isidentifier() and len(name) <= 40 else "that was sent"
                raise QueryRefused(shown, f"is not known here; known are {', '.join(sorted(known)) or 'none'}")
        repeated = [name for name in known if len(request.query_params.getlist(name)) > 1]
        if repeated:
            raise QueryRefused(repeated[0], "is given more than once")

    return check


def moment_in(name: str, text: str | None) -> datetime | None:
    """A moment in the address.

    Raises:
        QueryRefused: it is none of RFC 3339.
    """
    if text is None:
        return None
    try:
        return read_moment(text)
    except PydanticCustomError:
        rule = "must be a date and time with its zone, such as 2026-03-04T00:00:00Z (a + must be sent as %2B)"
        raise QueryRefused(name, rule) from None
