"""The page that checks badges: by keyboard, by dropping a file, without a script, and while one waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.stack import DemoStack
from tests.browser.test_pages_look import Look
from tests.verifier.field import contain
from tests.web.test_verify import _badge, _called

NewContext = Callable[..., BrowserContext]
VALID = "Valid, but we do not know the issuer"
DROP = """([text, names]) => {
  const carried = new DataTransfer();
  for (const name of names) carried.items.add(new File([text], name, { type: "application/json" }));
  const zone = document.querySelector("[data-drop]");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""

HOLD_BACK = """() => {
  document.sent = [];
  document.querySelector("[data-verify]").addEventListener("submit", (event) => {
    document.sent.push(!event.defaultPrevented);
    event.preventDefault();
  });
}"""


@pytest.fixture
def page(new_context: NewContext, demo: DemoStack) -> Page:
    page = new_context(reduced_motion="reduce").new_page()
    page.goto(demo.tool + "/verify")
    return page


def _verdict(page: Page) -> Any:
    return expect(page.locator(".verdict__title"))


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    page.locator("#f-badge").focus()
    page.keyboard.insert_text(_badge().decode())
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Check this badge")).to_be_focused()
    page.keyboard.press("Enter")
    _verdict(page).to_have_text(VALID)


def test_the_address_field_is_sent_by_enter(page: Page, demo: DemoStack) -> None:
    page.locator("#f-url").fill(demo.addresses["badge"])
    page.keyboard.press("Enter")
    expect(page.locator("h1.verdict__title")).to_be_visible()
    expect(page.get_by_text("Check again")).to_be_visible()


def test_a_file_can_be_dropped(page: Page) -> None:
    expect(page.locator("[data-drop-hint]")).to_be_visible()
    page.evaluate(DROP, [_badge().decode(), ["my badge.json"]])
    expect(page.locator("[data-verify-status]")).to_have_text("my badge.json is chosen. Now check it.")
    expect(page.get_by_role("button", name="Check this badge")).to_be_focused()
    page.keyboard.press("Enter")
    _verdict(page).to_have_text(VALID)


def test_two_files_dropped_at_once_are_not_guessed_between(page: Page) -> None:
    page.evaluate(DROP, ["{}", ["a.json", "b.json"]])
    expect(page.locator("[data-verify-status]")).to_have_text("Please drop one file at a time.")
    assert page.evaluate("document.querySelector('#f-file').files.length") == 0


def test_who_waits_is_told_for_what_and_sends_only_once(page: Page) -> None:
    page.evaluate(HOLD_BACK)
    page.locator("#f-badge").fill(_badge().decode())
    button = page.get_by_role("button", name="Check this badge")
    button.click()
    expect(page.get_by_role("status")).to_contain_text("can take up to ten seconds")
    button.click()
    assert page.evaluate("document.sent") == [True, False]


def test_it_works_without_a_script(new_context: NewContext, demo: DemoStack) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(demo.tool + "/verify")
    expect(page.locator("[data-drop-hint]")).to_be_hidden()
    page.locator("#f-file").set_input_files(
        {"name": "badge.svg", "mimeType": "image/svg+xml", "buffer": contain(_badge(), "svg")}
    )
    page.get_by_role("button", name="Check this badge").click()
    _verdict(page).to_have_text(VALID)


@pytest.mark.parametrize("media", ["screen", "print"])
def test_a_look_alike_looks_right_and_its_warning_is_read_before_the_claims(
    page: Page, demo: DemoStack, media: str
) -> None:
    look = Look(page)
    page.locator("#f-badge").fill(_called("0rygen").decode())
    page.get_by_role("button", name="Check this badge").click()
    warning = page.get_by_text("This is not Orygen").first
    expect(warning).to_be_visible()
    if media == "print":
        page.emulate_media(media="print")
        expect(warning).to_be_visible()
        expect(page.locator(".verdict__title")).to_be_visible()
        return
    look.here("a look-alike")
    order = page.evaluate("document.querySelector('main').innerText")
    assert order.index(VALID) < order.index("This is not Orygen") < order.index("The badge says")


def test_the_form_with_errors_looks_right(page: Page) -> None:
    look = Look(page)
    page.locator("#f-badge").fill(json.dumps({"a": 1}))
    page.locator("#f-url").fill("https://a.example/1")
    page.get_by_role("button", name="Check this badge").click()
    expect(page.get_by_role("alert")).to_contain_text("more than one badge")
    look.here("two badges")
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#f-url")).to_be_focused()
