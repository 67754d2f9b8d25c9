"""What is kept of a person as staff, for the person; and how it goes: a part of the room's `personal_data`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.audit import OPERATOR
from app.core.clock import now, rfc3339
from app.core.db import ReadSession, WriteSession
from app.people import lines
from app.people.models import CentreRecord, MembershipRecord, ReportingLineRecord
from app.people.schemas import Count, Json, Kept, Section

KEPT = Kept(
    "At which centre the person worked as what, and who was whose manager or mentor, from when to when, by ids only",
    "Whoever was assessed must be able to see that the assessor was independent, and the observer a colleague.",
)


def export(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """Centres where the person works or worked, and their lines, without saying who the others are."""
    worked = session.exec(
        select(MembershipRecord, CentreRecord)
        .join(CentreRecord, col(CentreRecord.id) == MembershipRecord.centre_id)
        .where(MembershipRecord.person_id == person_id)
        .order_by(MembershipRecord.id)
    ).all()
    stood = session.exec(
        select(ReportingLineRecord)
        .where(sa.or_(col(ReportingLineRecord.person_id) == person_id, col(ReportingLineRecord.other_id) == person_id))
        .order_by(ReportingLineRecord.id)
    ).all()
    return (
        Section(
            "people.staff",
            "Centres where you are or were entered as staff, with the name and the work address entered for you.",
            tuple(
                {
                    "id": row.id,
                    "centre": place.name,
                    "function": row.function,
                    "name": row.name,
                    "email": row.email,
                    **_period(row),
                }
                for row, place in worked
            ),
        ),
        Section(
            "people.lines",
            "When you had, or were, a line manager or a mentor here. Others are not named.",
            tuple({"id": row.id, **_side(row, person_id), **_period(row)} for row in stood),
        ),
    )


def erase(session: WriteSession, person_id: str) -> tuple[Count, ...]:
    """End what is in force, and take the names and addresses away that were entered."""
    moment = now()
    ended = lines.end_all(session, person_id, OPERATOR)
    mine = col(MembershipRecord.person_id) == person_id
    session.exec(
        sa.update(MembershipRecord)
        .where(mine, col(MembershipRecord.ended_at).is_(None))
        .values(ended_at=moment, ended_by_kind=OPERATOR.kind, ended_by_id=OPERATOR.id)
    )
    told = sa.or_(col(MembershipRecord.name).is_not(None), col(MembershipRecord.email).is_not(None))
    emptied = session.exec(sa.update(MembershipRecord).where(mine, told).values(name=None, email=None)).rowcount
    return (
        Count("names and work addresses as staff of a centre", emptied),
        Count("lines to managers, mentors and reports, ended", ended),
    )


def _side(row: ReportingLineRecord, person_id: str) -> dict[str, Json]:
    return {"relation": row.relation, "you": "have one" if row.person_id == person_id else "are one"}


def _period(row: Any) -> dict[str, Json]:
    return {
        "begun_at": rfc3339(row.begun_at),
        "ended_at": rfc3339(row.ended_at) if row.ended_at is not None else None,
    }
