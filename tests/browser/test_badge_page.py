"""The badge page in every state: on a phone, on a desk, in the dark, on paper, without styles, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from app.core.db import Database
from app.main import create_app
from app.wiring import Services
from tests.browser.accessible import expect_accessible
from tests.browser.conftest import follow
from tests.browser.test_pages_look import HAS_A_RING, TOO_WIDE, Look
from tests.conftest import _bound, _settings
from tests.databases import Maker
from tests.ports import free_ports
from tests.serving import served
from tests.web.badge_states import EMAIL, STATES, Stage, with_empty_register, with_unreadable_keys

NewContext = Callable[..., BrowserContext]

A4_INSIDE = {"width": 680, "height": 1039}  # what the margins leave of a sheet, at 96 pixels to an inch
PAGES_OF_PDF = re.compile(rb"/Type\s*/Page[^s]")
UNKNOWN_ISSUER, COULD_NOT_CHECK = "issuer not known", "could not check"
WORDS = {state: words for state, (_, _, words) in STATES.items()} | {
    UNKNOWN_ISSUER: "Valid, but we do not know the issuer",
    COULD_NOT_CHECK: "Could not check",
}
SHOWN = [state for state in WORDS if state not in ("not shared", "erased")]


@dataclass(frozen=True)
class House:
    """A server with a badge in each state, and two more on the same database: one that knows nobody, one in trouble."""

    services: Services
    pages: dict[str, str]
    badge: str

    def address(self, state: str) -> str:
        """The page of the badge in this state."""
        if state == COULD_NOT_CHECK:
            with_unreadable_keys(self.services)  # a list that somebody could sign was signed again by now
        return self.pages[state]


@contextmanager
def serving(services: Services, port: int) -> Iterator[str]:
    """Serve a house on this machine until the block ends."""
    with served(create_app(services=services), port):
        yield f"http://tool.localhost:{port}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, maker: Maker, prepared_template: str) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    port, of_one_who_knows_nobody, of_one_in_trouble = free_ports(3)
    settings = _settings(url=maker.copy(prepared_template, folder), data_dir=folder)
    settings = settings.model_copy(update={"base_url": f"http://tool.localhost:{port}"})
    database = Database(settings.database_url)
    services = _bound(settings, database)
    stage = Stage(services)
    paths = {state: make(stage) for state, (make, _, _) in STATES.items()}
    badge = stage.path(stage.issue())
    with ExitStack() as stack:
        stack.callback(database.dispose)
        base = stack.enter_context(serving(services, port))
        stranger = stack.enter_context(serving(with_empty_register(services, folder / "none"), of_one_who_knows_nobody))
        in_trouble = stack.enter_context(serving(with_unreadable_keys(services), of_one_in_trouble))
        pages = {state: base + path for state, path in paths.items()}
        pages |= {UNKNOWN_ISSUER: stranger + badge, COULD_NOT_CHECK: in_trouble + badge}
        yield House(services, pages, base + badge)


@pytest.fixture
def look(new_context: NewContext) -> Look:
    """Answers of 503 are expected of a server in trouble."""
    return Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())


@pytest.mark.parametrize("state", WORDS)
def test_it_looks_right_on_a_phone_and_on_a_desk_in_light_and_in_dark(
    house: House, look: Look, state: str, picture: Callable[[Page, str], None]
) -> None:
    look.page.goto(house.address(state))
    look.said = [said for said in look.said if "status of 503" not in said]
    for fold in look.page.locator("details").all():
        fold.evaluate("fold => { fold.open = true; }")
    look.here(state)
    for width in (360, 1280):
        look.page.set_viewport_size({"width": width, "height": 780})
        picture(look.page, f"badge-{state.replace(' ', '-').replace(',', '')}-{width}")


@pytest.mark.parametrize("state", WORDS)
def test_the_verdict_is_what_a_screen_reader_comes_to_first(house: House, new_context: NewContext, state: str) -> None:
    page = new_context(width=360).new_page()
    page.goto(house.address(state))
    first = page.locator("main :is(h1, h2, h3, p, dt, dd, li, a, img)").first
    expect(first).to_have_role("heading")
    expect(first).to_have_text(WORDS[state])
    if state != "not shared":
        expect(page.get_by_role("region", name=WORDS[state])).to_be_visible()


@pytest.mark.parametrize("state", WORDS)
def test_it_can_be_read_without_styles_and_without_scripts(house: House, new_context: NewContext, state: str) -> None:
    page = new_context(width=360, java_script_enabled=False).new_page()
    page.route("**/*.css", lambda route: route.abort())
    page.goto(house.address(state))
    words = page.locator("main").inner_text()
    assert words.split("\n", 1)[0].strip() == WORDS[state]
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


@pytest.mark.parametrize("state", SHOWN)
def test_on_paper_it_is_one_sheet_that_says_where_the_page_is_and_when_it_was_checked(
    house: House, new_context: NewContext, state: str
) -> None:
    page = new_context(**A4_INSIDE).new_page()
    page.goto(house.address(state))
    assert len(PAGES_OF_PDF.findall(page.pdf(prefer_css_page_size=True))) == 1
    page.emulate_media(media="print")
    assert page.evaluate(TOO_WIDE) == []
    expect(page.get_by_role("heading", level=1)).to_have_text(WORDS[state])
    paper = page.get_by_role("complementary")
    expect(paper).to_contain_text(re.compile(r"This page is at http://tool\.localhost:\d+/credentials/[0-9a-f-]{36}"))
    expect(paper).to_contain_text("It was checked")
    expect(page.locator(".paper__code")).not_to_have_js_property("naturalWidth", 0)
    for control in page.get_by_role("button").all():
        expect(control).to_be_hidden()
    expect_accessible(page, state)


def test_the_print_button_prints(house: House, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.add_init_script("window.print = () => { document.documentElement.dataset.printed = 'yes'; };")
    page.goto(house.badge)
    page.get_by_role("button", name="Print").click()
    expect(page.locator("html")).to_have_attribute("data-printed", "yes")


def test_everything_on_it_can_be_reached_and_seen_by_keyboard(house: House, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(house.badge)
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        assert page.evaluate(HAS_A_RING), page.evaluate("document.activeElement.outerHTML")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.name"))
    for wanted in ("Skip to the main part", "email", "Compare", "Check again", "Print", "Technical details",
                   "Download the badge", "Check it somewhere else", "Show this page on a phone"):  # fmt: skip
        assert wanted in reached
    page.locator("summary", has_text="Download the badge").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Download JSON")).to_be_visible()


def test_the_code_is_shown_when_it_is_asked_for(house: House, new_context: NewContext) -> None:
    page = new_context(width=360).new_page()
    page.goto(house.badge)
    code = page.get_by_role("img", name="QR code that holds the address of this badge")
    expect(code).to_be_hidden()
    page.get_by_text("Show this page on a phone").click()
    expect(code).to_be_visible()
    expect(code).to_have_js_property("complete", True)
    assert code.evaluate("code => code.naturalWidth") > 0


def test_an_employer_compares_an_address_and_reads_the_answer_where_the_question_was(
    house: House, new_context: NewContext
) -> None:
    page = new_context(width=360, height=780).new_page()
    page.goto(house.badge)
    for typed, answer in ((EMAIL, "Yes: this badge belongs"), ("nobody@example.org", "No: this badge is not bound")):
        page.get_by_label("Is it this person?").fill(typed)
        follow(page.get_by_role("button", name="Compare"))
        expect(page.get_by_role("status").filter(has_text=answer)).to_be_in_viewport()


def test_an_older_version_leads_on_to_the_newest(house: House, new_context: NewContext) -> None:
    page = new_context(width=360).new_page()
    page.goto(house.address("superseded"))
    follow(page.get_by_role("link", name="Open the newest version"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Valid")


def test_nothing_is_asked_of_any_other_host(house: House, new_context: NewContext) -> None:
    asked: list[str] = []

    def note(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_()

    page = new_context().new_page()
    page.route("**/*", note)
    page.goto(house.badge)
    page.wait_for_load_state("networkidle")
    assert len(asked) > 5
    assert all(url.startswith(house.badge.partition("/credentials/")[0]) for url in asked)
