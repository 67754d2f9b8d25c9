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
class WorkQuarantined:
    """An assessor put texts away: the learner is told, once it can no longer be taken back."""

    KIND: ClassVar[str] = "learning.work_quarantined"

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


@dataclass(frozen=True)
class RenewalDecided:
    """An assessor found that a renewal's work holds: the badge's next version is due, and no score."""

    KIND: ClassVar[str] = "learning.renewal_decided"

    decision_id: str
    submission_id: str
    enrolment_id: str
    person_id: str
    credential_id: str


@dataclass(frozen=True)
class ObserverProposed:
    """A learner proposed somebody from outside the centre's staff, or asked the assessors: one of them looks at it."""

    KIND: ClassVar[str] = "learning.observer_proposed"

    request_id: str


@dataclass(frozen=True)
class ObserverRefused:
    """An assessor refused a proposal, or the person asked said that it is not for them: the learner is told."""

    KIND: ClassVar[str] = "learning.observer_refused"

    request_id: str


@dataclass(frozen=True)
class ObserverApproved:
    """An assessor approved a proposal: the learner is told; the observer is, by `ObservationAsked`."""

    KIND: ClassVar[str] = "learning.observer_approved"

    request_id: str


@dataclass(frozen=True)
class ObservationAsked:
    """Somebody is asked to observe: a mail with a link of their own is due. The first is 0, reminders count from 1."""

    KIND: ClassVar[str] = "learning.observation_asked"

    request_id: str
    reminder: int


@dataclass(frozen=True)
class ObservationCodeAsked:
    """Whoever has the link asked for a code: it goes to the invited address."""

    KIND: ClassVar[str] = "learning.observation_code_asked"

    code_id: str


@dataclass(frozen=True)
class ObservationMade:
    """An observer filled in the checklist: the learner is told."""

    KIND: ClassVar[str] = "learning.observation_made"

    observation_id: str
    request_id: str


@dataclass(frozen=True)
class AppealMade:
    """A learner appealed against a return: assessors other than the one who decided may be told."""

    KIND: ClassVar[str] = "learning.appeal_made"

    appeal_id: str
    decision_id: str
    person_id: str


@dataclass(frozen=True)
class AppealDecided:
    """An assessor upheld or declined an appeal: the learner may be told."""

    KIND: ClassVar[str] = "learning.appeal_decided"

    appeal_id: str
    decision_id: str
    person_id: str
    outcome: str  # upheld | declined
