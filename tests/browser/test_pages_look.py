"""Every main page on a phone and on a desk: nothing runs over the edge, axe finds nothing, the console stays silent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests import loopback
from tests.browser.accessible import expect_accessible, expect_good_colours
from tests.browser.conftest import arrived, be, follow, launch
from tests.browser.stack import DemoStack
from tests.programme.folders import module_version, pathway_version

NewContext = Callable[..., BrowserContext]

WIDTHS = (320, 360, 1280)
LEARNER = "5b0e2f7c-learner-41"  # Tess and Ali, as the practice LMS knows them
ADMINISTRATOR = "e1487b20-admin-02"
TOUCH_TARGET = 44
# An answer of 4xx is itself a message of the console; everything else there is a defect.
EXPECTED_MESSAGE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")

TOO_WIDE = """() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > edge + 1)
    .map((e) => `${e.tagName}.${e.className}`);
}"""
TARGETS = ".button, button, .choice, .level, .input, summary, .site-nav a, .breadcrumb a"
TOO_SMALL = """([targets, least]) => [...document.querySelectorAll(targets)]
  .filter((e) => { const { height } = e.getBoundingClientRect(); return height > 0 && height < least - 0.5; })
  .map((e) => `${e.tagName} ${e.textContent.trim().slice(0, 40)}`)"""
HEADING_LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4")]
  .filter((e) => e.getClientRects().length).map((e) => Number(e.tagName[1]))"""


HAS_A_RING = """() => {
  const focused = document.activeElement;
  const drawn = [getComputedStyle(focused), getComputedStyle(focused, "::after")];
  const box = focused.closest(".choice, .level");
  if (box) drawn.push(getComputedStyle(box));
  return drawn.some((style) => style.outlineStyle !== "none");
}"""


class Look:
    """Looks at one page after the other and remembers what the console said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not EXPECTED_MESSAGE.search(text):
            self.said.append(text)

    def at(self, address: str) -> None:
        """Open a page and look at it in every width, in light and in dark."""
        self.page.goto(address)
        self.here(address)

    def here(self, name: str) -> None:
        """Look at the page that is open, once it is whole."""
        self.page.wait_for_load_state()
        arrived(self.page.locator("h1:visible"))
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 780})
            assert self.page.evaluate(TOO_WIDE) == [], f"{name} is wider than {width} px"
            if width == 360:
                assert self.page.evaluate(TOO_SMALL, [TARGETS, TOUCH_TARGET]) == [], f"{name}: too small for a thumb"
                expect_accessible(self.page, name)
        self.page.emulate_media(color_scheme="dark")
        expect_good_colours(self.page, f"{name}, dark")
        self.page.emulate_media(color_scheme="light")
        levels = self.page.evaluate(HEADING_LEVELS)
        assert levels[:1] == [1], f"{name} does not begin with its h1: {levels}"
        assert levels.count(1) == 1, f"{name} has more than one h1"
        assert all(b - a <= 1 for a, b in pairwise(levels)), f"{name} skips a heading: {levels}"
        assert self.said == [], f"the console at {name}"


@pytest.fixture
def look(new_context: NewContext) -> Look:
    # Colours that are on their way from light to dark have a contrast of nobody's choosing.
    return Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())


def in_a_window(look: Look, demo: DemoStack, given_name: str, course: str = "foundations") -> str:
    """Launch into a window of its own and return where the session's pages begin."""
    be(look.page, demo, given_name)
    look.page.goto(f"{demo.lms}/course/{course}/activity/m01/launch?target=window")
    look.page.wait_for_url(re.compile(r"/at/"))
    found = re.match(r".*/at/[^/]+", look.page.url)
    assert found is not None
    return found[0]


def test_public_pages_look_right(demo: DemoStack, look: Look) -> None:
    for path in (
        "/", "/programme", "/programme/matrix", "/programme/modules/M01", "/programme/modules/M06",
        "/programme/modules/X5", "/issuers/orygen",
        f"/achievements/M01/v{module_version('M01')}",
        "/programme/pathways", f"/achievements/practitioner/v{pathway_version('practitioner')}",
        "/verify", "/api/docs", "/nowhere", "/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10",
        "/lti/register", "/lti/register?openid_configuration=nonsense", "/lti/login",
    ):  # fmt: skip
        look.at(demo.tool + path)
    look.page.goto(demo.tool + "/programme")
    follow(look.page.get_by_role("link", name=re.compile("^All competencies")))
    look.here("all competencies and items")
    follow(look.page.locator("h3 + ul a").first)
    look.here("one competency")


def test_a_badge_and_its_verdicts_look_right(demo: DemoStack, look: Look) -> None:
    look.at(demo.addresses["badge"])
    text = demo.fetch_json(demo.addresses["badge"] + ".json")
    for name, badge in (
        ("valid", json.dumps(text)),
        ("invalid", json.dumps(text).replace("IPS", "ISP", 1)),
        ("no badge", "hello"),
        ("nothing typed", ""),
    ):
        look.page.goto(demo.tool + "/verify")
        look.page.locator("[name=badge]").fill(badge)
        follow(look.page.get_by_role("button", name="Check this badge"))
        look.here(f"verdict: {name}")


def test_a_learners_pages_look_right(demo: DemoStack, look: Look) -> None:
    """In whatever state the learner's work is: other tests of this run move it on."""
    root = in_a_window(look, demo, "Tess")
    for path in (
        "/module", "/activity/lesson", "/activity/knowledge-check", "/activity/exercise", "/activity/reflection",
        "/hand-in", "/modules", "/badges", "/your-data", "/your-data/mail", "/your-data/earlier", "/badges/email",
    ):  # fmt: skip
        look.at(root + path)
    look.page.locator("[name=email]").fill("not an address")
    look.page.locator("form").first.evaluate("form => { form.noValidate = true; }")
    follow(look.page.get_by_role("button", name="Send me a code"))
    expect(look.page.locator("[name=email]")).to_have_value("not an address")
    look.here("an address that is none")


def test_an_assessors_and_a_teachers_pages_look_right(demo: DemoStack, look: Look) -> None:
    root = in_a_window(look, demo, "Priya")
    look.at(root + "/assess")
    first = look.page.locator("tbody th a")
    if first.count():
        follow(first.first)
        look.here("work beside its rubric")
    look.page.context.clear_cookies()
    look.at(root + "/assess")
    expect(look.page.get_by_role("heading", level=1)).to_contain_text("open Waymark again")
    in_a_window(look, demo, "Ali")
    look.here("an instructor without the grant")


def test_a_teachers_pages_look_right(demo: DemoStack, look: Look) -> None:
    root = in_a_window(look, demo, "Priya")
    for path in ("/teaching", "/cohort", "/grades"):
        look.at(root + path)
    follow(look.page.get_by_role("link", name="Start"))
    expect(look.page.get_by_role("heading", level=1)).to_have_text("To be marked")
    look.page.goto(f"{demo.lms}/course/foundations/activity/m01/review/launch?user={LEARNER}")
    look.page.wait_for_url(re.compile(r"/review$"))
    look.here("one learner's progress, from the gradebook")


def test_a_grade_that_the_lms_refused_looks_right(demo: DemoStack, look: Look) -> None:
    """In a copy of the course, so that no grade of another test is touched."""
    switches = f"http://127.0.0.1:{demo.lms_port}/admin/api"
    copy = loopback.post(f"{switches}/courses/foundations/copy").json()
    [link] = [each["resource_link_id"] for each in copy["activities"] if each["key"] == "m01"]
    in_a_window(look, demo, "Tess", copy["key"])
    loopback.post(f"{switches}/trouble", json={"service": "scores", "status": 422})
    try:
        demo.waymark(
            "platform", "score", "--issuer", demo.lms, "--client-id", "waymark-practice", "--resource-link", link,
            "--user", LEARNER, "--given", "50", "--maximum", "100",
        )  # fmt: skip
        root = in_a_window(look, demo, "Priya", copy["key"])
        for _ in range(100):
            look.page.goto(f"{root}/grades")
            if look.page.get_by_text("Refused", exact=True).count():
                break
            look.page.wait_for_timeout(200)
        expect(look.page.get_by_text("Your LMS does not take a grade for this learner.")).to_be_visible()
        look.here("a grade that was refused")
        follow(look.page.get_by_role("button", name="Send again"))
        expect(look.page.get_by_role("status").first).to_contain_text("The grade goes out again")
        look.here("a grade that goes out again")
    finally:
        loopback.delete(f"{switches}/trouble")


def test_the_picker_looks_right(demo: DemoStack, look: Look) -> None:
    be(look.page, demo, "Priya")
    look.page.goto(f"{demo.lms}/course/foundations/add/launch")
    look.page.wait_for_url(re.compile(r"/picker$"))
    look.page.locator("summary").first.click()
    look.here("the picker")
    follow(look.page.get_by_role("button", name="Place in the course"))
    expect(look.page.get_by_role("alert")).to_contain_text("Nothing was chosen")
    look.here("the picker with nothing chosen")


def test_an_operators_pages_look_right(demo: DemoStack, look: Look) -> None:
    """Priya stays what she is: another person gets the grant, and loses it again."""
    who = ("--issuer", demo.lms, "--client-id", "waymark-practice", "--subject", ADMINISTRATOR)
    demo.waymark("role", "grant", "operator", *who)
    try:
        root = in_a_window(look, demo, "Ali")
        look.at(root + "/platforms")
        follow(look.page.get_by_role("link", name="Practice LMS"))
        look.here("one LMS")
        follow(look.page.get_by_role("button", name="Check the connection"))
        expect(look.page.get_by_role("heading", name="What the check found")).to_be_visible()
        look.here("one LMS, checked")
    finally:
        demo.waymark("role", "revoke", "operator", *who)


def test_a_managers_pages_look_right(demo: DemoStack, look: Look) -> None:
    """The demo's centre in Ali's hands for a while."""
    who = ("--issuer", demo.lms, "--client-id", "waymark-practice", "--subject", ADMINISTRATOR)
    person = ("--person", demo.json("role", "grant", "manager", *who)["person_id"])
    place = ("--org", "practice", "--centre", "footscray", "--function", "supervisor")
    membership = demo.json("staff", "add", *place, *person)["membership_id"]
    try:
        root = in_a_window(look, demo, "Ali")
        look.at(root + "/centre")
        for summary in look.page.locator("summary").all():
            summary.click()
        look.here("a centre, with its forms open")
        follow(look.page.get_by_role("link", name="Tess Nguyen").first)
        look.page.locator("summary").first.click()
        look.here("a specialist of the centre")
    finally:
        demo.waymark("staff", "end", membership)
        demo.waymark("role", "revoke", "manager", *who)


def test_the_practice_lms_looks_right(demo: DemoStack, look: Look) -> None:
    be(look.page, demo, "Ali")
    for path in ("/", "/course", "/gradebook", "/mail", "/admin", "/nowhere"):
        look.at(demo.lms + path)


def test_the_keyboard_goes_into_the_frame_and_out_again(demo: DemoStack, new_context: NewContext) -> None:
    page = new_context().new_page()
    be(page, demo, "Tess")
    frame = launch(page, demo)
    focused = "document.activeElement.tagName"
    page.evaluate("document.querySelector('iframe').focus()")
    page.keyboard.press("Tab")
    expect(frame.locator(".skip-link")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(frame.locator("#main")).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(focused) != "IFRAME":
            break
        if not frame.evaluate("document.activeElement === document.body"):
            ring = frame.evaluate(HAS_A_RING)
            assert ring, frame.evaluate("document.activeElement.outerHTML")
    assert page.evaluate(focused) != "IFRAME"


A_FORM = """<!doctype html><html lang="en-AU"><title>A form</title><main><h1>A form</h1>
<form data-draft-url="/a-draft" data-draft-revision="1"><input type="hidden" name="csrf" value="c">
<label>Text <textarea name="text"></textarea></label><p data-draft-status></p><button>Save and go on</button>
</form></main>
<script type="module" src="/static/js/drafts.js"></script></html>"""


def test_a_newer_text_from_another_device_is_offered_below_the_buttons_and_chosen_by_nobody_in_a_hurry(
    demo: DemoStack, new_context: NewContext
) -> None:
    page = new_context().new_page()
    sent: list[dict[str, object]] = []
    newer = {"revision": 5, "content": {"text": "From the office"}, "saved_at": "2026-11-21T01:02:03+00:00"}

    def answer(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or ""))
        route.fulfill(json=newer if len(sent) == 1 else {"revision": 6}, status=409 if len(sent) == 1 else 200)

    page.route("**/a-form", lambda route: route.fulfill(body=A_FORM, content_type="text/html"))
    page.route("**/a-draft", answer)
    page.goto(demo.tool + "/a-form")
    page.locator("textarea").fill("From the phone")
    choice = page.get_by_role("alert")
    expect(choice).to_contain_text("From the phone")
    expect(choice).to_contain_text("From the office")
    expect(choice).to_be_focused()
    save, box = page.get_by_role("button", name="Save and go on").bounding_box(), choice.bounding_box()
    assert save is not None
    assert box is not None
    assert box["y"] > save["y"], "the button somebody is about to press must not give way to another"
    page.keyboard.press("Enter")
    expect(choice).to_be_visible()
    page.get_by_role("button", name="Keep what is on this screen").click()
    expect(page.locator("[data-draft-status]")).to_contain_text("Saved")
    assert sent[1] == {"revision": 5, "content": {"text": "From the phone"}}


def test_the_badge_page_fits_on_paper(demo: DemoStack, new_context: NewContext) -> None:
    page = new_context(width=660, height=930).new_page()
    page.goto(demo.addresses["badge"])
    page.emulate_media(media="print")
    assert page.evaluate(TOO_WIDE) == []
    expect(page.get_by_role("heading", level=1)).to_have_text("Valid")
    expect(
        page.get_by_text("type that address, or scan the code, to see whether the badge still stands")
    ).to_be_visible()
    expect(page.get_by_role("link", name="Check again")).to_be_hidden()
