"""What belongs to one round of work: its marks, its decision, the talk, and what an award of it still needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import cast

from sqlmodel import select

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import calibration, prerequisites
from app.learning.enrolments import enrolment
from app.learning.models import CriterionMarkRecord, DecisionRecord, SubmissionRecord, SupervisorTalkRecord
from app.learning.readiness import missing_for_award, missing_review
from app.learning.schemas import CriterionMark, Decision, Enrolment, Missing, Outcome, SupervisorTalk
from app.learning.standing import Judgement, standing_of
from app.programme import service as programme
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


def missing_now(
    session: ReadSession, row: SubmissionRecord, module: Module, marks: Mapping[str, CriterionMark] | None = None
) -> tuple[Missing, ...]:
    """What an award of this round still needs; by these marks, where they are not yet those of the round."""
    judgement = Judgement(
        marks=marks_of(session, row.id) if marks is None else marks,
        talk=talk_of(session, row.enrolment_id),
        held=prerequisites.held(session, row.person_id, module),
        today=now().date(),
        issue_until=_issue_until(session, module),
        # Time in role, a manager's word and the like were there when the badge was awarded; a renewal asks for no more.
        steps=() if row.renewal_steps is not None else prerequisites.steps(session, row.person_id, module),
    )
    missing = missing_for_award(module, standing_of(session, row.enrolment_id, module), judgement)
    gone = prerequisites.renewal_gone(session, enrolment(session, row.enrolment_id))
    return (*missing, *calibration.missing_standard(module, row.texts), *gone)


def awards_wait_for(session: ReadSession, of: Enrolment, module: Module) -> tuple[Missing, ...]:
    """What no work of the learner's on this module can mend, and what only its award waits for."""
    review = missing_review(module, _issue_until(session, module), now().date())
    needed = prerequisites.missing(session, of.person_id, module, badges_only=of.is_renewal)
    return (*needed, *review, *prerequisites.renewal_gone(session, of))


def _issue_until(session: ReadSession, module: Module) -> date | None:
    """The last day for a new badge: a newer version was reviewed, so work begun before it may be awarded again."""
    newest = programme.current_module(session, module.key)
    if module.issue_until is None or newest.issue_until is None:
        return None
    return max(module.issue_until, newest.issue_until)


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
