"""What the people room says of records that are, or were, joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class LinkRequest:
    """A code that was asked for, without the code and without a word on whether the address is known."""

    id: str
    email: str = field(repr=False)
    expires_at: datetime
    tries_left: int


@dataclass(frozen=True)
class LinkCodeMail:
    """What the mail with the code needs. For the messages room only: it carries the code."""

    email: str = field(repr=False)
    code: str = field(repr=False)
    organisation: str | None
    expires_at: datetime


@dataclass(frozen=True)
class ProvenLink:
    """Two records whose holder has shown that both are theirs: `from_id` would be joined into `to_id`."""

    request_id: str
    from_id: str
    to_id: str


@dataclass(frozen=True)
class Holding:
    """What a record holds of one kind.

    Attributes:
        what: the kind, e.g. `Modules begun`.
        number: how many.
        names: their names, if they have any that the holder knows them by.
    """

    what: str
    number: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeseenLink:
    """What joining two records would do.

    Attributes:
        here: what the record holds that is signed in now.
        there: what the earlier one holds.
        apart: what stays with the old record, a sentence each.
        hindrances: why it cannot be done now; empty if it can.
    """

    here: tuple[Holding, ...]
    there: tuple[Holding, ...]
    apart: tuple[str, ...]
    hindrances: tuple[str, ...]


@dataclass(frozen=True)
class LinkedPerson:
    """A record that was joined into another."""

    person_id: str
    now_with: str
    joined_into: str
    organisation_id: str | None
    linked_at: datetime
