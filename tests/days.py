"""Pages and mails as in an installation whose time zone is another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from app.core import days


@contextmanager
def shown_in(name: str) -> Iterator[None]:
    """Days are shown in this zone, and afterwards as before."""
    before = days.zone()
    days.show_in(ZoneInfo(name))
    try:
        yield
    finally:
        days.show_in(before)
