"""What an assessor looks at: the queue, one piece of work beside its rubric, and what the machine proposes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession
from app.learning.errors import SubmissionNotFound
from app.learning.marking import foreign_work, require_assessor
from app.learning.models import CriterionMarkRecord, SubmissionRecord
from app.learning.quarantine import can_undo
from app.learning.rounds import decision_on, marks_of, missing_now, talk_of
from app.learning.schemas import EarlierRound, Proposal, QueueItem, SubmissionForMarking
from app.learning.submissions import found_in, rounds_of, to_submission
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import Module

QUEUE_LENGTH = 200
TARGET_WORKING_DAYS = 10  # from handing in to an answer


def queue(session: ReadSession, *, assessor_person_id: str) -> tuple[QueueItem, ...]:
    """The work that waits for an assessor, oldest first, at most 200 pieces; one's own is left out.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_person_id)
    rows = session.exec(
        select(SubmissionRecord)
        .where(SubmissionRecord.state == "submitted", SubmissionRecord.person_id != assessor_person_id)
        .order_by(col(SubmissionRecord.submitted_at), col(SubmissionRecord.id))
        .limit(QUEUE_LENGTH)
    ).all()
    names = people.display_names(session, {row.person_id for row in rows})
    marked = _marked_counts(session, [row.id for row in rows])
    modules = {
        version: programme.module_version(session, *version)
        for version in {(row.module_key, row.module_version) for row in rows}
    }
    moment = now()
    return tuple(
        QueueItem(
            submission_id=row.id,
            person_id=row.person_id,
            learner_name=names[row.person_id],
            module_key=row.module_key,
            module_title=modules[row.module_key, row.module_version].title,
            number=row.number,
            submitted_at=row.submitted_at,
            age=moment - row.submitted_at,
            overdue=working_days(row.submitted_at, moment) > TARGET_WORKING_DAYS,
            marked=marked.get(row.id, 0),
            criteria=len(modules[row.module_key, row.module_version].rubric.criteria),
        )
        for row in rows
    )


def open_submission(session: ReadSession, *, submission_id: str, assessor_person_id: str) -> SubmissionForMarking:
    """One piece of work with everything an assessor needs beside it.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
        SubmissionNotFound: there is none.
        OwnWork: it is the assessor's own.
    """
    require_assessor(session, assessor_person_id)
    row = foreign_work(session.get(SubmissionRecord, submission_id), assessor_person_id)
    module = programme.module_version(session, row.module_key, row.module_version)
    submission = to_submission(row)
    return SubmissionForMarking(
        submission=submission,
        learner_name=people.display_name(session, row.person_id),
        module=module,
        rubric=module.rubric,
        marks=marks_of(session, row.id),
        talk=talk_of(session, row.enrolment_id),
        earlier=_earlier(session, row),
        proposal=_proposal(session, row, module),
        decision=decision_on(session, row.id),
        places=found_in(session, module, submission.texts, row.person_id),
        can_undo=can_undo(row, assessor_person_id),
    )


def proposal(session: ReadSession, submission_id: str) -> Proposal:
    """What the machine sees of a submission's completeness. It proposes and never decides.

    Raises:
        SubmissionNotFound: there is none.
    """
    row = session.get(SubmissionRecord, submission_id)
    if row is None:
        raise SubmissionNotFound
    return _proposal(session, row, programme.module_version(session, row.module_key, row.module_version))


def working_days(start: datetime, end: datetime) -> int:
    """Mondays to Fridays after the day of `start`, up to and with the day of `end`."""
    days = (end.date() - start.date()).days
    weeks, rest = divmod(days, 7)
    return weeks * 5 + sum((start.weekday() + day) % 7 < 5 for day in range(1, rest + 1))


def _proposal(session: ReadSession, row: SubmissionRecord, module: Module) -> Proposal:
    if row.quarantined_at is not None:
        return Proposal(row.id, ready=False, statement="The texts of this work are in quarantine.", missing=())
    if row.state != "submitted":
        return Proposal(row.id, ready=False, statement="This work has been decided.", missing=())
    missing = missing_now(session, row, module)
    if missing:
        statement = " ".join(("Not ready to award.", *(item.detail for item in missing)))
    else:
        statement = "Everything the award rule asks for is there. Ready to award, if you agree."
    return Proposal(row.id, ready=not missing, statement=statement, missing=missing)


def _earlier(session: ReadSession, current: SubmissionRecord) -> tuple[EarlierRound, ...]:
    found = []
    for row in rounds_of(session, current.enrolment_id):
        decision = decision_on(session, row.id) if row.number < current.number else None
        if decision is not None:
            found.append(EarlierRound(to_submission(row), decision, marks_of(session, row.id)))
    return tuple(found)


def _marked_counts(session: ReadSession, submission_ids: Sequence[str]) -> dict[str, int]:
    """How many criteria of each submission have a level."""
    rows = session.exec(
        select(CriterionMarkRecord.submission_id, sa.func.count())
        .where(col(CriterionMarkRecord.submission_id).in_(submission_ids), col(CriterionMarkRecord.level).is_not(None))
        .group_by(col(CriterionMarkRecord.submission_id))
    ).all()
    return dict(rows)
