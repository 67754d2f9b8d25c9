"""What observations hand to pages and other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from app.learning.schemas import Enrolment
from app.programme.schemas import Activity, ChecklistLine, LineAnswer, Module, Observer

RequestState = Literal["proposed", "asked", "made", "withdrawn", "declined", "refused", "ended"]
Standing = Literal["none", "proposed", "asked", "declined", "met", "not_yet"]
ANSWERS: tuple[LineAnswer, ...] = ("meets", "not yet")


@dataclass(frozen=True)
class ObservationState:
    """How one observation of an enrolment stands, in one look.

    Attributes:
        required: whether an award waits for it.
        must_meet: whether, if so, every line must be answered "meets".
        state: `proposed`: an assessor has not yet approved the observer; `asked`: the observer has a mail; `declined`:
            the last one asked did not observe, was refused or did not answer; `met` and `not_yet`: by the newest
            observation.
        lines: how many lines the checklist has.
        meets: how many of them the newest observation answers with "meets".
        asked_at: when the observer of the open request was asked.
        observed_on: the day of the newest observation; None while there is none.
    """

    activity_key: str
    required: bool
    must_meet: bool
    state: Standing
    lines: int
    meets: int = 0
    asked_at: datetime | None = None
    observed_on: date | None = None

    @property
    def made(self) -> bool:
        """Whether somebody has observed, whatever they saw."""
        return self.observed_on is not None

    @property
    def all_meet(self) -> bool:
        """Whether the newest observation answers every line with "meets"."""
        return self.made and self.meets == self.lines

    @property
    def satisfied(self) -> bool:
        """Whether nothing more is needed from an observer."""
        return self.made and (self.all_meet or not self.must_meet)

    @property
    def open(self) -> bool:
        """Whether somebody else has to do something now."""
        return self.state in ("proposed", "asked")


@dataclass(frozen=True)
class Candidate:
    """Confirmed staff of the learner's own centres who may be asked."""

    membership_id: str
    name: str = field(repr=False)
    role: Observer
    centre_name: str


@dataclass(frozen=True)
class ObservationRequest:
    """One person asked, or proposed.

    Attributes:
        observer_name: as the record knows it; empty where the assessors were asked, or of one who was erased.
        ends_at: when the link ends; None before approval.
        can_remind_at: when the next reminder may go out.
        refusal: why an assessor refused the proposal.
    """

    id: str
    enrolment_id: str
    activity_key: str
    number: int
    state: RequestState
    role: Observer
    observer_name: str = field(repr=False)
    created_at: datetime
    asked_at: datetime | None
    ends_at: datetime | None
    can_remind_at: datetime | None
    refusal: str


@dataclass(frozen=True)
class SeenLine:
    """One line of the checklist with what the observer said."""

    line: ChecklistLine
    answer: LineAnswer
    comment: str


@dataclass(frozen=True)
class Observation:
    """What one observer saw.

    Attributes:
        observer_name: as the record knows it; empty of one who was erased.
        kept_findings: how many places of each kind the scan found that the observer left as they are.
        comments_removed: whether an assessor took the comments away to protect somebody.
    """

    id: str
    number: int
    activity_key: str
    role: Observer
    observer_name: str = field(repr=False)
    observed_on: date
    lines: tuple[SeenLine, ...]
    comment: str
    kept_findings: Mapping[str, int]
    made_at: datetime
    comments_removed: bool = False

    @property
    def meets(self) -> int:
        """How many lines are answered with "meets"."""
        return sum(seen.answer == "meets" for seen in self.lines)


@dataclass(frozen=True)
class ObservedActivity:
    """All there is about one observation of an enrolment: the open or last request, and what was seen, newest first."""

    activity: Activity
    state: ObservationState
    request: ObservationRequest | None
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Invitation:
    """What the holder of an observer's link sees.

    Attributes:
        minutes: how long filling in takes.
    """

    request: ObservationRequest
    learner_name: str = field(repr=False)
    module: Module
    activity: Activity
    hidden_address: str = field(repr=False)


@dataclass(frozen=True)
class Answers:
    """What an observer filled in.

    Attributes:
        lines: by line, `meets` or `not yet`.
        comments: by line; for a line that is not yet met it is needed.
        comment: about the whole; may be empty.
        kept: ids of the places found by the scan of which the observer said that each is not about a real person.
    """

    lines: Mapping[str, str]
    comments: Mapping[str, str]
    comment: str
    observed_on: str
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class WaitingProposal:
    """A proposal as an assessor judges it.

    Attributes:
        domain: of the proposed address.
        learner_domains: of the addresses that are known of the learner.
        asks_assessors: whether no name was given, because an assessor is to observe.
        assessor_may: whether the activity lets an assessor observe.
    """

    request: ObservationRequest
    enrolment: Enrolment
    learner_name: str = field(repr=False)
    module: Module
    activity: Activity
    email: str = field(repr=False)
    domain: str
    learner_domains: tuple[str, ...]
    asks_assessors: bool
    assessor_may: bool


@dataclass(frozen=True)
class ObservationMail:
    """What a mail about a request needs. For the messages room only: it says whom to write to.

    Attributes:
        observer_person_id: who was asked; None for somebody whom an assessor approved.
    """

    request_id: str
    to: str | None = field(repr=False)
    learner_person_id: str
    learner_name: str = field(repr=False)
    observer_name: str = field(repr=False)
    observer_person_id: str | None
    role: Observer
    module_title: str
    activity_title: str
    state: RequestState
    ends_at: datetime | None
    refusal: str = field(repr=False)


@dataclass(frozen=True)
class ObservationCodeMail:
    """What the mail with an observer's code needs. For the messages room only."""

    to: str = field(repr=False)
    code: str = field(repr=False)
    learner_name: str = field(repr=False)
    expires_at: datetime
