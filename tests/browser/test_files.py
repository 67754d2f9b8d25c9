"""A file on a phone: chosen, warned of, answered for, added, removed and brought back; by either carrier."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.wiring import Services
from tests.browser.conftest import arrived, script_of_next_page
from tests.browser.test_badge_page import serving
from tests.browser.test_pages_look import Look
from tests.conftest import _bound
from tests.learning.files import hostile
from tests.ports import free_ports
from tests.web.people import SignedIn, hand_in, sign_in
from tests.web.test_files import exercise as exercise  # the fixture
from tests.web.test_sessions_in_memory import signed_in

PHONE = ViewportSize(width=360, height=780)
PAINTED = 60  # looks, half a second apart
NEAR = 8  # how far a colour may be moved by JPEG
NewContext = Callable[..., BrowserContext]
BEGIN = """async ([handle, token]) => {
  const session = await import("/static/js/carrier_session.js");
  const carrier = await import("/static/js/carrier.js");
  await carrier.begin(session.carry(handle, token));
}"""


@dataclass(frozen=True)
class House:
    services: Services
    base: str
    exercise: str


@pytest.fixture
def house(services: Services, settings: Settings, database: Database, exercise: str) -> Iterator[House]:
    """A server on this test's database whose module asks for a file."""
    [port] = free_ports(1)
    own = _bound(settings.model_copy(update={"base_url": f"http://tool.localhost:{port}"}), database)
    with serving(own, port) as base:
        yield House(own, base, exercise)


def sign(page: Page, house: House, who: SignedIn) -> None:
    """Give the browser somebody's cookie, as a launch does."""
    name, _, value = who.cookie.partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": house.base.replace("http:", "https:"),
                               "secure": True, "httpOnly": True, "sameSite": "None"}])  # fmt: skip


def with_cookie(house: House, client: TestClient, new_context: NewContext) -> tuple[Page, str]:
    tess = sign_in(house.services, client, "Tess")
    page = new_context(width=360, height=780, reduced_motion="reduce").new_page()
    sign(page, house, tess)
    page.goto(f"{house.base}{tess.root}/activity/{house.exercise}")
    return page, tess.person_id


def in_memory(house: House, client: TestClient, new_context: NewContext) -> tuple[Page, str]:
    """The carrier without a launch around it: the token is put where a launch leaves it."""
    tess = signed_in(house.services, client, "Tess")
    page = new_context(width=360, height=780).new_page()
    page.goto(f"{house.base}/verify")
    page.evaluate(BEGIN, [tess.root.removeprefix("/at/"), tess.token])
    page.get_by_role("link", name="Find the gate").or_(page.locator(f"a[href$='/{house.exercise}']")).first.click()
    return page, tess.person_id


def is_painted(shown: Locator, paint: tuple[int, int, int]) -> None:
    """Wait until a picture's middle has its colour on the screen.

    Asked of the screen, not of `decode()`: a browser short of time refuses that for pictures that it shows.
    """
    for _ in range(PAINTED):
        with Image.open(io.BytesIO(shown.screenshot())) as taken:
            seen = taken.convert("RGB").getpixel((taken.width // 2, taken.height // 2))
        if isinstance(seen, tuple) and max(abs(a - b) for a, b in zip(seen, paint, strict=True)) <= NEAR:
            return
        shown.page.wait_for_timeout(500)
    raise AssertionError(f"the picture's middle is {seen}, not {paint}")


@pytest.mark.parametrize("signed", [with_cookie, in_memory])
def test_a_file_is_warned_of_added_removed_and_brought_back_on_a_phone(
    picture: Callable[[Page, str], None],
    house: House,
    client: TestClient,
    new_context: NewContext,
    signed: Callable[[House, TestClient, NewContext], tuple[Page, str]],
) -> None:
    page, person_id = signed(house, client, new_context)
    look = Look(page) if signed is with_cookie else None
    text = page.locator("textarea").first
    text.fill("Half a sentence")
    with script_of_next_page(page, "upload"):
        page.get_by_role("button", name="Add a file").click()
    chooser = page.get_by_label("File", exact=True)
    arrived(chooser)
    chooser.set_input_files({"name": "map.txt", "mimeType": "text/plain", "buffer": b"Ring 0412 345 678 to ask."})
    page.get_by_role("button", name="Add this file").click()
    expect(page.get_by_role("alert")).to_contain_text("Please look at these places first")
    expect(page.locator("mark.found")).to_have_text("0412 345 678")
    assert chooser.evaluate("input => input.files[0].name") == "map.txt", "it stays chosen"
    if look:
        look.said = [said for said in look.said if "status of 422" not in said]
        look.here("a warning")
        page.set_viewport_size(PHONE)
        picture(page, "files-warning-360")
    page.get_by_label("This is not a real person.").check()
    page.get_by_role("button", name="Add this file").click()
    expect(page.get_by_role("status").filter(has_text="Added: map.txt")).to_be_visible()
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": hostile.photo((900, 600))}
    )
    page.get_by_label("If it has pictures").check()
    page.get_by_role("button", name="Add this file").click()
    expect(page.get_by_text("We took out: the place where the picture was taken").first).to_be_visible()
    shown = page.get_by_role("img", name="photo.jpg")
    expect(shown).to_be_visible()
    expect(shown).to_have_js_property("naturalWidth", 600)
    is_painted(shown, hostile.PAINT)
    if look:
        look.here("two files")
        page.set_viewport_size(PHONE)
        picture(page, "files-added-360")
    page.get_by_role("button", name="Remove map.txt").click()
    page.get_by_role("button", name="Bring back map.txt").click()
    expect(page.get_by_role("button", name="Remove map.txt")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="map.txt").click()
    assert download.value.path().read_bytes() == b"Ring 0412 345 678 to ask."
    page.get_by_role("link", name="Back to the exercise").click()
    expect(page.locator("textarea").first).to_have_value("Half a sentence")
    expect(page.get_by_role("img", name="photo.jpg")).to_be_visible()
    if look:
        look.here("the exercise")
        page.set_viewport_size(PHONE)
        page.get_by_role("img", name="photo.jpg").scroll_into_view_if_needed()
        picture(page, "files-exercise-360")
        page.set_viewport_size({"width": 1280, "height": 900})
        picture(page, "files-exercise-1280")
        submission = hand_in(house.services, person_id)
        priya = sign_in(house.services, client, "Priya", roles=("assessor",), teacher=True)
        sign(page, house, priya)
        page.goto(f"{house.base}{priya.root}/assess/{submission}")
        expect(page.get_by_role("img", name="photo.jpg")).to_be_visible()
        picture(page, "files-assessor-1280")
