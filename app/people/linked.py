"""Which records were joined into which: asked by all who act for a whole person."""

from __future__ import annotations

from sqlmodel import select

from app.core.db import ReadSession
from app.people.identities import standing_id
from app.people.link_errors import PersonLinked
from app.people.link_models import LinkedPersonRecord


def linked_ids(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Ids of the records that were joined into this person's, directly or by way of another."""
    mine = LinkedPersonRecord.now_with == person_id
    return tuple(sorted(session.exec(select(LinkedPersonRecord.person_id).where(mine)).all()))


def refuse_linked(session: ReadSession, person_id: str) -> None:
    """Refuse to act on a part of a person.

    Raises:
        PersonLinked: the record was joined into another.
    """
    now_with = standing_id(session, person_id)
    if now_with != person_id:
        raise PersonLinked(now_with)
