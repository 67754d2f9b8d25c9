"""A reader never sees two days for one moment: sentences, lists and what a browser may rewrite."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from app.core.clock import now
from app.wiring import Services
from tests.awards.shelf import DAY, Shelf
from tests.days import shown_in
from tests.web.people import sign_in
from tests.web.test_renewing import Ending, ending

__all__ = ["ending"]  # the fixture

ZONES = pytest.mark.parametrize(("zone", "later"), [("UTC", 0), ("Australia/Melbourne", 1)])


def in_the_evening(days: int) -> datetime:
    """A moment in UTC that lies in the next day in Melbourne."""
    return (now().astimezone(UTC) + timedelta(days=days)).replace(hour=20, minute=0, second=0, microsecond=0)


def written(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


@ZONES
def test_one_end_is_one_day_on_the_map_the_badge_and_where_it_is_renewed(ending: Ending, zone: str, later: int) -> None:
    end = in_the_evening(30)
    ending.change(valid_until=end)
    right, wrong = written(end + later * DAY), written(end + (1 - later) * DAY)
    with shown_in(zone):
        for path in ("/pathway", f"/badges/{ending.badge}", ending.renew, "/badges"):
            page = ending.tess.get(path).text
            assert right in page, path
            assert wrong not in page, path


@ZONES
def test_a_badge_in_question_has_one_day_in_the_sentence_and_in_the_list(
    services: Services, client: TestClient, zone: str, later: int
) -> None:
    end = in_the_evening(10)
    tess, priya = sign_in(services, client, "Tess"), sign_in(services, client, "Priya", roles=("assessor",))
    shelf = Shelf(services, tess.person_id)
    shelf.issue("M07", lasts=end - shelf.began)
    shelf.issue("practitioner", on=("M07",))
    shelf.after(12)
    right, wrong = written(end + later * DAY), written(end + (1 - later) * DAY)
    with shown_in(zone):
        for page in (
            tess.get(f"/badges/{shelf.badges['practitioner'].credential_id}").text,
            priya.get("/assess/consequences").text,
            priya.get(f"/assess/consequences/{shelf.flag('practitioner').id}").text,
        ):
            assert right in page
            assert wrong not in page


def test_what_a_browser_may_rewrite_names_its_day_and_days_are_not_among_it(ending: Ending) -> None:
    end = in_the_evening(30)
    ending.change(valid_until=end)
    with shown_in("Australia/Melbourne"):
        page = ending.tess.get(f"/badges/{ending.badge}").text
    day = (end + DAY).date().isoformat()
    assert f'<time datetime="{day}" class="nowrap">{written(end + DAY)}</time>' in page
    for tag in re.findall(r"<time [^>]*data-time[^>]*>", page):
        assert "data-day=" in tag


def test_a_profile_elsewhere_is_given_the_month_that_the_badges_page_names(ending: Ending) -> None:
    end = datetime(2199, 5, 31, 20, tzinfo=UTC)
    ending.change(valid_until=end, shared=True)
    with shown_in("Australia/Melbourne"):
        page = ending.tess.get(f"/badges/{ending.badge}").text
    assert written(end + DAY) in page
    assert "expirationMonth=6" in page
