"""The map in a real browser: four people, on a phone and at a desk, in light and dark, by keyboard, and on paper."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any, get_args

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from app.wiring import Services
from tests.browser.accessible import expect_accessible
from tests.browser.test_activities import ORIGIN, Line
from tests.browser.test_pages_look import HAS_A_RING, TARGETS, TOO_SMALL, TOO_WIDE, TOUCH_TARGET
from tests.web.walkers import WalkerName, walker

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]

# The words of each stop of the map that shows, and where they stand on the page.
LABELS = """() => [...document.querySelectorAll("svg.map")].filter((map) => map.getClientRects().length)
  .flatMap((map) => [...map.querySelectorAll("text")].map((text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    return { words: text.textContent, left, right, top: top + 2, bottom: bottom - 2 };
  }))"""
EDGE = """() => { const map = [...document.querySelectorAll("svg.map")].find((each) => each.getClientRects().length);
  const { left, right, bottom } = map.getBoundingClientRect(); return { left, right, bottom }; }"""


def looks_right(page: Page, name: str) -> None:
    """Nothing runs over an edge or over other words, and axe finds nothing."""
    assert page.evaluate(TOO_WIDE) == [], name
    assert page.locator("svg.map:visible").count() == 1, f"{name}: one map shows"
    labels, edge = page.evaluate(LABELS), page.evaluate(EDGE)
    assert labels, name
    for label in labels:
        inside = edge["left"] <= label["left"] and label["right"] <= edge["right"] and label["bottom"] <= edge["bottom"]
        assert inside, (name, label["words"])
    for one, other in combinations(labels, 2):
        assert not _meet(one, other), (name, one["words"], other["words"])
    expect_accessible(page, name)


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    across = one["left"] < other["right"] and other["left"] < one["right"]
    return bool(across and one["top"] < other["bottom"] and other["top"] < one["bottom"])


@pytest.mark.parametrize("name", get_args(WalkerName))
def test_the_map_of_four_people(
    services: Services, client: TestClient, new_context: NewContext, picture: Picture, name: WalkerName
) -> None:
    person = walker(services, client, name)
    page = new_context(width=360, height=780, reduced_motion="reduce").new_page()
    Line(client, person, page)
    page.goto(f"{ORIGIN}{person.root}/pathway")
    expect(page.get_by_role("heading", level=1)).to_have_text("My pathway")
    for width in (360, 900, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        looks_right(page, f"{name} at {width}")
        if width == 360:
            assert page.evaluate(TOO_SMALL, [f"{TARGETS}, svg.map a", TOUCH_TARGET]) == []
        picture(page, f"pathway-{name}-{width}")
    page.emulate_media(color_scheme="dark")
    looks_right(page, f"{name}, dark")


def test_a_way_and_the_table_beneath_the_map(
    services: Services, client: TestClient, new_context: NewContext, picture: Picture
) -> None:
    person = walker(services, client, "half-way")
    page = new_context(width=360, height=780, reduced_motion="reduce").new_page()
    Line(client, person, page)
    page.goto(f"{ORIGIN}{person.root}/pathway")
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("row")).not_to_have_count(0)
    looks_right(page, "with the table open")
    for key in ("practitioner", "mentor"):
        page.goto(f"{ORIGIN}{person.root}/pathway/{key}")
        expect(page.get_by_role("heading", name="Every step")).to_be_visible()
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 900})
            looks_right(page, f"{key} at {width}")
        picture(page, f"way-{key}")


def test_the_keyboard_walks_the_map_in_its_order(
    services: Services, client: TestClient, new_context: NewContext
) -> None:
    person = walker(services, client, "new")
    page = new_context(width=1280, height=900, reduced_motion="reduce").new_page()
    Line(client, person, page)
    page.goto(f"{ORIGIN}{person.root}/pathway")
    first = page.locator("svg.map:visible a").first
    first.focus()
    seen = []
    for _ in range(3):
        assert page.evaluate(HAS_A_RING) or page.evaluate(
            "getComputedStyle(document.activeElement.querySelector('.map__hit')).stroke !== 'none'"
        )
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label').slice(0, 3)"))
        page.keyboard.press("Tab")
    assert seen == ["M01", "M02", "M03"]
    first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Every step")).to_be_visible()
    assert page.url.endswith("/pathway/practitioner#m01")


def test_the_public_map_and_the_printed_one(
    services: Services, client: TestClient, new_context: NewContext, picture: Picture
) -> None:
    person = walker(services, client, "new")
    page = new_context(width=360, height=780, reduced_motion="reduce", java_script_enabled=True).new_page()
    Line(client, person, page)
    for path in ("/programme/pathways", "/programme/pathways/practitioner", "/programme/pathways/trainer-assessor"):
        page.goto(ORIGIN + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 900})
            looks_right(page, f"{path} at {width}")
        picture(page, f"public{path.replace('/', '-')}")
    page.emulate_media(media="print")
    expect(page.locator("svg.map--frame")).to_be_visible()
    expect(page.locator("svg.map--phone")).to_be_hidden()
