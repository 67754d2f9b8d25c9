"""The page of a badge with a chain and with endorsements: on a phone, on a desk, in the dark, and on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.core.db import Database
from tests.browser.accessible import expect_accessible
from tests.browser.test_badge_page import A4_INSIDE, PAGES_OF_PDF, serving
from tests.browser.test_pages_look import TOO_WIDE, Look
from tests.conftest import _bound, _settings
from tests.databases import Maker
from tests.ports import free_ports
from tests.web.advanced_badges import ADVANCED
from tests.web.badge_states import Stage

NewContext = Callable[..., BrowserContext]


@dataclass(frozen=True)
class House:
    """A server with a badge in each state."""

    pages: dict[str, str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, maker: Maker, prepared_template: str) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("advanced")
    (port,) = free_ports(1)
    settings = _settings(url=maker.copy(prepared_template, folder), data_dir=folder)
    settings = settings.model_copy(update={"base_url": f"http://tool.localhost:{port}"})
    database = Database(settings.database_url)
    services = _bound(settings, database)
    stage = Stage(services)
    paths = {state: make(stage) for state, (make, _) in ADVANCED.items()}
    with serving(services, port) as base:
        yield House({state: base + path for state, path in paths.items()})
    database.dispose()


@pytest.mark.parametrize("state", ADVANCED)
def test_it_looks_right_on_a_phone_and_on_a_desk_in_light_and_in_dark(
    house: House, new_context: NewContext, state: str, picture: Callable[[Page, str], None]
) -> None:
    look = Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())
    look.page.goto(house.pages[state])
    expect(look.page.get_by_role("heading", level=1)).to_have_text(ADVANCED[state][1])
    look.here(state)
    for width in (360, 1280):
        look.page.set_viewport_size({"width": width, "height": 780})
        picture(look.page, f"badge-{state.replace(' ', '-')}-{width}")


@pytest.mark.parametrize("state", ADVANCED)
def test_on_paper_it_is_at_most_two_sheets_and_names_every_ground(
    house: House, new_context: NewContext, state: str
) -> None:
    page = new_context(**A4_INSIDE).new_page()
    page.goto(house.pages[state])
    assert len(PAGES_OF_PDF.findall(page.pdf(prefer_css_page_size=True))) <= 2
    page.emulate_media(media="print")
    assert page.evaluate(TOO_WIDE) == []
    for shown in page.locator("[aria-labelledby='grounds-title'] .check__name").all():
        expect(shown).to_be_visible()
    expect(page.get_by_role("complementary")).to_contain_text("This page is at")
    expect_accessible(page, state)


def test_the_line_under_the_verdict_leads_to_what_fell(house: House, new_context: NewContext) -> None:
    page = new_context(width=360, height=780).new_page()
    page.goto(house.pages["resting on badges of every kind"])
    page.get_by_role("link", name="2 of the 4 badges it rests on no longer stand.").click()
    expect(page.get_by_role("heading", name="What it rests on")).to_be_in_viewport()
