"""What waits to be marked: oldest first, narrowed by a filter, page by page; and which piece is the next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import independence, panel_marks
from app.learning.assessors import require_assessor
from app.learning.enrolments import module_of_work
from app.learning.models import CriterionMarkRecord, EnrolmentRecord, PanelMarkRecord, SubmissionRecord
from app.learning.schemas import QueueItem
from app.learning.workbench_schemas import QueueFilter, WaitingItem, WaitingPage
from app.people import service as people
from app.people.errors import OrganisationNotFound
from app.programme import service as programme

PAGE_LENGTH = 50
QUEUE_LENGTH = 200
TARGET_WORKING_DAYS = 10  # from handing in to an answer
EVERYTHING = QueueFilter()


def queue(session: ReadSession, *, assessor_person_id: str) -> tuple[QueueItem, ...]:
    """The work that waits for an assessor, oldest first, at most 200 pieces; one's own is left out.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_person_id)
    return _items(session, _rows(session, assessor_person_id, EVERYTHING, 0, QUEUE_LENGTH))


def waiting_page(
    session: ReadSession, *, assessor_person_id: str, wanted: QueueFilter = EVERYTHING, number: int = 1
) -> WaitingPage:
    """One page of the queue. What the assessor may not decide is in it, and says why.

    Args:
        session: for reading.
        assessor_person_id: who looks; their own work is left out.
        wanted: which work.
        number: which page, from 1; one too high shows the last.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_person_id)
    matching = _count(session, assessor_person_id, wanted)
    pages = max(1, -(-matching // PAGE_LENGTH))
    number = min(max(number, 1), pages)
    offset = (number - 1) * PAGE_LENGTH
    rows = _rows(session, assessor_person_id, wanted, offset, PAGE_LENGTH)
    return WaitingPage(
        items=_lines(session, rows, assessor_person_id),
        number=number,
        pages=pages,
        first=offset + 1 if rows else 0,
        matching=matching,
        waiting=_count(session, assessor_person_id, EVERYTHING),
        overdue=_count(session, assessor_person_id, QueueFilter(overdue=True)),
        begun=_count(session, assessor_person_id, QueueFilter(begun=True)),
        modules=_modules(session, assessor_person_id),
        organisations=_organisations(session, assessor_person_id),
        oldest=next_waiting(session, assessor_person_id=assessor_person_id, wanted=wanted),
    )


def next_waiting(
    session: ReadSession, *, assessor_person_id: str, wanted: QueueFilter = EVERYTHING, leave_out: str | None = None
) -> str | None:
    """Id of the oldest work of the filter that this assessor may decide; None if there is none.

    Args:
        session: for reading.
        assessor_person_id: who asks.
        wanted: which work.
        leave_out: a piece they do not want now.
    """
    offset = 0
    while rows := _rows(session, assessor_person_id, wanted, offset, PAGE_LENGTH):
        for row in rows:
            if row.id != leave_out and not panel_marks.bars(session, row, assessor_person_id):
                return row.id
        offset += PAGE_LENGTH
    return None


def working_days(start: datetime, end: datetime) -> int:
    """Mondays to Fridays after the day of `start`, up to and with the day of `end`."""
    days = (end.date() - start.date()).days
    weeks, rest = divmod(days, 7)
    return weeks * 5 + sum((start.weekday() + day) % 7 < 5 for day in range(1, rest + 1))


def overdue_before(moment: datetime) -> datetime:
    """What was handed in before this has waited longer than the target at `moment`."""
    day = moment.date()
    while working_days(datetime.combine(day, time(), UTC), moment) <= TARGET_WORKING_DAYS:
        day -= timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _where(assessor_id: str, wanted: QueueFilter) -> list[Any]:
    found: list[Any] = [
        SubmissionRecord.state == "submitted",
        SubmissionRecord.person_id != assessor_id,
        _not_given_alone(assessor_id),
    ]
    if wanted.module_key is not None:
        found.append(SubmissionRecord.module_key == wanted.module_key)
    if wanted.organisation_id is not None:
        of_it = select(EnrolmentRecord.id).where(EnrolmentRecord.organisation_id == wanted.organisation_id)
        found.append(col(SubmissionRecord.enrolment_id).in_(of_it))
    if wanted.overdue:
        found.append(SubmissionRecord.submitted_at < overdue_before(now()))
    if wanted.round is not None:
        found.append(SubmissionRecord.number == 1 if wanted.round == "first" else SubmissionRecord.number > 1)
    if wanted.begun:
        mine = select(CriterionMarkRecord.submission_id).where(CriterionMarkRecord.marked_by == assessor_id)
        apart = select(PanelMarkRecord.submission_id).where(PanelMarkRecord.marked_by == assessor_id)
        found.append(sa.or_(col(SubmissionRecord.id).in_(mine), col(SubmissionRecord.id).in_(apart)))
    return found


def _not_given_alone(assessor_id: str) -> Any:
    """Whoever gave the first mark of a panel has nothing to do until the second is there."""
    seated = col(PanelMarkRecord.seat).is_not(None)
    mine = select(PanelMarkRecord.submission_id).where(seated, PanelMarkRecord.marked_by == assessor_id)
    others = select(PanelMarkRecord.submission_id).where(seated, PanelMarkRecord.marked_by != assessor_id)
    return sa.or_(col(SubmissionRecord.id).not_in(mine), col(SubmissionRecord.id).in_(others))


def _rows(
    session: ReadSession, assessor_id: str, wanted: QueueFilter, offset: int, limit: int
) -> Sequence[SubmissionRecord]:
    return session.exec(
        select(SubmissionRecord)
        .where(*_where(assessor_id, wanted))
        .order_by(col(SubmissionRecord.submitted_at), col(SubmissionRecord.id))
        .offset(offset)
        .limit(limit)
    ).all()


def _count(session: ReadSession, assessor_id: str, wanted: QueueFilter) -> int:
    return session.exec(select(sa.func.count(col(SubmissionRecord.id))).where(*_where(assessor_id, wanted))).one()


def _items(session: ReadSession, rows: Sequence[SubmissionRecord]) -> tuple[QueueItem, ...]:
    names = people.display_names(session, {row.person_id for row in rows})
    marked = _marked_counts(session, [row.id for row in rows])
    modules = {row.id: module_of_work(session, row) for row in rows}
    moment = now()
    return tuple(
        QueueItem(
            submission_id=row.id,
            person_id=row.person_id,
            learner_name=names[row.person_id],
            module_key=row.module_key,
            module_title=modules[row.id].title,
            number=row.number,
            submitted_at=row.submitted_at,
            age=moment - row.submitted_at,
            overdue=working_days(row.submitted_at, moment) > TARGET_WORKING_DAYS,
            marked=marked.get(row.id, 0),
            criteria=len(modules[row.id].rubric.criteria),
            is_renewal=row.renewal_steps is not None,
        )
        for row in rows
    )


def _lines(session: ReadSession, rows: Sequence[SubmissionRecord], assessor_id: str) -> tuple[WaitingItem, ...]:
    ids = [row.id for row in rows]
    appealed = independence.reopened(session, ids)
    others = _begun_by_others(session, ids, assessor_id)
    drafted = panel_marks.drafted(session, ids, assessor_id)
    at = dict(
        session.exec(
            select(EnrolmentRecord.id, EnrolmentRecord.organisation_id).where(
                col(EnrolmentRecord.id).in_([row.enrolment_id for row in rows])
            )
        ).all()
    )
    names = {one: _organisation_name(session, one) for one in set(at.values()) if one is not None}
    return tuple(
        WaitingItem(
            item=replace(item, marked=drafted[row.id]) if row.id in drafted else item,
            organisation=names.get(at.get(row.enrolment_id) or ""),
            bars=panel_marks.bars(session, row, assessor_id),
            appealed=row.id in appealed,
            begun_by_others=row.id in others,
            panel=panel_marks.state_for(session, row, assessor_id),
        )
        for row, item in zip(rows, _items(session, rows), strict=True)
    )


def _marked_counts(session: ReadSession, submission_ids: Sequence[str]) -> dict[str, int]:
    """How many criteria of each submission have a level."""
    rows = session.exec(
        select(CriterionMarkRecord.submission_id, sa.func.count())
        .where(col(CriterionMarkRecord.submission_id).in_(submission_ids), col(CriterionMarkRecord.level).is_not(None))
        .group_by(col(CriterionMarkRecord.submission_id))
    ).all()
    return dict(rows)


def _begun_by_others(session: ReadSession, submission_ids: Collection[str], assessor_id: str) -> frozenset[str]:
    rows = session.exec(
        select(CriterionMarkRecord.submission_id).where(
            col(CriterionMarkRecord.submission_id).in_(submission_ids), CriterionMarkRecord.marked_by != assessor_id
        )
    ).all()
    return frozenset(rows)


def _modules(session: ReadSession, assessor_id: str) -> tuple[tuple[str, str], ...]:
    """Modules of which work waits; the title is that of the newest version among it."""
    rows = session.exec(
        select(SubmissionRecord.module_key, sa.func.max(SubmissionRecord.module_version))
        .where(*_where(assessor_id, EVERYTHING))
        .group_by(col(SubmissionRecord.module_key))
        .order_by(col(SubmissionRecord.module_key))
    ).all()
    return tuple((key, f"{key} · {programme.module_version(session, key, newest).title}") for key, newest in rows)


def _organisations(session: ReadSession, assessor_id: str) -> tuple[tuple[str, str], ...]:
    rows = session.exec(
        select(EnrolmentRecord.organisation_id)
        .join(SubmissionRecord, col(SubmissionRecord.enrolment_id) == col(EnrolmentRecord.id))
        .where(*_where(assessor_id, EVERYTHING), col(EnrolmentRecord.organisation_id).is_not(None))
        .distinct()
    ).all()
    named = [(one, _organisation_name(session, one)) for one in rows if one is not None]
    return tuple(sorted(((one, name) for one, name in named if name), key=lambda pair: (pair[1].casefold(), pair[0])))


def _organisation_name(session: ReadSession, organisation_id: str) -> str | None:
    try:
        return people.organisation(session, organisation_id).name
    except OrganisationNotFound:
        return None
