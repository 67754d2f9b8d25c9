"""Priya marks three pieces of work by keyboard only: read, mark, comment, insert a saved comment, decide, go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlmodel import col

from app.config import Settings
from app.learning import service as learning
from app.learning.models import SubmissionRecord
from app.people import service as people
from app.programme import service as programme
from app.wiring import Services, bind
from tests.browser.conftest import arrived
from tests.browser.stack import DemoStack
from tests.browser.test_pages_look import TOO_WIDE, Look, NewContext, in_a_window
from tests.web.people import hand_in

LEARNERS = ("Amara Keyboard", "Bo Keyboard", "Chidi Keyboard")
SAID = "Name one gate, j k 1 2 3 4 a r ?"  # every key of the help: none may act while it is typed


@pytest.fixture
def waiting(demo: DemoStack) -> None:
    """Three pieces of work, older than whatever other tests left in the queue."""
    with services_of(demo) as services:
        for number, name in enumerate(LEARNERS):
            with services.runtime.database.write() as session:
                person = people.person_for_lms_identity(
                    session, registration_id="keyboard", subject=name, name=name, email=None, organisation_id=None
                )
                module = programme.current_module(session, "M01")
                learning.enrol(session, person_id=person.id, module=module, organisation_id=None)
            submission_id = hand_in(services, person.id)
            with services.runtime.database.write() as session:
                session.exec(
                    sa.update(SubmissionRecord)
                    .where(col(SubmissionRecord.id) == submission_id)
                    .values(submitted_at=datetime(2020, 1, 1 + number, tzinfo=UTC))
                )


@contextmanager
def services_of(demo: DemoStack) -> Iterator[Services]:
    """The demo's own services, bound a second time."""
    named = {
        key.removeprefix("WAYMARK_").lower(): value for key, value in demo.environment.items() if "WAYMARK_" in key
    }
    services = bind(Settings(**{key: value for key, value in named.items() if key in Settings.model_fields}))  # type: ignore[arg-type]
    try:
        yield services
    finally:
        services.runtime.database.dispose()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on what the selector names."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by Tab")


def mark_all(page: Page, level: int) -> None:
    """Choose a level for every criterion; it ends on the last one."""
    page.keyboard.press("j")
    for number in range(page.locator("[data-criterion]").count()):
        if number:
            page.keyboard.press("j")
        page.keyboard.press(str(level))
    expect(page.locator(f"input[value='{level}']:checked")).to_have_count(page.locator("[data-criterion]").count())


def test_priya_marks_three_submissions_by_keyboard_only(
    demo: DemoStack, waiting: None, new_context: NewContext
) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    look = Look(page)
    root = in_a_window(look, demo, "Priya")
    page.goto(f"{root}/assess")
    tab_to(page, "main .actions a")
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(LEARNERS[0])
    arrived(heading)

    page.keyboard.press("?")
    expect(page.get_by_text("set the level of this criterion")).to_be_visible()
    look.here("work with the help of keys")
    page.set_viewport_size({"width": 1280, "height": 900})
    tab_to(page, ".marking-help button")
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.matches('.marking-help button')"), "keys that are off do nothing"
    page.keyboard.press("Enter")
    mark_all(page, 2)
    page.keyboard.press("c")
    page.keyboard.type(SAID)
    last = page.locator("[data-criterion]").last.get_attribute("data-criterion")
    tab_to(page, f"[value='keep:comment-{last}']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Saved to your comments")
    arrived(heading)
    box = page.locator("[data-criterion] textarea").last
    expect(box).to_be_focused()
    expect(box).to_have_value(SAID)
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("A good start. Please name one gate.")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("[name=comment]")).to_have_value("A good start. Please name one gate.")
    expect(page.locator("[name=decision][value=award]")).to_be_focused()
    tab_to(page, "[name=decision][value=return]")
    page.keyboard.press("Enter")

    expect(heading).to_have_text(LEARNERS[1])
    expect(page.get_by_role("status").first).to_contain_text("Returned")
    arrived(heading)
    mark_all(page, 2)
    page.keyboard.press("b")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[data-criterion] textarea").last).to_have_value(SAID)
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("Nearly there.")
    tab_to(page, "[name=decision][value=return]")
    page.keyboard.press("Enter")

    expect(heading).to_have_text(LEARNERS[2])
    arrived(heading)
    mark_all(page, 3)
    tab_to(page, "[name=talk-date]")
    page.keyboard.type("01052026")  # a day that is past in either order
    tab_to(page, "[name=talk-role]")
    page.keyboard.type("Centre manager")
    page.keyboard.press("Enter")  # keeps the marks and decides nothing
    expect(page.get_by_role("status").first).to_contain_text("Nothing is decided yet")
    arrived(heading)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(heading).to_contain_text(LEARNERS[2] + "?")
    arrived(heading)
    tab_to(page, "main .actions button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Awarded")
    for path in ("", "?round=again", "/comments", "/agreement", "/second", "/appeals"):
        page.goto(f"{root}/assess{path}")
        look.here(path)
        page.set_viewport_size({"width": 360, "height": 780})
        assert page.evaluate(TOO_WIDE) == []
