"""A real Chromium that blocks third-party cookies, and the whole house to point it at."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Frame, Page, expect, sync_playwright

from tests.browser.stack import DemoStack, chromium_path, start_demo
from tests.conftest import in_folder

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--test-third-party-cookie-phaseout",
]  # fmt: skip

PATIENCE = 30_000  # milliseconds; no test measures, and a busy machine is slow
STILL = 20  # looks at a frame that stays smaller than its content: nothing more is going to happen
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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A browser profile of somebody's own."""
    opened: list[BrowserContext] = []

    def open_context(*, width: int = 1280, height: int = 900, **options: object) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a screenshot where WAYMARK_SCREENSHOTS says; otherwise does nothing."""
    folder = os.environ.get("WAYMARK_SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            settle(page)
            size = page.viewport_size or {"width": 1280, "height": 900}
            # A frame of another site paints only what the window shows: so the window grows for the picture.
            height = page.evaluate("document.documentElement.scrollHeight")
            tallest = 1100 if size["width"] < 600 else 1000
            page.set_viewport_size({"width": size["width"], "height": min(height, tallest)})
            page.evaluate("window.scrollTo(0, 0)")
            page.wait_for_timeout(300)
            _keep_small(page.screenshot(), Path(folder) / f"{name}.png")
            page.set_viewport_size(size)
            settle(page)

    return take


def _keep_small(png: bytes, path: Path) -> None:
    """A picture of a page has few colours: a palette makes it a third as large."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def be(page: Page, stack: DemoStack, given_name: str) -> None:
    """Sign in to the practice LMS as somebody."""
    page.goto(stack.lms + "/")
    page.get_by_role("button", name=f"Sign in as {given_name}").click()


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
