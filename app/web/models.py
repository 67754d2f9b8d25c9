"""Launch sessions: who is signed in by which launch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
    message_type: str = Field(default="LtiResourceLinkRequest")
    module_key: str | None = None
    activity_key: str | None = None
    view: str | None = None
    for_user: str | None = None  # the platform's id of the learner whose work is reviewed
    deep_linking: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    carrier: str = Field(default="cookie")  # cookie | header
    code_hash: str | None = Field(default=None, index=True)  # of the one-time code that becomes a header's token
    code_expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    return_url: str | None = None  # where the platform wants people to go back to
    is_teacher: bool = False
    is_administrator: bool = False
    frame_ancestors: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)
