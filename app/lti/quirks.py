"""Where platforms differ, one small class for each; everything else is the standard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.lti.schemas import BegunLogin, NewWindow
from app.lti.urls import split_http_url


class Default:
    """A platform that follows the standard."""

    def new_window(self, login: BegunLogin) -> NewWindow:
        """How to begin again in a window of its own: by the same login, with fresh state and cookie."""
        return NewWindow(href=f"/lti/restart/{login.id}", leaves_waymark=False)

    stale_statuses = frozenset({409})
    """How a score is refused because one is there that is not earlier."""

    wants_submission_time = False
    """Whether a score says when the work was handed in."""

    checks_audience = True
    """Whether it gives tokens only for requests that are made out to it."""

    def score_extras(self, *, is_correction: bool) -> Mapping[str, Any]:
        """Members that a score carries beyond the standard's.

        Args:
            is_correction: whether an operator puts a score right, rather than an award being told.
        """
        return {}


class Moodle(Default):
    """Moodle, whose hint works once, so that only Moodle itself can begin again (measured on 4.5)."""

    checks_audience = False

    def new_window(self, login: BegunLogin) -> NewWindow:
        """The activity's own launch page, if the hint names the activity."""
        course_module = _course_module(login.request.message_hint)
        if course_module is None or split_http_url(login.platform.issuer) is None:
            return super().new_window(login)
        query = urlencode({"id": course_module})
        return NewWindow(href=f"{login.platform.issuer}/mod/lti/launch.php?{query}", leaves_waymark=True)


class Canvas(Default):
    """Canvas, where a score may use up an attempt or overwrite what a teacher entered, unless told not to.

    Told to leave another's grade alone it leaves its own tool's alone as well, so a correction must not tell it so. It
    answers 400 to a score older than the one it holds.
    """

    stale_statuses = frozenset({400, 409})
    wants_submission_time = True

    def score_extras(self, *, is_correction: bool) -> Mapping[str, Any]:
        """https://canvas.instructure.com/doc/api/score.html"""
        return {
            "https://canvas.instructure.com/lti/submission": {
                "new_submission": False,
                "prioritize_non_tool_grade": not is_correction,
            }
        }


_BY_FAMILY: dict[str, Default] = {"canvas": Canvas(), "moodle": Moodle()}
_DEFAULT = Default()


def quirks_of(product_family: str | None) -> Default:
    """The differences of a platform, by its `product_family_code` (LTI 1.3 core §5.4.5)."""
    return _BY_FAMILY.get((product_family or "").lower(), _DEFAULT)


def _course_module(hint: str | None) -> int | None:
    """Moodle's `cmid` out of its hint, which is JSON text such as `{"cmid":2,"launchid":"…"}`."""
    try:
        content = json.loads(hint or "")
    except (ValueError, RecursionError):
        return None
    value = content.get("cmid") if isinstance(content, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
