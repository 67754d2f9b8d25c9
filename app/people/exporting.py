"""Everything that is kept of a person, from every room, as one document for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, rows
from app.core.audit import Actor, AuditEntry
from app.core.clock import now, rfc3339
from app.core.db import ReadSession, Record, WriteSession
from app.people.errors import PersonErased, PersonNotFound
from app.people.linked import linked_ids, refuse_linked
from app.people.models import PersonRecord
from app.people.ports import PersonalData
from app.people.schemas import Json, PersonalExport, Section

CHUNK = 500  # databases bound how many values one question may hold
OWN_ID = "id"


def section(
    session: ReadSession,
    name: str,
    about: str,
    model: type[Record],
    *where: sa.ColumnElement[bool],
    without: Iterable[str] = (),
) -> Section:
    """Every column of some rows, so that a column added later is exported without anybody's thinking of it.

    Args:
        session: for reading.
        name: of the section.
        about: what the records are.
        model: the table.
        where: which rows; of this person only.
        without: columns that are secrets, or say who somebody else is.
    """
    table = rows.table(model)
    columns = [column for column in table.c if column.name not in set(without)]
    found = session.execute(sa.select(*columns).where(*where).order_by(*table.primary_key.columns)).all()
    return Section(name, about, tuple({key: plain(value) for key, value in row._mapping.items()} for row in found))


def plain(value: Any) -> Json:
    """A value of a column as JSON has it."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    result: Json = value
    return result


def in_chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values in parts that one question may hold."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def export_person(session: ReadSession, bound: Sequence[PersonalData], person_id: str) -> PersonalExport:
    """Everything that is kept of a person (Privacy Act 1988, APP 12).

    Args:
        session: one session for all, so that the parts fit together.
        bound: every room's port, as wiring binds them.
        person_id: whose.

    Raises:
        PersonNotFound: nobody has this id.
        PersonErased: there is nothing left to export.
        PersonLinked: it is a part of another person's record.
    """
    row = session.get(PersonRecord, person_id)
    if row is None:
        raise PersonNotFound("Nobody here has this id.")
    if row.erased_at is not None:
        raise PersonErased(row.erased_at)
    refuse_linked(session, person_id)
    old = linked_ids(session, person_id)
    sections = [part for room in reversed(bound) for part in _of_all(session, room, (person_id, *old))]
    own = {person_id, *old} | {str(record[OWN_ID]) for part in sections for record in part.records if OWN_ID in record}
    return PersonalExport(person_id, now(), (*sections, _audited(session, (person_id, *old), sorted(own))))


def _of_all(session: ReadSession, room: PersonalData, person_ids: Sequence[str]) -> tuple[Section, ...]:
    """A room's sections for a person, with what stayed with records that were joined into theirs."""
    whole, *others = (room.export(session, each) for each in person_ids)
    more: dict[str, tuple[Mapping[str, Json], ...]] = {}
    for part in (part for other in others for part in other):
        more[part.name] = (*more.get(part.name, ()), *part.records)
    return tuple(Section(part.name, part.about, (*part.records, *more.get(part.name, ()))) for part in whole)


def note_export(session: WriteSession, person_id: str, actor: Actor) -> None:
    """Write into the audit that somebody else was given a person's data."""
    audit.record(session, actor=actor, action="people.person_exported", subject="person", subject_id=person_id)


def _audited(session: ReadSession, person_ids: Sequence[str], own: Sequence[str]) -> Section:
    """What the audit says the person did, and what was done to them and what is theirs; nobody else by any id."""
    found: dict[int | None, AuditEntry] = {}
    theirs: list[sa.ColumnElement[bool]] = [col(AuditEntry.subject_id).in_(some) for some in in_chunks(own)]
    for condition in (col(AuditEntry.actor_id).in_(person_ids), *theirs):
        found |= {entry.id: entry for entry in session.exec(select(AuditEntry).where(condition)).all()}
    mine = frozenset(own)
    entries = sorted(found.values(), key=lambda entry: (entry.at, entry.id or 0))
    return Section(
        "audit.entries",
        "What the server noted about what you did, and about what was done to your records. Others are named by kind.",
        tuple(_entry(entry, person_ids, mine) for entry in entries),
    )


def _entry(entry: AuditEntry, person_ids: Sequence[str], own: frozenset[str]) -> dict[str, Json]:
    others = {"person": "another person", "client": "a program", "operator": "the operator", "system": "the server"}
    known: dict[str, Json] = {
        "at": rfc3339(entry.at),
        "by": "you" if entry.actor_id in person_ids else others[entry.actor_kind],
        "action": entry.action,
        "subject": entry.subject,
    }
    if entry.subject_id in own:
        known["subject_id"] = entry.subject_id
    return known | {key: value for key, value in entry.ids.items() if _says_nothing_of_others(value, own)}


def _says_nothing_of_others(value: object, own: frozenset[str]) -> bool:
    """A number, a short word like `M01` or `assessor`, or an id of one's own."""
    return isinstance(value, int) or (isinstance(value, str) and (value in own or len(value) <= 20))
