"""Erasing a person: every room removes what it keeps, in one transaction, so that it is done whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.people.email import normalise_email
from app.people.errors import EmailNotUsable, ErasureHindered, PersonNotFound, ReasonNamesPerson
from app.people.link_models import LinkRequestRecord
from app.people.linked import linked_ids, refuse_linked
from app.people.models import (
    ConfirmedEmailRecord,
    EmailConfirmationRecord,
    LmsIdentityRecord,
    MembershipRecord,
    PersonRecord,
)
from app.people.ports import PersonalData
from app.people.schemas import Count, Erasure, Kept

SHORTEST_GIVEAWAY = 3  # a subject of one or two digits is in any date
AUDIT_STAYS = Kept(
    "Entries of the audit and events of the outbox, by ids only",
    "They prove what was decided and done. With the rest gone, the ids lead to nobody.",
)


class _OnlyLooking(Exception):
    """Takes back what was done to see what it would do."""


def foresee(database: Database, bound: Sequence[PersonalData], person_id: str) -> Erasure:
    """What erasing a person would do: it is done and taken back, so what is told is what will happen.

    Args:
        database: nothing in it is changed.
        bound: every room's port, the highest room first.
        person_id: whom.

    Raises:
        PersonNotFound: nobody has this id.
    """
    seen: list[Erasure] = []
    try:
        with database.write() as session:
            seen.append(_erase(session, bound, person_id))
            raise _OnlyLooking
    except _OnlyLooking:
        return seen[0]


def erase_person(
    database: Database, bound: Sequence[PersonalData], person_id: str, *, reason: str, actor: Actor
) -> Erasure:
    """Erase what is kept of a person (Privacy Act 1988, APP 11.2); a second time changes nothing.

    A launch of theirs afterwards begins anew, as a new person.

    Args:
        database: all of it happens in one transaction, so a process that dies on the way leaves everything or nothing.
        bound: every room's port, the highest room first.
        person_id: whom.
        reason: why, kept with the emptied row; without the person's name or address.
        actor: who erases.

    Raises:
        PersonNotFound: nobody has this id.
        ErasureHindered: something is under way that would go on without the person.
        ReasonNamesPerson: the reason holds what is to be erased.
        PersonLinked: it is a part of another person's record, which is erased whole.
    """
    with database.write() as session:
        if _row(session, person_id).erased_at is None:
            _refuse_giveaway(session, person_id, reason)
        done = _erase(session, bound, person_id)
        if done.hindrances:
            raise ErasureHindered(done.hindrances)
        if done.erased_before is not None:
            return done
        for row in (_row(session, each) for each in (person_id, *linked_ids(session, person_id))):
            row.erased_at, row.erased_reason = now(), reason
            session.add(row)
        audit.record(
            session,
            actor=actor,
            action="people.person_erased",
            subject="person",
            subject_id=person_id,
            records=sum(count.number for count in done.erased),
        )
    return done


def _erase(session: WriteSession, bound: Sequence[PersonalData], person_id: str) -> Erasure:
    row = _row(session, person_id)
    refuse_linked(session, person_id)
    kept = (*(each for room in bound for each in room.kept), AUDIT_STAYS)
    if row.erased_at is not None:
        return Erasure(person_id, (), kept, erased_before=row.erased_at)
    _hold_back_launches(session, person_id)
    whole = (person_id, *linked_ids(session, person_id))
    before = _hindrances(session, bound, whole)
    if before:
        return Erasure(person_id, (), kept, hindrances=before)
    erased = tuple(count for room in bound for count in _erase_in(session, room, whole) if count.number)
    # Asked again now that every row is locked: what somebody decided in between is seen.
    return Erasure(person_id, erased, kept, hindrances=_hindrances(session, bound, whole))


def _erase_in(session: WriteSession, room: PersonalData, person_ids: Sequence[str]) -> tuple[Count, ...]:
    """In one room, with what stayed with records that were joined into the person's.

    The old records go first, as what hangs on their enrolments may name work of the person; and once more at the end,
    when that work is gone.
    """
    person_id, *old = person_ids
    numbers: dict[str, int] = {}
    for each in (*old, person_id, *old):
        for count in room.erase(session, each):
            numbers[count.what] = numbers.get(count.what, 0) + count.number
    return tuple(Count(what, number) for what, number in numbers.items())


def _hindrances(session: ReadSession, bound: Sequence[PersonalData], person_ids: Sequence[str]) -> tuple[str, ...]:
    found = (each for room in bound for person_id in person_ids for each in room.hindrances(session, person_id))
    return tuple(dict.fromkeys(found))


def _hold_back_launches(session: WriteSession, person_id: str) -> None:
    """Launches of the person wait for the end of this, find nobody and meet somebody new."""
    session.exec(select(LmsIdentityRecord.id).where(LmsIdentityRecord.person_id == person_id).with_for_update()).all()


def find_people(session: ReadSession, email: str) -> tuple[str, ...]:
    """Ids of the persons who confirmed an address, or for whom an LMS or their centre gives it, in this order.

    Raises:
        EmailNotUsable: it is no address.
    """
    address = normalise_email(email)
    confirmed = session.exec(
        select(ConfirmedEmailRecord.person_id)
        .where(ConfirmedEmailRecord.email == address, col(ConfirmedEmailRecord.superseded_at).is_(None))
        .order_by(ConfirmedEmailRecord.person_id)
    ).all()
    told = session.exec(
        select(LmsIdentityRecord.person_id)
        .where(sa.func.lower(col(LmsIdentityRecord.email)) == address)
        .order_by(LmsIdentityRecord.person_id)
    ).all()
    entered = session.exec(
        select(MembershipRecord.person_id).where(MembershipRecord.email == address).order_by(MembershipRecord.person_id)
    ).all()
    return tuple(dict.fromkeys((*confirmed, *told, *entered)))


def _refuse_giveaway(session: ReadSession, person_id: str, reason: str) -> None:
    identities = session.exec(select(LmsIdentityRecord).where(LmsIdentityRecord.person_id == person_id)).all()
    words = {word for row in identities for word in (row.name, row.email, row.subject)}
    for model in (ConfirmedEmailRecord, EmailConfirmationRecord, LinkRequestRecord):
        words |= set(session.exec(select(model.email).where(model.person_id == person_id)).all())
    for membership in session.exec(select(MembershipRecord).where(MembershipRecord.person_id == person_id)).all():
        words |= {membership.name, membership.email}
    words.add(_row(session, person_id).display_name)
    said = reason.casefold()
    if any(word and len(word) >= SHORTEST_GIVEAWAY and word.casefold() in said for word in words):
        raise ReasonNamesPerson


def _row(session: ReadSession, person_id: str) -> PersonRecord:
    row = session.get(PersonRecord, person_id)
    if row is None:
        raise PersonNotFound("Nobody here has this id.")
    return row


__all__ = ["Count", "EmailNotUsable", "erase_person", "find_people", "foresee"]
