"""Which mail was sent when, never to what address nor with what words; and which mails a person does not want."""

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


class UnwantedMail(Record, table=True):
    """A kind of mail that a person switched off. What is not here is wanted."""

    __tablename__ = "message_unwanted_mail"

    person_id: str = Field(foreign_key="person.id", primary_key=True)
    kind: str = Field(primary_key=True)
    switched_off_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class ExpiryReminder(Record, table=True):
    """That the reminder of a badge for one window, in days before its end, was seen to: its mail is due, or none is."""

    __tablename__ = "message_expiry_reminder"

    credential_id: str = Field(foreign_key="credential.id", primary_key=True)
    days: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    noted_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
