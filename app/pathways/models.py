"""Tables of the pathways room: what is shown in other ways than by a badge of ours, and where each person stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class PathwayConfirmation(Record, table=True):
    """Somebody's word for one step of one pathway: rows are ended, never deleted.

    `given_as` is as what they gave it: manager, supervisor or assessor.
    """

    __tablename__ = "pathway_confirmation"
    __table_args__ = (
        sa.Index(
            "uq_pathway_confirmation_in_force",
            "person_id", "pathway_key", "confirmation_key", "given_as",
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        ),
    )  # fmt: skip

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    pathway_key: str
    confirmation_key: str
    given_as: str
    given_by: str = Field(foreign_key="person.id", index=True)
    given_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    withdrawn_by: str | None = Field(default=None, foreign_key="person.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_reason: str | None = Field(default=None, sa_type=sa.Text)


class PathwayConversation(Record, table=True):
    """A conversation with an assessor and the level it reached in each criterion; it stays as it was recorded."""

    __tablename__ = "pathway_conversation"

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    pathway_key: str
    pathway_version: int
    conversation_key: str
    rubric_version: int
    held_on: date
    levels: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    comment: str = Field(default="", sa_type=sa.Text)
    decided_by: str = Field(foreign_key="person.id", index=True)
    recorded_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class PathwayRecognition(Record, table=True):
    """That a person need not show a step, because an assessor decided that they have it already.

    `pathway_key` is None where it counts for every pathway.
    """

    __tablename__ = "pathway_recognition"

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str
    key: str
    pathway_key: str | None = Field(default=None)
    reason: str = Field(sa_type=sa.Text)
    granted_by: str = Field(foreign_key="person.id", index=True)
    granted_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    withdrawn_by: str | None = Field(default=None, foreign_key="person.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    withdrawn_reason: str | None = Field(default=None, sa_type=sa.Text)


class PathwayExternalBadge(Record, table=True):
    """Another issuer's badge that its holder added, and what our verifier said of it last.

    `document` is its text as it was handed in; `digest` the SHA-256 of that in hex. `stopped_at` is since when the
    verdict has been other than valid; None while it is valid.
    """

    __tablename__ = "pathway_external_badge"
    __table_args__ = (sa.UniqueConstraint("person_id", "digest"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    digest: str
    document: bytes = Field(sa_type=sa.LargeBinary)
    address: str | None = Field(default=None, sa_type=sa.Text)
    issuer: str
    issuer_name: str
    achievement: str
    name: str
    awarded_at: datetime = Field(sa_type=UTCDateTime)
    valid_from: datetime = Field(sa_type=UTCDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    verdict: str
    checked_at: datetime = Field(sa_type=UTCDateTime, index=True)
    stopped_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    added_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class PathwayStanding(Record, table=True):
    """Where a person stands on a pathway: worked out from the evidence, and never set by hand."""

    __tablename__ = "pathway_standing"
    __table_args__ = (sa.Index(None, "pathway_key", "state"),)

    person_id: str = Field(foreign_key="person.id", primary_key=True)
    pathway_key: str = Field(primary_key=True)
    pathway_version: int
    rule_digest: str
    state: str  # not_begun | on_the_way | met | held | lapsed
    open_steps: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    met_since: datetime | None = Field(default=None, sa_type=UTCDateTime)
    met_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    next_change: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)
    computed_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class CoverageMonth(Record, table=True):
    """What whoever manages these centres is told of all centres in a month: written once, and never changed.

    It holds nothing of a person: bands that may be published. `centres` is the SHA-256 of the centres' sorted ids in
    hex, or empty in the month's own row. `told` is NULL until it is worked out, and empty where nothing may be told.
    """

    __tablename__ = "coverage_month"

    month: date = Field(primary_key=True)
    centres: str = Field(primary_key=True)
    told: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
