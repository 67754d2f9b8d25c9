"""Centres and who works there. An LMS's word never makes anybody staff: an operator's, or a manager's of the centre.

A colleague is found again by the work address among the staff of the same organisation only. Whether the address
belongs to an account that an LMS or another organisation knows is neither looked up nor told: whoever could enter
addresses could otherwise find out who is here, or put themselves in somebody's place. Two persons who are one become
one by a code that they confirm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.people import lines
from app.people.email import normalise_email, notification_address
from app.people.errors import (
    CentreKeyTaken,
    CentreNotFound,
    CentreNotUsable,
    EmailNotUsable,
    StaffMemberNotFound,
    StaffNotUsable,
)
from app.people.events import StaffChanged
from app.people.identities import NAME_LENGTH, clean, display_names, organisation, person
from app.people.models import (
    CentreRecord,
    ConfirmedEmailRecord,
    EmailConfirmationRecord,
    LmsIdentityRecord,
    MembershipRecord,
    OrganisationRecord,
    PersonRecord,
)
from app.people.schemas import STAFF_FUNCTIONS, Centre, KnownPerson, StaffFunction, StaffMember

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
KEY_LENGTH = 60


def add_centre(session: WriteSession, *, organisation_id: str, key: str, name: str, actor: Actor) -> Centre:
    """Enter a centre of an organisation.

    Args:
        session: the caller's transaction.
        organisation_id: whose.
        key: what to call it in commands and files: small letters, digits and hyphens; once in an organisation.
        name: for people.
        actor: who enters it.

    Raises:
        OrganisationNotFound: no organisation has this id.
        CentreNotUsable: the key is none, or there is no name.
        CentreKeyTaken: the organisation has a centre with this key.
    """
    organisation(session, organisation_id)
    clean_name = clean(name, NAME_LENGTH)
    if not _KEY.fullmatch(key) or len(key) > KEY_LENGTH:
        raise CentreNotUsable(
            "A centre's key has small letters, digits and hyphens only, like footscray-2.",
            kept="Nothing was changed.", next_step="Choose another key.",
        )  # fmt: skip
    if clean_name is None:
        raise CentreNotUsable(
            "A centre needs a name.", kept="Nothing was changed.", next_step="Give it the name people use."
        )
    row = CentreRecord(organisation_id=organisation_id, key=key, name=clean_name)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise CentreKeyTaken(
            f"This organisation has a centre with the key {key} already.",
            kept="Nothing was changed.", next_step="Choose another key.",
        ) from error  # fmt: skip
    audit.record(
        session, actor=actor, action="people.centre_added", subject="centre", subject_id=row.id,
        organisation_id=organisation_id,
    )  # fmt: skip
    return _centre(row)


def centre(session: ReadSession, centre_id: str) -> Centre:
    """A centre by id.

    Raises:
        CentreNotFound: none has this id.
    """
    row = session.get(CentreRecord, centre_id)
    if row is None:
        raise CentreNotFound("No centre here has this id.")
    return _centre(row)


def centres(session: ReadSession, organisation_id: str | None = None) -> tuple[Centre, ...]:
    """Every centre, or those of one organisation, by name."""
    query = select(CentreRecord).order_by(CentreRecord.name, CentreRecord.id)
    if organisation_id is not None:
        query = query.where(CentreRecord.organisation_id == organisation_id)
    return tuple(_centre(row) for row in session.exec(query).all())


def add_staff(
    session: WriteSession, *, centre_id: str, name: str, email: str, function: StaffFunction, actor: Actor
) -> StaffMember:
    """Enter somebody as staff of a centre by their work address; twice is the same as once.

    Somebody whom the same organisation has, or had, among its staff under this address is the same person; anybody
    else is a new one, whoever else may use the address here.

    Args:
        session: the caller's transaction.
        centre_id: where they work.
        name: what the centre calls them; a new one replaces the one that was entered here before.
        email: their work address.
        function: what they do there.
        actor: who enters them.

    Raises:
        CentreNotFound: no centre has this id.
        StaffNotUsable: there is no name, or no such function.
        EmailNotUsable: no mail could be sent to the address.
    """
    check_function(function)
    clean_name = clean(name, NAME_LENGTH)
    if clean_name is None:
        raise StaffNotUsable("A colleague needs a name.", kept="Nothing was changed.", next_step="Enter their name.")
    address = normalise_email(email)
    place = centre(session, centre_id)
    _lock(session, place.organisation_id)
    person_id = _person_among_staff(session, place.organisation_id, address) or _new_person(session)
    row = _membership(session, centre_id, person_id, function)
    if row is None:
        return _begin(session, place, person_id, function, actor, name=clean_name, email=address)
    if (row.name, row.email) != (clean_name, address):
        row.name, row.email = clean_name, address
        session.add(row)
        session.flush()
        _note(session, actor, "people.staff_changed", row)
    return staff_member(session, row.id)


def join_centre(
    session: WriteSession, *, person_id: str, centre_id: str, function: StaffFunction, actor: Actor
) -> StaffMember:
    """Confirm a person who is known already, by a launch, as staff of a centre; twice is the same as once.

    Whether the actor may see that person at all is for the caller to ask: see `known_from`.

    Raises:
        PersonNotFound: nobody has this id.
        CentreNotFound: no centre has this id.
        StaffNotUsable: there is no such function.
    """
    check_function(function)
    person(session, person_id)
    place = centre(session, centre_id)
    _lock(session, place.organisation_id)
    row = _membership(session, centre_id, person_id, function)
    return staff_member(session, row.id) if row else _begin(session, place, person_id, function, actor)


def end_membership(session: WriteSession, *, membership_id: str, actor: Actor) -> None:
    """End a membership. With a person's last one, their lines to managers, mentors and reports end too.

    Raises:
        StaffMemberNotFound: no membership in force has this id.
    """
    ended = session.exec(
        sa.update(MembershipRecord)
        .where(col(MembershipRecord.id) == membership_id, col(MembershipRecord.ended_at).is_(None))
        .values(ended_at=now(), ended_by_kind=actor.kind, ended_by_id=actor.id)
    )
    if ended.rowcount != 1:
        raise _not_found()
    row = session.get_one(MembershipRecord, membership_id)
    _note(session, actor, "people.staff_ended", row)
    outbox.emit(session, StaffChanged(row.person_id))
    if not centres_of(session, row.person_id):
        lines.end_all(session, row.person_id, actor)


def centres_of(session: ReadSession, person_id: str) -> tuple[Centre, ...]:
    """The centres where a person works now, by name."""
    mine = select(MembershipRecord.centre_id).where(
        MembershipRecord.person_id == person_id, col(MembershipRecord.ended_at).is_(None)
    )
    query = select(CentreRecord).where(col(CentreRecord.id).in_(mine)).order_by(CentreRecord.name, CentreRecord.id)
    return tuple(_centre(row) for row in session.exec(query).all())


def functions_at(session: ReadSession, person_id: str, centre_id: str) -> frozenset[StaffFunction]:
    """What a person is at a centre now; empty: they are not of its staff."""
    found = session.exec(
        select(MembershipRecord.function).where(
            MembershipRecord.person_id == person_id,
            MembershipRecord.centre_id == centre_id,
            col(MembershipRecord.ended_at).is_(None),
        )
    ).all()
    return frozenset(cast(StaffFunction, each) for each in found)


def staff_of(session: ReadSession, centre_id: str) -> tuple[StaffMember, ...]:
    """Everybody who works in a centre now, by name; who has two functions is there twice."""
    return _members(session, MembershipRecord.centre_id == centre_id)


def colleagues(session: ReadSession, person_id: str, functions: Collection[StaffFunction]) -> tuple[StaffMember, ...]:
    """Staff of a person's centres in one of these functions, by name; never the person, under whatever address."""
    here = [each.id for each in centres_of(session, person_id)]
    own = addresses_of(session, person_id)
    found = _members(
        session,
        col(MembershipRecord.centre_id).in_(here),
        col(MembershipRecord.function).in_(list(functions)),
        MembershipRecord.person_id != person_id,
    )
    return tuple(each for each in found if each.email is None or _normal(each.email) not in own)


def staff_member(session: ReadSession, membership_id: str) -> StaffMember:
    """A membership in force.

    Raises:
        StaffMemberNotFound: none has this id, or it has ended.
    """
    found = _members(session, MembershipRecord.id == membership_id)
    if not found:
        raise _not_found()
    return found[0]


def person_by_work_address(session: ReadSession, organisation_id: str, email: str) -> str | None:
    """Whom an organisation has among its staff now under a work address.

    Raises:
        EmailNotUsable: it is no address.
    """
    return session.exec(
        select(MembershipRecord.person_id)
        .join(CentreRecord, col(CentreRecord.id) == MembershipRecord.centre_id)
        .where(
            CentreRecord.organisation_id == organisation_id,
            MembershipRecord.email == normalise_email(email),
            col(MembershipRecord.ended_at).is_(None),
        )
    ).first()


def addresses_of(session: ReadSession, person_id: str, *, asked: bool = True) -> frozenset[str]:
    """Every address known of a person, in lower case: told by LMSs, confirmed, asked to be confirmed, and for work.

    For telling whether somebody else is in truth the same person: it holds more than the person can be written to at.

    Args:
        session: for reading.
        person_id: whose.
        asked: whether those count that they asked to confirm and have not: anybody can ask for anybody's.
    """
    models = (LmsIdentityRecord, ConfirmedEmailRecord, EmailConfirmationRecord, MembershipRecord)
    return frozenset(
        _normal(address)
        for model in (each for each in models if asked or each is not EmailConfirmationRecord)
        for address in session.exec(select(model.email).where(model.person_id == person_id)).all()
        if address
    )


def known_from(
    session: ReadSession, organisation_id: str, *, find: str = "", person_id: str | None = None, limit: int = 50
) -> tuple[KnownPerson, ...]:
    """Persons whom this organisation's LMSs brought here and who are not staff of it, the newest launch first.

    By the names and addresses that these LMSs gave, never by what another organisation or the person says.

    Args:
        session: for reading.
        organisation_id: whose LMSs.
        find: part of the name, in any case.
        person_id: only this one.
        limit: how many at most.
    """
    staff_here = (
        select(MembershipRecord.person_id)
        .join(CentreRecord, col(CentreRecord.id) == MembershipRecord.centre_id)
        .where(CentreRecord.organisation_id == organisation_id, col(MembershipRecord.ended_at).is_(None))
    )
    query = (
        select(LmsIdentityRecord.person_id, LmsIdentityRecord.name, LmsIdentityRecord.email)
        .where(
            LmsIdentityRecord.organisation_id == organisation_id,
            col(LmsIdentityRecord.name).is_not(None),
            col(LmsIdentityRecord.person_id).not_in(staff_here),
        )
        .order_by(col(LmsIdentityRecord.seen_at).desc(), LmsIdentityRecord.id)
    )
    if find.strip():
        query = query.where(sa.func.lower(col(LmsIdentityRecord.name)).contains(find.strip().lower(), autoescape=True))
    if person_id is not None:
        query = query.where(LmsIdentityRecord.person_id == person_id)
    found: dict[str, KnownPerson] = {}
    for each, name, email in session.exec(query.limit(limit)).all():
        found.setdefault(each, KnownPerson(each, name or "", email))
    return tuple(found.values())


def check_function(function: str) -> StaffFunction:
    """One of the functions staff may have.

    Raises:
        StaffNotUsable: there is no such function.
    """
    if function not in STAFF_FUNCTIONS:
        raise StaffNotUsable(
            f"The functions are {', '.join(STAFF_FUNCTIONS)}.", kept="Nothing was changed.",
            next_step="Use one of these.",
        )  # fmt: skip
    return function


def _lock(session: WriteSession, organisation_id: str) -> None:
    """Let changes to an organisation's staff queue up, so that one address entered twice at once is one person."""
    session.exec(select(OrganisationRecord.id).where(OrganisationRecord.id == organisation_id).with_for_update()).one()


def _person_among_staff(session: ReadSession, organisation_id: str, address: str) -> str | None:
    """Whom the organisation has, or else had last, under a work address."""
    return session.exec(
        select(MembershipRecord.person_id)
        .join(CentreRecord, col(CentreRecord.id) == MembershipRecord.centre_id)
        .where(CentreRecord.organisation_id == organisation_id, MembershipRecord.email == address)
        .order_by(col(MembershipRecord.ended_at).is_not(None), col(MembershipRecord.begun_at).desc())
    ).first()


def _new_person(session: WriteSession) -> str:
    row = PersonRecord()
    session.add(row)
    session.flush()
    return row.id


def _membership(
    session: ReadSession, centre_id: str, person_id: str, function: StaffFunction
) -> MembershipRecord | None:
    return session.exec(
        select(MembershipRecord).where(
            MembershipRecord.centre_id == centre_id,
            MembershipRecord.person_id == person_id,
            MembershipRecord.function == function,
            col(MembershipRecord.ended_at).is_(None),
        )
    ).first()


def _begin(
    session: WriteSession, place: Centre, person_id: str, function: StaffFunction, actor: Actor, *,
    name: str | None = None, email: str | None = None,
) -> StaffMember:  # fmt: skip
    row = MembershipRecord(
        centre_id=place.id, person_id=person_id, function=function, name=name, email=email,
        begun_by_kind=actor.kind, begun_by_id=actor.id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, actor, "people.staff_added", row)
    outbox.emit(session, StaffChanged(person_id))
    return staff_member(session, row.id)


def _note(session: WriteSession, actor: Actor, action: str, row: MembershipRecord) -> None:
    audit.record(
        session, actor=actor, action=action, subject="membership", subject_id=row.id, centre_id=row.centre_id,
        person_id=row.person_id, function=row.function,
    )  # fmt: skip


def _members(session: ReadSession, *where: sa.ColumnElement[bool] | bool) -> tuple[StaffMember, ...]:
    found = session.exec(
        select(MembershipRecord, CentreRecord)
        .join(CentreRecord, col(CentreRecord.id) == MembershipRecord.centre_id)
        .where(col(MembershipRecord.ended_at).is_(None), *where)
    ).all()
    names = display_names(session, _unnamed(row for row, _place in found))
    members = (_member(session, row, place, names) for row, place in found)
    return tuple(sorted(members, key=lambda each: (each.name.casefold(), each.function, each.membership_id)))


def _unnamed(memberships: Iterable[MembershipRecord]) -> set[str]:
    return {row.person_id for row in memberships if row.name is None}


def _member(session: ReadSession, row: MembershipRecord, place: CentreRecord, names: dict[str, str]) -> StaffMember:
    return StaffMember(
        membership_id=row.id,
        person_id=row.person_id,
        centre_id=place.id,
        centre_name=place.name,
        organisation_id=place.organisation_id,
        function=cast(StaffFunction, row.function),
        name=row.name or names[row.person_id],
        email=row.email or notification_address(session, row.person_id),
        is_entered=row.email is not None,
    )


def _normal(address: str) -> str:
    """As `normalise_email`, also of what an LMS says that is no address."""
    try:
        return normalise_email(address)
    except EmailNotUsable:
        return address.strip().lower()


def _centre(row: CentreRecord) -> Centre:
    return Centre(id=row.id, organisation_id=row.organisation_id, key=row.key, name=row.name)


def _not_found() -> StaffMemberNotFound:
    return StaffMemberNotFound(
        "No membership in force has this id. Perhaps it was ended in the meantime.", kept="Nothing was changed."
    )
