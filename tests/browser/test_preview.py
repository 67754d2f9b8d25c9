"""The author's preview on a phone and on a desk, in light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app.web.preview import create_preview
from tests.browser.stack import ROOT
from tests.browser.test_pages_look import TOO_WIDE, Look, NewContext, look
from tests.ports import free_ports
from tests.serving import served

__all__ = ["look"]

PAGES = (
    "M01/module",
    "M02/module",
    "X2a/module",
    "M02/activity/five-people-at-work",
    "M02/activity/knowledge-check",
    "M02/activity/shadow-and-map",
    "M02/activity/handover",
    "M02/activity/reflection",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The IPS programme's files in a folder that may be spoilt."""
    return Path(shutil.copytree(ROOT / "programme" / "ips", tmp_path_factory.mktemp("author") / "ips"))


@pytest.fixture(scope="module")
def preview(folder: Path) -> Iterator[str]:
    """Where the preview is served."""
    (port,) = free_ports(1)
    with served(create_preview(folder), port):
        yield f"http://127.0.0.1:{port}/preview"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_preview_is_good_to_read_everywhere(look: Look, preview: str, path: str) -> None:
    look.at(f"{preview}/{path}")


@pytest.mark.parametrize("key", ["M01", "M06", "X5"])
def test_every_step_of_a_module_fits_a_phone(
    new_context: NewContext, preview: str, picture: Callable[[Page, str], None], key: str
) -> None:
    """One short module, one of the workplace, one with dossiers; WAYMARK_SCREENSHOTS keeps a picture of each page."""
    page = new_context(width=360, height=780).new_page()
    page.goto(f"{preview}/{key}/module")
    steps = page.locator(f'main a[href^="/preview/{key}/activity/"]').evaluate_all("links => links.map(a => a.href)")
    assert len(steps) >= 4
    for address in dict.fromkeys((page.url, *steps)):
        page.goto(address)
        assert page.evaluate(TOO_WIDE) == [], address
        picture(page, "-".join(("phone", key, address.rsplit("/", 1)[1])))


@pytest.mark.parametrize("hours", ["9", "nine"])
def test_so_is_what_has_to_be_mended(look: Look, preview: str, folder: Path, hours: str) -> None:
    file = folder / "modules/M03/module.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("hours: 6", f"hours: {hours}"), encoding="utf-8")
    look.at(f"{preview}/M03/module")
    file.write_text(text, encoding="utf-8")
