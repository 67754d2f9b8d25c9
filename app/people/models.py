"""Tables of the people room."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class OrganisationRecord(Record, table=True):
    """A lead agency: whoever runs an LMS and employs specialists."""

    __tablename__ = "organisation"

    id: str = Field(default_factory=new_id, primary_key=True)
    key: str = Field(unique=True)
    name: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class PersonRecord(Record, table=True):
    """A human being, however many LMSs know them; of one who was erased, an id that leads to nobody."""

    __tablename__ = "person"

    id: str = Field(default_factory=new_id, primary_key=True)
    display_name: str | None = Field(default=None)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    erased_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    erased_reason: str | None = Field(default=None)


class LmsIdentityRecord(Record, table=True):
    """What one LMS calls a person, and what it says of them."""

    __tablename__ = "lms_identity"
    __table_args__ = (sa.UniqueConstraint("registration_id", "subject"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    registration_id: str
    subject: str
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    name: str | None = Field(default=None)
    email: str | None = Field(default=None)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    seen_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class RoleGrantRecord(Record, table=True):
    """A role given to a person by somebody, and taken again by somebody: rows are never deleted."""

    __tablename__ = "role_grant"
    __table_args__ = (
        sa.Index(
            "uq_role_grant_in_force",
            "person_id",
            "role",
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    role: str
    granted_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    granted_by_kind: str
    granted_by_id: str
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_by_kind: str | None = Field(default=None)
    revoked_by_id: str | None = Field(default=None)
    waived: str | None = Field(default=None)  # key of the badge that was not asked for, though the role asks for it
    waiver_reason: str | None = Field(default=None, sa_type=sa.Text)


class EmailConfirmationRecord(Record, table=True):
    """A code asked for. The code itself is not stored: it is derived from the row's id and the server's secret."""

    __tablename__ = "email_confirmation"

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    email: str
    requested_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    tries: int = Field(default=0)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ConfirmedEmailRecord(Record, table=True):
    """An address whose mail a person has shown to receive. The newest is in force; older ones stay as history."""

    __tablename__ = "confirmed_email"
    __table_args__ = (
        sa.Index(
            "uq_confirmed_email_in_force",
            "person_id",
            unique=True,
            sqlite_where=sa.text("superseded_at IS NULL"),
            postgresql_where=sa.text("superseded_at IS NULL"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    email: str
    confirmed_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class NoticeRecord(Record, table=True):
    """That a person closed the notice about their data, in which version."""

    __tablename__ = "person_notice"
    __table_args__ = (sa.UniqueConstraint("person_id", "version"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    version: str
    closed_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


def _in_force(name: str, *columns: str, only: str = "") -> sa.Index:
    """What may be in force once; rows that ended stay beside it."""
    where = sa.text(f"ended_at IS NULL{only}")
    return sa.Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


class CentreRecord(Record, table=True):
    """A place of an organisation where specialists work with young people."""

    __tablename__ = "centre"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    key: str
    name: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class MembershipRecord(Record, table=True):
    """That a person works in a centre, as what, from when to when: rows are ended, never deleted.

    Name and address are those that were entered for the work; empty for somebody who was known by a launch, and for
    somebody who was erased.
    """

    __tablename__ = "membership"
    __table_args__ = (
        _in_force("uq_membership_in_force", "centre_id", "person_id", "function"),
        _in_force("uq_membership_email_in_force", "centre_id", "email", "function"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    centre_id: str = Field(foreign_key="centre.id")
    person_id: str = Field(foreign_key="person.id", index=True)
    function: str
    name: str | None = Field(default=None)
    email: str | None = Field(default=None, index=True)
    begun_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    begun_by_kind: str
    begun_by_id: str
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_by_kind: str | None = Field(default=None)
    ended_by_id: str | None = Field(default=None)


class ReportingLineRecord(Record, table=True):
    """That `other` is the line manager or a mentor of a person, from when to when: ended, never deleted."""

    __tablename__ = "reporting_line"
    __table_args__ = (
        _in_force("uq_reporting_line_in_force", "person_id", "other_id", "relation"),
        _in_force("uq_reporting_line_manager_in_force", "person_id", only=" AND relation = 'line_manager'"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    other_id: str = Field(foreign_key="person.id", index=True)
    relation: str
    begun_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    begun_by_kind: str
    begun_by_id: str
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_by_kind: str | None = Field(default=None)
    ended_by_id: str | None = Field(default=None)
