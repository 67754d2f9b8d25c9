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
