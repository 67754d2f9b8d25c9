"""What a gradebook shows of one person (Assignment and Grade Services 2.0 §3.3)."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from app.lti.connector import PlatformConnector
from app.lti.grades import RESULT_SCOPE
from app.lti.line_items import below

RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
CLOSE = 1e-4  # Moodle keeps five decimals of what it rescales


def share_reached(connector: PlatformConnector, line_item_url: str, subject: str) -> float | None:
    """The share of all points, 0 to 1, that a column shows of a person; None if it shows nothing that can be read.

    Raises:
        ServiceFailed: the platform did not answer as it should.
    """
    for page in connector.pages([RESULT_SCOPE], below(line_item_url, "results", user_id=subject), accept=RESULTS):
        for result in page:
            if isinstance(result, dict) and str(result.get("userId")) == subject:
                return _share(result)
    return None


def is_same(share: float | None, given: float, maximum: float) -> bool:
    """Whether a column shows what a score says, whatever its own maximum is."""
    return share is not None and math.isclose(share, given / maximum, rel_tol=0, abs_tol=CLOSE)


def _share(result: dict[str, Any]) -> float | None:
    score, maximum = result.get("resultScore"), result.get("resultMaximum", 1)
    if not _is_number(score) or not _is_number(maximum) or maximum <= 0:
        return None
    return float(score) / float(maximum)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
