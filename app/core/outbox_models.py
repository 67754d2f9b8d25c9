"""What the outbox keeps: what happened, and each delivery of it to one listener."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id

WAITING, DONE, DEAD, DISCARDED = "waiting", "done", "dead", "discarded"
STATES = (WAITING, DEAD, DONE, DISCARDED)


class OutboxEvent(Record, table=True):
    """Something that happened."""

    __tablename__ = "outbox_event"
    __table_args__ = (sa.Index(None, "dispatched_at", "background", "created_at"),)  # what to hand out next

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(index=True)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    dispatched_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    background: bool = Field(default=False)  # one of very many: told when nothing else is due


class OutboxDelivery(Record, table=True):
    """One event on its way to one listener."""

    __tablename__ = "outbox_delivery"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "handler"),
        sa.Index(None, "state", "background", "due_at"),  # what to make next
        sa.Index("ix_outbox_delivery_handler_state", "handler", "state"),  # how many there are of each
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    event_id: str = Field(foreign_key="outbox_event.id", index=True)
    handler: str
    state: str = Field(default=WAITING)  # waiting | done | dead | discarded
    attempt: int = Field(default=0)  # in this round: sending again begins a new one
    due_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    leased_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    resent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # began the round after the first
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_error: str | None = Field(default=None)
    background: bool = Field(default=False)  # as its event
