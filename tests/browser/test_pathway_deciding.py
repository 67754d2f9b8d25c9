"""The assessor's pages about pathways in a real browser: the conversation by keyboard alone, then the badge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from app.core.clock import now
from app.core.db import Database
from app.pathways.standing import recompute
from tests.awards.proposing import Way
from tests.browser.conftest import arrived, follow
from tests.browser.test_badge_page import serving
from tests.browser.test_pages_look import Look
from tests.conftest import _bound, _settings
from tests.databases import Maker
from tests.ports import free_ports
from tests.web.people import SignedIn, sign_in

NewContext = Callable[..., BrowserContext]
FOCUSED = "(document.activeElement.innerText || document.activeElement.name || '').trim()"


@dataclass(frozen=True)
class House:
    """A server; Tess, who has every badge before the conversation; and Priya, who decides."""

    base: str
    way: Way
    priya: SignedIn

    def follow(self) -> None:
        """The worker's round."""
        recompute(self.way.services.runtime.database, self.way.person_id)
        self.way.work()


@pytest.fixture
def house(tmp_path: Path, maker: Maker, prepared_template: str) -> Iterator[House]:
    (port,) = free_ports(1)
    settings = _settings(url=maker.copy(prepared_template, tmp_path), data_dir=tmp_path)
    settings = settings.model_copy(update={"base_url": f"http://tool.localhost:{port}"})
    database = Database(settings.database_url)
    services = _bound(settings, database)
    nobody = cast(TestClient, None)  # the browser asks for the pages
    tess = sign_in(services, nobody, "Tess")
    priya = sign_in(services, nobody, "Priya", roles=("assessor",), teacher=True)
    way = Way(services, tess.person_id, priya.person_id)
    way.earn(way.below())
    made = House(f"http://tool.localhost:{port}", way, priya)
    made.follow()
    with serving(services, port):
        yield made
    database.dispose()


def to(page: Page, words: str) -> None:
    """By the tabulator key to what says this, or has this name."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('a, button, input, textarea')") and words in page.evaluate(
            FOCUSED
        ):
            return
    raise AssertionError(f"the keyboard does not reach {words}")


def test_from_who_is_ready_to_the_badge(
    house: House, new_context: NewContext, picture: Callable[[Page, str], None]
) -> None:
    context = new_context(width=360, height=780, reduced_motion="reduce")
    name, _, value = house.priya.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "domain": "tool.localhost", "path": "/", "secure": True}])
    look = Look(context.new_page())
    page = look.page

    def looked_at(shown: str) -> None:
        look.here(shown)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 780})
            picture(page, f"deciding-{shown.replace(' ', '-')}-{width}")

    page.goto(f"{house.base}{house.priya.root}/assess/pathways")
    looked_at("who is ready")
    to(page, "Record the conversation")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    looked_at("the conversation")
    criteria = page.locator("input[type=radio][value='3']")
    names = [criteria.nth(place).get_attribute("name") or "" for place in range(criteria.count())]
    for each in names:
        to(page, each)
        for _ in range(2):
            page.keyboard.press("ArrowDown")
    page.get_by_label("Held on").fill((now() - timedelta(days=1)).date().isoformat())
    to(page, "comment")
    page.keyboard.type("Told with care.")
    to(page, "Go on")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    looked_at("is this right")
    expect(page.get_by_text("3 Proficient")).to_have_count(len(names))
    to(page, "Yes, record it")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Recorded")

    house.follow()
    page.reload()
    follow(page.get_by_role("link", name="Look at the proposal"))
    looked_at("the proposal")
    page.get_by_label("A note on your decision").fill("Well done.")
    follow(page.get_by_role("button", name="Award"))
    looked_at("is it meant")
    page.get_by_role("button", name="Yes, award").dblclick()
    arrived(page.get_by_text("Nothing to decide"))
    looked_at("awarded")
    house.follow()
    assert len(house.way.badges()) == 1
