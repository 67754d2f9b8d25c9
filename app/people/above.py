"""Who stands above whom by what they are at a centre, whether or not a reporting line between the two was entered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.core.db import ReadSession
from app.people.models import MembershipRecord, RoleGrantRecord

Above = Literal["manager", "supervisor", "mentor"]


def above_at_centre(session: ReadSession, *, person_id: str, other_id: str, since: datetime) -> frozenset[Above]:
    """What `other` is at a centre where a person works that puts them above the person.

    Whoever has the manager role and works there in whatever function is its `manager`; a specialist or a clinician
    without that role is a colleague. What has ended counts, of either, unless it had ended before `since`.

    Args:
        session: for reading.
        person_id: below whom.
        other_id: whose standing is asked for.
        since: from when on ended memberships and grants count still.
    """
    mine, theirs = aliased(MembershipRecord), aliased(MembershipRecord)
    functions = frozenset(
        session.exec(
            select(theirs.function)
            .join(mine, col(mine.centre_id) == col(theirs.centre_id))
            .where(
                mine.person_id == person_id,
                theirs.person_id == other_id,
                *(sa.or_(col(each.ended_at).is_(None), col(each.ended_at) >= since) for each in (mine, theirs)),
            )
            .distinct()
        ).all()
    )
    found: set[Above] = set()
    if functions and _held(session, other_id, since):
        found.add("manager")
    if "supervisor" in functions:
        found.add("supervisor")
    if "mentor" in functions:
        found.add("mentor")
    return frozenset(found)


def _held(session: ReadSession, person_id: str, since: datetime) -> bool:
    """Whether they have, or had since a moment, the manager role."""
    return (
        session.exec(
            select(RoleGrantRecord.id).where(
                RoleGrantRecord.person_id == person_id,
                RoleGrantRecord.role == "manager",
                sa.or_(col(RoleGrantRecord.revoked_at).is_(None), col(RoleGrantRecord.revoked_at) >= since),
            )
        ).first()
        is not None
    )
