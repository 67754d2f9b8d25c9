"""Persons, the names LMSs have for them, and the organisations behind those LMSs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import rows
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.ids import new_id
from app.people.errors import OrganisationNotFound, PersonNotFound
from app.people.link_models import LinkedPersonRecord
from app.people.models import LmsIdentityRecord, MembershipRecord, OrganisationRecord, PersonRecord
from app.people.schemas import Organisation, Person, ToldName

NAME_LENGTH = 200
EMAIL_LENGTH = 254
SUBJECTS_AT_ONCE = 500  # databases bound how many values one question may hold


def person(session: ReadSession, person_id: str) -> Person:
    """A person by id.

    Raises:
        PersonNotFound: nobody has this id, or not any more.
    """
    row = session.get(PersonRecord, person_id)
    if row is None or row.erased_at is not None:
        raise PersonNotFound("Nobody here has this id.")
    return _person(row)


def is_erased(session: ReadSession, person_id: str) -> bool:
    """Whether what was kept of a person was erased."""
    row = session.get(PersonRecord, person_id)
    return row is not None and row.erased_at is not None


def standing_id(session: ReadSession, person_id: str) -> str:
    """Under which id a person goes today: another one if the record was joined into that of an earlier time."""
    row = rows.find(session, LinkedPersonRecord, person_id=person_id)
    return row.now_with if row is not None else person_id


def person_by_lms_identity(session: ReadSession, *, registration_id: str, subject: str) -> Person | None:
    """The person whom an LMS calls by this subject, if we have met them."""
    row = session.exec(
        select(PersonRecord)
        .join(LmsIdentityRecord, col(LmsIdentityRecord.person_id) == PersonRecord.id)
        .where(LmsIdentityRecord.registration_id == registration_id, LmsIdentityRecord.subject == subject)
    ).first()
    return _person(row) if row is not None else None


def person_ids_by_subject(session: ReadSession, registration_id: str, subjects: Sequence[str]) -> dict[str, str]:
    """The persons whom one LMS calls by these subjects; those we have not met are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        some = subjects[start : start + SUBJECTS_AT_ONCE]
        rows = session.exec(
            select(LmsIdentityRecord.subject, LmsIdentityRecord.person_id).where(
                LmsIdentityRecord.registration_id == registration_id, col(LmsIdentityRecord.subject).in_(some)
            )
        ).all()
        found |= dict(rows)
    return found


def person_for_lms_identity(
    session: WriteSession,
    *,
    registration_id: str,
    subject: str,
    name: str | None,
    email: str | None,
    organisation_id: str | None,
) -> Person:
    """The person whom an LMS calls by this subject; a new one at the first meeting. As `person_id_for_lms_identity`."""
    return person(
        session,
        person_id_for_lms_identity(
            session,
            registration_id=registration_id,
            subject=subject,
            name=name,
            email=email,
            organisation_id=organisation_id,
        ),
    )


def person_id_for_lms_identity(
    session: WriteSession,
    *,
    registration_id: str,
    subject: str,
    name: str | None,
    email: str | None,
    organisation_id: str | None,
) -> str:
    """The id of the person whom an LMS calls by this subject; of a new one at the first meeting.

    The newest name and address the LMS gives are kept beside the identity; one that it leaves out takes nothing away.
    Two first launches at the same moment make one person.

    Args:
        session: the caller's transaction.
        registration_id: the LMS, as the lti room knows it.
        subject: the LMS's `sub` for this person, LTI 1.3 §5.3.6 (https://www.imsglobal.org/spec/lti/v1p3/).
        name: what the LMS calls them, if it says so.
        email: what the LMS gives as their address: a suggestion, never proof.
        organisation_id: the lead agency whose LMS it is.
    """
    news = {
        "registration_id_": registration_id,
        "subject_": subject,
        "name_": clean(name, NAME_LENGTH),
        "email_": clean(email, EMAIL_LENGTH),
        "organisation_id_": organisation_id,
        "seen_at_": now(),
    }
    person_id: str | None = session.run(_SEEN, news).scalar_one_or_none()
    if person_id is None:
        _meet(session, registration_id, subject)
        person_id = session.run(_SEEN, news).scalar_one()
    return person_id


def display_name(session: ReadSession, person_id: str) -> str:
    """What to call a person on a page: their own choice, else what an LMS last said, else their name as staff.

    Of whom none is known: a neutral label.
    """
    return display_names(session, (person_id,))[person_id]


def display_names(session: ReadSession, person_ids: Iterable[str]) -> dict[str, str]:
    """`display_name` for many, in two questions to the database; a third if nobody but their centre names some."""
    wanted = set(person_ids)
    names = {person_id: f"Person {person_id[:6]}" for person_id in wanted}
    asserted = session.exec(
        select(LmsIdentityRecord.person_id, LmsIdentityRecord.name)
        .where(col(LmsIdentityRecord.person_id).in_(wanted), col(LmsIdentityRecord.name).is_not(None))
        .order_by(col(LmsIdentityRecord.seen_at))
    ).all()
    chosen = session.exec(
        select(PersonRecord.id, PersonRecord.display_name).where(
            col(PersonRecord.id).in_(wanted), col(PersonRecord.display_name).is_not(None)
        )
    ).all()
    told = {person_id: name for person_id, name in (*asserted, *chosen) if name}
    told |= _staff_names(session, wanted - told.keys())
    return names | told | _names_after_linking(session, wanted - told.keys())


def _staff_names(session: ReadSession, person_ids: Collection[str]) -> dict[str, str]:
    """The names by which persons were entered as staff, the newest that is in force, else the newest."""
    if not person_ids:
        return {}
    entered = session.exec(
        select(MembershipRecord.person_id, MembershipRecord.name)
        .where(col(MembershipRecord.person_id).in_(person_ids), col(MembershipRecord.name).is_not(None))
        .order_by(col(MembershipRecord.ended_at).is_(None), col(MembershipRecord.begun_at))
    ).all()
    return {person_id: name for person_id, name in entered if name}


def _names_after_linking(session: ReadSession, unknown: Set[str]) -> dict[str, str]:
    """Whoever has no name left may be a record that was joined into another: then they are called as that one."""
    if not unknown:
        return {}
    found = session.exec(
        select(LinkedPersonRecord.person_id, LinkedPersonRecord.now_with).where(
            col(LinkedPersonRecord.person_id).in_(unknown)
        )
    ).all()
    today = display_names(session, {now_with for _, now_with in found}) if found else {}
    return {person_id: today[now_with] for person_id, now_with in found}


def told_names(session: ReadSession, person_id: str) -> tuple[ToldName, ...]:
    """The names that LMSs have for a person, each once, the one told last first; never one they chose themselves."""
    found = session.exec(
        select(LmsIdentityRecord.name, LmsIdentityRecord.registration_id)
        .where(LmsIdentityRecord.person_id == person_id, col(LmsIdentityRecord.name).is_not(None))
        .order_by(col(LmsIdentityRecord.seen_at).desc(), LmsIdentityRecord.id)
    ).all()
    by_name: dict[str, ToldName] = {}
    for name, registration_id in found:
        if name:
            by_name.setdefault(name, ToldName(name, registration_id))
    return tuple(by_name.values())


def names_told_by(session: ReadSession, registration_id: str, person_ids: Collection[str]) -> dict[str, str]:
    """What one LMS calls persons whom it named: never what another LMS or the person says."""
    wanted = sorted(set(person_ids))
    told: dict[str, str] = {}
    for start in range(0, len(wanted), SUBJECTS_AT_ONCE):
        found = session.exec(
            select(LmsIdentityRecord.person_id, LmsIdentityRecord.name)
            .where(
                LmsIdentityRecord.registration_id == registration_id,
                col(LmsIdentityRecord.person_id).in_(wanted[start : start + SUBJECTS_AT_ONCE]),
                col(LmsIdentityRecord.name).is_not(None),
            )
            .order_by(col(LmsIdentityRecord.seen_at))
        ).all()
        told |= {person_id: name for person_id, name in found if name}
    return told


def asserted_email(session: ReadSession, person_id: str) -> str | None:
    """The address an LMS last gave for a person: good as a suggestion in a form, not as proof of anything."""
    return session.exec(
        select(LmsIdentityRecord.email)
        .where(LmsIdentityRecord.person_id == person_id, col(LmsIdentityRecord.email).is_not(None))
        .order_by(col(LmsIdentityRecord.seen_at).desc())
    ).first()


def ensure_organisation(session: WriteSession, *, key: str, name: str) -> Organisation:
    """The organisation of this key, made if it is new; a new name replaces the old one."""
    row = session.exec(select(OrganisationRecord).where(OrganisationRecord.key == key)).first()
    if row is None:
        row = OrganisationRecord(key=key, name=name)
    row.name = name
    session.add(row)
    session.flush()
    return _organisation(row)


def organisation(session: ReadSession, organisation_id: str) -> Organisation:
    """An organisation by id.

    Raises:
        OrganisationNotFound: none has this id.
    """
    row = session.get(OrganisationRecord, organisation_id)
    if row is None:
        raise OrganisationNotFound("No organisation here has this id.")
    return _organisation(row)


def organisation_by_key(session: ReadSession, key: str) -> Organisation | None:
    """An organisation by its key, e.g. the one given to `waymark platform approve --org`."""
    row = session.exec(select(OrganisationRecord).where(OrganisationRecord.key == key)).first()
    return _organisation(row) if row is not None else None


def _meet(session: WriteSession, registration_id: str, subject: str) -> None:
    """A new person with this identity, unless another transaction was faster by a moment."""
    person_id = new_id()
    try:
        with session.begin_nested():
            rows.insert(session, PersonRecord, id=person_id)
            rows.insert(
                session, LmsIdentityRecord, person_id=person_id, registration_id=registration_id, subject=subject
            )
    except IntegrityError:
        if rows.find(session, LmsIdentityRecord, registration_id=registration_id, subject=subject) is None:
            raise


def _seen() -> sa.Update:
    """Notes that an identity was met again, and what is newly told of it; what is not told stays. Says whose it is."""
    table = rows.table(LmsIdentityRecord)
    columns = table.c
    told = {
        name: sa.func.coalesce(sa.bindparam(f"{name}_", type_=columns[name].type), columns[name])
        for name in ("name", "email", "organisation_id")
    }
    return (
        sa.update(table)
        .where(columns.registration_id == sa.bindparam("registration_id_"))
        .where(columns.subject == sa.bindparam("subject_"))
        .values(told | {"seen_at": sa.bindparam("seen_at_", type_=columns.seen_at.type)})
        .returning(columns.person_id)
    )


_SEEN = _seen()


def clean(text: str | None, length: int) -> str | None:
    """A name or address as somebody else gave it, trimmed and cut to what a column should hold.

    Without characters no database keeps; empty means not given.
    """
    if text is None:
        return None
    printable = "".join(character for character in text if character.isprintable())
    return printable.strip()[:length] or None


def _person(row: PersonRecord) -> Person:
    return Person(id=row.id, display_name=row.display_name, created_at=row.created_at)


def _organisation(row: OrganisationRecord) -> Organisation:
    return Organisation(id=row.id, key=row.key, name=row.name)
