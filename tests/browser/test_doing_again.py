"""Doing a module again in a real browser: from a badge that is gone to the second time, and as assessors see it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from app.core.outbox import Worker
from app.wiring import Services
from tests.browser.conftest import follow
from tests.browser.test_activities import ORIGIN
from tests.browser.test_pages_look import Look
from tests.browser.test_renewing import looked_at as pictured
from tests.browser.test_renewing import opened
from tests.web.people import hand_in, sign_in
from tests.web.test_doing_again import Lost

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]


@pytest.fixture
def lost(services: Services, client: TestClient, worker: Worker) -> Lost:
    return Lost(services, client, worker)


def looked_at(look: Look, picture: Picture, shown: str) -> None:
    pictured(look, picture, f"again {shown}")


def test_a_module_is_done_again(
    lost: Lost, services: Services, client: TestClient, new_context: NewContext, picture: Picture
) -> None:
    lost.revoke()
    look = opened(new_context, client, lost.tess)
    page = look.page
    page.goto(f"{ORIGIN}{lost.tess.root}/module")
    expect(page.get_by_role("heading", name="You can earn it again")).to_be_visible()
    looked_at(look, picture, "offered")
    follow(page.get_by_role("button", name="Do the module again"))
    expect(page.get_by_role("heading", name="Your second time")).to_be_visible()
    looked_at(look, picture, "begun")
    hand_in(services, lost.tess.person_id)

    priya = sign_in(services, client, "Priya", roles=("assessor",), teacher=True)
    desk = opened(new_context, client, priya)
    desk.page.goto(f"{ORIGIN}{priya.root}/assess")
    follow(desk.page.get_by_role("link", name=re.compile("Tess")).first)
    expect(desk.page.get_by_text("The module is done again")).to_be_visible()
    looked_at(desk, picture, "to be decided")
