"""Tess asks for an observation: the staff of her centre to choose from, what was asked, and a way back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from starlette.testclient import TestClient

from tests.browser.accessible import expect_accessible
from tests.browser.conftest import follow
from tests.browser.test_files import House, NewContext, sign
from tests.browser.test_files import house as house  # the fixture
from tests.browser.test_pages_look import Look
from tests.web.people import SignedIn
from tests.web.test_observing import ACTIVITY
from tests.web.test_observing import tess as tess  # the fixture: at a centre with Marc, its supervisor


@pytest.fixture
def exercise() -> str:
    """The exercise of the module, which this is not about."""
    return "exercise"


def test_tess_asks_a_supervisor_of_her_centre_and_takes_it_back(
    house: House, client: TestClient, tess: SignedIn, new_context: NewContext
) -> None:
    page = new_context(width=360, height=780, reduced_motion="reduce").new_page()
    sign(page, house, tess)
    page.goto(f"{house.base}{tess.root}{ACTIVITY}")
    look = Look(page)
    look.here("whom to ask")
    expect_accessible(page, "whom to ask, on a desk")
    marc = page.get_by_label("Marc <b>Delaney</b>")
    expect(marc).to_be_visible()
    marc.check()
    follow(page.get_by_role("button", name="Ask them"))
    expect(page.get_by_role("heading", name="has been asked")).to_be_visible()
    look.here("what was asked")
    expect_accessible(page, "what was asked, on a desk")
    follow(page.get_by_role("button", name="Withdraw and ask somebody else"))
    expect(page.get_by_role("status").filter(has_text="Withdrawn")).to_be_visible()
    look.here("what was withdrawn")
