"""The main job in a real browser with third-party cookies blocked: from a launch to a badge an employer trusts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Frame, Locator, Page, expect

from tests.browser.accessible import WCAG, expect_accessible
from tests.browser.conftest import arrived, be, launch, settle
from tests.browser.stack import DemoStack
from tests.programme.folders import module_version

Picture = Callable[[Page, str], None]
NewContext = Callable[..., BrowserContext]

RIGHT = {f"q{number}": letter for number, letter in enumerate("cbbbcbcbadadda", start=1)}
COUNTS = {"mentioned": "20", "offered": "14", "referred": "9", "met": "6"}
TEXTS = {
    "drop": "Between offered and referred.",
    "colleague-view": "A colleague waits with the referral until the first review.",
    "test-change": "We refer on the day work is mentioned.",
    "test-duration": "Six weeks.",
    "test-measure": "Days from mention to first meeting.",
    "test-decider": "The centre manager and I.",
}
REFLECTION = (
    "In my second month I said not yet to a young person who wanted to work nights, and I meant it kindly. " * 18
)


def assert_accessible(page: Page | Frame, what: str) -> None:
    """No violation of WCAG 2.2 A and AA that axe can find."""
    expect_accessible(page, what, WCAG)


def eventually(read: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 20.0) -> Any:
    """Read until it is as wanted: the worker works beside us."""
    deadline = time.monotonic() + seconds
    while not wanted(value := read()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert wanted(value), value
    return value


def press(page: Page, button: Locator) -> None:
    """Click when it is there and the LMS's frame has stopped growing."""
    button.wait_for()
    settle(page)
    button.click()


def tick(page: Page, box: Locator) -> None:
    """The same for a box or a radio button."""
    box.wait_for()
    settle(page)
    box.check()


def answer_all(frame: Frame) -> None:
    """Choose the right answer to each question that was drawn, whatever the order."""
    arrived(frame.locator("input[name^='answer-']"))
    for question, letter in RIGHT.items():
        box = frame.locator(f"input[name='answer-{question}'][value='{letter}']")
        if box.count():
            box.check()


def test_from_launch_to_a_badge_an_employer_trusts(demo: DemoStack, new_context: NewContext, picture: Picture) -> None:
    tess = new_context(width=390, height=844).new_page()
    be(tess, demo, "Tess")
    frame = launch(tess, demo)
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")
    assert_accessible(frame, "module")
    picture(tess, "01-launch")

    press(tess, frame.get_by_role("link", name=re.compile("^Begin")))
    expect(frame.get_by_text("Mia is nineteen")).to_be_visible()
    assert_accessible(frame, "lesson")
    picture(tess, "02-lesson")
    press(tess, frame.get_by_role("button", name=re.compile("I have read this")))

    press(tess, frame.get_by_role("button", name="Begin"))
    press(tess, frame.get_by_role("button", name="Send my answers"))
    expect(frame.get_by_role("alert")).to_contain_text("no answer yet")
    settle(tess)
    answer_all(frame)
    assert_accessible(frame, "knowledge check")
    picture(tess, "03-knowledge-check")
    press(tess, frame.get_by_role("button", name="Send my answers"))
    expect(frame.get_by_role("heading", name=re.compile("Passed: 8 of 8"))).to_be_visible()
    press(tess, frame.get_by_role("link", name="Go on"))

    arrived(frame.locator("[name='mentioned']"))
    for name, value in COUNTS.items():
        frame.locator(f"[name='{name}']").fill(value)
    for name, value in TEXTS.items():
        frame.locator(f"[name='{name}']").fill(value)
    frame.locator("select[name='fidelity-item']").select_option(index=1)
    expect(frame.locator("[data-draft-status]")).to_contain_text("Saved")
    assert_accessible(frame, "exercise")
    picture(tess, "04-exercise")
    # The page is closed without a word: what was typed is there on the next launch.
    tess.goto(demo.lms + "/course")
    frame = launch(tess, demo)
    frame.goto(re.sub(r"(/at/[^/]+)/.*", r"\1/activity/exercise", frame.url))
    expect(frame.locator("[name='test-measure']")).to_have_value(TEXTS["test-measure"])
    press(tess, frame.get_by_role("button", name="Save and go on"))

    arrived(frame.locator("[name='text']"))
    frame.locator("[name='text']").fill(REFLECTION)
    expect(frame.locator("[data-draft-status]")).to_contain_text("Saved")
    press(tess, frame.get_by_role("button", name="Save and go on"))
    expect(frame.get_by_role("heading", level=1)).to_have_text("Check and hand in")
    press(tess, frame.get_by_role("button", name="Hand in for marking"))
    expect(frame.get_by_role("alert")).to_contain_text("declaration")
    tick(tess, frame.get_by_label(re.compile("I have checked")))
    assert_accessible(frame, "hand in")
    picture(tess, "05-hand-in")
    press(tess, frame.get_by_role("button", name="Hand in for marking"))
    expect(frame.get_by_text("An assessor reads your work")).to_be_visible()

    priya = new_context().new_page()
    be(priya, demo, "Priya")
    desk = launch(priya, demo)
    expect(desk.get_by_role("heading", level=1)).to_have_text("To be marked")
    assert_accessible(desk, "queue")
    picture(priya, "06-queue")
    press(priya, desk.get_by_role("link", name="Tess Nguyen"))
    expect(desk.get_by_role("heading", level=1)).to_have_text("Tess Nguyen")
    settle(priya)
    tick(priya, desk.locator("input[name='level-seeing-gates'][value='2']"))
    desk.locator("[name='comment-seeing-gates']").fill("Which gate is it, in one sentence?")
    press(priya, desk.get_by_role("button", name=re.compile("^Award")))
    expect(desk.get_by_role("alert")).to_be_visible()
    desk.locator("[name='comment']").fill("A good start. Please name one gate.")
    assert_accessible(desk, "marking")
    picture(priya, "07-marking")
    press(priya, desk.get_by_role("button", name="Return with comments"))
    expect(desk.get_by_text("Returned", exact=True)).to_be_visible()

    eventually(demo.mails, lambda mails: any("came back with comments" in mail["subject"] for mail in mails))
    frame = launch(tess, demo)
    expect(frame.get_by_text("Which gate is it")).to_be_visible()
    assert_accessible(frame, "returned")
    picture(tess, "08-returned")
    frame.goto(re.sub(r"(/at/[^/]+)/.*", r"\1/activity/exercise", frame.url))
    frame.locator("[name='drop']").fill("The gate: we wait with the referral until the first review.")
    press(tess, frame.get_by_role("button", name="Save and go on"))
    press(tess, frame.get_by_role("link", name=re.compile("hand in again")))
    tick(tess, frame.get_by_label(re.compile("I have checked")))
    press(tess, frame.get_by_role("button", name="Hand in for marking"))
    expect(frame.get_by_text("An assessor reads your work")).to_be_visible()

    desk = launch(priya, demo)
    press(priya, desk.get_by_role("link", name="Tess Nguyen"))
    expect(desk.get_by_role("heading", level=1)).to_have_text("Tess Nguyen")
    arrived(desk.locator(".criterion"))
    settle(priya)
    for radio in desk.locator(".criterion input[value='3']").all():
        radio.check()
    desk.locator("[name='talk-date']").fill(time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400)))
    desk.locator("[name='talk-role']").fill("Centre manager")
    press(priya, desk.get_by_role("button", name=re.compile("^Award")))
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Award What Makes IPS, IPS to Tess Nguyen?")
    assert_accessible(desk, "award")
    picture(priya, "09-award")
    press(priya, desk.get_by_role("button", name="Yes, award"))
    expect(desk.get_by_text("Awarded", exact=True)).to_be_visible()

    eventually(demo.mails, lambda mails: any("Your badge" in mail["subject"] for mail in mails))
    frame = launch(tess, demo)
    press(tess, frame.get_by_role("link", name="See my badge"))
    expect(frame.get_by_role("heading", level=1)).to_have_text("My badges")
    assert_accessible(frame, "my badges")
    picture(tess, "10-my-badges")
    press(tess, frame.get_by_role("link", name="Confirm my e-mail address"))
    expect(frame.locator("[name='email']")).to_have_value("tess.nguyen@example.org")
    press(tess, frame.get_by_role("button", name="Send me a code"))
    mails = eventually(demo.mails, lambda mails: "code" in mails[0]["subject"])
    expect(frame.get_by_role("heading", level=1)).to_have_text("Enter your code")
    frame.locator("[name='code']").fill(re.findall(r"\b\d{6}\b", mails[0]["text"])[0])
    assert_accessible(frame, "code")
    press(tess, frame.get_by_role("button", name="Confirm"))
    expect(frame.get_by_text("Your e-mail address is confirmed", exact=True)).to_be_visible()
    press(tess, frame.get_by_role("link", name=re.compile("What Makes IPS, IPS")).first)
    press(tess, frame.get_by_role("button", name="Share this badge"))
    expect(frame.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    assert_accessible(frame, "badge of mine")
    picture(tess, "11-shared")
    url = frame.get_by_label("Link to share").input_value()

    ken = new_context().new_page()
    eventually(
        lambda: demo.fetch_json(url + ".json"),
        lambda badge: "identifier" in badge["credentialSubject"],
    )
    ken.goto(url)
    expect(ken.get_by_role("heading", level=1)).to_contain_text("Valid")
    expect(ken.get_by_text("What Makes IPS, IPS").first).to_be_visible()
    assert "Tess" not in ken.content()
    assert_accessible(ken, "badge page")
    picture(ken, "12-badge-page")
    phone = new_context(width=360, height=780).new_page()
    phone.goto(url)
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(phone, "13-badge-page-phone")

    grades = eventually(
        demo.grades, lambda rows: any(row["user"] == "tess" and row["score"] is not None for row in rows)
    )
    tess_rows = [row for row in grades if row["user"] == "tess" and row["history"]]
    assert all(len(row["history"]) == 1 for row in tess_rows), "one score in each course the module was opened in"
    priya.goto(demo.lms + "/gradebook")
    picture(priya, "14-gradebook")

    verdict = demo.json("verify", url)
    # The command needs no database: the demo has entered its own issuer in the register of this folder.
    assert verdict["verdict"] == "valid", verdict
    demo.waymark("revoke", url.rsplit("/", 1)[1], "--reason", "shown in a test")
    ken.reload()
    expect(ken.get_by_role("heading", level=1)).to_contain_text("Revoked")
    assert_accessible(ken, "revoked badge")
    picture(ken, "15-revoked")
    assert demo.waymark("verify", url, check=False).returncode == 1


def test_the_demos_badge_and_public_pages(demo: DemoStack, new_context: NewContext) -> None:
    page = new_context(width=360, height=780).new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    for address in (
        demo.addresses["badge"],
        demo.addresses["api_docs"],
        demo.tool + "/",
        demo.tool + "/verify",
        demo.tool + "/programme",
        demo.tool + "/programme/modules/M01",
        demo.tool + f"/achievements/M01/v{module_version('M01')}",
        demo.tool + "/issuers/orygen",
    ):
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, address
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} is too wide"
        assert_accessible(page, address)
    assert problems == []


def test_a_page_that_is_not_there_is_a_good_page(demo: DemoStack, new_context: NewContext) -> None:
    page = new_context().new_page()
    for path in ("/nowhere", "/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10", "/at/nobody/"):
        response = page.goto(demo.tool + path)
        assert response is not None
        assert 400 <= response.status < 500, path
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert_accessible(page, path)


def test_without_cookies_in_the_frame_a_window_of_its_own_works(
    demo: DemoStack, new_context: NewContext, picture: Picture
) -> None:
    """A browser that keeps no cookie of ours in a frame, as those without CHIPS: the login is begun anew on top."""
    context = new_context()

    def forget_our_cookie(route: Any) -> None:
        if route.request.frame.parent_frame is not None:
            context.clear_cookies(name=re.compile("waymark-login"))
        route.continue_()

    context.route(f"{demo.tool}/lti/launch", forget_our_cookie)
    page = context.new_page()
    be(page, demo, "Tess")
    page.goto(f"{demo.lms}/course/foundations/activity/m01")
    frame = page.frame_locator("iframe")
    button = frame.get_by_role("link", name=re.compile("new window", re.IGNORECASE))
    expect(button).to_be_visible()
    assert "Nguyen" not in frame.locator("body").inner_text()
    picture(page, "16-new-window")
    with context.expect_page() as opened:
        button.click()
    window = opened.value
    window.wait_for_url(re.compile(r"/at/"))
    expect(window.get_by_role("heading", level=1)).to_be_visible()


def test_two_tabs_of_two_courses_never_mix(demo: DemoStack, new_context: NewContext) -> None:
    context = new_context()
    one, two = context.new_page(), context.new_page()
    be(one, demo, "Tess")
    first = launch(one, demo, course="foundations")
    second = launch(two, demo, course="team-practice")
    first.goto(first.url)
    second.goto(second.url)
    expect(first.get_by_role("banner")).to_contain_text("IPS foundations")
    expect(second.get_by_role("banner")).to_contain_text("Team practice")


def test_an_instructor_without_the_grant_cannot_decide(demo: DemoStack, new_context: NewContext) -> None:
    page = new_context().new_page()
    be(page, demo, "Ali")
    frame = launch(page, demo)
    expect(frame.get_by_text("Who decides about awards")).to_be_visible()
    answer = frame.goto(re.sub(r"(/at/[^/]+)/.*", r"\1/assess", frame.url))
    assert answer is not None
    assert answer.status == 403
