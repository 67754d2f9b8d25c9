"""Renewing a badge in a real browser, from the map to the new end: on a phone and at a desk, for both who take part."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from app.core.outbox import Worker
from app.wiring import Services
from tests.browser.conftest import follow
from tests.browser.test_activities import ORIGIN, Line
from tests.browser.test_pages_look import Look
from tests.web.people import SignedIn, sign_in
from tests.web.test_renewing import Ending, ending

__all__ = ["ending"]  # the fixture

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]


def opened(new_context: NewContext, client: TestClient, person: SignedIn) -> Look:
    look = Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())
    Line(client, person, look.page)
    return look


def looked_at(look: Look, picture: Picture, shown: str) -> None:
    look.here(shown)
    for width in (360, 1280):
        look.page.set_viewport_size({"width": width, "height": 780})
        picture(look.page, f"renewing-{shown.replace(' ', '-')}-{width}")


def test_from_the_map_to_the_renewed_badge(
    ending: Ending,
    services: Services,
    client: TestClient,
    worker: Worker,
    new_context: NewContext,
    picture: Picture,
) -> None:
    before = ending.row().valid_until
    look = opened(new_context, client, ending.tess)
    page = look.page
    page.goto(f"{ORIGIN}{ending.tess.root}/pathway")
    follow(page.get_by_role("link", name="Renew it").first)
    expect(page.get_by_role("heading", name="What it takes")).to_be_visible()
    looked_at(look, picture, "what it takes")
    page.get_by_label("Clock").check()
    follow(page.get_by_role("button", name="Begin to renew"))
    looked_at(look, picture, "the work")
    ending.do_the_work()
    page.goto(f"{ORIGIN}{ending.work.root}/hand-in")
    looked_at(look, picture, "handing in")
    page.get_by_role("checkbox").first.check()
    follow(page.get_by_role("button", name=re.compile("Hand in")))
    page.goto(f"{ORIGIN}{ending.tess.root}{ending.renew}")
    expect(page.get_by_text("An assessor reads your work")).to_be_visible()
    looked_at(look, picture, "handed in")

    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    desk = opened(new_context, client, priya)
    desk.page.goto(f"{ORIGIN}{priya.root}/assess")
    expect(desk.page.get_by_text("Renewal", exact=True).first).to_be_visible()
    looked_at(desk, picture, "the queue")
    follow(desk.page.get_by_role("link", name=re.compile("Tess Nguyen")).first)
    looked_at(desk, picture, "to be decided")
    desk.page.locator("input[type=radio][value='4']").check()
    follow(desk.page.get_by_role("button", name="Award …"))
    looked_at(desk, picture, "is it meant")
    follow(desk.page.get_by_role("button", name="Yes, renew"))

    worker.run_until_idle()
    after = ending.row().valid_until
    assert before is not None
    assert after is not None
    assert after > before
    page.goto(f"{ORIGIN}{ending.work.root}/module")
    expect(page.get_by_text("Renewed").first).to_be_visible()
    looked_at(look, picture, "renewed")
