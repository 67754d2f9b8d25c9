"""Where persons stand with their modules, in one word each: for those who may know results and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.db import ReadSession
from app.learning.models import EnrolmentRecord, SubmissionRecord
from app.learning.schemas import OverallState

AT_ONCE = 500  # databases bound how many values one question may hold


@dataclass(frozen=True)
class Outcome:
    """A module that a person has begun, and how far that has come.

    Attributes:
        organisation_id: from whose LMS they began it, if that is known.
        is_again: whether they do it once more, after a badge that is gone.
    """

    person_id: str
    module_key: str
    organisation_id: str | None
    state: OverallState
    is_again: bool = False


def outcomes(session: ReadSession, person_ids: Collection[str]) -> tuple[Outcome, ...]:
    """What these persons have begun, by module; without texts, marks or comments."""
    ids = sorted(person_ids)
    return tuple(
        each for start in range(0, len(ids), AT_ONCE) for each in _outcomes(session, ids[start : start + AT_ONCE])
    )


def _outcomes(session: ReadSession, person_ids: Collection[str]) -> tuple[Outcome, ...]:
    rounds = session.exec(
        select(SubmissionRecord.enrolment_id, SubmissionRecord.state)
        .where(col(SubmissionRecord.person_id).in_(person_ids))
        .order_by(col(SubmissionRecord.number))
    ).all()
    newest = dict(rounds)  # the last of an enrolment stays
    begun = session.exec(
        select(EnrolmentRecord)
        .where(col(EnrolmentRecord.person_id).in_(person_ids), col(EnrolmentRecord.renewal_steps).is_(sa.null()))
        .order_by(EnrolmentRecord.module_key, col(EnrolmentRecord.number))
    ).all()
    of_each = {(row.person_id, row.module_key): row for row in begun}  # the last that does the whole module stays
    return tuple(
        Outcome(
            person_id=row.person_id,
            module_key=row.module_key,
            organisation_id=row.organisation_id,
            state=cast(OverallState, newest.get(row.id, "working")),
            is_again=row.number > 0,
        )
        for row in of_each.values()
    )
