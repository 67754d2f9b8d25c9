"""Deciding: a named person returns work or awards the module. Final for what was handed in, and made exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.errors import AlreadyDecided, CommentMissing, DecisionNotFound, NotReady
from app.learning.events import AwardDecided, WorkReturned
from app.learning.marking import lock_for_decision, put_mark
from app.learning.models import DecisionRecord, SubmissionRecord
from app.learning.rounds import mark_row, marks_of, missing_now, to_decision
from app.learning.schemas import Decision, DecisionOutcome, Outcome
from app.learning.texts import clean_comment
from app.programme import service as programme


def return_work(
    session: WriteSession,
    *,
    submission_id: str,
    assessor_id: str,
    comment: str,
    criterion_comments: Mapping[str, str] | None = None,
) -> Decision:
    """Give work back to its learner with what to change; they may hand in again, as often as it takes.

    Args:
        session: the caller's transaction.
        submission_id: the work.
        assessor_id: the person who decides.
        comment: what to change, for the learner.
        criterion_comments: further comments by criterion key; they replace those saved while marking.

    Raises:
        NotAnAssessor, OwnWork, SubmissionNotFound: this person may not decide it.
        AlreadyDecided: somebody was faster.
        CommentMissing, CommentTooLong, UnusableText, UnknownCriterion: a comment cannot be used.
    """
    row = lock_for_decision(session, submission_id, assessor_id)
    said = clean_comment(comment)
    if not said:
        raise CommentMissing
    for criterion_key, text in (criterion_comments or {}).items():
        marked = mark_row(session, row.id, criterion_key)
        put_mark(session, row, assessor_id, criterion_key, marked.level if marked is not None else None, text)
    decision = _decide(session, row, assessor_id, "returned", said)
    outbox.emit(session, WorkReturned(decision_id=decision.id, submission_id=row.id, person_id=row.person_id))
    return decision


def award(session: WriteSession, *, submission_id: str, assessor_id: str, comment: str = "") -> Decision:
    """Award the module, if the rule it began under is fulfilled.

    Args:
        session: the caller's transaction.
        submission_id: the work.
        assessor_id: the person who decides.
        comment: for the learner; may be empty.

    Raises:
        NotAnAssessor, OwnWork, SubmissionNotFound: this person may not decide it.
        AlreadyDecided: somebody was faster.
        NotReady: the rule is not fulfilled; names each thing that is missing.
        CommentTooLong, UnusableText: the comment cannot be used.
    """
    row = lock_for_decision(session, submission_id, assessor_id)
    module = programme.module_version(session, row.module_key, row.module_version)
    missing = missing_now(session, row, module)
    if missing:
        raise NotReady("This work cannot be awarded yet.", missing, kept="Your marks and comments are kept.")
    decision = _decide(session, row, assessor_id, "awarded", clean_comment(comment))
    outbox.emit(
        session,
        AwardDecided(
            decision_id=decision.id,
            submission_id=row.id,
            enrolment_id=row.enrolment_id,
            person_id=row.person_id,
            module_key=row.module_key,
            module_version=row.module_version,
        ),
    )
    return decision


def decision_outcome(session: ReadSession, decision_id: str) -> DecisionOutcome:
    """A decision as other rooms need it: ids, the outcome, the levels reached; no text.

    Raises:
        DecisionNotFound: there is none.
    """
    row = session.get(DecisionRecord, decision_id)
    if row is None:
        raise DecisionNotFound("No decision has this id.")
    decision = to_decision(row)
    submission = session.get_one(SubmissionRecord, row.submission_id)
    module = programme.module_version(session, submission.module_key, submission.module_version)
    levels = {key: mark.level for key, mark in marks_of(session, submission.id).items()}
    return DecisionOutcome(
        decision_id=decision.id,
        person_id=submission.person_id,
        module_key=submission.module_key,
        module_version=submission.module_version,
        outcome=decision.outcome,
        decided_at=decision.decided_at,
        decided_by_person_id=decision.decided_by,
        results=tuple(
            (criterion.key, level)
            for criterion in module.rubric.criteria
            if (level := levels.get(criterion.key)) is not None
        ),
    )


def _decide(session: WriteSession, row: SubmissionRecord, assessor_id: str, outcome: Outcome, comment: str) -> Decision:
    """Write the decision once: the state leaves `submitted` in one atomic step, or somebody else took it."""
    module = programme.module_version(session, row.module_key, row.module_version)
    moment = now()
    _leave_submitted(session, row, outcome, moment)
    record = DecisionRecord(
        submission_id=row.id,
        enrolment_id=row.enrolment_id,
        outcome=outcome,
        comment=comment,
        decided_by=assessor_id,
        decided_at=moment,
        rubric_version=module.rubric.version,
    )
    session.add(record)
    session.flush()
    audit.record(
        session,
        actor=Actor(kind="person", id=assessor_id),
        action=f"learning.{outcome}",
        subject="submission",
        subject_id=row.id,
        decision_id=record.id,
        enrolment_id=row.enrolment_id,
        rubric_version=record.rubric_version,
    )
    return to_decision(record)


def _leave_submitted(session: WriteSession, row: SubmissionRecord, outcome: Outcome, moment: datetime) -> None:
    changed = session.exec(
        sa.update(SubmissionRecord)
        .where(col(SubmissionRecord.id) == row.id, col(SubmissionRecord.state) == "submitted")
        .values(state=outcome, decided_at=moment)
    )
    if changed.rowcount != 1:
        raise AlreadyDecided
