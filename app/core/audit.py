"""The record of who did what to what, and when: append-only, ids only, never personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Field

from app.core import rows as tables
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.db import Record, UTCDateTime, WriteSession


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, an API client, an operator at the command line, or the system itself."""

    kind: Literal["person", "client", "operator", "system"]
    id: str


SYSTEM = Actor(kind="system", id="waymark")
OPERATOR = Actor(kind="operator", id="command-line")


class AuditEntry(Record, table=True):
    """One thing done."""

    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UTCDateTime, index=True)
    actor_kind: str
    actor_id: str = Field(index=True)
    action: str = Field(index=True)
    subject: str
    subject_id: str = Field(index=True)
    ids: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)


def record(
    session: WriteSession,
    *,
    actor: Actor,
    action: str,
    subject: str,
    subject_id: str,
    **ids: str | int | None,
) -> None:
    """Write one entry in the caller's transaction.

    Args:
        session: the transaction in which the thing is done: both happen or neither.
        actor: who does it.
        action: what, as `room.verb`, e.g. `learning.awarded`.
        subject: the kind of thing it is done to, e.g. `submission`.
        subject_id: which one.
        ids: further ids and numbers; never names, addresses or free text.
    """
    session.add(
        AuditEntry(
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            ids={key: value for key, value in ids.items() if value is not None},
        )
    )


def record_many(
    session: WriteSession,
    *,
    actor: Actor,
    action: str,
    subject: str,
    entries: Sequence[tuple[str, Mapping[str, str | int | None]]],
) -> None:
    """Write one entry for each of many things to which the same was done, in a few statements.

    Args:
        session: the transaction in which the things are done.
        actor: who does it; `action` and `subject` as for `record`.
        action: see above.
        subject: see above.
        entries: of each thing its id, and further ids and numbers.
    """
    moment = now()
    rows = [
        {
            "at": moment,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "action": action,
            "subject": subject,
            "subject_id": subject_id,
            "ids": {key: value for key, value in ids.items() if value is not None},
        }
        for subject_id, ids in entries
    ]
    if rows:
        insert_rows(session, tables.table(AuditEntry), rows)
