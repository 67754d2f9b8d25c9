"""Tables of the awards room: which decision led to which badge, and who stands for it."""

from __future__ import annotations

from datetime import datetime

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
