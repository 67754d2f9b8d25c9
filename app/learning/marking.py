"""Marking: how each criterion is judged and that the talk was held, saved as one goes. Deciding is elsewhere."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import WriteSession
from app.learning import panel_marks
from app.learning.assessors import foreign_work, require_assessor
from app.learning.enrolments import module_of_work
from app.learning.independence import require_independent
from app.learning.marking_errors import (
    AlreadyDecided,
    LevelOutOfRange,
    SupervisorRoleUnusable,
    TalkInFuture,
    UnknownCriterion,
)
from app.learning.models import CriterionMarkRecord, SubmissionRecord, SupervisorTalkRecord
from app.learning.rounds import mark_row, talk_row, to_mark, to_talk
from app.learning.schemas import CriterionMark, SupervisorTalk
from app.learning.texts import clean_comment, plain

ROLE_LENGTH = 100
# When it is already tomorrow in the easternmost time zone, a talk held there today is not in the future.
EASTERNMOST = timedelta(hours=14)


def mark(
    session: WriteSession,
    *,
    submission_id: str,
    assessor_id: str,
    criterion_key: str,
    level: int | None,
    comment: str = "",
) -> CriterionMark:
    """Keep how one criterion is judged; a second call replaces the first.

    Args:
        session: the caller's transaction.
        submission_id: the work.
        assessor_id: who judges.
        criterion_key: the criterion.
        level: one of the criterion's levels, 1 to 4; None while there is only a comment.
        comment: for the learner; may be empty.

    Raises:
        NotAnAssessor, OwnWork, NotIndependent, SubmissionNotFound, AlreadyDecided: this person may not mark it.
        UnknownCriterion, LevelOutOfRange, CommentTooLong, UnusableText: the mark cannot be used.
    """
    row = lock_for_decision(session, submission_id, assessor_id)
    return put_mark(session, row, assessor_id, criterion_key, level, comment)


def record_supervisor_talk(
    session: WriteSession, *, submission_id: str, recorded_by: str, held_on: date, supervisor_role: str
) -> SupervisorTalk:
    """Record that the learner talked the work over with their supervisor; a second call corrects the first.

    The talk belongs to the learner's work on the module, so it holds for later rounds too.

    Args:
        session: the caller's transaction.
        submission_id: the work.
        recorded_by: the assessor who confirms it.
        held_on: the day, in the supervisor's own time zone.
        supervisor_role: in what role the supervisor spoke, e.g. `centre manager`; never a name.

    Raises:
        NotAnAssessor, OwnWork, NotIndependent, SubmissionNotFound, AlreadyDecided: this person may not record it.
        TalkInFuture: nowhere on earth is it that day yet.
        SupervisorRoleUnusable, UnusableText: the role is missing, too long, or holds control characters.
    """
    row = lock_for_decision(session, submission_id, recorded_by)
    role = plain(supervisor_role, "The supervisor's role").strip()
    if not role or len(role) > ROLE_LENGTH or "\n" in role:
        raise SupervisorRoleUnusable(ROLE_LENGTH)
    if held_on > (now() + EASTERNMOST).date():
        raise TalkInFuture
    # The enrolment's other rounds are decided, so the lock on this one is enough.
    talk = talk_row(session, row.enrolment_id)
    if talk is None:
        talk = SupervisorTalkRecord(
            enrolment_id=row.enrolment_id, held_on=held_on, supervisor_role=role, recorded_by=recorded_by
        )
    talk.held_on, talk.supervisor_role, talk.recorded_by, talk.recorded_at = held_on, role, recorded_by, now()
    session.add(talk)
    session.flush()
    audit.record(
        session,
        actor=Actor(kind="person", id=recorded_by),
        action="learning.supervisor_talk_recorded",
        subject="submission",
        subject_id=submission_id,
        talk_id=talk.id,
    )
    return to_talk(talk)


def lock_for_decision(session: WriteSession, submission_id: str, assessor_id: str) -> SubmissionRecord:
    """The submission with its row locked, if this person may mark and decide it and nobody has decided it yet.

    Raises:
        NotAnAssessor, SubmissionNotFound, OwnWork, AlreadyDecided: they may not, or no more.
        NotIndependent: they stand too near to the learner or to an earlier decision, as it stands at this moment; or
            two others form the panel that decides.
        PanelMarkGiven: they have given their mark, and the other member of the panel has not.
    """
    require_assessor(session, assessor_id)
    row = foreign_work(locked_row(session, submission_id), assessor_id)
    if row.state != "submitted":
        raise AlreadyDecided
    require_independent(session, row, assessor_id)
    panel_marks.require_may_mark(session, row, assessor_id)
    return row


def locked_row(session: WriteSession, submission_id: str) -> SubmissionRecord | None:
    """The submission with its row locked, as it is now; None if there is none."""
    return session.exec(
        select(SubmissionRecord)
        .where(SubmissionRecord.id == submission_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def put_mark(
    session: WriteSession,
    row: SubmissionRecord,
    assessor_id: str,
    criterion_key: str,
    level: int | None,
    comment: str,
) -> CriterionMark:
    """Insert or replace one mark; the caller holds the submission's lock."""
    module = module_of_work(session, row)
    criterion = next((one for one in module.rubric.criteria if one.key == criterion_key), None)
    if criterion is None:
        raise UnknownCriterion
    if level is not None and level not in {one.level for one in criterion.levels}:
        raise LevelOutOfRange
    said = clean_comment(comment)
    if panel_marks.applies(module):
        return panel_marks.put_draft(session, row, assessor_id, criterion_key, level, said)
    record = mark_row(session, row.id, criterion_key)
    if record is None:
        record = CriterionMarkRecord(submission_id=row.id, criterion_key=criterion_key, marked_by=assessor_id)
    # A page sends every mark again: what another assessor gave and nobody changed stays theirs.
    if record.level != level or record.comment != said or record.marked_by == assessor_id:
        record.level, record.comment = level, said
        record.marked_by, record.marked_at = assessor_id, now()
    session.add(record)
    session.flush()
    return to_mark(record)
