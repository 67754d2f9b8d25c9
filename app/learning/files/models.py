"""Tables for files as evidence. Bytes lie apart from what is known of a file, so that no list ever loads them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class EvidenceFileRecord(Record, table=True):
    """A file as it was cleaned. Digest, size and type stay when the bytes are removed; the name goes with the bytes."""

    __tablename__ = "evidence_file"

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id", index=True)
    activity_key: str
    field_key: str
    name: str
    media_type: str
    size: int
    sha256: str
    taken_out: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    kept_findings: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    stored_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # by the learner, from what is not handed in
    aside_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # while in quarantine
    purged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class EvidenceContentRecord(Record, table=True):
    """The bytes of one file, once for all rounds that it was handed in with."""

    __tablename__ = "evidence_content"

    file_id: str = Field(foreign_key="evidence_file.id", primary_key=True)
    content: bytes


class SubmissionFileRecord(Record, table=True):
    """A file that was handed in with a round of work."""

    __tablename__ = "submission_file"

    submission_id: str = Field(foreign_key="submission.id", primary_key=True)
    file_id: str = Field(foreign_key="evidence_file.id", primary_key=True, index=True)
