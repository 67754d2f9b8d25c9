"""What the learning room hands to pages and other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from app.learning.evidence import Place
from app.learning.panel_schemas import PanelView
from app.programme.schemas import ActivityKind, Module, Rubric

SubmissionState = Literal["submitted", "returned", "awarded"]
OverallState = Literal["working", "submitted", "returned", "awarded"]
# `waiting`: somebody else must do something now; `left_out`: not asked for.
ActivityState = Literal["not_started", "in_progress", "waiting", "left_out", "done"]
Landing = Literal["activity", "submit", "revise", "wait", "done"]
Outcome = Literal["returned", "awarded"]
MissingCode = Literal[
    "lesson_unread",
    "knowledge_check_open",
    "field_empty",
    "count_unclear",
    "option_unknown",
    "not_declared",
    "criterion_unmarked",
    "criterion_below",
    "talk_missing",
    "observation_missing",
    "attendance_missing",
    "file_missing",
    "prerequisite_missing",
    "pathway_step_open",
    "review_unnamed",
    "review_conflict",
    "badge_gone",
    "issue_over",
    "calibration_below",
]


@dataclass(frozen=True)
class Enrolment:
    """A person's work on a module, pinned to the version it began under.

    Attributes:
        number: 0 for the first; higher for each renewal of the badge, and for each time that the whole is done again.
        renews: id of the badge that it renews, while there is one.
        renewal_steps: keys of the activities that the renewal asks for; None where it is none.
        renew_by: until when the renewal's work can be handed in.
    """

    id: str
    person_id: str
    module_key: str
    module_version: int
    organisation_id: str | None
    enrolled_at: datetime
    number: int = 0
    renews: str | None = None
    renewal_steps: tuple[str, ...] | None = None
    renew_by: datetime | None = None

    @property
    def is_renewal(self) -> bool:
        """Whether it renews a badge, and asks for certain steps only."""
        return self.renewal_steps is not None

    @property
    def is_again(self) -> bool:
        """Whether the whole module is done once more, after a badge that is gone."""
        return self.number > 0 and not self.is_renewal


@dataclass(frozen=True)
class Missing:
    """One thing that is not there yet, in words and as data."""

    code: MissingCode
    detail: str
    activity_key: str | None = None
    field_key: str | None = None
    criterion_key: str | None = None


@dataclass(frozen=True)
class AskedOption:
    """An answer to choose from, without saying whether it is right."""

    key: str
    text: str


@dataclass(frozen=True)
class AskedQuestion:
    """A question as one attempt asks it, its options in that attempt's order."""

    key: str
    stem: str
    options: tuple[AskedOption, ...]


@dataclass(frozen=True)
class KnowledgeCheckAttempt:
    """A try that waits for its answers."""

    id: str
    number: int
    questions: tuple[AskedQuestion, ...]


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question with what was chosen, whether that was right, and why.

    Attributes:
        feedback: why what was chosen is right or not.
        right_feedback: why the right answer is right, where another was chosen and the bank has words for it.
        right_text: the right answer; None where `feedback` says all there is to say.
    """

    key: str
    stem: str
    options: tuple[AskedOption, ...]
    chosen: str
    right: bool
    feedback: str
    right_feedback: str | None = None
    right_text: str | None = None


@dataclass(frozen=True)
class KnowledgeCheckResult:
    """A try that was answered."""

    attempt_id: str
    number: int
    correct: int
    total: int
    passed: bool
    answered_at: datetime
    questions: tuple[AnsweredQuestion, ...]


@dataclass(frozen=True)
class KnowledgeCheckState:
    """How a learner stands with a knowledge check.

    Attributes:
        tries: tries answered so far.
        opens_at: when the next try opens; None unless one must wait.
        pass_share: the share of right answers that passes, 0 to 1.
        pass_count: the same as a number of questions, of `total`.
    """

    activity_key: str
    passed: bool
    open: KnowledgeCheckAttempt | None
    last: KnowledgeCheckResult | None
    tries: int
    failed: int
    opens_at: datetime | None
    pass_share: float
    pass_count: int
    total: int


@dataclass(frozen=True)
class Draft:
    """What is kept of an activity's texts; revision 0 means nothing was saved yet."""

    activity_key: str
    content: Mapping[str, str]
    revision: int
    saved_at: datetime | None


@dataclass(frozen=True)
class Submission:
    """Work as it was handed in: texts by activity and field.

    Attributes:
        texts: none while they are in quarantine.
        kept_findings: how many places of each kind the scan found that the learner handed in all the same.
        quarantined_at: when an assessor put the texts away.
        purged_at: when every copy of them was removed.
        is_renewal: whether it renews a badge.
    """

    id: str
    enrolment_id: str
    person_id: str
    number: int
    state: SubmissionState
    module_key: str
    module_version: int
    texts: Mapping[str, Mapping[str, str]]
    knowledge_check_correct: int
    knowledge_check_total: int
    declared_at: datetime
    submitted_at: datetime
    decided_at: datetime | None
    kept_findings: Mapping[str, int]
    quarantined_at: datetime | None
    purged_at: datetime | None
    is_renewal: bool = False


@dataclass(frozen=True)
class CriterionMark:
    """How one criterion was judged; `level` is None while there is only a comment."""

    criterion_key: str
    level: int | None
    comment: str
    marked_by: str
    marked_at: datetime


@dataclass(frozen=True)
class SupervisorTalk:
    """The talk with the supervisor: when, and in what role the supervisor spoke. Never a name."""

    held_on: date
    supervisor_role: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True)
class Decision:
    """What a named person decided about one submission."""

    id: str
    submission_id: str
    enrolment_id: str
    outcome: Outcome
    comment: str
    decided_by: str
    decided_at: datetime
    rubric_version: int


@dataclass(frozen=True)
class DecisionOutcome:
    """A decision as other rooms need it: who reached what, by whose decision; no text.

    Attributes:
        submitted_at: when the work that was decided was handed in.
    """

    decision_id: str
    person_id: str
    module_key: str
    module_version: int
    outcome: Outcome
    submitted_at: datetime
    decided_at: datetime
    decided_by_person_id: str
    results: tuple[tuple[str, int], ...]
    is_renewal: bool = False


@dataclass(frozen=True)
class Proposal:
    """What the machine sees of a submission's completeness. It proposes; a person decides."""

    submission_id: str
    ready: bool
    statement: str
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class QueueItem:
    """A submission that waits for an assessor.

    Attributes:
        age: how long it has waited.
        overdue: whether the ten working days are over.
        marked: criteria that have a level already, of `criteria`.
        is_renewal: whether it renews a badge.
    """

    submission_id: str
    person_id: str
    learner_name: str
    module_key: str
    module_title: str
    number: int
    submitted_at: datetime
    age: timedelta
    overdue: bool
    marked: int
    criteria: int
    is_renewal: bool = False


@dataclass(frozen=True)
class EarlierRound:
    """A submission that was decided before this one."""

    submission: Submission
    decision: Decision
    marks: Mapping[str, CriterionMark]


@dataclass(frozen=True)
class SubmissionForMarking:
    """All an assessor needs on one page; the module is the version the learner began under.

    Attributes:
        places: what the scan finds in the texts, for marking it in them.
        can_undo: whether this assessor put the texts away and may still take that back.
        recognition: whether the learner chose recognition of prior learning: all the evidence, no lessons.
        kept_back: how many earlier rounds this assessor is not shown, because they may judge them a second time, blind.
        panel: how the panel stands, for this assessor; None where one assessor decides.
        is_again: whether the learner does the whole module again, after a badge that is gone.
    """

    submission: Submission
    learner_name: str
    module: Module
    rubric: Rubric
    marks: Mapping[str, CriterionMark]
    talk: SupervisorTalk | None
    earlier: tuple[EarlierRound, ...]
    proposal: Proposal
    decision: Decision | None
    places: tuple[Place, ...]
    can_undo: bool
    recognition: bool = False
    kept_back: int = 0
    panel: PanelView | None = None
    is_again: bool = False


@dataclass(frozen=True)
class CriterionFeedback:
    """What was said about one criterion."""

    criterion_key: str
    title: str
    level: int | None
    comment: str


@dataclass(frozen=True)
class Feedback:
    """What an assessor decided and said, for the learner."""

    decision_id: str
    submission_id: str
    number: int
    outcome: Outcome
    decided_at: datetime
    comment: str
    criteria: tuple[CriterionFeedback, ...]


@dataclass(frozen=True)
class ActivityProgress:
    """How far one activity is; `detail` is one line for people, e.g. `7 of 8 right`."""

    key: str
    kind: ActivityKind
    title: str
    minutes: int
    state: ActivityState
    detail: str | None


@dataclass(frozen=True)
class SubmissionSummary:
    """A submission without its texts."""

    id: str
    number: int
    state: SubmissionState
    submitted_at: datetime
    decided_at: datetime | None
    quarantined_at: datetime | None


@dataclass(frozen=True)
class Progress:
    """How far a person is with a module, and where a launch should land.

    Attributes:
        next_activity: key of the first activity that is not done.
        landing: `activity`: go to `next_activity`; `submit`: all is done but handing in; `revise`: show why it came
            back; `wait`: it is with an assessor; `done`: it is awarded.
        missing: what stands between here and handing in, the declaration left out.
        submission: the latest one.
        returned: what was said, while returned work waits for its next round.
        awarded: what was said at the award.
        decision_id: the award's decision.
        recognition: whether the learner chose recognition of prior learning, so that no lesson is asked for.
        needed_first: what only the award waits for: badges needed before, a review of the module that is overdue.
    """

    enrolment: Enrolment
    state: OverallState
    activities: tuple[ActivityProgress, ...]
    next_activity: str | None
    landing: Landing
    knowledge_check: KnowledgeCheckState | None
    missing: tuple[Missing, ...]
    submission: SubmissionSummary | None
    returned: Feedback | None
    awarded: Feedback | None
    decision_id: str | None
    recognition: bool = False
    needed_first: tuple[Missing, ...] = ()

    @property
    def done(self) -> int:
        """How many activities are done."""
        return sum(activity.state == "done" for activity in self.activities)

    @property
    def total(self) -> int:
        """How many activities are asked for."""
        return sum(activity.state != "left_out" for activity in self.activities)
