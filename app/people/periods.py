"""From when to when persons have worked as what, and for which agency: as it was entered here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from app.core.db import ReadSession
from app.people.exporting import in_chunks
from app.people.models import CentreRecord, MembershipRecord
from app.people.schemas import StaffFunction


@dataclass(frozen=True)
class StaffPeriod:
    """Work at one centre of an agency; without `ended_at` it goes on."""

    organisation_id: str
    centre_id: str
    begun_at: datetime
    ended_at: datetime | None


def periods_of(
    session: ReadSession, person_ids: Collection[str], function: StaffFunction
) -> dict[str, tuple[StaffPeriod, ...]]:
    """The times in which persons were staff with a function, now or once; one question for some hundreds of them.

    Returns:
        By person, in the order in which they began; who never had the function is not in it.
    """
    found: dict[str, list[StaffPeriod]] = defaultdict(list)
    for some in in_chunks(sorted(person_ids)):
        rows = session.exec(
            select(MembershipRecord, CentreRecord.organisation_id)
            .join(CentreRecord, col(CentreRecord.id) == MembershipRecord.centre_id)
            .where(col(MembershipRecord.person_id).in_(some), MembershipRecord.function == function)
            .order_by(col(MembershipRecord.begun_at), MembershipRecord.id)
            .execution_options(populate_existing=True)
        ).all()
        for row, organisation_id in rows:
            found[row.person_id].append(StaffPeriod(organisation_id, row.centre_id, row.begun_at, row.ended_at))
    return {person_id: tuple(periods) for person_id, periods in found.items()}
