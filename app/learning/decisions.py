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
from app.learning import panel_marks, second_marking
from app.learning.enrolments import enrolment, module_of_work
from app.learning.errors import DecisionNotFound, NotReady
from app.learning.events import AwardDecided, RenewalDecided, WorkReturned
from app.learning.marking import lock_for_decision, put_mark
from app.learning.marking_errors import AlreadyDecided, CommentMissing, PanelDecides
from app.learning.models import DecisionRecord, SubmissionRecord
from app.learning.rounds import mark_row, marks_of, missing_now, to_decision
from app.learning.schemas import Decision, DecisionOutcome, Outcome
from app.learning.texts import clean_comment

BELOW = "calibration_below"


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
        NotAnAssessor, OwnWork, NotIndependent, SubmissionNotFound: this person may not decide it.
        AlreadyDecided: somebody was faster.
        PanelDecides: two assessors decide it (`panel.give_panel_mark`).
        CommentMissing, CommentTooLong, UnusableText, UnknownCriterion: a comment cannot be used.
    """
    row = _locked_for_one(session, submission_id, assessor_id)
    said = clean_comment(comment)
    if not said:
        raise CommentMissing
    for criterion_key, text in (criterion_comments or {}).items():
        marked = mark_row(session, row.id, criterion_key)
        put_mark(session, row, assessor_id, criterion_key, marked.level if marked is not None else None, text)
    return conclude(session, row, assessor_id, "returned", said)


def award(
    session: WriteSession, *, submission_id: str, assessor_id: str, comment: str = "", below_standard: bool = False
) -> Decision:
    """Award the module, if the rule it began under is fulfilled.

    That a calibration set was marked below its standard is counted by the machine; a person may have seen better since,
    and then awards all the same, with the reason.

    Args:
        session: the caller's transaction.
        submission_id: the work.
        assessor_id: the person who decides.
        comment: for the learner; may be empty, unless `below_standard`.
        below_standard: whether a calibration set below its standard is to hinder nothing.

    Raises:
        NotAnAssessor, OwnWork, NotIndependent, SubmissionNotFound: this person may not decide it.
        AlreadyDecided: somebody was faster.
        PanelDecides: two assessors decide it (`panel.give_panel_mark`).
        CommentMissing: the set is below its standard, and nobody said why it is awarded all the same.
        NotReady: the rule is not fulfilled; names each thing that is missing.
        CommentTooLong, UnusableText: the comment cannot be used.
    """
    row = _locked_for_one(session, submission_id, assessor_id)
    module = module_of_work(session, row)
    missing = missing_now(session, row, module)
    hindering = tuple(item for item in missing if not (below_standard and item.code == BELOW))
    if hindering:
        raise NotReady("This work cannot be awarded yet.", hindering, kept="Your marks and comments are kept.")
    said = clean_comment(comment)
    if missing and not said:
        raise CommentMissing
    decision = conclude(session, row, assessor_id, "awarded", said)
    if missing:
        audit.record(
            session,
            actor=Actor(kind="person", id=assessor_id),
            action="learning.awarded_below_standard",
            subject="submission",
            subject_id=row.id,
            decision_id=decision.id,
        )
    return decision


def conclude(
    session: WriteSession,
    row: SubmissionRecord,
    assessor_id: str,
    outcome: Outcome,
    comment: str,
    *,
    beside: str | None = None,
) -> Decision:
    """Write down what was decided and tell the rest of the house; whether it may be is checked before.

    Args:
        session: the caller's transaction, which holds the submission's lock.
        row: the work.
        assessor_id: who decides.
        outcome: what is decided.
        comment: for the learner.
        beside: the other member of the panel, where two decide together.

    Raises:
        AlreadyDecided: somebody was faster.
    """
    decision = _decide(session, row, assessor_id, outcome, comment, beside)
    if outcome == "returned":
        outbox.emit(session, WorkReturned(decision_id=decision.id, submission_id=row.id, person_id=row.person_id))
        return decision
    if row.renewal_steps is not None:
        _renew(session, row, decision)
        return decision
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


def _renew(session: WriteSession, row: SubmissionRecord, decision: Decision) -> None:
    """Tell that a badge is to be renewed; of one that was erased meanwhile there is nothing to tell."""
    renews = enrolment(session, row.enrolment_id).renews
    if renews is None:
        return
    renewal = RenewalDecided(
        decision_id=decision.id,
        submission_id=row.id,
        enrolment_id=row.enrolment_id,
        person_id=row.person_id,
        credential_id=renews,
    )
    outbox.emit(session, renewal)


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
    module = module_of_work(session, submission)
    levels = {key: mark.level for key, mark in marks_of(session, submission.id).items()}
    return DecisionOutcome(
        decision_id=decision.id,
        person_id=submission.person_id,
        module_key=submission.module_key,
        module_version=submission.module_version,
        outcome=decision.outcome,
        submitted_at=submission.submitted_at,
        decided_at=decision.decided_at,
        decided_by_person_id=decision.decided_by,
        results=tuple(
            (criterion.key, level)
            for criterion in module.rubric.criteria
            if (level := levels.get(criterion.key)) is not None
        ),
        is_renewal=submission.renewal_steps is not None,
    )


def _locked_for_one(session: WriteSession, submission_id: str, assessor_id: str) -> SubmissionRecord:
    row = lock_for_decision(session, submission_id, assessor_id)
    if panel_marks.applies_to(session, row):
        raise PanelDecides
    return row


def _decide(
    session: WriteSession, row: SubmissionRecord, assessor_id: str, outcome: Outcome, comment: str, beside: str | None
) -> Decision:
    """Write the decision once: the state leaves `submitted` in one atomic step, or somebody else took it."""
    module = module_of_work(session, row)
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
        panel_with=beside,
    )
    if beside is None and module.rubric.criteria:  # a check alone, as some renewals are, leaves nothing to mark again
        second_marking.choose(session, record)
    return to_decision(record)


def _leave_submitted(session: WriteSession, row: SubmissionRecord, outcome: Outcome, moment: datetime) -> None:
    changed = session.exec(
        sa.update(SubmissionRecord)
        .where(col(SubmissionRecord.id) == row.id, col(SubmissionRecord.state) == "submitted")
        .values(state=outcome, decided_at=moment)
    )
    if changed.rowcount != 1:
        raise AlreadyDecided
