"""Staying signed in inside an LMS's frame, in a real Chromium: by the cookie; where none comes back, by a header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Download, Frame, Page, Request, Route, expect
from sqlmodel import col, delete, select

from app.cli import demo_story
from app.config import load_settings
from app.issuer import service as issuer
from app.learning import service as learning
from app.lti.models import LtiRegistration
from app.people import service as people
from app.web.models import LaunchSessionRow
from app.wiring import Services, bind
from practice_lms.catalogue import PRIYA, TESS
from tests.browser.conftest import be, launch, script_of_next_page, settle
from tests.browser.stack import DemoStack, start_demo
from tests.browser.test_story import (
    COUNTS,
    REFLECTION,
    TEXTS,
    answer_all,
    assert_accessible,
    eventually,
    press,
    tick,
)

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]

# What a platform's page does (LTI postMessage Storage 0.1): it keeps values for each origin, and answers. The second
# one has a frame of its own for that, as Canvas has; the last one says that it would and never does, as mobile apps.
KEEPS = """
  const kept = (window.__kept = {});
  const keep = (there) => there.addEventListener("message", (event) => {
    const { subject, key, value, message_id } = event.data ?? {};
    if (subject !== "lti.put_data" && subject !== "lti.get_data") return;
    const mine = (kept[event.origin] ??= {});
    if (subject === "lti.put_data") { if (value === null) delete mine[key]; else mine[key] = value; }
    event.source.postMessage({ subject: `${subject}.response`, message_id, key, value: mine[key] }, event.origin);
  });
"""
PLATFORMS = {
    "_parent": KEEPS + "keep(window);",
    "post_message_forwarding": KEEPS
    + """
  addEventListener("DOMContentLoaded", () => {
    const frame = document.createElement("iframe");
    frame.name = "post_message_forwarding";
    frame.hidden = true;
    document.body.append(frame);
    keep(frame.contentWindow);
  });""",
    "late": KEEPS + "setTimeout(() => keep(window), 700);",
    "silent": "",
    "forgetful": """
  addEventListener("message", ({ data, source, origin }) => {
    const { subject, key, value, message_id } = data ?? {};
    const answer = subject === "lti.get_data" ? { key, error: "no" } : { key, value };
    if (subject) source.postMessage({ subject: `${subject}.response`, message_id, ...answer }, origin);
  });""",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    """A demo of this file's own: Tess hands in her work here as well."""
    stack = start_demo(tmp_path_factory.mktemp("carriers"))
    yield stack
    if stack.process.poll() is None:
        assert stack.stop() == 0


@pytest.fixture
def services(demo: DemoStack) -> Iterator[Services]:
    """The demo's rooms, bound in this process too."""
    services = bind(load_settings(data_dir=Path(demo.environment["WAYMARK_DATA_DIR"])))
    yield services
    services.runtime.database.dispose()


def carriers(services: Services) -> list[str]:
    """How the sessions so far were carried, oldest first."""
    with services.runtime.database.read() as session:
        return list(session.exec(select(LaunchSessionRow.carrier).order_by(col(LaunchSessionRow.created_at))).all())


class Cookieless:
    """A profile whose browser keeps no cookie of ours, in an LMS that offers its storage to tools.

    `target` is what the LMS is made to offer; None leaves that to the LMS.
    """

    def __init__(
        self, context: BrowserContext, demo: DemoStack, target: str | None = "_parent", given_name: str = "Tess"
    ) -> None:
        self.context, self.demo = context, demo
        self.requests: list[Request] = []
        self.problems: list[str] = []
        context.route(f"{demo.tool}/**", self._drop_cookies)
        if target is not None:
            platform = PLATFORMS.get(target, PLATFORMS["silent"])
            context.add_init_script(
                f"if (window === window.top && location.hostname.startsWith('lms.')) {{ {platform} }}"
            )
            context.route(f"{demo.tool}/lti/login", lambda route: self._offer_storage(route, target))
        self.page = context.new_page()
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        be(self.page, demo, given_name)

    def launch(self) -> Frame:
        return launch(self.page, self.demo)

    def kept(self) -> dict[str, dict[str, str]]:
        kept: dict[str, dict[str, str]] = self.page.evaluate("window.__kept")
        return kept

    def of_session(self) -> list[str]:
        """Pages of sessions that were asked for."""
        return [request.url for request in self.requests if "/at/" in request.url]

    def check(self) -> None:
        """Nothing of ours went by cookie, nothing secret by address, and the console had nothing to say."""
        assert [name for request in self.requests if (name := self._our_cookie(request))] == []
        tokens = {token for request in self.requests if (token := request.headers.get("x-waymark-session"))}
        assert len(tokens) == 1, "one session, one token"
        assert [request.url for request in self.requests if tokens & set(re.split(r"[/?&=#]", request.url))] == []
        assert self.problems == []

    def _our_cookie(self, request: Request) -> str | None:
        found = re.search(r"(?:__Host-)?waymark-\w+", request.all_headers().get("cookie", ""))
        return found[0] if found else None

    def _drop_cookies(self, route: Route) -> None:
        self.requests.append(route.request)
        self.context.clear_cookies(name=re.compile("waymark-"))
        route.continue_()

    def _offer_storage(self, route: Route, target: str) -> None:
        self.requests.append(route.request)
        self.context.clear_cookies(name=re.compile("waymark-"))
        route.continue_(post_data=f"{route.request.post_data}&lti_storage_target={target}")

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "the server responded with a status of 4" not in text:
            self.problems.append(text)


def wait_for_path(frame: Frame, path: str) -> None:
    """The address changes a moment before or after the page is shown."""
    frame.wait_for_url(re.compile(rf"/at/[^/]+{path}$"))


def award(services: Services) -> None:
    """Priya marks what Tess handed in, and awards; the demo's worker makes the badge."""
    with services.runtime.database.write() as session:
        registration = session.exec(select(LtiRegistration.id)).one()
        priya, tess = (
            people.person_by_lms_identity(session, registration_id=registration, subject=user.sub)
            for user in (PRIYA, TESS)
        )
        assert priya is not None
        assert tess is not None
        enrolment = learning.enrolment_of(session, person_id=tess.id, module_key="M01")
        assert enrolment is not None
        demo_story.mark_and_award(session, enrolment, priya.id)

    def badges() -> int:
        with services.runtime.database.read() as session:
            return len(issuer.credentials_of(session, tess.id))

    eventually(badges, lambda found: found == 1)


def test_a_partitioned_cookie_carries_where_the_browser_returns_it(
    demo: DemoStack, new_context: NewContext, services: Services
) -> None:
    """Also in a platform that offers its storage: the cookie comes first, and survives a reload."""
    context = new_context()
    context.add_init_script(f"if (window === window.top) {{ {PLATFORMS['_parent']} }}")
    context.route(
        f"{demo.tool}/lti/login",
        lambda route: route.continue_(post_data=f"{route.request.post_data}&lti_storage_target=_parent"),
    )
    page = context.new_page()
    be(page, demo, "Tess")
    frame = launch(page, demo)
    assert carriers(services)[-1] == "cookie"
    # The secret was offered all the same.
    eventually(partial(page.evaluate, "Object.keys(window.__kept).length"), lambda kept: kept == 1)
    frame.goto(frame.url)
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")


def test_the_whole_way_of_a_learner_without_one_cookie(
    demo: DemoStack, new_context: NewContext, services: Services, picture: Picture, tmp_path: Path
) -> None:
    tess = Cookieless(new_context(width=390, height=844, accept_downloads=True), demo)
    page, frame = tess.page, tess.launch()
    assert carriers(services)[-1] == "header"
    eventually(tess.kept, lambda kept: kept == {demo.tool: {}})  # the secret is taken back once it was used
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")
    eventually(frame.title, lambda title: title == "What Makes IPS, IPS – Waymark")
    assert_accessible(frame, "module")

    press(page, frame.get_by_role("link", name=re.compile("^Begin")))
    expect(frame.get_by_text("Mia is nineteen")).to_be_visible()
    expect(frame.locator("#main")).to_be_focused()
    wait_for_path(frame, "/activity/lesson")
    press(page, frame.get_by_role("button", name=re.compile("I have read this")))

    press(page, frame.get_by_role("button", name="Begin"))
    press(page, frame.get_by_role("button", name="Send my answers"))
    expect(frame.get_by_role("alert")).to_contain_text("no answer yet")
    settle(page)
    answer_all(frame)
    assert_accessible(frame, "knowledge check")
    press(page, frame.get_by_role("button", name="Send my answers"))
    expect(frame.get_by_role("heading", name=re.compile("Passed: 8 of 8"))).to_be_visible()
    with script_of_next_page(page, "drafts"):
        press(page, frame.get_by_role("link", name="Go on"))

    for name, value in (COUNTS | TEXTS).items():
        frame.locator(f"[name='{name}']").fill(value)
    frame.locator("select[name='fidelity-item']").select_option(index=1)
    expect(frame.locator("[data-draft-status]")).to_contain_text("Saved")
    # Back and forward as the browser's buttons do it; the last words before leaving are saved on the way.
    frame.locator("[name='test-measure']").fill("Days, counted by hand.")
    frame.evaluate("history.back()")
    expect(frame.get_by_role("heading", name=re.compile("Passed: 8 of 8"))).to_be_visible()
    frame.evaluate("history.forward()")
    expect(frame.locator("[name='test-measure']")).to_have_value("Days, counted by hand.")
    wait_for_path(frame, "/activity/exercise")
    frame.locator("[name='drop']").fill("")
    press(page, frame.get_by_role("button", name="Save and go on"))
    expect(frame.get_by_role("alert")).to_be_visible()
    frame.locator("[name='drop']").fill(TEXTS["drop"])
    with script_of_next_page(page, "drafts"):
        press(page, frame.get_by_role("button", name="Save and go on"))
        frame.locator("[name='text']").wait_for()

    frame.locator("[name='text']").fill(REFLECTION)
    expect(frame.locator("[data-draft-status]")).to_contain_text("Saved")
    press(page, frame.get_by_role("button", name="Save and go on"))
    expect(frame.get_by_role("heading", level=1)).to_have_text("Check and hand in")
    press(page, frame.get_by_role("button", name="Hand in for marking"))
    expect(frame.get_by_role("alert")).to_contain_text("declaration")
    tick(page, frame.get_by_label(re.compile("I have checked")))
    press(page, frame.get_by_role("button", name="Hand in for marking"))
    expect(frame.get_by_text("An assessor reads your work")).to_be_visible()
    wait_for_path(frame, "/module")
    picture(page, "17-without-cookies")

    award(services)
    press(page, frame.get_by_role("link", name="My badges"))
    expect(frame.get_by_role("heading", level=1)).to_have_text("My badges")
    press(page, frame.get_by_role("link", name=re.compile("What Makes IPS, IPS")).first)
    press(page, frame.get_by_role("button", name="Share this badge"))
    expect(frame.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    for kind, begins in (("PNG", b"\x89PNG"), ("JSON", b"{"), ("JWT", b"eyJ")):
        with page.expect_download() as started:
            press(page, frame.get_by_role("link", name=re.compile(kind)))
        assert_saved(started.value, kind, begins, tmp_path)
    expect(frame.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    with tess.context.expect_page() as opened:
        press(page, frame.get_by_role("link", name="See what others see"))
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Valid")
    tess.check()


def assert_saved(download: Download, kind: str, begins: bytes, folder: Path) -> None:
    """The bytes came, under the name that the server gave."""
    assert re.fullmatch(rf"M01-[0-9a-f]{{8}}\.{kind.lower()}", download.suggested_filename)
    download.save_as(folder / download.suggested_filename)
    assert (folder / download.suggested_filename).read_bytes().startswith(begins)


@pytest.mark.parametrize("target", ["post_message_forwarding", "late"])
def test_a_platform_that_keeps_things_in_a_frame_of_its_own_or_is_still_loading(
    demo: DemoStack, new_context: NewContext, services: Services, target: str
) -> None:
    tess = Cookieless(new_context(), demo, target)
    tess.page.goto(f"{demo.lms}/course/foundations/activity/m01")
    frame = tess.page.frame_locator("iframe.tool")
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")
    assert carriers(services)[-1] == "header"
    tess.check()


@pytest.mark.parametrize(
    ("target", "where"), [("silent", "/lti/login"), ("location", "/lti/login"), ("forgetful", "/lti/launch")]
)
def test_a_platform_that_keeps_nothing_leaves_the_new_window(
    demo: DemoStack, new_context: NewContext, services: Services, picture: Picture, target: str, where: str
) -> None:
    """Before the platform is asked who it is, if that can be known: its hint may work once."""
    before = len(carriers(services))
    tess = Cookieless(new_context(width=360, height=780), demo, target)
    tess.page.goto(f"{demo.lms}/course/foundations/activity/m01")
    inner = tess.page.frame_locator("iframe")
    link = inner.get_by_role("alert").get_by_role("link", name="Open in a new window")
    expect(link).to_be_visible()
    _look_at(tess.page, re.compile(where))
    assert "Nguyen" not in inner.locator("body").inner_text()
    picture(tess.page, f"18-no-answer-{target}")
    assert len(carriers(services)) == before
    tess.context.unroute_all()
    with tess.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url(re.compile(r"/at/"))
    expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
    assert carriers(services)[before:] == ["cookie"]


def test_the_pages_in_between_have_a_way_on_where_their_scripts_do_not_run(
    demo: DemoStack, new_context: NewContext, picture: Picture
) -> None:
    tess = Cookieless(new_context(width=360, height=780), demo)
    for script in ("platform_storage_login", "carrier_start"):
        tess.context.route(f"{demo.tool}/static/js/{script}.js", lambda route: route.abort())
    tess.page.goto(f"{demo.lms}/course/foundations/activity/m01")
    inner = tess.page.frame_locator("iframe")
    onward = inner.get_by_role("link", name="Go on if nothing happens")
    expect(onward).to_be_visible()
    _look_at(tess.page, re.compile("/lti/login"))
    picture(tess.page, "20-to-platform")
    onward.click()
    way_out = inner.get_by_role("link", name="Open in a new window")
    expect(way_out).to_be_visible()
    _look_at(tess.page, re.compile("/lti/launch"))
    picture(tess.page, "21-held")
    tess.page.set_viewport_size({"width": 1280, "height": 900})
    picture(tess.page, "22-held-wide")


def _look_at(page: Page, url: re.Pattern[str]) -> None:
    frame = page.frame(url=url)
    assert frame is not None
    assert_accessible(frame, url.pattern)
    assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_reload_is_told_kindly_and_costs_nothing(demo: DemoStack, new_context: NewContext, picture: Picture) -> None:
    tess = Cookieless(new_context(width=360, height=780), demo)
    frame = tess.launch()
    frame.evaluate("location.reload()")
    expect(frame.get_by_text("Your browser keeps no cookies for Waymark inside your LMS")).to_be_visible()
    assert_accessible(frame, "reloaded")
    picture(tess.page, "19-reloaded")
    press(tess.page, frame.get_by_role("link", name="Go back to your LMS"))
    frame.wait_for_url(re.compile(re.escape(demo.lms)))
    frame = tess.launch()
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")


def test_two_tabs_without_cookies_never_mix(demo: DemoStack, new_context: NewContext, services: Services) -> None:
    tess = Cookieless(new_context(), demo)
    other = tess.context.new_page()
    first = launch(tess.page, demo, course="foundations")
    second = launch(other, demo, course="team-practice")
    assert carriers(services)[-2:] == ["header", "header"]
    for name, heading in (("My badges", "My badges"), ("Module", "What Makes IPS, IPS")):
        for frame, course in ((first, "IPS foundations"), (second, "Team practice")):
            frame.get_by_role("link", name=name, exact=True).click()
            expect(frame.get_by_role("heading", level=1)).to_have_text(heading)
            expect(frame.get_by_role("banner")).to_contain_text(course)


# Canvas, as the practice LMS plays it: a frame of its own keeps the data, and a login's hint works once


@pytest.fixture(scope="module")
def canvas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    """A demo whose LMS behaves as Canvas does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRACTICE_LMS_AS", "canvas")
        stack = start_demo(tmp_path_factory.mktemp("canvas"))
    yield stack
    if stack.process.poll() is None:
        assert stack.stop() == 0


def test_canvas_carries_a_learner_without_cookies(canvas: DemoStack, new_context: NewContext) -> None:
    tess = Cookieless(new_context(), canvas, target=None)
    tess.page.goto(f"{canvas.lms}/course/foundations/activity/m01")
    frame = tess.page.frame_locator("iframe.tool")
    frame.get_by_role("link", name=re.compile("^Begin")).click()
    expect(frame.get_by_text("Mia is nineteen")).to_be_visible()
    tess.check()


def test_canvas_with_cookies_is_not_kept_waiting_for_its_storage(canvas: DemoStack, new_context: NewContext) -> None:
    context = new_context()
    page = context.new_page()
    be(page, canvas, "Tess")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{canvas.lms}/course/foundations/activity/m01")
    frame = page.frame_locator("iframe.tool")
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")
    assert [url for url in asked if "/lti/bind/" in url] == []


def test_a_canvas_that_keeps_nothing_is_begun_again_before_its_hint_was_used(
    canvas: DemoStack, new_context: NewContext
) -> None:
    tess = Cookieless(new_context(), canvas, target=None)
    tess.context.route(
        f"{canvas.lms}/platform-storage", lambda route: route.fulfill(body="Mute", content_type="text/html")
    )
    tess.page.goto(f"{canvas.lms}/course/foundations/activity/m01")
    link = tess.page.frame_locator("iframe.tool").get_by_role("alert").get_by_role("link", name="Open in a new window")
    expect(link).to_be_visible()
    tess.context.unroute_all()
    with tess.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url(re.compile(r"/at/"))
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")


def test_what_a_teacher_picks_without_cookies_reaches_canvas(canvas: DemoStack, new_context: NewContext) -> None:
    """The answer is a form to another site, sent from the one document that the session lives in."""
    priya = Cookieless(new_context(), canvas, target=None, given_name="Priya")
    priya.page.goto(f"{canvas.lms}/course/foundations/add")
    frame = priya.page.frame_locator("iframe.tool")
    frame.locator("[name=item][value='module:M01']").check()
    frame.get_by_role("button", name="Place in the course").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("One activity is in IPS foundations now")
    assert priya.problems == []


# Pages that others may add: what the carrier does with whatever stands in them


def made_up(tess: Cookieless, frame: Frame, main: str, path: str = "made-up") -> str:
    """A page of the session with this in its main part, gone to by a link; its address."""
    root = re.sub(r"(/at/[^/]+)/.*", r"\1", frame.url)
    page = (
        "<!doctype html><html lang=en-AU><head><title>Made up</title></head>"
        f"<body><main id=main tabindex=-1 data-made-up={path}>{main}</main></body></html>"
    )
    tess.context.route(f"{root}/{path}", lambda route: route.fulfill(body=page, content_type="text/html"))
    frame.evaluate(
        "(to) => { const a = document.createElement('a'); a.href = to; document.body.append(a); a.click(); }",
        f"{root}/{path}",
    )
    frame.locator(f"[data-made-up={path}]").wait_for()
    return root


def caught(tess: Cookieless, address: str, body: str = "<main id=main>Sent</main>") -> list[Request]:
    """Requests to an address, answered with a page."""
    found: list[Request] = []

    def answer(route: Route) -> None:
        found.append(route.request)
        route.fulfill(body=body, content_type="text/html")

    tess.context.route(address, answer)
    return found


def test_an_upload_is_carried_with_its_file_and_the_button_that_was_pressed(
    demo: DemoStack, new_context: NewContext
) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    root = made_up(
        tess, frame,
        """<form method="post" action="evidence?for=1" enctype="multipart/form-data"><input name="note" value="é">
        <input type="file" name="file"><button name="intent" value="keep">Keep</button></form>""",
    )  # fmt: skip
    sent = caught(tess, f"{root}/evidence?for=1")
    frame.locator("[name=file]").set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"six weeks"})
    frame.get_by_role("button", name="Keep").click()
    expect(frame.get_by_text("Sent")).to_be_visible()
    (request,) = sent
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert request.headers["x-waymark-session"]
    body = request.post_data_buffer or b""
    for part in ('name="note"', "é", 'filename="plan.txt"', "six weeks", 'name="intent"', "keep"):
        assert part.encode() in body


def test_a_form_that_asks_carries_its_fields_in_the_address(demo: DemoStack, new_context: NewContext) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    root = made_up(tess, frame, '<form action="found"><input name="q" value="a b&c"><button>Look</button></form>')
    sent = caught(tess, re.compile(re.escape(root) + r"/found.*"))  # type: ignore[arg-type]
    frame.get_by_role("button", name="Look").click()
    expect(frame.get_by_text("Sent")).to_be_visible()
    assert [request.url for request in sent] == [f"{root}/found?q=a+b%26c"]
    frame.wait_for_url(f"{root}/found?q=a+b%26c")


def test_a_form_to_the_lms_is_left_to_the_browser(demo: DemoStack, new_context: NewContext) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    made_up(tess, frame, f'<form method="get" action="{demo.tool}/lti/jwks"><button>Leave</button></form>')
    frame.get_by_role("button", name="Leave").click()
    frame.wait_for_url(re.compile("/lti/jwks"))
    (asked,) = [request for request in tess.requests if "/lti/jwks" in request.url]
    assert "x-waymark-session" not in asked.headers


def test_links_that_ask_for_a_new_tab_stay_in_the_frame_and_others_go_where_they_lead(
    demo: DemoStack, new_context: NewContext
) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    made_up(
        tess, frame,
        f"""<a href="module" target="_blank">Inside</a> <a href="{demo.tool}/programme" target="_blank">Outside</a>
        <a href="#end">Down</a><p id="end" tabindex="-1">End</p>""",
    )  # fmt: skip
    with tess.context.expect_page() as opened:
        frame.get_by_role("link", name="Outside").click()
    opened.value.wait_for_url(re.compile("/programme$"))
    before = len(tess.of_session())
    frame.get_by_role("link", name="Down").click()
    frame.wait_for_url(re.compile("#end$"))
    assert len(tess.of_session()) == before
    frame.get_by_role("link", name="Inside").click(modifiers=["Control"])
    expect(frame.get_by_role("heading", level=1)).to_have_text("What Makes IPS, IPS")
    wait_for_path(frame, "/module")


def test_the_way_back_leads_to_where_one_was_on_the_page(demo: DemoStack, new_context: NewContext) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    tall = "<p>Line</p>" * 400
    made_up(tess, frame, f'<a href="made-up-2">On</a>{tall}', "made-up-1")
    made_up(tess, frame, f"<h1>Second</h1>{tall}", "made-up-2")
    frame.evaluate("history.back()")
    frame.locator("[data-made-up=made-up-1]").wait_for()
    frame.evaluate("window.scrollTo(0, 1500)")
    frame.get_by_role("link", name="On").evaluate("link => link.click()")
    expect(frame.get_by_role("heading", name="Second")).to_be_visible()
    eventually(partial(frame.evaluate, "window.scrollY"), lambda top: top == 0)
    frame.evaluate("history.back()")
    frame.locator("[data-made-up=made-up-1]").wait_for()
    eventually(partial(frame.evaluate, "window.scrollY"), lambda top: top == 1500)


def test_a_sessions_picture_is_shown(demo: DemoStack, new_context: NewContext) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    root = re.sub(r"(/at/[^/]+)/.*", r"\1", frame.url)
    seen: list[dict[str, str]] = []

    def picture(route: Route) -> None:
        seen.append(route.request.headers)
        route.fulfill(
            body='<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>', content_type="image/svg+xml"
        )

    tess.context.route(f"{root}/sketch.svg", picture)
    made_up(tess, frame, '<img alt="A sketch" src="sketch.svg">')
    expect(frame.get_by_role("img")).to_have_js_property("naturalWidth", 7)
    assert len(seen) == 1
    assert seen[0]["x-waymark-session"]


def test_what_was_typed_survives_a_server_that_cannot_be_reached(
    demo: DemoStack, new_context: NewContext, picture: Picture
) -> None:
    tess = Cookieless(new_context(width=360, height=780), demo)
    frame = tess.launch()
    root = made_up(
        tess,
        frame,
        '<form method="post" action="keep"><input name="note" aria-label="Note"><button>Keep</button></form>',
    )
    tess.context.route(f"{root}/keep", lambda route: route.abort())
    frame.locator("[name=note]").fill("Not to be lost")
    frame.get_by_role("button", name="Keep").click()
    expect(frame.get_by_role("alert")).to_contain_text("We cannot reach Waymark just now")
    assert_accessible(frame, "not reached")
    picture(tess.page, "23-not-reached")
    assert frame.locator("[name=note]").input_value() == "Not to be lost"
    sent = caught(tess, f"{root}/keep")
    frame.get_by_role("button", name="Try again").click()
    expect(frame.get_by_text("Sent")).to_be_visible()
    assert sent[0].post_data == "note=Not+to+be+lost"


def test_what_was_typed_survives_an_answer_that_is_an_error(
    demo: DemoStack, new_context: NewContext, picture: Picture
) -> None:
    tess = Cookieless(new_context(width=360, height=780), demo)
    frame = tess.launch()
    made_up(
        tess,
        frame,
        '<form method="post" action="hand-in"><input name="note" aria-label="Note"><button>Keep</button></form>',
    )
    frame.locator("[name=note]").fill("Not to be lost")
    frame.get_by_role("button", name="Keep").click()
    expect(frame.get_by_role("alert")).to_contain_text("This form could not be accepted")
    assert_accessible(frame, "refused")
    picture(tess.page, "24-refused")
    assert frame.locator("[name=note]").input_value() == "Not to be lost"


def test_a_session_that_ended_elsewhere_is_told_and_keeps_what_is_on_the_page(
    demo: DemoStack, new_context: NewContext, services: Services
) -> None:
    tess = Cookieless(new_context(), demo)
    frame = tess.launch()
    made_up(
        tess,
        frame,
        '<form method="post" action="hand-in"><input name="note" aria-label="Note"><button>Keep</button></form>',
    )
    with services.runtime.database.write() as session:
        session.exec(delete(LaunchSessionRow))
    frame.locator("[name=note]").fill("Not to be lost")
    frame.get_by_role("button", name="Keep").click()
    expect(frame.get_by_role("alert")).to_contain_text("Please open Waymark again from your LMS")
    assert frame.locator("[name=note]").input_value() == "Not to be lost"


def test_a_pages_scripts_run_for_each_page_and_end_with_it(demo: DemoStack, new_context: NewContext) -> None:
    """A draft is saved once for each change, however often its page was shown; heights are told for each page."""
    tess = Cookieless(new_context(), demo)
    heights: list[Any] = []
    tess.page.expose_function("heard", lambda height: heights.append(height))
    tess.page.add_init_script(
        "addEventListener('message', (e) => { if (e.data.subject === 'lti.frameResize') heard(e.data.height); });"
    )
    frame = tess.launch()
    draft = """<form data-draft-url="notes" data-draft-revision="1" data-draft-field="text"><input type="hidden"
      name="csrf" value="x"><textarea name="text"></textarea></form><script type="module" src="/static/js/drafts.js">
      </script><script type="module" src="/static/js/frame.js"></script>"""
    saves: list[Request] = []

    def save(route: Route) -> None:
        saves.append(route.request)
        route.fulfill(json={"revision": 2, "saved_at": None})

    for number in range(3):
        root = made_up(tess, frame, f"<p>{number}</p>{draft}{'<br>' * 40 * (number + 1)}", f"made-up-{number}")
        tess.context.route(f"{root}/notes", save)
        expect(frame.locator("p").first).to_have_text(str(number))
        expect(frame.locator("[data-draft-status], .draft-status")).to_have_count(1)
    frame.locator("textarea").fill("Three pages later")
    expect(frame.locator(".draft-status")).to_contain_text("Saved")
    frame.evaluate("window.dispatchEvent(new Event('pagehide'))")
    assert len(saves) == 1
    assert saves[0].headers["x-waymark-session"]
    assert saves[0].headers["x-csrf-token"] == "x"

    def told() -> int:
        tess.page.wait_for_timeout(50)  # what the page calls is heard while we wait for the page
        return len(set(heights))

    eventually(told, lambda number: number >= 3)
