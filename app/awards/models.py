"""Tables of the awards room: which decision led to which badge, and who stands for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class Award(Record, table=True):
    """A badge and the named person who decided it: an assessor of ours, or somebody an operator names."""

    __tablename__ = "award"

    id: str = Field(default_factory=new_id, primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", unique=True)
    decision_id: str | None = Field(default=None, unique=True)
    decided_by_person_id: str | None = Field(default=None)
    decided_by_name: str | None = Field(default=None)
    decided_by_role: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class AwardRenewal(Record, table=True):
    """That a named person's decision gave a badge its next version, and which.

    `source` is `decision:` or `proposal:` with its id: what was decided once renews once.
    """

    __tablename__ = "award_renewal"

    id: str = Field(default_factory=new_id, primary_key=True)
    source: str = Field(unique=True)
    credential_id: str = Field(foreign_key="credential.id", index=True)
    version: int
    decided_by_person_id: str
    decided_by_role: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class AwardRequest(Record, table=True):
    """An award that a client of the API asked for: by this its repeats are known, and its recipient, without a name.

    `request_key` is the SHA-256 of the client's idempotency key, which may be anything. `sealed_recipient` holds the
    address and the name for the claim mail, until that is sent or 30 days are over; `recipient_digest` is a keyed
    digest of the address, by which it is found when its holder confirms it. Of a badge that an operator issues by
    itself the key begins with `operator:`, and only the digest is kept: the issuer knows the repeats.
    """

    __tablename__ = "award_request"
    __table_args__ = (sa.UniqueConstraint("client_id", "request_key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    client_id: str
    request_key: str
    credential_id: str = Field(foreign_key="credential.id", unique=True)
    fingerprint: str | None = Field(default=None)
    recipient_digest: str | None = Field(default=None, index=True)
    sealed_recipient: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime, index=True)


class AwardOverride(Record, table=True):
    """An award that was made although a prerequisite was missing, and why; to be looked at by somebody else."""

    __tablename__ = "award_override"

    id: str = Field(default_factory=new_id, primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", unique=True)
    client_id: str
    missing: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    reason: str = Field(sa_type=sa.Text)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime, index=True)
    reviewed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reviewer_kind: str | None = Field(default=None)
    reviewer_id: str | None = Field(default=None)
    review_note: str | None = Field(default=None, sa_type=sa.Text)


class AwardChange(Record, table=True):
    """Something that a client did to a badge later on, on a named person's decision."""

    __tablename__ = "award_change"

    id: str = Field(default_factory=new_id, primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", index=True)
    client_id: str
    action: str  # revoke | suspend | reinstate | correct
    decided_by_name: str | None = Field(default=None)
    decided_by_role: str | None = Field(default=None)
    reason: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
