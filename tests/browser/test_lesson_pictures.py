"""A picture in a lesson is really shown, with its caption, on a phone and on a desk, to learners and to authors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from app.programme import service
from app.web.preview import create_preview
from app.wiring import Services
from tests.browser.test_activities import ORIGIN, Line
from tests.browser.test_pages_look import Look, look
from tests.ports import free_ports
from tests.programme.folders import IPS, next_version, show_picture
from tests.serving import served
from tests.web.people import sign_in

__all__ = ["look"]

Picture = Callable[[Page, str], None]


def folder_with_a_picture(home: Path) -> Path:
    """The programme's files, with a picture in the next version of M01."""
    copy = Path(shutil.copytree(IPS, home / "ips"))
    show_picture(copy / "modules/M01")
    next_version(copy / "modules/M01")
    return copy


def lesson_with_a_picture(folder: Path) -> str:
    """The key of the lesson that shows it."""
    (module,) = (each for each in service.load_programme(folder).modules if each.key == "M01")
    return next(each.key for each in module.activities if "/media/" in each.body_markdown)


def is_shown(page: Page, picture: Picture, name: str) -> None:
    """The picture was fetched and decoded, its place fits the page at each width, and its words can be read."""
    image = page.get_by_role("img", name="A green door, half open")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 780})
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("naturalWidth", 1200)
        box = image.bounding_box()
        assert box is not None
        assert abs(box["width"] / box["height"] - 1.5) < 0.02
        assert box["x"] + box["width"] <= width
        picture(page, f"lesson-picture-{name}-{width}")
    expect(page.get_by_role("figure")).to_contain_text("The door of the *first* office")
    page.emulate_media(media="print")
    expect(image).to_be_visible()
    page.emulate_media(media="screen", color_scheme="dark")
    picture(page, f"lesson-picture-{name}-dark")


def test_a_learner_sees_the_picture_of_a_lesson(
    picture: Picture, services: Services, client: TestClient, look: Look, tmp_path: Path
) -> None:
    folder = folder_with_a_picture(tmp_path)
    with services.runtime.database.write() as session:
        service.store(session, service.load_programme(folder))
    tess = sign_in(services, client, "Tess")
    Line(client, tess, look.page)
    look.at(f"{ORIGIN}{tess.root}/activity/{lesson_with_a_picture(folder)}")
    is_shown(look.page, picture, "learner")


def test_so_does_its_author(look: Look, picture: Picture, tmp_path: Path) -> None:
    folder = folder_with_a_picture(tmp_path)
    (port,) = free_ports(1)
    with served(create_preview(folder), port):
        look.at(f"http://127.0.0.1:{port}/preview/M01/activity/{lesson_with_a_picture(folder)}")
        is_shown(look.page, picture, "author")
