"""Tables of the batches: the upload, the chunks in which it is worked, and its rows.

A row's input, with the recipient's address, is sealed, and gone as soon as the row is settled.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class AwardBatch(Record, table=True):
    """One upload.

    `intake` names whoever is writing its rows down, until `state` leaves `receiving`. `reason` is the slug of what it
    waits for, or why it stands still. `refused` counts the rows that could not be read.
    """

    __tablename__ = "award_batch"
    __table_args__ = (sa.UniqueConstraint("client_id", "idempotency_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    client_id: str
    idempotency_key: str
    fingerprint: str
    all_or_nothing: bool
    checking: bool  # all or nothing: every row is looked at before the first is issued
    scopes: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    state: str = Field(index=True)  # receiving | queued | running | paused | done | failed | cancelled
    reason: str | None = Field(default=None)
    intake: str | None = Field(default=None)
    total: int = Field(default=0)
    refused: int = Field(default=0)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    purged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class AwardBatchChunk(Record, table=True):
    """Some two hundred rows that one worker has in hand at a time.

    `lease` names that worker's hold. `at_line` is written before a row is worked alone, `tries` counts how often, so
    that a row which ends every worker is found out.
    """

    __tablename__ = "award_batch_chunk"
    __table_args__ = (sa.Index("ix_award_batch_chunk_state_number", "state", "number"),)  # what to work on next

    batch_id: str = Field(foreign_key="award_batch.id", primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    rows: int
    state: str  # waiting | in_hand | checked | done | cancelled
    lease: str | None = Field(default=None)
    leased_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    attempt: int = Field(default=0)
    at_line: int | None = Field(default=None)
    tries: int = Field(default=0)
    issued: int = Field(default=0)
    failed: int = Field(default=0)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class AwardBatchRow(Record, table=True):
    """One award that is asked for, by the line on which it begins in the upload."""

    __tablename__ = "award_batch_row"
    __table_args__ = (sa.Index("ix_award_batch_row_batch_id_chunk", "batch_id", "chunk"),)

    batch_id: str = Field(foreign_key="award_batch.id", primary_key=True)
    line: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    chunk: int | None = Field(default=None)  # none for a row that could not be read
    state: str  # waiting | issued | failed
    sealed_input: str | None = Field(default=None, sa_type=sa.Text)
    credential_id: str | None = Field(default=None, index=True)
    error_code: str | None = Field(default=None)
    problems: list[Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))  # of {field, code, message}
