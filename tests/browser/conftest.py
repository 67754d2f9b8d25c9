"""A real Chromium that blocks third-party cookies, and the whole house to point it at."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Error,
    Frame,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.browser.stack import DemoStack, chromium_path, start_demo
from tests.conftest import in_folder

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--test-third-party-cookie-phaseout",
]  # fmt: skip

PATIENCE = 90_000  # milliseconds; no test measures, and a busy machine is slow
STILL = 20  # looks at a frame that stays smaller than its content: nothing more is going to happen
# How many times slower than this machine the browser is made to be, and each of its requests by so many milliseconds:
# to find the tests that read a page, or press a key in it, before it is there.
SLOWER = float(os.environ.get("WAYMARK_SLOW_BROWSER", "1"))
LATENCY = 100
# Read now: in a test, the settings of whoever runs it are put away.
SCREENSHOTS = os.environ.get("WAYMARK_SCREENSHOTS")
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    missing = chromium_path() is None
    for item in in_folder(items, __file__):
        item.add_marker(pytest.mark.browser)
        if missing:
            item.add_marker(
                pytest.mark.skip(reason="no Chromium here: apt-get install chromium, or set WAYMARK_CHROMIUM")
            )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    """A demo that all browser tests of this run share."""
    stack = start_demo(tmp_path_factory.mktemp("demo"))
    yield stack
    if stack.process.poll() is None:
        assert stack.stop() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file of tests.

    Not for the run: while it is open an event loop runs in this thread, and tests of others may want one of their own.
    """
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser of this machine, until the block ends."""
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield browser
    browser.close()


def slow_down(context: BrowserContext) -> None:
    """What WAYMARK_SLOW_BROWSER asks for, in every page and frame that is opened here."""
    if SLOWER > 1:
        context.on("page", _slow_down_page)


def _slow_down_page(page: Page) -> None:
    _make_slow(page.context.new_cdp_session(page))
    # A frame of another site is a program of its own.
    page.on("framenavigated", lambda frame: _slow_down_frame(page, frame))


def _slow_down_frame(page: Page, frame: Frame) -> None:
    if frame.parent_frame is not None:
        with suppress(Error):  # it is of the page's own site, or gone
            _make_slow(page.context.new_cdp_session(frame))


def _make_slow(session: CDPSession) -> None:
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    conditions = {"offline": False, "latency": LATENCY, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", conditions)


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A browser profile of somebody's own."""
    opened: list[BrowserContext] = []

    def open_context(*, width: int = 1280, height: int = 900, **options: object) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        slow_down(context)
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a screenshot where WAYMARK_SCREENSHOTS says; otherwise does nothing."""

    def take(page: Page, name: str) -> None:
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            page.wait_for_load_state()
            settle(page)
            size = page.viewport_size or {"width": 1280, "height": 900}
            # A frame of another site paints only what the window shows: so the window grows for the picture.
            height = page.evaluate("document.documentElement.scrollHeight")
            tallest = 1100 if size["width"] < 600 else 1000
            page.set_viewport_size({"width": size["width"], "height": min(height, tallest)})
            page.evaluate("window.scrollTo(0, 0)")
            page.wait_for_timeout(300)
            _keep_small(page.screenshot(), Path(SCREENSHOTS) / f"{name}.png")
            page.set_viewport_size(size)
            settle(page)

    return take


def _keep_small(png: bytes, path: Path) -> None:
    """A picture of a page has few colours: a palette makes it a third as large."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def follow(locator: Locator) -> None:
    """Click what leads to another page, and wait until that one is there and its scripts have run.

    A click alone ends when the other page has begun to arrive, or earlier. What looks at a page at once, without
    waiting for something that only the new one has, would then see the old one, or half of the new one.
    """
    with locator.page.expect_navigation(wait_until="load"):
        locator.click()


def arrived(shown: Locator) -> None:
    """Wait until something of a new page is there, and then until the page is whole and its scripts have run.

    Before a key is pressed, a text is typed that a script is to save, or elements are counted.
    """
    expect(shown.first).to_be_visible()
    element = shown.first.element_handle()
    frame = element.owner_frame() if element else None
    assert frame is not None, "it was there, and is gone: the page it stood on was not the last one"
    frame.wait_for_load_state()


@contextmanager
def script_of_next_page(page: Page, name: str) -> Iterator[None]:
    """Wait until a script of the page that the block leads to has run, where no new document is loaded.

    The carrier shows one page after the other in one document and begins each page's scripts under addresses of their
    own; a module that is imported again is the one that runs already.
    """
    with page.expect_response(re.compile(rf"/static/js/{name}\.js\b")) as script:
        yield
    frame = script.value.frame
    frame.evaluate("async (address) => { await import(address); }", script.value.url)


def be(page: Page, stack: DemoStack, given_name: str) -> None:
    """Sign in to the practice LMS as somebody."""
    page.goto(stack.lms + "/")
    follow(page.get_by_role("button", name=f"Sign in as {given_name}"))


def settle(page: Page) -> None:
    """Wait until the LMS's frame has grown to its content, so that a click does not land where a button was before."""
    known: list[float] = []
    same = 0
    while same < STILL:
        heights = _heights(page)
        same = same + 1 if heights == known else 0
        known = heights
        if same and all(frame >= content - 1 for frame, content in zip(heights[::2], heights[1::2], strict=True)):
            return
        page.wait_for_timeout(60)


def _heights(page: Page) -> list[float]:
    """How tall each frame of the page is, and what it shows."""
    heights: list[float] = []
    for element in page.query_selector_all("iframe"):
        frame, box = element.content_frame(), element.bounding_box()
        if frame is None or box is None:
            continue
        try:
            shown = frame.evaluate("document.body ? document.body.getBoundingClientRect().height : Infinity")
        except Error:  # it is just being replaced
            shown = float("inf")
        heights += [box["height"], shown]
    return heights


def launch(page: Page, stack: DemoStack, course: str = "foundations", activity: str = "m01") -> Frame:
    """Open the activity and return the tool's frame when it shows one of our pages."""
    page.goto(f"{stack.lms}/course/{course}/activity/{activity}")
    frame = page.frame(url=lambda url: url.startswith(stack.tool + "/at/"))
    for _ in range(PATIENCE // 100):
        if frame is not None:
            break
        page.wait_for_timeout(100)
        frame = page.frame(url=lambda url: url.startswith(stack.tool + "/at/"))
    assert frame is not None, [each.url for each in page.frames]
    frame.wait_for_load_state()
    settle(page)
    return frame
