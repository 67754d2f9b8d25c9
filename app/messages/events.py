"""What happens in this room that it acts on itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ReminderDue:
    """A badge ends within so many days, 90, 30 or 7, and its holder is to be reminded."""

    KIND: ClassVar[str] = "messages.reminder_due"

    credential_id: str
    days: int
