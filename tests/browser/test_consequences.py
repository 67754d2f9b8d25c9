"""Badges in question, as the assessor and the holder see them: on a phone, on a desk, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from app.awards.consequences import deciding
from app.core.db import Database
from tests.awards.shelf import DAY, Shelf
from tests.browser.test_badge_page import serving
from tests.browser.test_pages_look import Look
from tests.conftest import _bound, _settings
from tests.databases import Maker
from tests.ports import free_ports
from tests.web.people import SignedIn, sign_in

NewContext = Callable[..., BrowserContext]


@dataclass(frozen=True)
class House:
    """A server; Tess, who has a badge suspended; Mia, who has time to mend one; and Priya, who decides."""

    base: str
    shelf: Shelf
    tess: SignedIn
    mia: SignedIn
    priya: SignedIn

    def badge(self, key: str) -> str:
        return f"/badges/{self.shelf.badges[key].credential_id}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, maker: Maker, prepared_template: str) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("consequences")
    (port,) = free_ports(1)
    settings = _settings(url=maker.copy(prepared_template, folder), data_dir=folder)
    settings = settings.model_copy(update={"base_url": f"http://tool.localhost:{port}"})
    database = Database(settings.database_url)
    services = _bound(settings, database)
    nobody = cast(TestClient, None)  # the browser asks for the pages
    tess = sign_in(services, nobody, "Tess")
    priya = sign_in(services, nobody, "Priya", roles=("assessor",), teacher=True)
    shelf = Shelf(services, tess.person_id)
    shelf.ladder()
    shelf.suspend("M03")
    shelf.suspend("practitioner")
    with database.write() as session:
        flag = shelf.flag("X1")
        deciding.suspend(session, flag.id, assessor_id=priya.person_id, reason="Please talk with me first.")
    mia = sign_in(services, nobody, "Mia")
    hers = Shelf(services, mia.person_id, number=100)
    hers.issue("M07", lasts=10 * DAY)
    hers.issue("practitioner", on=("M07",))
    hers.after(10)
    with serving(services, port) as base:
        yield House(base, shelf, tess, mia, priya)
    database.dispose()


def test_the_pages_look_right(house: House, new_context: NewContext, picture: Callable[[Page, str], None]) -> None:
    flags = {flag.state: flag.id for flag in house.shelf.flags()}
    pages = {
        "list": (house.priya, "/assess/consequences", "Badges in question"),
        "to decide": (house.priya, f"/assess/consequences/{flags['open']}", "IPS Vocational Specialist (Youth)"),
        "to lift": (house.priya, f"/assess/consequences/{flags['suspended']}", "IPS Mentor"),
        "my badge": (house.tess, house.badge("X1"), "IPS Mentor"),
        "my badges": (house.mia, "/badges", "My badges"),
    }
    for name, (who, path, heading) in pages.items():
        context = new_context(width=360, height=780, reduced_motion="reduce")
        context.set_extra_http_headers({"Cookie": who.cookie})
        look = Look(context.new_page())
        look.page.goto(house.base + who.root + path)
        expect(look.page.get_by_role("heading", level=1)).to_contain_text(heading)
        look.here(name)
        for width in (360, 1280):
            look.page.set_viewport_size({"width": width, "height": 780})
            picture(look.page, f"consequences-{name.replace(' ', '-')}-{width}")
