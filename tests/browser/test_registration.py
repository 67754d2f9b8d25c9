"""Ali connects an LMS by pasting one URL: in the LMS's own frame, in a browser that keeps no cookie there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from tests import loopback
from tests.browser.conftest import be
from tests.browser.stack import DemoStack
from tests.browser.test_pages_look import Look

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]
LISTEN = "addEventListener('message', (event) => { document.title = `${event.origin} ${event.data.subject}`; })"


def page_out_of_time(new_context: NewContext, **options: object) -> Page:
    """A page whose clock stands still until it is moved, so that no test runs against a countdown."""
    page = new_context(**options).new_page()
    page.clock.install(time=datetime(2026, 1, 1, tzinfo=UTC))
    page.clock.pause_at(datetime(2026, 1, 2, tzinfo=UTC))  # it runs until then, and this machine may be slow
    return page


def paste_the_address(page: Page, demo: DemoStack) -> FrameLocator:
    be(page, demo, "Ali")
    page.goto(demo.lms + "/admin/register")
    page.get_by_label("Registration URL").fill(f"{demo.tool}/lti/register")
    page.get_by_role("button", name="Open the tool’s page").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    return frame


def begun(demo: DemoStack) -> str:
    """The address of our page as the LMS opens it, good for one registration."""
    answer = loopback.post(f"http://127.0.0.1:{demo.lms_port}/admin/api/registrations", json={})
    url: str = answer.json()["url"]
    return url


def entered(demo: DemoStack) -> list[dict[str, object]]:
    return [each for each in demo.json("platform", "list") if each["issuer"] == demo.lms]


def test_the_page_closes_itself_and_the_lms_shows_the_tool(
    demo: DemoStack, new_context: NewContext, picture: Picture
) -> None:
    page = page_out_of_time(new_context)
    known = len(entered(demo))
    frame = paste_the_address(page, demo)
    expect(frame.get_by_text("This page closes by itself in")).to_be_visible()
    picture(page, "connecting")
    page.clock.run_for(4_000)
    expect(frame.get_by_text("This page closes by itself in 1 second.")).to_be_visible()
    page.clock.run_for(1_000)
    expect(page.locator("iframe")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/admin/tool/"))
    expect(page.get_by_text("Waiting to be activated")).to_be_visible()
    assert len(entered(demo)) == known + 1
    assert not [cookie for cookie in page.context.cookies() if "tool.localhost" in cookie["domain"]]


def test_a_touch_keeps_it_open_and_a_button_closes_it(demo: DemoStack, new_context: NewContext) -> None:
    page = page_out_of_time(new_context)
    frame = paste_the_address(page, demo)
    frame.get_by_role("button", name="Keep this page open").click()
    expect(frame.get_by_text("This page stays open until you close it.")).to_be_visible()
    expect(frame.get_by_text("This page closes by itself in")).to_have_count(0)
    line = frame.get_by_label("The line that approves it").input_value()
    assert demo.waymark(*line.split()[1:]).returncode == 0
    frame.get_by_role("button", name="Close now").click()
    expect(page.locator("iframe")).to_have_count(0)


@pytest.mark.parametrize("sign", ["Tab", "Shift"])
def test_any_key_is_a_sign_that_somebody_reads(demo: DemoStack, new_context: NewContext, sign: str) -> None:
    page = page_out_of_time(new_context)
    frame = paste_the_address(page, demo)
    expect(frame.get_by_text("This page closes by itself in")).to_be_visible()
    frame.locator("main").press(sign)
    expect(frame.get_by_text("This page stays open until you close it.")).to_be_visible()


def test_in_a_window_that_an_lms_opened_it_tells_its_opener(demo: DemoStack, new_context: NewContext) -> None:
    """As Brightspace opens it; the page behind closes the window."""
    page = page_out_of_time(new_context)
    page.goto(demo.lms + "/")
    page.evaluate(LISTEN)
    with page.expect_popup() as opened:
        page.evaluate("(address) => { window.open(address) }", begun(demo))
    opened.value.get_by_role("button", name="Close now").click()
    expect(page).to_have_title(f"{demo.tool} org.imsglobal.lti.close")


def test_without_scripts_it_says_that_it_may_be_closed(demo: DemoStack, new_context: NewContext) -> None:
    page = new_context(java_script_enabled=False).new_page()
    frame = paste_the_address(page, demo)
    expect(frame.get_by_text("When you have read this page you can close it.")).to_be_visible()
    expect(frame.get_by_role("button", name="Close now")).to_have_count(0)


def test_the_pages_look_right(demo: DemoStack, new_context: NewContext) -> None:
    look = Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())
    look.at(f"{demo.tool}/lti/register")
    look.at(f"{demo.tool}/lti/register?openid_configuration={demo.lms}/nowhere")
    look.at(begun(demo))
    expect(look.page.get_by_text("When you have read this page you can close it.")).to_be_visible()
