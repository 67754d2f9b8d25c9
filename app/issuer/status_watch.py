"""Are the status lists signed in time? A list past its `validUntil` leaves every badge on it in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import metrics
from app.core.clock import now
from app.core.db import ReadSession
from app.issuer.models import StatusList

OLD_AFTER: Final = timedelta(days=3)
"""Lists are signed once a day and hold for a week: whoever is warned now has four days left."""


@dataclass(frozen=True)
class StatusHealth:
    """How the lists are doing.

    Attributes:
        age: since the oldest signature that a list lives by.
        behind: lists with a revocation that is not in the signed list yet.
    """

    age: timedelta
    behind: int

    @property
    def is_old(self) -> bool:
        """Whether somebody has to look after it."""
        return self.age > OLD_AFTER


def health(session: ReadSession) -> StatusHealth:
    """How the lists are doing; also sets their gauges."""
    signed = col(StatusList.signed_at).is_not(None)
    oldest = session.exec(select(sa.func.min(StatusList.signed_at)).where(signed)).one()
    behind = session.exec(
        select(sa.func.count()).where(signed, col(StatusList.signed_revision) < col(StatusList.revision))
    ).one()
    found = StatusHealth(timedelta(0) if oldest is None else max(now() - oldest, timedelta(0)), behind)
    metrics.STATUS_LIST_AGE.set(found.age.total_seconds())
    metrics.STATUS_LISTS_BEHIND.set(found.behind)
    return found
