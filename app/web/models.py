"""Launch sessions: who is signed in by which launch."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime


class LaunchSessionRow(Record, table=True):
    """One launch that is still signed in."""

    __tablename__ = "launch_session"

    handle: str = Field(primary_key=True)
    secret_hash: str
    person_id: str = Field(index=True)
    registration_id: str
    deployment_id: str
    organisation_id: str | None = None
    context_id: str | None = None
    context_title: str | None = None
    resource_link_id: str
    module_key: str | None = None
    is_teacher: bool = False
    is_administrator: bool = False
    frame_ancestors: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)
