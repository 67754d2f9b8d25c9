"""The table of consequences: that a ground of a badge has ended, what is declared, and what a person decided."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id

OPEN: Final = "open"  # an assessor should look at it
GRACE: Final = "grace"  # the holder has time until `due_at`
PROPOSED: Final = "proposed"  # an assessor is asked whether to suspend
SUSPENDED: Final = "suspended"  # a person suspended the badge because of it
CLEARED: Final = "cleared"  # what had ended is in force again, or the badge itself has ended
DISMISSED: Final = "dismissed"  # a person let the badge stand
WAITING: Final = (OPEN, GRACE, PROPOSED)
LIVE: Final = (*WAITING, SUSPENDED)


class AwardFlag(Record, table=True):
    """One badge, one of its grounds, and one end of that ground: each is noted once.

    `reason` is how the ground ended and `since` when. `mended_at` is when it was in force again under a suspension that
    came from it: then the suspension's end is proposed. `decided_*` and `note` are of the last thing a person did;
    without `decided_by` the machine did it.
    """

    __tablename__ = "award_flag"
    __table_args__ = (
        sa.UniqueConstraint("credential_id", "because_credential_id", "reason", "since"),
        sa.Index("ix_award_flag_state_due_at", "state", "due_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    credential_id: str = Field(foreign_key="credential.id")
    person_id: str | None = Field(default=None, index=True)
    because_credential_id: str = Field(foreign_key="credential.id", index=True)
    reason: str  # expired | suspended | revoked
    since: datetime = Field(sa_type=UTCDateTime)
    consequence: str  # flag | grace | propose_suspension
    pathway_key: str
    pathway_version: int
    opened_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    state: str
    mended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    decided_by: str | None = Field(default=None)
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    note: str | None = Field(default=None, sa_type=sa.Text)
