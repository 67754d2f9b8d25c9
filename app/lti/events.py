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


@dataclass(frozen=True)
class ScoreDue:
    """A score was written down for one gradebook, or is to be sent there again."""

    KIND: ClassVar[str] = "lti.score_due"

    score_id: str
