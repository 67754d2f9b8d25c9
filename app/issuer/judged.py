"""Badges with what was judged: the levels reached, and the framework by whose wording."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from app.core.db import ReadSession
from app.core.rows import AT_ONCE
from app.issuer.listing import TOLD
from app.issuer.models import Credential
from app.programme.pins import FrameworkPin


@dataclass(frozen=True)
class JudgedBadge:
    """A badge that was issued, whatever became of it.

    Attributes:
        results: keys of criteria and the levels, 1 to 4, that were reached; empty where none were given.
        judged_by: the framework in force when it was issued; None where the badge credits no competency.
        valid_until: of its newest version.
    """

    id: str
    achievement_key: str
    achievement_version: int
    person_id: str
    results: tuple[tuple[str, int], ...]
    judged_by: FrameworkPin | None
    awarded_at: datetime
    issued_at: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None

    def counts_at(self, moment: datetime) -> bool:
        """Whether it stood at a moment, as far as is known now."""
        return (
            self.issued_at <= moment
            and (self.valid_until is None or self.valid_until > moment)
            and (self.revoked_at is None or self.revoked_at > moment)
            and (self.suspended_at is None or self.suspended_at > moment)
        )


def judged(session: ReadSession, person_ids: Collection[str]) -> tuple[JudgedBadge, ...]:
    """The badges of these persons, those in force and those that are not, the newest award first.

    Args:
        session: for one question per 500 persons.
        person_ids: holders.
    """
    found: list[JudgedBadge] = []
    ordered = sorted(set(person_ids))
    table = Credential
    for start in range(0, len(ordered), AT_ONCE):
        some = ordered[start : start + AT_ONCE]
        query = select(table).where(col(table.person_id).in_(some), col(table.state).in_(TOLD))
        found.extend(_judged(row) for row in session.exec(query).all())
    return tuple(sorted(found, key=lambda each: (each.awarded_at, each.id), reverse=True))


def _judged(row: Credential) -> JudgedBadge:
    pin = None
    if row.framework_key and row.framework_version and row.framework_digest:
        pin = FrameworkPin(row.framework_key, row.framework_version, row.framework_digest)
    return JudgedBadge(
        id=row.id,
        achievement_key=row.achievement_key,
        achievement_version=row.achievement_version,
        person_id=str(row.person_id),
        results=tuple((str(key), int(level)) for key, level in row.results),
        judged_by=pin,
        awarded_at=row.awarded_at,
        issued_at=row.issued_at or row.reserved_at,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
    )
