"""Which day a moment lies in, and how days and moments are written: one time zone for the whole installation.

Whatever people read as a day (pages, sentences, mails, papers) goes through here, so that nobody reads two days for one
moment. What is stored, signed and worked out stays in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

_MIDNIGHT = time()


class _Shown:
    """What this process shows days in: set once, when it starts."""

    zone: tzinfo = UTC


def show_in(zone: tzinfo) -> None:
    """From now on this process shows days in this zone.

    Args:
        zone: of the whole installation, as its settings say.
    """
    _Shown.zone = zone


def zone() -> tzinfo:
    """The zone in which days are shown."""
    return _Shown.zone


def day_of(value: date) -> date:
    """The day in which a moment lies; a day is itself.

    A moment on the stroke of midnight in UTC is a day that was entered as a day, such as the start of a role: it stays
    that day in every zone. A moment without a zone is read as UTC.

    Args:
        value: a moment or a day.
    """
    if not isinstance(value, datetime):
        return value
    aware = _aware(value)
    in_utc = _in(UTC, aware)
    return in_utc.date() if in_utc.time() == _MIDNIGHT else _in(_Shown.zone, aware).date()


def day(value: date) -> str:
    """A day, or the day of a moment, as Australians write it: 4 March 2026.

    Args:
        value: a moment or a day.
    """
    shown = day_of(value)
    return f"{shown.day} {shown:%B %Y}"


def moment(value: datetime) -> str:
    """A moment with its time of day, and the zone's name for it: 4 March 2026, 16:06 AEDT.

    Args:
        value: the moment.
    """
    shown = _in(_Shown.zone, _aware(value))
    return f"{shown.day} {shown:%B %Y, %H:%M} {_zone_name(shown)}"


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _in(zone: tzinfo, value: datetime) -> datetime:
    try:
        return value.astimezone(zone)
    except OverflowError:  # on the first or last day of all calendars, which strangers' badges may name
        return value


def _zone_name(shown: datetime) -> str:
    """Zones without a name of their own have their difference for one: +0545."""
    name = shown.tzname() or ""
    if not name.startswith(("+", "-")):
        return name
    return f"UTC{name[:3]}:{name[3:]}" if len(name) == len("+0545") else f"UTC{name}"
