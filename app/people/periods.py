"""From when to when persons have worked as what, and for which agency: as it was entered here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.core import rows
from app.core.db import ReadSession
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
    for row in rows.of_any(session, _asked(function), _MEMBERSHIP.person_id, person_ids):
        found[row.person_id].append(StaffPeriod(row.organisation_id, row.centre_id, row.begun_at, row.ended_at))
    return {person_id: tuple(periods) for person_id, periods in found.items()}


_MEMBERSHIP, _CENTRE = rows.table(MembershipRecord).c, rows.table(CentreRecord).c


@lru_cache
def _asked(function: StaffFunction) -> sa.Select[Any]:
    return (
        sa.select(
            _MEMBERSHIP.person_id,
            _MEMBERSHIP.centre_id,
            _MEMBERSHIP.begun_at,
            _MEMBERSHIP.ended_at,
            _CENTRE.organisation_id,
        )
        .join_from(rows.table(MembershipRecord), rows.table(CentreRecord), _CENTRE.id == _MEMBERSHIP.centre_id)
        .where(_MEMBERSHIP.function == function)
        .order_by(_MEMBERSHIP.begun_at, _MEMBERSHIP.id)
    )
