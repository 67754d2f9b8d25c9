"""Dates and times as credentials write them, as aware moments in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.vc.errors import VcError
from app.vc.timestamps import parse_rfc3339


def moment(value: Any) -> datetime:
    """Read an XML Schema dateTimeStamp (https://www.w3.org/TR/xmlschema11-2/#dateTimeStamp); raises ValueError."""
    try:
        return parse_rfc3339(value).astimezone(UTC)
    except (VcError, OverflowError) as error:
        raise ValueError("not a date and time with its zone") from error


def moment_or_none(value: Any) -> datetime | None:
    """The same where a wrong or missing value means that there is nothing to show."""
    try:
        return moment(value)
    except ValueError:
        return None
