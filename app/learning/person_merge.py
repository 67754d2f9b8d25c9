"""The learning room's part in joining two records: all work is the one person's, whoever they were when they did it.

A person has one enrolment in a whole module, and another for each time that they do it again. Where both records have
the same one, the enrolment that is further along goes on and the other stays with the old record, with its drafts; what
was handed in and decided names the person either way, so that every rule about one's own work holds by the ids alone.
Renewals all go along, each with its badge. All are numbered anew then: the order stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor, AuditEntry
from app.core.days import day
from app.core.db import ReadSession, WriteSession
from app.learning.enrolments import module_of, to_enrolment
from app.learning.independence import deciders_before
from app.learning.knowledge_check import states_of
from app.learning.models import (
    AppealRecord,
    AttendanceCodeRecord,
    AttendanceRecord,
    CriterionMarkRecord,
    DecisionRecord,
    EnrolmentRecord,
    KnowledgeCheckAttemptRecord,
    PanelMarkRecord,
    SavedCommentRecord,
    SecondMarkRecord,
    SubmissionRecord,
    SupervisorTalkRecord,
)
from app.learning.observation.models import ObservationRequestRecord
from app.learning.progress import progress
from app.learning.schemas import Enrolment, OverallState
from app.people.link_schemas import Holding
from app.people.merging import QUIETLY, Moves
from app.programme.schemas import Module

FURTHER: dict[OverallState, int] = {"working": 0, "returned": 1, "submitted": 2, "awarded": 3}
REACHED: dict[OverallState, str] = {
    "working": "not handed in yet",
    "returned": "returned to you",
    "submitted": "with an assessor",
    "awarded": "awarded",
}
FAR = 1_000_000
OPEN_REQUEST = ("proposed", "asked")


@dataclass(frozen=True)
class _Standing:
    enrolment: Enrolment
    module: Module
    state: OverallState
    done: int

    @property
    def rank(self) -> tuple[int, int, float, str]:
        """The greater, the further along; of two alike the one that was begun first."""
        begun = self.enrolment.enrolled_at.timestamp()
        return (FURTHER[self.state], self.done, -begun, self.enrolment.id)

    @property
    def words(self) -> str:
        begun = self.enrolment.enrolled_at
        return f"begun on {day(begun)}, {REACHED[self.state]}"


@dataclass(frozen=True)
class _Conflict:
    """A module that both have begun: which enrolment goes on, and which stays with the old record."""

    stays: _Standing
    old: _Standing

    @property
    def title(self) -> str:
        return self.stays.module.title


class LearningMerge(Moves):
    """Enrolments with all that hangs on them; work, and what was said and decided, by and about the person."""

    room = "learning"
    moved: ClassVar = {
        SubmissionRecord: ("person_id", "quarantined_by"),
        CriterionMarkRecord: ("marked_by",),
        SupervisorTalkRecord: ("recorded_by",),
        DecisionRecord: ("decided_by",),
        SavedCommentRecord: ("person_id",),
        SecondMarkRecord: ("decided_by", "marked_by", "concluded_by"),
        AppealRecord: ("answered_by",),
        AttendanceCodeRecord: ("opened_by",),
        AttendanceRecord: ("confirmed_by",),
        ObservationRequestRecord: ("observer_person_id", "decided_by"),
    }
    # Who turns out to have marked as both members keeps one mark; the other stays with the old record, where it counts
    # no more: that record is no assessor.
    moved_unless_there: ClassVar = {PanelMarkRecord: ("marked_by", ("submission_id",))}
    by_hand: ClassVar = frozenset({"enrolment.person_id"})

    def brings(self, session: ReadSession, person_id: str) -> tuple[Holding, ...]:
        """Modules by title, and how often work was handed in."""
        titles = tuple(standing.module.title for standing in _standings(session, person_id))
        handed_in = session.exec(
            select(sa.func.count()).select_from(SubmissionRecord).where(SubmissionRecord.person_id == person_id)
        ).one()
        return (Holding("Modules begun", len(titles), titles), Holding("Times you handed in work", handed_in))

    def stays_apart(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """Which enrolments are superfluous."""
        return tuple(
            f"You began “{each.title}” twice. The one that is further along goes on ({each.stays.words}). "
            f"The other stays with the old record ({each.old.words})."
            for each in _conflicts(session, from_id, to_id)
        )

    def hindrances(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """Work on one module that somebody is to decide about, a knowledge check that waits, one’s own observer."""
        found: list[str] = []
        for each in _conflicts(session, from_id, to_id):
            if each.old.state == "submitted":
                found.append(f"Work of yours on “{each.title}” waits for an assessor, and you did that module twice.")
            if _has_appealed(session, each):
                found.append(f"Your appeal on “{each.title}” waits for its answer, and you did that module twice.")
            if _waits(session, each.stays) or _waits(session, each.old):
                found.append(
                    f"You began “{each.title}” twice, and a knowledge check in it is not open again yet. "
                    "Wait until it is."
                )
        if _observes_own(session, from_id, to_id, OPEN_REQUEST):
            found.append("One of your two records was asked to observe the other. Take that request back first.")
        return tuple(found)

    def absorb(self, session: WriteSession, from_id: str, to_id: str) -> None:
        """Take all enrolments but the superfluous ones, then everything that names the person."""
        _lock(session, from_id, to_id)
        conflicts = _conflicts(session, from_id, to_id)
        times = {**_times(session, from_id), **_times(session, to_id)}
        shared = _modules(session, from_id) & _modules(session, to_id)
        superfluous = [each.old.enrolment.id for each in conflicts]
        _set_apart(session, shared, from_id, to_id)
        session.execute(
            sa.update(EnrolmentRecord)
            .where(col(EnrolmentRecord.person_id) == from_id, col(EnrolmentRecord.id).not_in(superfluous))
            .values(person_id=to_id),
            execution_options=QUIETLY,
        )
        session.execute(
            sa.update(EnrolmentRecord).where(col(EnrolmentRecord.id).in_(superfluous)).values(person_id=from_id),
            execution_options=QUIETLY,
        )
        _number(session, shared, times, from_id, to_id)
        super().absorb(session, from_id, to_id)
        session.expire_all()
        _note_own_work(session, to_id)
        _note_panels_of_one(session, from_id, to_id)
        for each in conflicts:
            _note_check_passed_early(session, each, to_id)


def _lock(session: WriteSession, *person_ids: str) -> None:
    """Whoever writes a draft, hands in or decides does so before this, or finds it done."""
    for model in (EnrolmentRecord, SubmissionRecord):
        session.exec(
            select(model.id)
            .where(col(model.person_id).in_(person_ids))
            .order_by(model.id)
            .with_for_update(key_share=True)
        ).all()
    session.expire_all()


def _set_apart(session: WriteSession, module_keys: Collection[str], *person_ids: str) -> None:
    """Give the enrolments of each record numbers far from those of the other, so that they can change hands."""
    for place, person_id in enumerate(person_ids, start=1):
        session.execute(
            sa.update(EnrolmentRecord)
            .where(col(EnrolmentRecord.person_id) == person_id, col(EnrolmentRecord.module_key).in_(module_keys))
            .values(number=EnrolmentRecord.number + place * FAR),
            execution_options=QUIETLY,
        )


def _number(session: WriteSession, module_keys: Collection[str], times: Mapping[str, int], *person_ids: str) -> None:
    """Number what each record has now: whole modules in their order, then renewals by their day."""
    rows = session.exec(
        select(EnrolmentRecord)
        .where(col(EnrolmentRecord.person_id).in_(person_ids), col(EnrolmentRecord.module_key).in_(module_keys))
        .order_by(col(EnrolmentRecord.enrolled_at), EnrolmentRecord.id)
        .execution_options(populate_existing=True)
    ).all()
    of_each: dict[tuple[str, str], list[EnrolmentRecord]] = {}
    for row in rows:
        of_each.setdefault((row.person_id, row.module_key), []).append(row)
    for theirs in of_each.values():
        whole = sorted((row for row in theirs if row.id in times), key=lambda row: times[row.id])
        for number, row in enumerate(whole):
            row.number = number
        # Number 0 is kept for the whole module also where only its badge was renewed.
        for number, row in enumerate((row for row in theirs if row.id not in times), start=max(1, len(whole))):
            row.number = number
        session.add_all(theirs)
    session.flush()


def _standings(session: ReadSession, person_id: str) -> tuple[_Standing, ...]:
    rows = session.exec(
        select(EnrolmentRecord)
        .where(EnrolmentRecord.person_id == person_id)
        .order_by(EnrolmentRecord.module_key, col(EnrolmentRecord.number))
        .execution_options(populate_existing=True)
    ).all()
    return tuple(_standing(session, to_enrolment(row)) for row in rows)


def _standing(session: ReadSession, enrolment: Enrolment) -> _Standing:
    how_far = progress(session, enrolment.id)
    done = sum(activity.state == "done" for activity in how_far.activities)
    return _Standing(enrolment, module_of(session, enrolment), how_far.state, done)


def _modules(session: ReadSession, person_id: str) -> frozenset[str]:
    """The modules of which a person has an enrolment of any kind."""
    return frozenset(
        session.exec(select(EnrolmentRecord.module_key).where(EnrolmentRecord.person_id == person_id)).all()
    )


def _times(session: ReadSession, person_id: str) -> dict[str, int]:
    """The enrolments in whole modules, each with which time it is: 0 for the first. Renewals have numbers between."""
    rows = session.exec(
        select(EnrolmentRecord.id, EnrolmentRecord.module_key)
        .where(EnrolmentRecord.person_id == person_id, col(EnrolmentRecord.renewal_steps).is_(sa.null()))
        .order_by(EnrolmentRecord.module_key, col(EnrolmentRecord.number))
    ).all()
    found: dict[str, int] = {}
    before: Counter[str] = Counter()
    for enrolment_id, module_key in rows:
        found[enrolment_id] = before[module_key]
        before[module_key] += 1
    return found


def _conflicts(session: ReadSession, from_id: str, to_id: str) -> tuple[_Conflict, ...]:
    """The first time of one record and the first time of the other, and so on: of each pair one goes on."""
    pairs: dict[tuple[str, int], list[_Standing]] = {}
    if not _modules(session, from_id) & _modules(session, to_id):
        return ()
    for person_id in (from_id, to_id):
        times = _times(session, person_id)
        for standing in _standings(session, person_id):
            if standing.enrolment.id in times:
                key = (standing.enrolment.module_key, times[standing.enrolment.id])
                pairs.setdefault(key, []).append(standing)
    found = []
    for _key, both in sorted(pairs.items()):
        if len(both) > 1:
            old, stays = sorted(both, key=lambda standing: standing.rank)
            found.append(_Conflict(stays=stays, old=old))
    return tuple(found)


def _waits(session: ReadSession, of: _Standing) -> bool:
    """Whether a knowledge check's next try is not open yet: joining records must not shorten that."""
    states = states_of(session, of.enrolment.id, of.module.activities, of.module.award_rule)
    return of.state in ("working", "returned") and any(state.opens_at is not None for state in states)


def _has_appealed(session: ReadSession, of: _Conflict) -> bool:
    either = (of.stays.enrolment.id, of.old.enrolment.id)
    waiting = select(AppealRecord.id).where(col(AppealRecord.enrolment_id).in_(either), AppealRecord.state == "open")
    return session.exec(waiting).first() is not None


def _observes_own(session: ReadSession, from_id: str, to_id: str, states: Sequence[str]) -> tuple[str, ...]:
    """Ids of requests in which one of the two observes work of the other."""
    both = (from_id, to_id)
    return tuple(
        session.exec(
            select(ObservationRequestRecord.id)
            .join(EnrolmentRecord, col(EnrolmentRecord.id) == col(ObservationRequestRecord.enrolment_id))
            .where(
                col(ObservationRequestRecord.observer_person_id).in_(both),
                col(EnrolmentRecord.person_id).in_(both),
                col(ObservationRequestRecord.state).in_(states),
            )
        ).all()
    )


def _note_own_work(session: WriteSession, person_id: str) -> None:
    """Write into the audit what turns out to have been decided by the very person whose work it is.

    Nothing is taken back: who decides about that is a person.
    """
    mine = SubmissionRecord.person_id == person_id
    for action, model, column in (
        ("learning.own_work_marked", CriterionMarkRecord, CriterionMarkRecord.marked_by),
        ("learning.own_work_marked_in_panel", PanelMarkRecord, PanelMarkRecord.marked_by),
        ("learning.own_work_decided", DecisionRecord, DecisionRecord.decided_by),
        ("learning.own_work_marked_again", SecondMarkRecord, SecondMarkRecord.marked_by),
        ("learning.own_appeal_answered", AppealRecord, AppealRecord.answered_by),
    ):
        found = session.exec(
            select(model.submission_id)
            .join(SubmissionRecord, col(SubmissionRecord.id) == col(model.submission_id))
            .where(mine, column == person_id)
        ).all()
        for submission_id in found:
            _note_once(session, person_id, action, "submission", submission_id)
    for action, of_enrolment, by in (
        ("learning.own_talk_recorded", SupervisorTalkRecord, SupervisorTalkRecord.recorded_by),
        ("learning.own_attendance_confirmed", AttendanceRecord, AttendanceRecord.confirmed_by),
        ("learning.own_observer_approved", ObservationRequestRecord, ObservationRequestRecord.decided_by),
    ):
        theirs = session.exec(
            select(of_enrolment.enrolment_id)
            .join(EnrolmentRecord, col(EnrolmentRecord.id) == col(of_enrolment.enrolment_id))
            .where(EnrolmentRecord.person_id == person_id, by == person_id)
        ).all()
        for enrolment_id in theirs:
            _note_once(session, person_id, action, "enrolment", enrolment_id)
    again = session.exec(
        select(DecisionRecord.submission_id)
        .join(AppealRecord, col(AppealRecord.new_submission_id) == col(DecisionRecord.submission_id))
        .where(DecisionRecord.decided_by == person_id)
    ).all()
    for submission_id in again:
        if person_id in deciders_before(session, submission_id):
            _note_once(session, person_id, "learning.own_decision_decided_again", "submission", submission_id)
    twice = session.exec(
        select(SecondMarkRecord.submission_id).where(
            SecondMarkRecord.marked_by == person_id, SecondMarkRecord.decided_by == person_id
        )
    ).all()
    for submission_id in twice:
        _note_once(session, person_id, "learning.own_decision_marked_again", "submission", submission_id)
    for request_id in _observes_own(session, person_id, person_id, ("made",)):
        _note_once(session, person_id, "learning.own_work_observed", "observation_request", request_id)


def _note_panels_of_one(session: WriteSession, from_id: str, to_id: str) -> None:
    """Write into the audit that both members of a panel turn out to be one person."""
    seated = col(PanelMarkRecord.seat).is_not(None)
    theirs = select(PanelMarkRecord.submission_id).where(seated, PanelMarkRecord.marked_by == to_id)
    both = select(PanelMarkRecord.submission_id).where(
        seated, PanelMarkRecord.marked_by == from_id, col(PanelMarkRecord.submission_id).in_(theirs)
    )
    for submission_id in session.exec(both).all():
        _note_once(session, to_id, "learning.panel_was_one_person", "submission", submission_id)


def _note_check_passed_early(session: WriteSession, of: _Conflict, person_id: str) -> None:
    """Write into the audit that a knowledge check was passed under one id while the other had to wait."""
    for passed, other in ((of.stays, of.old), (of.old, of.stays)):
        for activity_key in _passed_early(session, passed, other):
            _note_once(
                session, person_id, "learning.check_passed_while_waiting", "enrolment", passed.enrolment.id,
                activity=activity_key,
            )  # fmt: skip


def _passed_early(session: ReadSession, passed: _Standing, other: _Standing) -> Iterator[str]:
    for activity in passed.module.activities:
        if activity.kind != "knowledge_check" or activity.wait_minutes == 0:
            continue
        right = next((row for row in _tries(session, passed, activity.key) if row.passed), None)
        if right is None:
            continue
        failed = [
            row.answered_at
            for row in _tries(session, other, activity.key)
            if row.answered_at is not None and not row.passed and row.answered_at <= right.started_at
        ]
        opened = max(failed) + timedelta(minutes=activity.wait_minutes) if failed else right.started_at
        if len(failed) >= activity.tries_before_wait and right.started_at < opened:
            yield activity.key


def _tries(session: ReadSession, of: _Standing, activity_key: str) -> Sequence[KnowledgeCheckAttemptRecord]:
    return session.exec(
        select(KnowledgeCheckAttemptRecord)
        .where(
            KnowledgeCheckAttemptRecord.enrolment_id == of.enrolment.id,
            KnowledgeCheckAttemptRecord.activity_key == activity_key,
        )
        .order_by(col(KnowledgeCheckAttemptRecord.number))
    ).all()


def _note_once(session: WriteSession, person_id: str, action: str, subject: str, subject_id: str, **ids: str) -> None:
    noted = select(AuditEntry.id).where(AuditEntry.action == action, AuditEntry.subject_id == subject_id)
    if session.exec(noted).first() is None:
        actor = Actor(kind="person", id=person_id)
        audit.record(session, actor=actor, action=action, subject=subject, subject_id=subject_id, **ids)
