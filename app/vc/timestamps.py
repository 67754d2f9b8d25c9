"""Dates as credentials write them: RFC 3339 in UTC."""

import re
from datetime import UTC, datetime
from typing import Final

from app.vc.errors import ModelError

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def rfc3339(moment: datetime) -> str:
    """Write an aware datetime in UTC at whole seconds, such as 2026-03-01T09:00:00Z.

    Raises ModelError (malformed_value) for a naive one. https://www.rfc-editor.org/rfc/rfc3339
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ModelError("malformed_value", "A date needs its time zone.")
    return moment.astimezone(UTC).isoformat("T", "seconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: object) -> datetime:
    """Read a date and time with its zone (xsd:dateTimeStamp); raise ModelError (malformed_value) for anything else."""
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        raise ModelError("malformed_value", "A date is not a date and time with its time zone.")
    try:
        moment = datetime.fromisoformat(text.upper())
        moment.astimezone(UTC)  # the first and the last day of the calendar may not be there in UTC
        return moment
    except (ValueError, OverflowError) as problem:
        raise ModelError("malformed_value", "A date does not exist.") from problem
