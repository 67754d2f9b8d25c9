"""Tables of the people room about records that were joined: one person over several LMSs and addresses."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class LinkRequestRecord(Record, table=True):
    """A code asked for to join one's record with an earlier one. The code is not stored; it is derived from the id.

    Without a `target_id` nobody has confirmed the address: then no mail goes out and no code is right, and whoever
    asked cannot tell the difference. `asked_in` is the digest of the session in which it was asked for.
    """

    __tablename__ = "person_link_request"

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    email: str = Field(index=True)
    target_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    confirmed_email_id: str | None = Field(default=None)
    asked_in: str = Field(index=True)
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    requested_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    tries: int = Field(default=0)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    proved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class LinkedPersonRecord(Record, table=True):
    """That a record was joined into another: nobody acts under its id any more.

    `now_with` is whose it is today: where that record was itself joined into a third, all of them lead to the third.
    """

    __tablename__ = "linked_person"

    person_id: str = Field(foreign_key="person.id", primary_key=True)
    now_with: str = Field(foreign_key="person.id", index=True)
    joined_into: str = Field(foreign_key="person.id")
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    linked_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
