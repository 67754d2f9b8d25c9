"""Reading the audit in order, a page at a time, for programs that keep watch or keep a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.audit import AuditEntry
from app.core.db import ReadSession


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None narrows nothing.

    Attributes:
        actor_id: done by this person, client or other actor.
        action: exactly this, e.g. `issuer.credential_revoked`.
        subject_id: done to this.
        since: at this moment or later.
        before: earlier than this moment.
    """

    actor_id: str | None = None
    action: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One thing done; attributes as of `AuditEntry`."""

    id: int
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    subject: str
    subject_id: str
    ids: Mapping[str, str | int]


def entries(
    session: ReadSession, wanted: Wanted, *, after_id: int, limit: int, only_actor_id: str | None = None
) -> tuple[Entry, ...]:
    """The next entries in the order in which they were written.

    Args:
        session: for reading.
        wanted: which.
        after_id: of the last one that was read; 0 to begin.
        limit: at most so many.
        only_actor_id: whatever is wanted, only what this actor did may be told.
    """
    own = [] if only_actor_id is None else [col(AuditEntry.actor_id) == only_actor_id]
    rows = session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.id) > after_id, *own, *_conditions(wanted))
        .order_by(col(AuditEntry.id))
        .limit(limit)
    ).all()
    return tuple(
        Entry(
            id=row.id or 0,
            at=row.at,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            action=row.action,
            subject=row.subject,
            subject_id=row.subject_id,
            ids=row.ids,
        )
        for row in rows
    )


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    exact = ((AuditEntry.actor_id, wanted.actor_id), (AuditEntry.action, wanted.action))
    found = [col(column) == value for column, value in (*exact, (AuditEntry.subject_id, wanted.subject_id)) if value]
    if wanted.since is not None:
        found.append(col(AuditEntry.at) >= wanted.since)
    if wanted.before is not None:
        found.append(col(AuditEntry.at) < wanted.before)
    return found
