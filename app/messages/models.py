"""Which mail was sent when; never to what address nor with what words."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class SentMail(Record, table=True):
    """One mail that the mail server took."""

    __tablename__ = "message_sent_mail"
    __table_args__ = (sa.UniqueConstraint("kind", "subject_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    subject_id: str = Field(index=True)
    sent_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
