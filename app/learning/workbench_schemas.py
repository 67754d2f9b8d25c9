"""What the assessor's workbench hands to its pages: the queue, saved comments, second marks, appeals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.learning.evidence import Place
from app.learning.panel_schemas import PanelState
from app.learning.schemas import CriterionMark, Decision, Outcome, QueueItem, Submission
from app.programme.schemas import Module

BarCode = Literal[
    "line_manager",
    "mentor",
    "centre_manager",
    "centre_supervisor",
    "centre_mentor",
    "same_agency",
    "first_decider",
    "panel_complete",
]
RoundFilter = Literal["first", "again"]
Why = Literal["first_five", "sample"]
AppealState = Literal["open", "upheld", "declined", "overtaken"]


@dataclass(frozen=True)
class Bar:
    """Why an assessor does not decide a piece of work; `words` are for that assessor."""

    code: BarCode
    words: str


@dataclass(frozen=True)
class QueueFilter:
    """Which of the waiting work is wanted; without anything, all of it.

    Attributes:
        module_key: of this module only.
        organisation_id: of learners who began at this organisation only.
        overdue: only what has waited longer than the target.
        round: first rounds only, or only those that were handed in again.
        begun: only what this assessor has marked something of.
    """

    module_key: str | None = None
    organisation_id: str | None = None
    overdue: bool = False
    round: RoundFilter | None = None
    begun: bool = False


@dataclass(frozen=True)
class WaitingItem:
    """One line of the queue.

    Attributes:
        bars: why this assessor does not decide it; empty where they may.
        appealed: whether an upheld appeal brought it back.
        begun_by_others: whether another assessor has marked something of it.
        panel: how its panel stands, for this assessor; None where one assessor decides.
    """

    item: QueueItem
    organisation: str | None
    bars: tuple[Bar, ...]
    appealed: bool
    begun_by_others: bool
    panel: PanelState | None = None


@dataclass(frozen=True)
class WaitingPage:
    """One page of the queue, oldest first.

    Attributes:
        first: the number of the first line on this page, from 1; 0 if there is none.
        matching: how many pieces match the filter, on all pages.
        waiting: how many wait in all.
        overdue: how many of those have waited longer than the target.
        begun: of how many of those this assessor has marked something.
        modules, organisations: what can be chosen from, as (key, words).
        oldest: id of the oldest that matches and that this assessor may decide.
    """

    items: tuple[WaitingItem, ...]
    number: int
    pages: int
    first: int
    matching: int
    waiting: int
    overdue: int
    begun: int
    modules: tuple[tuple[str, str], ...]
    organisations: tuple[tuple[str, str], ...]
    oldest: str | None


@dataclass(frozen=True)
class SavedComment:
    """A comment that its writer keeps for writing it again.

    Attributes:
        module_key, criterion_key: where it is offered; None for everywhere.
        kinds: what the scan finds in it, by kind and number.
    """

    id: str
    module_key: str | None
    criterion_key: str | None
    text: str
    saved_at: datetime
    kinds: Mapping[str, int]


@dataclass(frozen=True)
class SecondMarkItem:
    """A decision that waits for a second mark; nothing here says what was decided, or by whom."""

    id: str
    learner_name: str
    module_key: str
    module_title: str
    number: int
    chosen_at: datetime


@dataclass(frozen=True)
class SecondQueue:
    """What an assessor may give a second mark of.

    Attributes:
        items: oldest first.
        put_away: how many wait whose texts are in quarantine or removed.
        not_for_you: how many wait that this assessor may not mark: own decisions, or not blind, or not independent.
        assessors: how many people hold the grant.
    """

    items: tuple[SecondMarkItem, ...]
    put_away: int
    not_for_you: int
    assessors: int


@dataclass(frozen=True)
class BlindWork:
    """Decided work as it was handed in, without a trace of the decision."""

    id: str
    submission: Submission
    learner_name: str
    module: Module
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Comparison:
    """Two marks of one piece of work, side by side.

    Attributes:
        criteria: how many criteria both gave a level to.
        exact: of how many of these the levels are the same.
        within_one: of how many they are at most one apart.
    """

    same_outcome: bool
    criteria: int
    exact: int
    within_one: int

    @property
    def disagrees(self) -> bool:
        """Whether the two should talk: another outcome, or a criterion more than one level apart."""
        return not self.same_outcome or self.within_one < self.criteria


@dataclass(frozen=True)
class Pair:
    """A decision and its second mark, both in.

    Attributes:
        first_name, second_name: who gave them.
        first, second: levels by criterion.
        mine: whether the one who looks decided, or gave the second mark.
        conclusion: what came of talking it over; None while nobody wrote it.
    """

    id: str
    submission_id: str
    module: Module
    number: int
    mine: Literal["first", "second"]
    first_name: str
    second_name: str
    first_outcome: Outcome
    second_outcome: Outcome
    first: Mapping[str, int | None]
    second: Mapping[str, int]
    reason: str
    marked_at: datetime
    comparison: Comparison
    conclusion: str | None
    concluded_at: datetime | None


@dataclass(frozen=True)
class Agreement:
    """How far an assessor's decisions and the second marks of them agree.

    Attributes:
        pairs: how many decisions have their second mark.
        waiting: how many more were chosen and wait for it.
        criteria, exact, within_one: over all pairs, as in `Comparison`.
    """

    person_id: str
    name: str
    pairs: int
    waiting: int
    same_outcome: int
    criteria: int
    exact: int
    within_one: int

    @property
    def enough(self) -> bool:
        """Whether there are enough pairs for a share to say something."""
        return self.pairs >= ENOUGH_PAIRS


ENOUGH_PAIRS = 5


@dataclass(frozen=True)
class Appeal:
    """A learner's appeal against a return.

    Attributes:
        reason: why; empty while the work is in quarantine, and once its texts are removed or deleted.
    """

    id: str
    decision_id: str
    submission_id: str
    enrolment_id: str
    reason: str
    state: AppealState
    made_at: datetime
    answer: str
    answered_at: datetime | None
    new_submission_id: str | None


@dataclass(frozen=True)
class AppealStanding:
    """How it stands with appeals, for the learner of an enrolment.

    Attributes:
        possible_until: until when the newest decision can be appealed against; None if it cannot.
        appeal: the newest appeal, if there is one.
        against_latest: whether that one is about the newest round, or brought it about.
    """

    possible_until: datetime | None
    appeal: Appeal | None
    against_latest: bool


@dataclass(frozen=True)
class AppealItem:
    """An open appeal, in the list of assessors."""

    id: str
    learner_name: str
    module_key: str
    module_title: str
    number: int
    made_at: datetime
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class AppealForAssessor:
    """An appeal beside the work and the decision it is about.

    Attributes:
        bars: why this assessor does not answer it; empty where they may.
    """

    appeal: Appeal
    submission: Submission
    learner_name: str
    module: Module
    marks: Mapping[str, CriterionMark]
    decision: Decision
    places: tuple[Place, ...]
    bars: tuple[Bar, ...]
