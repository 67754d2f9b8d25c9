"""Days in a browser of another time zone: none is rewritten, and of moments no more than the time of day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, expect
from starlette.testclient import TestClient

from app.web import pages
from tests.browser.test_activities import ORIGIN, Line
from tests.days import shown_in
from tests.web.test_days import in_the_evening, written
from tests.web.test_renewing import Ending, ending

__all__ = ["ending"]  # the fixture

NewContext = Callable[..., BrowserContext]
MELBOURNE = "Australia/Melbourne"


@pytest.mark.parametrize(("zone", "later"), [("UTC", 0), (MELBOURNE, 1)])
@pytest.mark.parametrize("readers", [MELBOURNE, "America/Los_Angeles"])
def test_no_reader_sees_another_day_than_the_sentences_say(
    ending: Ending, client: TestClient, new_context: NewContext, zone: str, later: int, readers: str
) -> None:
    end = in_the_evening(30)
    ending.change(valid_until=end)
    page = new_context(timezone_id=readers).new_page()
    Line(client, ending.tess, page)
    with shown_in(zone):
        page.goto(f"{ORIGIN}{ending.tess.root}{ending.renew}")
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_load_state()
        expect(page.locator("time").first).to_have_text(written(end + timedelta(days=later)))
        wrong = written(end + timedelta(days=1 - later))
        expect(page.get_by_text(wrong)).to_have_count(0)


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (datetime(2027, 5, 3, 3, tzinfo=UTC), "3 May 2027 at 1:00 pm AEST"),
        (datetime(2027, 5, 3, 20, tzinfo=UTC), "3 May 2027, 20:00 UTC"),  # the reader's clock is in the next day
    ],
)
def test_a_time_of_day_is_the_readers_own_where_that_leaves_the_day_as_it_is(
    new_context: NewContext, moment: datetime, told: str
) -> None:
    shown = pages.environment().from_string('{% import "components.html" as ui %}{{ ui.when(moment) }}')
    page = new_context(timezone_id=MELBOURNE).new_page()
    page.set_content(shown.render(moment=moment))
    page.add_script_tag(path=pages.STATIC / "js" / "times.js", type="module")
    expect(page.locator("time")).to_have_text(told)
