"""What axe finds wrong with a page, and no more of axe than that: to write down all that is right takes it as long."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Frame, Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
WCAG_AND_GOOD_HABITS = (*WCAG, "best-practice")
# What is judged by colours: all that can differ between a page in light and the same page in dark, where the style
# sheets give the colours other values and nothing else (`tokens.css`, `lms.css`).
OF_COLOURS = ("color-contrast", "link-in-text-block")


def expect_accessible(page: Page | Frame, name: str, tags: tuple[str, ...] = WCAG_AND_GOOD_HABITS) -> None:
    """No violation of these kinds of rules that axe can find."""
    _expect_none(page, name, {"type": "tag", "values": tags})


def expect_good_colours(page: Page | Frame, name: str) -> None:
    """The same page in dark, or in light again: no violation of a rule about colours."""
    _expect_none(page, name, {"type": "rule", "values": OF_COLOURS})


def _expect_none(page: Page | Frame, name: str, rules: dict[str, object]) -> None:
    page.wait_for_load_state()
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", {"runOnly": rules, "resultTypes": ["violations"]})
    assert not found["violations"], f"{name}: {AxeResults(found).generate_report()}"
