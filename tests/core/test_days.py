"""Days in one zone: which day a moment lies in, and how it is written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings
from app.core import days
from app.wiring import bind
from tests.days import shown_in

EVENING = datetime(2027, 5, 3, 20, tzinfo=UTC)
ZONES = st.sampled_from(["UTC", "Australia/Melbourne", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"])
ANYWHERE = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("zone", "day", "moment"),
    [
        ("UTC", "3 May 2027", "3 May 2027, 20:00 UTC"),
        ("Australia/Melbourne", "4 May 2027", "4 May 2027, 06:00 AEST"),
        ("America/Los_Angeles", "3 May 2027", "3 May 2027, 13:00 PDT"),
        ("Asia/Kathmandu", "4 May 2027", "4 May 2027, 01:45 UTC+05:45"),
    ],
)
def test_a_moment_lies_in_the_day_of_the_installations_zone(zone: str, day: str, moment: str) -> None:
    with shown_in(zone):
        assert days.day(EVENING) == day
        assert days.moment(EVENING) == moment


def test_a_day_that_was_given_as_a_day_stays_that_day_everywhere() -> None:
    for zone in ("America/Los_Angeles", "UTC", "Australia/Melbourne"):
        with shown_in(zone):
            assert days.day(date(2027, 5, 3)) == "3 May 2027"
            # So days are stored where a moment is wanted: a role's start, a conversation's day.
            assert days.day(datetime(2027, 5, 3, tzinfo=UTC)) == "3 May 2027"


def test_a_moment_without_a_zone_is_read_as_utc() -> None:
    with shown_in("Australia/Melbourne"):
        assert days.day_of(EVENING.replace(tzinfo=None)) == date(2027, 5, 4)


@given(moment=st.datetimes(timezones=ANYWHERE), zone=ZONES)
def test_any_moment_has_a_day_however_far_off(moment: datetime, zone: str) -> None:
    with shown_in(zone):
        assert days.day(moment) == days.day(days.day_of(moment))
        assert days.moment(moment)


@pytest.mark.parametrize("far", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Australia/Melbourne", "America/Los_Angeles"])
def test_the_ends_of_all_calendars_can_be_shown(far: datetime, zone: str) -> None:
    with shown_in(zone):
        assert days.day_of(far) == far.date()
        assert days.moment(far)


def test_a_process_shows_days_as_its_settings_say(tmp_path: Path) -> None:
    with shown_in("UTC"):
        services = bind(Settings(data_dir=tmp_path, time_zone="Australia/Melbourne"))
        services.runtime.database.dispose()
        assert days.day(EVENING) == "4 May 2027"


@pytest.mark.parametrize(
    "name", ["Melbourne", "Australia", "", "../etc/passwd", "/etc/localtime", "AEST+10:00", "a\0b", "x" * 300]
)
def test_a_name_that_is_no_time_zone_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(pydantic.ValidationError, match="WAYMARK_TIME_ZONE"):
        Settings(data_dir=tmp_path, time_zone=name)
