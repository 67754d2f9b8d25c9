"""How far two marks of the same work agree: for the assessors, so that they judge alike. Nobody is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.enrolments import module_of_work
from app.learning.marking_errors import AlreadyConcluded, ReasonMissing, SecondMarkNotFound
from app.learning.models import DecisionRecord, SecondMarkRecord, SubmissionRecord
from app.learning.rounds import marks_of
from app.learning.schemas import Outcome
from app.learning.texts import clean_comment
from app.learning.workbench_schemas import Agreement, Comparison, Pair
from app.people import service as people


def compare(first: Mapping[str, int | None], second: Mapping[str, int | None], *, same_outcome: bool) -> Comparison:
    """Two marks of one piece of work. A criterion that one of them gave no level to counts for nothing."""
    apart = [
        abs(one - other) for key, one in first.items() if one is not None and (other := second.get(key)) is not None
    ]
    return Comparison(
        same_outcome=same_outcome,
        criteria=len(apart),
        exact=sum(distance == 0 for distance in apart),
        within_one=sum(distance <= 1 for distance in apart),
    )


def agreement_of(session: ReadSession, person_id: str) -> Agreement:
    """How far the decisions of one assessor and the second marks of them agree."""
    mine = SecondMarkRecord.decided_by == person_id
    given = session.exec(select(SecondMarkRecord).where(mine, col(SecondMarkRecord.marked_at).is_not(None))).all()
    waiting = session.exec(
        select(sa.func.count(col(SecondMarkRecord.id))).where(mine, col(SecondMarkRecord.marked_at).is_(None))
    ).one()
    return _summed(session, person_id, [_comparison(session, record) for record in given], waiting)


def agreements(session: ReadSession) -> tuple[Agreement, ...]:
    """The same of every assessor of whom a decision was chosen, in the order of their names."""
    persons = session.exec(select(SecondMarkRecord.decided_by).distinct()).all()
    found = [agreement_of(session, person_id) for person_id in persons]
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.person_id)))


def pairs_to_talk_over(session: ReadSession, person_id: str) -> tuple[Pair, ...]:
    """The pairs of marks, one of them this person's, that disagree; those without a conclusion first, then the newest.

    A pair is there only once both marks are in.
    """
    records = session.exec(
        select(SecondMarkRecord)
        .where(
            col(SecondMarkRecord.marked_at).is_not(None),
            sa.or_(col(SecondMarkRecord.decided_by) == person_id, col(SecondMarkRecord.marked_by) == person_id),
        )
        .order_by(col(SecondMarkRecord.marked_at).desc(), col(SecondMarkRecord.id))
    ).all()
    found = [_pair(session, record, person_id) for record in records if _comparison(session, record).disagrees]
    return tuple(sorted(found, key=lambda pair: pair.concluded_at is not None))


def conclude(session: WriteSession, *, second_mark_id: str, person_id: str, conclusion: str) -> None:
    """Write down what came of talking a pair over: once, by either of the two. No decision changes by it.

    Raises:
        SecondMarkNotFound: there is no such pair of theirs that disagrees.
        ReasonMissing, CommentTooLong, UnusableText: the words cannot be used.
        AlreadyConcluded: the other was faster.
    """
    record = session.get(SecondMarkRecord, second_mark_id)
    if record is None or record.marked_at is None or person_id not in (record.decided_by, record.marked_by):
        raise SecondMarkNotFound
    if not _comparison(session, record).disagrees:
        raise SecondMarkNotFound
    said = clean_comment(conclusion)
    if not said:
        raise ReasonMissing
    written = session.exec(
        sa.update(SecondMarkRecord)
        .where(col(SecondMarkRecord.id) == record.id, col(SecondMarkRecord.concluded_at).is_(None))
        .values(conclusion=said, concluded_by=person_id, concluded_at=now())
    )
    if written.rowcount != 1:
        raise AlreadyConcluded
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action="learning.second_mark_concluded",
        subject="submission",
        subject_id=record.submission_id,
        decision_id=record.decision_id,
        second_mark_id=record.id,
        rubric_version=record.rubric_version,
    )


def _summed(session: ReadSession, person_id: str, found: Iterable[Comparison], waiting: int) -> Agreement:
    all_of_them = tuple(found)
    return Agreement(
        person_id=person_id,
        name=people.display_name(session, person_id),
        pairs=len(all_of_them),
        waiting=waiting,
        same_outcome=sum(one.same_outcome for one in all_of_them),
        criteria=sum(one.criteria for one in all_of_them),
        exact=sum(one.exact for one in all_of_them),
        within_one=sum(one.within_one for one in all_of_them),
    )


def _first_levels(session: ReadSession, record: SecondMarkRecord) -> dict[str, int | None]:
    """The levels that the decision rests on: marks never change once it is made."""
    return {key: mark.level for key, mark in marks_of(session, record.submission_id).items()}


def _comparison(session: ReadSession, record: SecondMarkRecord) -> Comparison:
    decision = session.get_one(DecisionRecord, record.decision_id)
    return compare(_first_levels(session, record), record.levels, same_outcome=record.outcome == decision.outcome)


def _pair(session: ReadSession, record: SecondMarkRecord, person_id: str) -> Pair:
    row = session.get_one(SubmissionRecord, record.submission_id)
    decision = session.get_one(DecisionRecord, record.decision_id)
    if record.marked_by is None or record.marked_at is None:
        raise SecondMarkNotFound
    return Pair(
        id=record.id,
        submission_id=row.id,
        module=module_of_work(session, row),
        number=row.number,
        mine="first" if record.decided_by == person_id else "second",
        first_name=people.display_name(session, record.decided_by),
        second_name=people.display_name(session, record.marked_by),
        first_outcome=cast(Outcome, decision.outcome),
        second_outcome=cast(Outcome, record.outcome),
        first=_first_levels(session, record),
        second=dict(record.levels),
        reason=record.reason,
        marked_at=record.marked_at,
        comparison=_comparison(session, record),
        conclusion=record.conclusion if record.concluded_at is not None else None,
        concluded_at=record.concluded_at,
    )
