"""What happens in the people room that others may act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class EmailConfirmationRequested:
    """Somebody asked for a code: a mail is due."""

    KIND: ClassVar[str] = "people.email_confirmation_requested"

    confirmation_id: str


@dataclass(frozen=True)
class EmailConfirmed:
    """Somebody showed that an address is theirs."""

    KIND: ClassVar[str] = "people.email_confirmed"

    person_id: str
    confirmed_email_id: str


@dataclass(frozen=True)
class LinkCodeRequested:
    """Somebody asked for a code to join their record with an earlier one: a mail is due, if the address is known."""

    KIND: ClassVar[str] = "people.link_code_requested"

    request_id: str


@dataclass(frozen=True)
class StaffChanged:
    """Somebody began or ended work at a centre."""

    KIND: ClassVar[str] = "people.staff_changed"

    person_id: str


@dataclass(frozen=True)
class PersonsLinked:
    """A record was joined into another: `linked_id` is the old one, `person_id` whose it is now."""

    KIND: ClassVar[str] = "people.persons_linked"

    linked_id: str
    person_id: str
