"""Double marking: some decisions are judged a second time, blind, so that assessors see how far they agree.

It never delays a decision and never changes one: a learner's way to another outcome is an appeal or a new round. Which
decisions are drawn is settled in the transaction of the decision, and nobody can foresee it after the first five.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor, AuditEntry
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning import independence
from app.learning.assessors import require_assessor
from app.learning.enrolments import module_of_work
from app.learning.errors import WorkPutAway
from app.learning.marking_errors import SecondMarkGiven, SecondMarkIncomplete, SecondMarkNotFound
from app.learning.models import (
    AppealRecord,
    CriterionMarkRecord,
    DecisionRecord,
    PanelMarkRecord,
    SecondMarkRecord,
    SubmissionRecord,
)
from app.learning.schemas import Outcome
from app.learning.submissions import found_in, to_submission
from app.learning.texts import clean_comment
from app.learning.workbench_schemas import BlindWork, SecondMarkItem, SecondQueue, Why
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import Module

SEEN = "learning.decision_seen"
ALWAYS = 5  # decisions of a new assessor
PERCENT = 10  # of the later ones
OUTCOMES: tuple[Outcome, ...] = ("returned", "awarded")


def choose(session: WriteSession, decision: DecisionRecord) -> None:
    """Draw a decision for a second mark, or not; in the transaction that makes the decision.

    Decisions of a panel were marked twice already: they are not drawn, and not among the first five either.
    """
    of_panels = select(PanelMarkRecord.submission_id).where(col(PanelMarkRecord.seat).is_not(None))
    earlier = session.exec(
        select(sa.func.count(col(DecisionRecord.id))).where(
            DecisionRecord.decided_by == decision.decided_by,
            DecisionRecord.id != decision.id,
            col(DecisionRecord.submission_id).not_in(of_panels),
        )
    ).one()
    why = drawn(earlier)
    if why is None:
        return
    row = SecondMarkRecord(
        decision_id=decision.id,
        submission_id=decision.submission_id,
        decided_by=decision.decided_by,
        why=why,
        rubric_version=decision.rubric_version,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=Actor(kind="person", id=decision.decided_by),
        action="learning.second_mark_chosen",
        subject="submission",
        subject_id=decision.submission_id,
        decision_id=decision.id,
        second_mark_id=row.id,
        rubric_version=row.rubric_version,
    )


def drawn(earlier: int) -> Why | None:
    """Whether a decision is judged a second time.

    Args:
        earlier: how many decisions the assessor has made before it.
    """
    if earlier < ALWAYS:
        return "first_five"
    return "sample" if secrets.randbelow(100) < PERCENT else None


def second_queue(session: ReadSession, *, assessor_id: str) -> SecondQueue:
    """The decisions that wait for a second mark by this assessor, oldest first.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_id)
    put_away = not_for_you = 0
    items = []
    for record, row in session.exec(
        select(SecondMarkRecord, SubmissionRecord)
        .join(SubmissionRecord, col(SubmissionRecord.id) == col(SecondMarkRecord.submission_id))
        .where(col(SecondMarkRecord.marked_at).is_(None))
        .order_by(col(SecondMarkRecord.chosen_at), col(SecondMarkRecord.id))
    ).all():
        if not _may(session, record, row, assessor_id):
            not_for_you += 1
        elif not _can_be_read(row):
            put_away += 1
        else:
            items.append(_item(session, record, row))
    return SecondQueue(tuple(items), put_away, not_for_you, len(people.people_with_role(session, "assessor")))


def open_blind(session: ReadSession, *, second_mark_id: str, assessor_id: str) -> BlindWork:
    """The work as it was handed in, for whoever gives the second mark.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
        SecondMarkNotFound: there is none for this person.
        SecondMarkGiven: it was given already.
        WorkPutAway: the texts are in quarantine or removed.
    """
    record, row = _mine(session, second_mark_id, assessor_id)
    if record.marked_at is not None:
        raise SecondMarkGiven
    if not _can_be_read(row):
        raise WorkPutAway
    module = module_of_work(session, row)
    submission = to_submission(row)
    return BlindWork(
        id=record.id,
        submission=submission,
        learner_name=people.display_name(session, row.person_id),
        module=module,
        places=found_in(session, module, submission.texts, row.person_id),
    )


def give(
    session: WriteSession,
    *,
    second_mark_id: str,
    assessor_id: str,
    outcome: str,
    levels: Mapping[str, int | None],
    reason: str,
) -> None:
    """Give the second mark: once, whole, and final.

    Args:
        session: the caller's transaction.
        second_mark_id: which one.
        assessor_id: who gives it.
        outcome: what they would decide, `awarded` or `returned`.
        levels: by criterion; every criterion of the rubric.
        reason: why, for the talk if the two disagree.

    Raises:
        NotAnAssessor, SecondMarkNotFound, SecondMarkGiven, WorkPutAway: as in `open_blind`.
        SecondMarkIncomplete: something is missing or contradicts itself; names each field.
        CommentTooLong, UnusableText: the reason cannot be used.
    """
    record, row = _mine(session, second_mark_id, assessor_id)
    locked = select(SubmissionRecord).where(SubmissionRecord.id == row.id).with_for_update()
    row = session.exec(locked.execution_options(populate_existing=True)).one()
    if not _can_be_read(row):
        raise WorkPutAway
    said = clean_comment(reason)
    module = module_of_work(session, row)
    wrong = _wrong(module, outcome, levels, said)
    if wrong:
        raise SecondMarkIncomplete(wrong)
    known = {criterion.key: levels[criterion.key] for criterion in module.rubric.criteria}
    given = session.exec(
        sa.update(SecondMarkRecord)
        .where(col(SecondMarkRecord.id) == record.id, col(SecondMarkRecord.marked_at).is_(None))
        .values(marked_by=assessor_id, marked_at=now(), outcome=outcome, levels=known, reason=said)
    )
    if given.rowcount != 1:
        raise SecondMarkGiven
    audit.record(
        session,
        actor=Actor(kind="person", id=assessor_id),
        action="learning.second_marked",
        subject="submission",
        subject_id=row.id,
        decision_id=record.decision_id,
        second_mark_id=record.id,
        rubric_version=module.rubric.version,
    )


def awaits(session: ReadSession, *, submission_id: str, assessor_id: str) -> bool:
    """Whether this decided work may come to this assessor for a second mark: then they must not see the decision."""
    of_it = SecondMarkRecord.submission_id == submission_id
    record = session.exec(select(SecondMarkRecord).where(of_it, col(SecondMarkRecord.marked_at).is_(None))).first()
    if record is None:
        return False
    row = session.get_one(SubmissionRecord, submission_id)
    return _can_be_read(row) and _may(session, record, row, assessor_id)


def note_seen(session: WriteSession, *, submission_id: str, assessor_id: str) -> None:
    """Note that somebody who might have judged this decided work blind was shown the decision; once."""
    if awaits(session, submission_id=submission_id, assessor_id=assessor_id):
        actor = Actor(kind="person", id=assessor_id)
        audit.record(session, actor=actor, action=SEEN, subject="submission", subject_id=submission_id)
        session.flush()


def _mine(session: ReadSession, second_mark_id: str, assessor_id: str) -> tuple[SecondMarkRecord, SubmissionRecord]:
    require_assessor(session, assessor_id)
    record = session.get(SecondMarkRecord, second_mark_id)
    if record is None:
        raise SecondMarkNotFound
    row = session.get_one(SubmissionRecord, record.submission_id)
    if not _may(session, record, row, assessor_id):
        raise SecondMarkNotFound
    return record, row


def _may(session: ReadSession, record: SecondMarkRecord, row: SubmissionRecord, assessor_id: str) -> bool:
    """Whether the assessor is another one, independent, and has not seen what was decided."""
    if assessor_id in (record.decided_by, row.person_id) or independence.near(session, row, assessor_id):
        return False
    return not _has_seen(session, record, row, assessor_id)


def _has_seen(session: ReadSession, record: SecondMarkRecord, row: SubmissionRecord, assessor_id: str) -> bool:
    """Whether they marked this round or decided a later one, which shows the earlier ones, or met it in an appeal."""
    since = select(SubmissionRecord.id).where(
        SubmissionRecord.enrolment_id == row.enrolment_id, SubmissionRecord.number >= row.number
    )
    seen: tuple[Any, ...] = (
        select(CriterionMarkRecord.id).where(
            CriterionMarkRecord.marked_by == assessor_id, col(CriterionMarkRecord.submission_id).in_(since)
        ),
        select(DecisionRecord.id).where(
            DecisionRecord.decided_by == assessor_id, col(DecisionRecord.submission_id).in_(since)
        ),
        select(AppealRecord.id).where(
            AppealRecord.answered_by == assessor_id, AppealRecord.decision_id == record.decision_id
        ),
        select(AuditEntry.id).where(
            AuditEntry.action == SEEN, AuditEntry.actor_id == assessor_id, AuditEntry.subject_id == row.id
        ),
    )
    return any(session.exec(each.limit(1)).first() is not None for each in seen)


def _can_be_read(row: SubmissionRecord) -> bool:
    """Texts may be in quarantine, removed for good, or erased with their writer."""
    return row.quarantined_at is None and bool(row.texts)


def _item(session: ReadSession, record: SecondMarkRecord, row: SubmissionRecord) -> SecondMarkItem:
    return SecondMarkItem(
        id=record.id,
        learner_name=people.display_name(session, row.person_id),
        module_key=row.module_key,
        module_title=programme.module_version(session, row.module_key, row.module_version).title,
        number=row.number,
        chosen_at=record.chosen_at,
    )


def _wrong(module: Module, outcome: str, levels: Mapping[str, int | None], reason: str) -> dict[str, str]:
    wrong = {}
    for criterion in module.rubric.criteria:
        if levels.get(criterion.key) not in {one.level for one in criterion.levels}:
            wrong[f"level-{criterion.key}"] = f"“{criterion.title}” has no level yet."
    least = module.award_rule.minimum_level
    if outcome not in OUTCOMES:
        wrong["outcome"] = "Please say what you would decide."
    elif outcome == "awarded" and not wrong and any(cast(int, level) < least for level in levels.values()):
        wrong["outcome"] = f"An award needs level {least} or better in every criterion."
    if not reason:
        wrong["reason"] = "Please give your reasons."
    return wrong
