"""Marc observes on a phone: from the mail to the last page, by link and code, without an account."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.config import load_settings
from app.wiring import Services, bind
from tests.browser.conftest import follow
from tests.browser.stack import DemoStack, start_demo
from tests.browser.test_pages_look import Look
from tests.browser.test_story import eventually
from tests.learning.observing import LINES, watched

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    """A demo of this file's own: it gets a module with an observation, which others would count."""
    stack = start_demo(tmp_path_factory.mktemp("observing"))
    yield stack
    assert stack.stop() == 0


@pytest.fixture
def services(demo: DemoStack) -> Iterator[Services]:
    """The demo's rooms, bound in this process too."""
    services = bind(load_settings(data_dir=Path(demo.environment["WAYMARK_DATA_DIR"])))
    yield services
    services.runtime.database.dispose()


def test_marc_answers_the_checklist_on_his_phone(
    demo: DemoStack, services: Services, new_context: NewContext, picture: Picture
) -> None:
    here = watched(services.runtime.database, services.runtime.secret_box)
    here.ask()
    mails = eventually(demo.mails, lambda mails: any("Please observe" in mail["subject"] for mail in mails))
    mail = next(mail for mail in mails if "Please observe" in mail["subject"])
    (link,) = re.findall(r"http\S+/observe/\S+", mail["text"])
    page = new_context(width=360, height=780, reduced_motion="reduce", has_touch=True).new_page()
    look = Look(page)
    look.at(link)
    picture(page, "observe-invitation")
    page.set_viewport_size({"width": 360, "height": 780})
    follow(page.get_by_role("button", name="Send me the code"))
    expect(page.get_by_role("status")).to_contain_text("The code is on its way")
    look.here("the checklist")
    page.set_viewport_size({"width": 360, "height": 780})
    third = page.get_by_role("group", name=re.compile(f"The line {LINES[2]}"))
    third.get_by_label("Not yet").check()
    expect(third.get_by_label("Comment on line 3")).to_be_visible()
    for key in LINES[:2] + LINES[3:]:
        page.get_by_role("group", name=re.compile(f"The line {key}")).get_by_label("Meets").check()
    follow(page.get_by_role("button", name="Send the checklist"))
    expect(page.get_by_role("alert")).to_contain_text("Line 3: say what you would like to see next time.")
    look.here("the checklist with a comment missing")
    page.set_viewport_size({"width": 360, "height": 780})
    page.get_by_label("Comment on line 3").fill("Say it before you pass it on.")
    mails = eventually(demo.mails, lambda mails: any("your code" in mail["subject"] for mail in mails))
    page.get_by_label("Code of six digits").fill(next(m for m in mails if "your code" in m["subject"])["subject"][:6])
    picture(page, "observe-checklist")
    page.get_by_label("Code of six digits").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    look.here("what was sent")
    picture(page, "observe-done")
    assert (here.state().state, here.state().meets) == ("not_yet", 5)
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_contain_text("This link has done its work")
