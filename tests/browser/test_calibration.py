"""An assessor in training marks a calibration set on a phone; a panel of two differs about a piece of work."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from app.wiring import Services
from tests.browser.conftest import follow
from tests.browser.test_activities import ORIGIN, Line, Picture, look, page
from tests.web.calibrating import AT, as_agreed, begin_set, hand_in_set, publish_set
from tests.web.people import hand_in, sign_in
from tests.web.test_panel_pages import WORDS, assessor, award, levels, publish_panel

__all__ = ["page"]


def test_a_calibration_set_is_marked_on_a_phone_and_compared_after_the_decision(
    services: Services, client: TestClient, page: Page, picture: Picture
) -> None:
    module = publish_set(services)
    solveig = begin_set(services, client)
    line = Line(client, solveig, page)
    page.goto(f"{ORIGIN}{solveig.root}{AT}")
    first = page.locator("details.sample").first
    first.get_by_label("3 Proficient").first.check()
    first.get_by_label("Award", exact=True).check()
    expect(page.locator("[data-draft-status]")).to_contain_text("Saved")
    look(page, picture, "calibration")
    page.reload()
    expect(first.get_by_label("3 Proficient").first).to_be_checked()

    sent = as_agreed(module, off=4, decisions_off=1)
    solveig.put_json(f"{AT}/draft", {"revision": 1, "content": sent})
    page.goto(f"{ORIGIN}{solveig.root}/hand-in")
    look(page, picture, "calibration-hand-in")
    work = hand_in_set(services, solveig, sent, revision=2)
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    line.person = priya
    page.goto(f"{ORIGIN}{priya.root}/assess/{work.id}")
    expect(page.get_by_text("The standard is not reached")).to_be_visible()
    look(page, picture, "calibration-workbench")
    priya.post(f"/assess/{work.id}", {"decision": "return", "comment": "Let us talk over submission one."})
    line.person = solveig
    page.goto(f"{ORIGIN}{solveig.root}{AT}")
    expect(page.get_by_text("The standard is not reached")).to_be_visible()
    look(page, picture, "calibration-compared")


def test_a_panel_of_two_that_differs_sees_both_marks(
    services: Services, client: TestClient, page: Page, picture: Picture
) -> None:
    publish_panel(services)
    tess = sign_in(services, client, "Tess")
    work = f"/assess/{hand_in(services, tess.person_id)}"
    priya, paul = (assessor(services, client, name) for name in ("Priya", "Paul"))
    line = Line(client, priya, page)
    page.goto(f"{ORIGIN}{priya.root}{work}")
    look(page, picture, "panel-open")
    award(services, priya, work)
    page.goto(f"{ORIGIN}{priya.root}{work}")
    look(page, picture, "panel-given")
    line.person = paul
    page.goto(f"{ORIGIN}{paul.root}/assess")
    look(page, picture, "panel-queue")
    paul.post(work, levels(services, 2) | {"decision": "return", "comment": "The test has no end."})
    page.goto(f"{ORIGIN}{paul.root}{work}")
    expect(page.get_by_text(WORDS)).to_be_visible()
    look(page, picture, "panel-differ")
    follow(page.get_by_role("button", name="Step back from the panel"))
    expect(page.get_by_text("You have stepped back")).to_be_visible()
