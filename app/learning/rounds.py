"""What belongs to one round of work: its marks, its decision, the talk, and what an award of it still needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sqlmodel import select

from app.core.db import ReadSession
from app.learning.knowledge_check import states_of
from app.learning.models import CriterionMarkRecord, DecisionRecord, SubmissionRecord, SupervisorTalkRecord
from app.learning.readiness import missing_for_award
from app.learning.schemas import CriterionMark, Decision, Missing, Outcome, SupervisorTalk
from app.programme.schemas import Module


def marks_of(session: ReadSession, submission_id: str) -> Mapping[str, CriterionMark]:
    """The marks of one round, by criterion key."""
    rows = session.exec(
        select(CriterionMarkRecord)
        .where(CriterionMarkRecord.submission_id == submission_id)
        .execution_options(populate_existing=True)
    ).all()
    return {row.criterion_key: to_mark(row) for row in rows}


def mark_row(session: ReadSession, submission_id: str, criterion_key: str) -> CriterionMarkRecord | None:
    """The mark of one criterion in one round, if any."""
    return session.exec(
        select(CriterionMarkRecord).where(
            CriterionMarkRecord.submission_id == submission_id, CriterionMarkRecord.criterion_key == criterion_key
        )
    ).first()


def talk_of(session: ReadSession, enrolment_id: str) -> SupervisorTalk | None:
    """The recorded talk with the supervisor, if any."""
    row = talk_row(session, enrolment_id)
    return to_talk(row) if row is not None else None


def talk_row(session: ReadSession, enrolment_id: str) -> SupervisorTalkRecord | None:
    """The talk's row, if any."""
    return session.exec(select(SupervisorTalkRecord).where(SupervisorTalkRecord.enrolment_id == enrolment_id)).first()


def decision_on(session: ReadSession, submission_id: str) -> Decision | None:
    """The decision about one round, if it was made."""
    row = session.exec(select(DecisionRecord).where(DecisionRecord.submission_id == submission_id)).first()
    return to_decision(row) if row is not None else None


def missing_now(session: ReadSession, row: SubmissionRecord, module: Module) -> tuple[Missing, ...]:
    """What an award of this round still needs."""
    checks = states_of(session, row.enrolment_id, module.activities, module.award_rule)
    return missing_for_award(
        module,
        knowledge_check_passed=all(check.passed for check in checks),
        marks=marks_of(session, row.id),
        talk=talk_of(session, row.enrolment_id),
    )


def to_mark(row: CriterionMarkRecord) -> CriterionMark:
    """The row as pages see it."""
    return CriterionMark(
        criterion_key=row.criterion_key,
        level=row.level,
        comment=row.comment,
        marked_by=row.marked_by,
        marked_at=row.marked_at,
    )


def to_talk(row: SupervisorTalkRecord) -> SupervisorTalk:
    """The row as pages see it."""
    return SupervisorTalk(
        held_on=row.held_on,
        supervisor_role=row.supervisor_role,
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
    )


def to_decision(row: DecisionRecord) -> Decision:
    """The row as other rooms see it."""
    return Decision(
        id=row.id,
        submission_id=row.submission_id,
        enrolment_id=row.enrolment_id,
        outcome=cast(Outcome, row.outcome),
        comment=row.comment,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        rubric_version=row.rubric_version,
    )
