"""For which lead agencies a person works or worked, as far as their centres' staff lists know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.db import ReadSession
from app.people.models import CentreRecord, MembershipRecord, OrganisationRecord
from app.people.schemas import Organisation


def agencies_since(session: ReadSession, person_id: str, since: datetime) -> Mapping[str, datetime | None]:
    """The lead agencies at whose centres a person was staff at some time since a moment, as whatever.

    Returns:
        By the agency's id when they left the last of its centres; None while they are there.
    """
    rows = session.exec(
        select(CentreRecord.organisation_id, MembershipRecord.ended_at)
        .join(CentreRecord, col(CentreRecord.id) == col(MembershipRecord.centre_id))
        .where(
            MembershipRecord.person_id == person_id,
            sa.or_(col(MembershipRecord.ended_at).is_(None), col(MembershipRecord.ended_at) > since),
        )
    ).all()
    found: dict[str, datetime | None] = {}
    for agency, left in rows:
        known = found.get(agency, left)
        found[agency] = None if left is None or known is None else max(left, known)
    return found


def agencies(session: ReadSession) -> tuple[Organisation, ...]:
    """Every lead agency that is known here, in the order of the alphabet."""
    rows = session.exec(select(OrganisationRecord)).all()
    found = (Organisation(id=row.id, key=row.key, name=row.name) for row in rows)
    return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.key)))
