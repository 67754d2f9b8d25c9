"""A learner on a phone through a session, a check with words for each answer, and a text that no trouble loses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from starlette.testclient import TestClient

from app.programme import documents
from app.programme import service as programme
from app.programme.models import ProgrammeModuleVersion
from app.programme.schemas import Activity, Option, Question
from app.web.models import LaunchSessionRow
from app.wiring import Services
from tests.browser.accessible import expect_accessible
from tests.browser.conftest import arrived, follow
from tests.browser.test_pages_look import TOO_WIDE
from tests.browser.test_story import eventually
from tests.web.people import SignedIn, hand_in, sign_in
from tests.web.test_activities_attendance import AT, WORKSHOP, in_course

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]
ORIGIN = "http://tool.localhost:8000"


class Line:
    """The way from a browser to the app, which can be cut."""

    def __init__(self, client: TestClient, person: SignedIn, page: Page) -> None:
        self._client, self.person, self.is_cut = client, person, False
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        if self.is_cut:
            route.abort()
            return
        request, headers = route.request, {**route.request.headers, "cookie": self.person.cookie}
        answer = self._client.request(request.method, request.url, content=request.post_data_buffer, headers=headers)
        while answer.status_code == 303:
            answer = self._client.get(answer.headers["location"].split("#")[0], headers=headers)
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


def publish(services: Services) -> None:
    """M01 with a session and with words for each answer, before anybody begins."""
    options = tuple(Option(key, f"Answer {key}", key == "b", f"What is said to {key}.") for key in "abc")
    check = Activity(
        "check", "knowledge_check", "Check", 30, "One.", (Question("q1", "Which?", options, ""),), 1, 2, 60
    )
    with services.runtime.database.write() as session:
        current = programme.current_module(session, "M01")
        lesson, exercise = current.activity("lesson"), current.activity("exercise")
        made = replace(current, version=current.version + 1, activities=(lesson, check, WORKSHOP, exercise))
        session.add(
            ProgrammeModuleVersion(
                key=made.key, version=made.version, programme_key="ips",
                digest=documents.with_digest(made).digest, document=documents.module_document(made),
            )
        )  # fmt: skip


def look(page: Page, picture: Picture, name: str) -> None:
    """Nothing runs over the edge, and axe finds nothing, on a phone and on a desk; once the page is whole."""
    arrived(page.locator("h1:visible"))
    assert page.evaluate(TOO_WIDE) == [], name
    expect_accessible(page, name)
    picture(page, f"activities-{name}")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate(TOO_WIDE) == [], name
    expect_accessible(page, f"{name}, wide")
    picture(page, f"activities-{name}-wide")
    page.set_viewport_size({"width": 360, "height": 780})


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context(width=360, height=780, reduced_motion="reduce").new_page()


def test_a_learner_on_a_phone_through_the_kinds_of_activity_and_every_trouble_with_a_text(
    services: Services, client: TestClient, page: Page, picture: Picture
) -> None:
    publish(services)
    tess = sign_in(services, client, "Tess")
    in_course(services, tess.person_id, "Tess")
    priya = sign_in(services, client, "Priya", teacher=True)
    line = Line(client, tess, page)
    here = f"{ORIGIN}{tess.root}"

    page.goto(f"{here}/module")
    page.get_by_text("I can do this already").click()
    look(page, picture, "module")
    follow(page.get_by_role("button", name="Go without the lessons"))
    expect(page.get_by_text("Lessons are not asked for")).to_be_visible()
    look(page, picture, "recognition")

    page.goto(f"{here}/activity/check")
    follow(page.get_by_role("button", name="Begin"))
    page.get_by_label("Answer a").check()
    follow(page.get_by_role("button", name="Send my answers"))
    expect(page.get_by_text("What is said to a.")).to_be_visible()
    expect(page.get_by_text("What is said to b.")).to_be_visible()
    expect(page.get_by_text("What is said to c.")).to_be_hidden()
    look(page, picture, "check")

    _session(line, page, picture, tess, priya)
    _text(line, services, page, here)


def test_answers_of_a_check_survive_a_cut_line_a_closed_tab_and_an_ended_session_until_they_are_sent(
    services: Services, client: TestClient, page: Page, picture: Picture
) -> None:
    publish(services)
    tess = sign_in(services, client, "Tess")
    in_course(services, tess.person_id, "Tess")
    line = Line(client, tess, page)
    here = f"{ORIGIN}{tess.root}"
    address, status = f"{here}/activity/check", page.locator("[data-answers-status]")
    send, kept_here = page.get_by_role("button", name="Send my answers"), "Object.keys(localStorage).length"

    page.goto(address)
    follow(page.get_by_role("button", name="Begin"))
    page.goto(address)
    page.get_by_label("Answer a").check()
    page.goto("about:blank")  # closed, and nothing was sent
    page.goto(address)
    expect(status).to_contain_text("put back")
    expect(page.get_by_label("Answer a")).to_be_checked()
    page.get_by_label("Answer c").check()
    line.is_cut = True
    send.click()
    expect(status).to_contain_text("cannot reach Waymark just now. Your answers are kept on this device")
    expect(page.get_by_label("Answer c")).to_be_checked()
    line.is_cut = False
    look(page, picture, "check-not-sent")

    with services.runtime.database.write() as session:
        row = session.get_one(LaunchSessionRow, here.rsplit("/", 1)[1])
        ended, row.secret_hash = row.secret_hash, "0" * 64
        session.add(row)
    send.click()
    expect(status).to_contain_text("session has ended. Your answers are kept on this device")
    with services.runtime.database.write() as session:
        row = session.get_one(LaunchSessionRow, here.rsplit("/", 1)[1])
        row.secret_hash = ended
        session.add(row)
    page.goto(address)
    expect(page.get_by_label("Answer c")).to_be_checked()
    follow(send)
    expect(page.get_by_text("What is said to c.")).to_be_visible()
    eventually(partial(page.evaluate, kept_here), lambda kept: kept == 0)  # what was sent stays on no device

    follow(page.get_by_role("button", name="Try again"))
    page.goto(address)
    name = page.locator("form[data-answers-keep]").get_attribute("data-answers-keep")
    page.evaluate(
        """name => localStorage.setItem(`waymark-unsaved:${name}`, JSON.stringify({
            content: {[document.querySelector("input[type=radio]").name]: "a"},
            revision: "another", at: Date.now()}))""",
        name,
    )
    page.goto(address)
    eventually(partial(page.evaluate, kept_here), lambda kept: kept == 0)
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)  # those were the answers of another try


def test_marks_and_the_reason_of_an_appeal_survive_a_cut_line_and_a_closed_tab_until_they_are_sent(
    services: Services, client: TestClient, page: Page, picture: Picture
) -> None:
    tess = sign_in(services, client, "Tess")
    submission = hand_in(services, tess.person_id)
    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    line = Line(client, priya, page)
    work, status = f"{ORIGIN}{priya.root}/assess/{submission}", page.locator("[data-answers-status]")
    level, comment = page.locator("[data-criterion] input[value='3']").first, page.locator("[name=comment]")
    kept_here = partial(page.evaluate, "Object.keys(localStorage).length")

    page.goto(work)
    arrived(comment)
    level.check()
    comment.fill("Please name one gate.")
    page.goto("about:blank")  # closed, and nothing was sent
    page.goto(work)
    expect(status).to_contain_text("put back")
    expect(level).to_be_checked()
    expect(comment).to_have_value("Please name one gate.")
    line.is_cut = True
    page.get_by_role("button", name="Return with comments").click()
    expect(status).to_contain_text("cannot reach Waymark just now. What you wrote is kept on this device")
    expect(comment).to_have_value("Please name one gate.")
    line.is_cut = False
    look(page, picture, "marks-not-sent")
    follow(page.get_by_role("button", name="Save marks").last)
    expect(page.get_by_text("Nothing is decided yet")).to_be_visible()
    page.goto(work)  # the level is stored; the comment is only with a decision, so it is still this device's
    expect(comment).to_have_value("Please name one gate.")
    expect(level).to_be_checked()
    follow(page.get_by_role("button", name="Return with comments"))
    expect(page.get_by_text("The learner is told")).to_be_visible()
    eventually(kept_here, lambda kept: kept == 0)  # what was sent stays on no device

    line.person = tess
    appeal, reason = f"{ORIGIN}{tess.root}/appeal", page.locator("[name=reason]")
    page.goto(appeal)
    arrived(reason)
    reason.fill("The gate is named in line two.")
    page.goto("about:blank")
    page.goto(appeal)
    expect(status).to_contain_text("put back")
    expect(reason).to_have_value("The gate is named in line two.")
    look(page, picture, "appeal-put-back")
    follow(page.get_by_role("button", name="Make the appeal"))
    expect(page.get_by_text("Your appeal is made")).to_be_visible()
    eventually(kept_here, lambda kept: kept == 0)


def test_what_the_scan_finds_in_a_draft_is_said_beside_its_field_as_soon_as_it_is_saved_until_it_is_mended(
    services: Services, client: TestClient, page: Page, picture: Picture
) -> None:
    publish(services)
    tess = sign_in(services, client, "Tess")
    in_course(services, tess.person_id, "Tess")
    Line(client, tess, page)

    page.goto(f"{ORIGIN}{tess.root}/activity/exercise")
    arrived(page.locator("h1:visible"))
    field, status = page.locator("form[data-draft-url] textarea").first, page.locator("[data-draft-status]")
    said = page.locator(f"[data-found='{field.get_attribute('name')}']")
    expect(said).to_have_attribute("role", "status")
    expect(said).to_be_empty()
    field.fill("She wrote 0412 345 678 on a card.")
    expect(said).to_contain_text("0412 345 678")
    expect(said).to_contain_text("Phone number.")
    expect(said).to_contain_text("Change these words, or say when you hand in")
    expect(page.locator("[data-found] li")).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("She wrote 0412 345 678 on a card.")
    expect(status).to_contain_text(re.compile("^Saved"))
    look(page, picture, "draft-found")

    field.fill("She wrote her number on a card.")
    expect(said).to_be_empty()
    expect(field).to_be_focused()


def _session(line: Line, page: Page, picture: Picture, tess: SignedIn, priya: SignedIn) -> None:
    """Priya shows the code, Tess mistypes it once; then it counts."""
    line.person = priya
    page.goto(f"{ORIGIN}{priya.root}{AT}")
    look(page, picture, "who-was-there")
    follow(page.get_by_role("button", name="Show today's code"))
    code = page.locator(".session-code .visually-hidden").inner_text()
    look(page, picture, "code")
    line.person = tess
    page.goto(f"{ORIGIN}{tess.root}/activity/workshop")
    for typed in ("wrong", code.lower()):
        page.get_by_label("Code shown in the session").fill(typed)
        follow(page.get_by_role("button", name="I was there"))
        if typed == "wrong":
            expect(page.get_by_role("alert")).to_contain_text("not the code that is shown")
            look(page, picture, "session")
    expect(page.get_by_text("The code you typed confirms it")).to_be_visible()
    look(page, picture, "session-done")


def _text(line: Line, services: Services, page: Page, here: str) -> None:
    """Written while the line is cut, the tab closed; found again; and written on when the session is over."""
    address, status = f"{here}/activity/exercise", page.locator("[data-draft-status]")
    page.goto(f"{here}/module")
    for name, kept in (("a", "{"), ("b", "null"), ("c", '{"at": 0}'), ("d", '{"at": 9e15}')):
        page.evaluate("([name, kept]) => localStorage.setItem(`waymark-unsaved:${name}`, kept)", [name, kept])
    page.goto(address)
    field = page.locator("form[data-draft-url] textarea").first
    line.is_cut = True
    field.fill("Written on the train")
    expect(status).to_contain_text("safe on this device")
    page.get_by_role("button", name="Save and stay").click()
    expect(field).to_have_value("Written on the train")
    page.goto("about:blank")  # closed, without a word from the server
    line.is_cut = False
    page.goto(address)
    expect(field).to_have_value("Written on the train")
    expect(status).to_contain_text(re.compile("^Saved"))
    kept_here = partial(page.evaluate, "Object.keys(localStorage).length")
    eventually(kept_here, lambda kept: kept == 0)  # what is saved stays on no device

    with services.runtime.database.write() as session:
        row = session.get_one(LaunchSessionRow, here.rsplit("/", 1)[1])
        ended, row.secret_hash = row.secret_hash, "0" * 64
        session.add(row)
    field.fill("Written after lunch")
    expect(status).to_contain_text("session has ended")
    page.get_by_role("button", name="Save and go on").click()
    expect(field).to_have_value("Written after lunch")
    with services.runtime.database.write() as session:
        row = session.get_one(LaunchSessionRow, here.rsplit("/", 1)[1])
        row.secret_hash = ended
        session.add(row)
    page.goto(address)
    expect(field).to_have_value("Written after lunch")
    expect(status).to_contain_text(re.compile("^Saved"))
