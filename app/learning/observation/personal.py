"""What observations keep of a person, learner or observer; and how it goes.

An observation is the learner's record of assessment: when its observer is erased, their name and address go, and role,
day, answers and comments stay with the learner. When the learner is erased, the comments go; of work that was decided,
the answers stay with the role and the day, as the levels of the rubric do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.clock import now
from app.core.db import ReadSession, Record, WriteSession
from app.learning.models import DecisionRecord, EnrolmentRecord
from app.learning.observation.models import ObservationCodeRecord, ObservationRecord, ObservationRequestRecord
from app.learning.observation.requests import OPEN
from app.people.exporting import section
from app.people.personal_data import addresses_of_nobody_else
from app.people.schemas import Count, Kept, Section

TABLES = frozenset({"observation_request", "observation_code", "observation"})
KEPT = (
    Kept(
        "Of observations of decided work: the answers by line, the observer's role and the day; no comment and no name",
        "They are part of what the decision rests on.",
    ),
    Kept(
        "Observations that the person made of others: role, day, answers and comments, without name and address",
        "They belong to those others' record of assessment.",
    ),
)
_QUIETLY = {"synchronize_session": False}


def export(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """What was asked and seen of the person as a learner, and what they were asked and said as an observer."""
    of_learner = col(ObservationRequestRecord.enrolment_id).in_(_enrolments(person_id))
    seen = col(ObservationRecord.enrolment_id).in_(_enrolments(person_id))
    codes = col(ObservationCodeRecord.request_id).in_(select(ObservationRequestRecord.id).where(of_learner))
    as_observer = _as_observer(session, person_id)
    requests = select(ObservationRequestRecord.id).where(as_observer)
    whose = "An assessor is named by the role, as you were told."
    return (
        _assessors_by_role(
            section(
                session, "learning.observations_asked", f"Whom you asked or proposed to observe you. {whose}",
                ObservationRequestRecord, of_learner,
                without=("observer_person_id", "membership_id", "observer_email", "decided_by"),
            )
        ),
        section(session, "learning.observations", "What observers saw of your practice.", ObservationRecord, seen),
        section(
            session, "learning.observation_codes", "When codes were sent to your observers.",
            ObservationCodeRecord, codes,
        ),
        section(
            session, "learning.observations_asked_of_you",
            "When you were asked or proposed to observe somebody, and at which address. Whom is in that person's data.",
            ObservationRequestRecord, as_observer,
            without=("id", "enrolment_id", "observer_person_id", "membership_id", "decided_by", "refusal"),
        ),
        section(
            session, "learning.observations_you_made",
            "Observations you made: the day, your role and your answers. Your comments are the learner's record.",
            ObservationRecord, col(ObservationRecord.request_id).in_(requests),
            without=("id", "request_id", "enrolment_id", "comments", "comments_digest"),
        ),
    )  # fmt: skip


def erase(session: WriteSession, person_id: str) -> tuple[Count, ...]:
    """Take the person out of observations, as the one observed and as the one who observed."""
    return (*_erase_learner(session, person_id), _erase_observer(session, person_id))


def mail_subjects(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Ids by which mails about a learner's observations are noted: those to the learner, and those to the observers."""
    mine = col(ObservationRequestRecord.enrolment_id).in_(_enrolments(person_id))
    requests = session.exec(select(ObservationRequestRecord.id, ObservationRequestRecord.reminders).where(mine)).all()
    ids = [found[0] for found in requests]
    reminded = [f"{request_id}.r{number}" for request_id, last in requests for number in range(1, last + 1)]
    codes = select(ObservationCodeRecord.id).where(
        col(ObservationCodeRecord.request_id).in_(select(ObservationRequestRecord.id).where(mine))
    )
    return (*ids, *reminded, *session.exec(codes).all())


def _assessors_by_role(of: Section) -> Section:
    """The same, with the role in place of an assessor's name."""
    return replace(
        of,
        records=tuple(
            {**each, "observer_name": "assessor"} if each["role"] == "assessor" else each for each in of.records
        ),
    )


def _erase_learner(session: WriteSession, person_id: str) -> tuple[Count, ...]:
    mine = _enrolments(person_id)
    judged = select(DecisionRecord.enrolment_id).where(col(DecisionRecord.enrolment_id).in_(mine))
    requests = select(ObservationRequestRecord.id).where(col(ObservationRequestRecord.enrolment_id).in_(mine))
    of_request = col(ObservationCodeRecord.request_id).in_(requests)
    codes = _gone(session, ObservationCodeRecord, of_request)
    undecided = (col(ObservationRecord.enrolment_id).in_(mine), col(ObservationRecord.enrolment_id).not_in(judged))
    seen = _gone(session, ObservationRecord, *undecided)
    asked = _gone(
        session,
        ObservationRequestRecord,
        col(ObservationRequestRecord.enrolment_id).in_(mine),
        col(ObservationRequestRecord.enrolment_id).not_in(judged),
    )
    said = session.execute(
        sa.update(ObservationRecord)
        .where(col(ObservationRecord.enrolment_id).in_(mine))
        .values(comments={}, kept_findings={}),
        execution_options=_QUIETLY,
    )
    session.execute(
        sa.update(ObservationRequestRecord)
        .where(col(ObservationRequestRecord.enrolment_id).in_(mine))
        .values(observer_name="", observer_email="", refusal="", state=_closed(), closed_at=_closed_at()),
        execution_options=_QUIETLY,
    )
    return (
        Count("observations of work that nobody decided about", seen),
        Count("requests to observe such work", asked),
        Count("notes on codes that were sent to observers", codes),
        Count("observations whose comments are gone", said.rowcount),  # type: ignore[attr-defined]
    )


def _erase_observer(session: WriteSession, person_id: str) -> Count:
    found = session.execute(
        sa.update(ObservationRequestRecord)
        .where(_as_observer(session, person_id))
        .values(observer_name="", observer_email="", state=_closed("declined"), closed_at=_closed_at()),
        execution_options=_QUIETLY,
    )
    return Count("requests to observe others; name and address are gone", found.rowcount)  # type: ignore[attr-defined]


def _closed(state: str = "withdrawn") -> Any:
    """The same state, but an open one is ended."""
    of = col(ObservationRequestRecord.state)
    return sa.case((of.in_(OPEN), state), else_=of)


def _closed_at() -> Any:
    return sa.func.coalesce(col(ObservationRequestRecord.closed_at), now())


def _as_observer(session: ReadSession, person_id: str) -> Any:
    """Requests whose observer is this person: by id, or proposed by an address that is nobody else's."""
    row = ObservationRequestRecord
    return sa.or_(
        col(row.observer_person_id) == person_id,
        sa.and_(
            col(row.observer_person_id).is_(None),
            col(row.observer_email).in_(addresses_of_nobody_else(session, person_id)),
        ),
    )


def _enrolments(person_id: str) -> Any:
    return select(EnrolmentRecord.id).where(EnrolmentRecord.person_id == person_id)


def _gone(session: WriteSession, model: type[Record], *where: sa.ColumnElement[bool]) -> int:
    result = session.execute(delete(model).where(*where), execution_options=_QUIETLY)
    return int(result.rowcount)  # type: ignore[attr-defined]
