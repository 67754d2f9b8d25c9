"""Who is whose line manager or mentor: told by people here, never by an LMS. Lines are ended, not deleted."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.people.errors import LineNotFound, LineNotPossible
from app.people.identities import person
from app.people.models import PersonRecord, ReportingLineRecord
from app.people.schemas import RELATIONS, Relation, ReportingLine

LONGEST_CHAIN = 50  # of managers above one another; deeper than any agency


def set_line(session: WriteSession, *, person_id: str, other_id: str, relation: Relation, actor: Actor) -> None:
    """Say that `other` is the line manager, or a mentor, of a person; twice is the same as once.

    A person has one line manager: the one before is no longer it. They may have several mentors.

    Raises:
        PersonNotFound: nobody has one of the ids.
        LineNotPossible: both are the same, or the other reports to the person; or there is no such relation.
    """
    _check(session, person_id, other_id, relation)
    if relation in relation_to(session, person_id=person_id, other_id=other_id):
        return
    if relation == "line_manager":
        _end(session, actor, *_is(person_id, relation))
    row = ReportingLineRecord(
        person_id=person_id, other_id=other_id, relation=relation, begun_by_kind=actor.kind, begun_by_id=actor.id
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        # The rows of both persons are locked, so whoever else was at it has done the same.
        raise LineNotPossible(
            "Somebody else said who manages this person at the same moment.",
            kept="What they said stands.", next_step="Look again, and change it if it is wrong.",
        ) from error  # fmt: skip
    _note(session, actor, "people.line_set", row)


def end_line(session: WriteSession, *, person_id: str, other_id: str, relation: Relation, actor: Actor) -> None:
    """Say that `other` is no longer that of the person.

    Raises:
        LineNotFound: they were not.
    """
    if not _end(session, actor, *_is(person_id, relation), ReportingLineRecord.other_id == other_id):
        raise LineNotFound("There is no such line in force between these two.", kept="Nothing was changed.")


def end_all(session: WriteSession, person_id: str, actor: Actor) -> int:
    """End every line of a person, to those above and below; how many."""
    return _end(
        session, actor,
        sa.or_(col(ReportingLineRecord.person_id) == person_id, col(ReportingLineRecord.other_id) == person_id),
    )  # fmt: skip


def relation_to(session: ReadSession, *, person_id: str, other_id: str) -> frozenset[Relation]:
    """What `other` is to a person, now."""
    found = session.exec(
        select(ReportingLineRecord.relation).where(
            ReportingLineRecord.person_id == person_id,
            ReportingLineRecord.other_id == other_id,
            col(ReportingLineRecord.ended_at).is_(None),
        )
    ).all()
    return frozenset(cast(Relation, each) for each in found)


def relations_put_off(session: ReadSession, *, person_id: str, other_id: str, since: datetime) -> frozenset[Relation]:
    """What `other` was to a person until they ended it themselves, since a moment."""
    found = session.exec(
        select(ReportingLineRecord.relation).where(
            ReportingLineRecord.person_id == person_id,
            ReportingLineRecord.other_id == other_id,
            col(ReportingLineRecord.ended_at) >= since,
            ReportingLineRecord.ended_by_kind == "person",
            ReportingLineRecord.ended_by_id == other_id,
        )
    ).all()
    return frozenset(cast(Relation, each) for each in found)


def lines_of(session: ReadSession, person_id: str) -> tuple[ReportingLine, ...]:
    """Who is a person's line manager and mentors, now; the line manager first."""
    found = session.exec(
        select(ReportingLineRecord)
        .where(ReportingLineRecord.person_id == person_id, col(ReportingLineRecord.ended_at).is_(None))
        .order_by(ReportingLineRecord.relation, col(ReportingLineRecord.begun_at), ReportingLineRecord.id)
    ).all()
    return tuple(ReportingLine(row.person_id, row.other_id, cast(Relation, row.relation)) for row in found)


def reports_of(session: ReadSession, manager_id: str) -> tuple[str, ...]:
    """Ids of everybody whose line manager this person is now."""
    return tuple(
        session.exec(
            select(ReportingLineRecord.person_id)
            .where(
                ReportingLineRecord.other_id == manager_id,
                ReportingLineRecord.relation == "line_manager",
                col(ReportingLineRecord.ended_at).is_(None),
            )
            .order_by(ReportingLineRecord.person_id)
        ).all()
    )


def _check(session: WriteSession, person_id: str, other_id: str, relation: str) -> None:
    if relation not in RELATIONS:
        raise LineNotPossible(f"The relations are {', '.join(RELATIONS)}.", next_step="Use one of these.")
    if person_id == other_id:
        raise LineNotPossible(
            "Nobody is their own manager or mentor.", kept="Nothing was changed.", next_step="Choose somebody else."
        )
    # In one order, so that two changes which name the same two persons wait for one another and not in a ring.
    for each in sorted((person_id, other_id)):
        session.exec(select(PersonRecord.id).where(PersonRecord.id == each).with_for_update()).all()
        person(session, each)
    if relation == "line_manager" and _reports_to(session, other_id, person_id):
        raise LineNotPossible(
            "That would make two people each other's manager: the one you chose reports to this person.",
            kept="Nothing was changed.", next_step="End that line first, or choose somebody else.",
        )  # fmt: skip


def _reports_to(session: ReadSession, person_id: str, manager_id: str) -> bool:
    """Whether a manager is above a person, however many steps."""
    at: str | None = person_id
    for _step in range(LONGEST_CHAIN):
        at = session.exec(
            select(ReportingLineRecord.other_id).where(*_is(at or "", "line_manager"))
        ).first()  # fmt: skip
        if at is None or at == manager_id:
            return at is not None
    return True


def _is(person_id: str, relation: Relation) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(ReportingLineRecord.person_id) == person_id,
        col(ReportingLineRecord.relation) == relation,
        col(ReportingLineRecord.ended_at).is_(None),
    )


def _end(session: WriteSession, actor: Actor, *where: sa.ColumnElement[bool] | bool) -> int:
    found = session.exec(select(ReportingLineRecord).where(col(ReportingLineRecord.ended_at).is_(None), *where)).all()
    ended = 0
    for row in found:
        done = session.exec(
            sa.update(ReportingLineRecord)
            .where(col(ReportingLineRecord.id) == row.id, col(ReportingLineRecord.ended_at).is_(None))
            .values(ended_at=now(), ended_by_kind=actor.kind, ended_by_id=actor.id)
        ).rowcount
        if done:
            ended += 1
            _note(session, actor, "people.line_ended", row)
    return ended


def _note(session: WriteSession, actor: Actor, action: str, row: ReportingLineRecord) -> None:
    audit.record(
        session, actor=actor, action=action, subject="reporting_line", subject_id=row.id, person_id=row.person_id,
        other_id=row.other_id, relation=row.relation,
    )  # fmt: skip
