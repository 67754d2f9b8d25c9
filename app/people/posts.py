"""Who was in post as a specialist at a moment, in all centres, and which centres one person manages: ids only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import rows
from app.core.db import ReadSession
from app.people.models import CentreRecord, MembershipRecord

_MEMBER, _CENTRE = rows.table(MembershipRecord).c, rows.table(CentreRecord).c
_SPECIALISTS = (
    sa.select(_MEMBER.person_id, _MEMBER.centre_id, _CENTRE.organisation_id)
    .join(rows.table(CentreRecord), _CENTRE.id == _MEMBER.centre_id)
    .where(
        _MEMBER.function == "specialist",
        _MEMBER.begun_at <= sa.bindparam("at", type_=_MEMBER.begun_at.type),
        sa.or_(_MEMBER.ended_at.is_(None), _MEMBER.ended_at > sa.bindparam("at", type_=_MEMBER.begun_at.type)),
    )
    .order_by(_MEMBER.person_id, _MEMBER.centre_id)
    .distinct()
)
_SUPERVISORS = sa.select(_MEMBER.person_id, _MEMBER.centre_id).where(
    _MEMBER.function == "supervisor", _MEMBER.ended_at.is_(None)
)


@dataclass(frozen=True)
class Post:
    """That somebody works as a specialist in a centre of an agency; who works in two has two."""

    person_id: str
    centre_id: str
    organisation_id: str


def specialists_at(session: ReadSession, at: datetime) -> tuple[Post, ...]:
    """The posts of specialists that were filled at a moment, in all centres."""
    found = session.run(_SPECIALISTS, {"at": at})
    return tuple(Post(row.person_id, row.centre_id, row.organisation_id) for row in found)


def managed_together(session: ReadSession) -> frozenset[frozenset[str]]:
    """Sets of ids of centres that have the same supervisor now; whose they are is not told."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in session.run(_SUPERVISORS):
        found[row.person_id].add(row.centre_id)
    return frozenset(frozenset(each) for each in found.values())
