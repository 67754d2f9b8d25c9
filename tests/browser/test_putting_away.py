"""What shows a person is put away by one press, beside the work; and brought back by one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from starlette.testclient import TestClient

from tests.browser.test_files import House, NewContext, sign
from tests.browser.test_files import house as house  # the fixture
from tests.browser.test_pages_look import Look
from tests.web.people import hand_in, sign_in


@pytest.fixture
def exercise() -> str:
    """The exercise as it stands: without a file."""
    return "exercise"


def test_work_that_shows_somebody_is_put_away_and_brought_back_by_one_press(
    house: House, client: TestClient, new_context: NewContext
) -> None:
    tess = sign_in(house.services, client, "Tess")
    priya = sign_in(house.services, client, "Priya", roles=("assessor",), teacher=True)
    submission_id = hand_in(house.services, tess.person_id)
    page = new_context(width=360, height=780, reduced_motion="reduce").new_page()
    sign(page, house, priya)
    page.goto(f"{house.base}{priya.root}/assess/{submission_id}")
    look = Look(page)
    expect(page.get_by_text("Some words about it.").first).to_be_visible()
    page.get_by_role("button", name="Put the texts away").click()
    expect(page.get_by_role("heading", name="The texts are put away")).to_be_visible()
    expect(page.get_by_text("Some words about it.")).to_have_count(0)
    look.here("work that is put away")
    page.get_by_role("button", name="Bring the texts back").click()
    expect(page.get_by_text("Some words about it.").first).to_be_visible()
    look.here("work that was brought back")
