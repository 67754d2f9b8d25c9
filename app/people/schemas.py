"""What the people room hands to other rooms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Role = Literal["assessor", "operator", "manager"]
ROLES: tuple[Role, ...] = ("assessor", "operator", "manager")


@dataclass(frozen=True)
class Organisation:
    """A lead agency."""

    id: str
    key: str
    name: str


@dataclass(frozen=True)
class Person:
    """A human being. The name is the one they chose themselves, if any."""

    id: str
    display_name: str | None
    created_at: datetime


@dataclass(frozen=True)
class ToldName:
    """What an LMS calls a person: its word, not the person's own."""

    name: str = field(repr=False)
    registration_id: str


@dataclass(frozen=True)
class RoleGrant:
    """A role in force, or one that was."""

    id: str
    person_id: str
    role: Role
    granted_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class EmailConfirmation:
    """A code that was asked for, without the code."""

    id: str
    person_id: str
    email: str = field(repr=False)
    requested_at: datetime
    expires_at: datetime
    tries_left: int


@dataclass(frozen=True)
class ConfirmationMail:
    """What the mail with the code needs. For the messages room only: it carries the code."""

    confirmation_id: str
    person_id: str
    email: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class ConfirmedEmail:
    """An address its holder has shown to receive mail at."""

    id: str
    person_id: str
    email: str = field(repr=False)
    confirmed_at: datetime
