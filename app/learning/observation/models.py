"""Tables of observations: whom a learner asked, the codes that were sent, and what was seen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class ObservationRequestRecord(Record, table=True):
    """One person asked to observe one activity. It is open while `proposed` or `asked`; what follows is final.

    The address is kept as it was when the person was asked: a code goes there and nowhere else.
    """

    __tablename__ = "observation_request"
    __table_args__ = (
        sa.UniqueConstraint("enrolment_id", "activity_key", "number"),
        sa.Index(
            "uq_observation_request_open",
            "enrolment_id",
            "activity_key",
            unique=True,
            sqlite_where=sa.text("state IN ('proposed', 'asked')"),
            postgresql_where=sa.text("state IN ('proposed', 'asked')"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'asked', 'made', 'withdrawn', 'declined', 'refused', 'ended')", name="state"
        ),
        sa.Index("ix_observation_request_waiting", "state", "created_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    enrolment_id: str = Field(foreign_key="enrolment.id")
    activity_key: str
    number: int
    state: str
    role: str  # supervisor | mentor | clinician | assessor
    observer_person_id: str | None = Field(default=None, foreign_key="person.id", index=True)  # none: was proposed
    membership_id: str | None = Field(default=None)  # of the centre, by which they may observe
    observer_name: str = Field(default="")
    observer_email: str = Field(default="", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reminded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reminders: int = Field(default=0)
    decided_by: str | None = Field(default=None, foreign_key="person.id")  # the assessor who approved or refused
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    refusal: str = Field(default="")
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ObservationCodeRecord(Record, table=True):
    """A code that was sent to the invited address. The code itself is derived, not kept."""

    __tablename__ = "observation_code"

    id: str = Field(default_factory=new_id, primary_key=True)
    request_id: str = Field(foreign_key="observation_request.id", index=True)
    requested_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    tries: int = Field(default=0)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ObservationRecord(Record, table=True):
    """What an observer saw: one row for a request; of it only comments go, to protect somebody."""

    __tablename__ = "observation"

    id: str = Field(default_factory=new_id, primary_key=True)
    request_id: str = Field(foreign_key="observation_request.id", unique=True)
    enrolment_id: str = Field(foreign_key="enrolment.id", index=True)
    activity_key: str
    role: str
    observed_on: date
    answers: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)  # by line: meets | not yet
    comments: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)  # by line, and one for the whole
    kept_findings: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    made_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    comments_removed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    comments_digest: str = Field(default="")  # SHA-256 of removed comments, in hex
