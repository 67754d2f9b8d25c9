"""What the LTI room tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ScoreRequested:
    """An operator asks for one score to be sent again or put right.

    `score_given` and `score_maximum` are decimal text; `request_id` makes a repeat recognisable.
    """

    KIND: ClassVar[str] = "lti.score_requested"

    request_id: str
    grade_link_id: str
    score_given: str
    score_maximum: str
