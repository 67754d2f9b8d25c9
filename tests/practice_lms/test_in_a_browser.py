"""A real browser with third-party cookies blocked: platform storage, registration in a frame, picking, looks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from practice_lms import KeyRing, PracticeLms, Settings, copy_course, serving
from tests.browser.accessible import expect_accessible, expect_good_colours
from tests.browser.conftest import PATIENCE, arrived, chromium, follow, slow_down
from tests.browser.stack import chromium_path
from tests.practice_lms.browser_tool import BrowserTool, browser_tool

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture
def profile() -> str:
    return "standard"


@pytest.fixture
def tool() -> Iterator[BrowserTool]:
    with browser_tool() as tool:
        yield tool


@pytest.fixture
def lms(tool: BrowserTool, profile: str, shared_keys: KeyRing) -> Iterator[PracticeLms]:
    keys = KeyRing(shared_keys.current, shared_keys.upcoming, shared_keys.hint_key)
    settings = Settings(
        profile=profile, port=0, tool_url=tool.url, tool_backchannel_url=f"http://127.0.0.1:{tool.port}"
    )
    with serving(settings, keys=keys) as lms:
        tool.lms = lms
        yield lms


@pytest.fixture
def page(browser: Browser, lms: PracticeLms) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    slow_down(context)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [text for text in said if "favicon" not in text] == []


def be(page: Page, lms: PracticeLms, name: str) -> None:
    page.goto(lms.settings.front_url + "/")
    follow(page.get_by_role("button", name=f"Sign in as {name}"))


def report(page: Page, lms: PracticeLms) -> dict[str, Any]:
    """What the launched tool found out about the page around it."""
    be(page, lms, "Tess")
    page.goto(f"{lms.settings.front_url}/course/foundations/activity/m01")
    text = page.frame_locator("iframe.tool").locator("#report").text_content()
    content: dict[str, Any] = json.loads(text or "")
    return content


def frames_of(told: dict[str, Any]) -> dict[str, str | None]:
    return {each["subject"]: each.get("frame") for each in told["capabilities"]["supported_messages"]}


@pytest.mark.parametrize(("profile", "frame"), [("canvas", "post_message_forwarding"), ("d2l", "_parent")])
def test_what_a_tool_puts_away_at_login_is_there_at_the_launch(page: Page, lms: PracticeLms, frame: str) -> None:
    told = report(page, lms)

    assert frames_of(told)["lti.put_data"] == frames_of(told)["lti.get_data"] == frame
    assert told["get"]["subject"] == "lti.get_data.response"
    assert (told["get"]["key"], told["get"]["value"]) == ("state_s-1", "secret")
    assert told["missing"]["value"] is None
    assert told["number"]["error"]["code"] == "bad_request"
    assert told["long"]["error"]["code"] == "storage_exhaustion"
    assert told["gone"]["value"] is None
    assert told["after"]["value"] is None
    assert told["unheard"]["error"]["code"] == "unsupported_subject"
    assert ("error" in told["parent"]) == (frame != "_parent")
    assert told["resize"]["subject"] == "lti.frameResize.response"


def test_without_storage_only_the_height_is_answered(page: Page, lms: PracticeLms) -> None:
    told = report(page, lms)

    assert told["capabilities"] is None
    assert told["resize"]["subject"] == "lti.frameResize.response"
    assert page.locator("iframe.tool").evaluate("frame => frame.style.height") == "777px"


@pytest.mark.parametrize("profile", ["moodle"])
def test_moodle_hears_nothing_of_what_a_tool_posts(page: Page, lms: PracticeLms) -> None:
    told = report(page, lms)

    assert (told["capabilities"], told["resize"]) == (None, None)


@pytest.mark.parametrize("profile", ["canvas"])
def test_a_frame_of_another_site_gets_no_answer(page: Page, lms: PracticeLms) -> None:
    assert report(page, lms)["get"]["value"] == "secret"
    page.evaluate("document.body.append(Object.assign(document.createElement('iframe'), { src: '/platform-storage' }))")
    page.frame_locator("iframe").last.get_by_role("heading").wait_for()

    answered = page.frames[-1].evaluate(
        """() => new Promise((done) => {
          window.addEventListener("message", () => done(true));
          const message = { subject: "lti.get_data", key: "state_s-1", message_id: "1" };
          parent.frames["post_message_forwarding"].postMessage(message, "*");
          setTimeout(() => done(false), 1000);
        })"""
    )

    assert answered is False


@pytest.mark.parametrize("profile", ["standard", "moodle", "canvas", "d2l"])
def test_ali_connects_a_tool_by_its_url_and_tess_launches_it(page: Page, lms: PracticeLms, tool: BrowserTool) -> None:
    be(page, lms, "Ali")
    follow(page.get_by_role("link", name="Connect a tool by its URL"))
    page.get_by_role("button", name="Open the tool’s page").click()
    page.frame_locator("iframe.tool").get_by_role("button", name="Done").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Stub tool")
    expect(page.locator("iframe")).to_have_count(0)
    follow(page.get_by_role("button", name="Activate and use it"))

    expect(page.get_by_text("In use")).to_be_visible()
    assert lms.tool.client_id == tool.answers[0]["client_id"]
    be(page, lms, "Tess")
    page.goto(f"{lms.settings.front_url}/course/foundations/activity/m01")
    expect(page.frame_locator("iframe.tool").get_by_role("heading", name="Launched")).to_be_visible()


def test_priya_picks_an_activity_although_her_cookie_is_held_back(page: Page, lms: PracticeLms) -> None:
    be(page, lms, "Priya")
    follow(page.get_by_role("link", name="Add an activity to IPS foundations"))
    page.frame_locator("iframe.tool").get_by_role("button", name="Take it").click()

    frame = page.frame_locator("iframe.tool")
    expect(frame.get_by_role("heading", level=1)).to_have_text("One activity is in IPS foundations now")
    look(page, "added")
    frame.get_by_role("link", name="Back to the course").click()

    expect(page.get_by_role("heading", name="Picked in a browser")).to_be_visible()
    assert lms.deep_links[0].accepted


def look(page: Page, name: str) -> None:
    """Nothing runs over the edge and axe finds nothing, on a phone and on a desk, light and dark."""
    arrived(page.locator("h1:visible"))
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        if folder := os.environ.get("WAYMARK_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"lms-{name}-{width}.png", full_page=True)
    expect_accessible(page, name)
    page.emulate_media(color_scheme="dark")
    expect_good_colours(page, f"{name}, dark")
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("profile", ["canvas"])
def test_the_pages_look_right(page: Page, lms: PracticeLms) -> None:
    be(page, lms, "Ali")
    copy_course(lms, "foundations")
    item = lms.gradebook.items["11"]
    lms.gradebook.grade_by_teacher(item, "5b0e2f7c-learner-41", 40)
    for path, name in [
        ("/", "home"), ("/course", "courses"), ("/gradebook", "gradebook"), ("/admin", "admin"),
        ("/admin/register", "register"), ("/admin/tool/unknown", "no-tool"), ("/course/foundations/add", "add"),
        ("/admin/tool/waymark-practice", "tool"),
        ("/course/foundations/activity/m01/review?user=tess", "review"), ("/platform-storage", "storage"),
    ]:  # fmt: skip
        page.goto(lms.settings.front_url + path)
        look(page, name)
    page.goto(f"{lms.settings.front_url}/admin/register")
    page.get_by_role("button", name="Open the tool’s page").click()
    expect(page.locator("iframe")).to_be_visible()
    look(page, "registering")
    page.goto(f"{lms.settings.front_url}/admin/register")
    look(page, "register-again")
