"""What happens in the learning room that others may act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class WorkSubmitted:
    """A learner handed in work: assessors may be told."""

    KIND: ClassVar[str] = "learning.work_submitted"

    submission_id: str
    person_id: str


@dataclass(frozen=True)
class WorkReturned:
    """An assessor returned work with comments: the learner may be told."""

    KIND: ClassVar[str] = "learning.work_returned"

    decision_id: str
    submission_id: str
    person_id: str


@dataclass(frozen=True)
class AwardDecided:
    """An assessor awarded the module: a badge and a score are due."""

    KIND: ClassVar[str] = "learning.award_decided"

    decision_id: str
    submission_id: str
    enrolment_id: str
    person_id: str
    module_key: str
    module_version: int
