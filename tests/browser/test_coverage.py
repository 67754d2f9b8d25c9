"""A centre's coverage and a person's competencies in a real browser: on a phone, at a desk, in the dark, on paper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from app.core.clock import now
from app.programme import service as programme
from app.wiring import Services
from tests.browser.test_activities import ORIGIN, Line
from tests.browser.test_pages_look import Look
from tests.issuer.test_framework_pins import reworded
from tests.web.people import SignedIn, sign_in
from tests.web.test_coverage import award, centre_of, join, month_begins, populate

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]


def opened(new_context: NewContext, client: TestClient, person: SignedIn) -> Look:
    look = Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())
    Line(client, person, look.page)
    return look


@pytest.fixture
def specialists(services: Services, client: TestClient) -> list[SignedIn]:
    """Three: one with much, one whose badge ends soon, one who has just begun."""
    tess, noor, uma = (sign_in(services, client, name) for name in ("Tess", "Noor", "Uma"))
    for key in ("M01", "M02", "M06", "X2a"):
        award(services, tess.person_id, key)
    award(services, noor.person_id, valid_until=now() + timedelta(days=30))
    return [tess, noor, uma]


def test_a_manager_sees_what_the_centre_covers(
    services: Services, client: TestClient, specialists: list[SignedIn], new_context: NewContext, picture: Picture
) -> None:
    marc = sign_in(services, client, "Marc", roles=("manager",), module_key=None)
    footscray = centre_of(services, "west", "footscray")
    join(services, footscray, marc.person_id, "supervisor")
    root = f"{ORIGIN}{marc.root}/centre/{footscray.id}"
    look = opened(new_context, client, marc)
    page = look.page
    look.at(f"{root}/coverage")
    for each in specialists:
        join(services, footscray, each.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 60, 33)
    month_begins(services)
    page.set_viewport_size({"width": 360, "height": 780})
    look.at(f"{root}/coverage")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        picture(page, f"coverage-{width}")
    expect(page.get_by_text("2 of 3").first).to_be_visible()
    page.get_by_label("Theme").select_option("T4")
    page.get_by_label("Only what ends within 90 days").check()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Only what ends within 90 days")).to_be_checked()
    expect(page.get_by_role("row", name="Explain IPS")).to_contain_text("1 of 3")
    look.here("what ends soon in one theme")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Show")).not_to_be_visible()


def test_a_specialist_sees_their_competencies(
    services: Services, client: TestClient, specialists: list[SignedIn], new_context: NewContext, picture: Picture
) -> None:
    tess, _noor, uma = specialists
    with services.runtime.database.write() as session:
        programme.store(session, reworded(programme.current_programme(session)))
    look = opened(new_context, client, tess)
    page = look.page
    look.at(f"{ORIGIN}{tess.root}/competencies")
    page.get_by_text("Worded anew since your badge").first.click()
    expect(page.get_by_text("open the door to everybody who asks").last).to_be_visible()
    look.here("both wordings")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        picture(page, f"competencies-{width}")
    page.get_by_role("link", name="Not shown yet").click()
    expect(page.get_by_role("link", name="Not shown yet")).to_have_attribute("aria-current", "page")
    look.here("what is open")
    newcomer = opened(new_context, client, uma)
    newcomer.at(f"{ORIGIN}{uma.root}/competencies")
    expect(newcomer.page.get_by_text("This fills as you earn badges")).to_be_visible()
