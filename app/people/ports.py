"""What the people room asks of the rooms above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.core.db import ReadSession, WriteSession


class PersonalData(Protocol):
    """One room's answer to a person who asks what is kept of them, or wants it gone (Privacy Act 1988, APP 12 and 13).

    Each room with personal data offers one; wiring binds them all.
    """

    room: str

    def export(self, session: ReadSession, person_id: str) -> Mapping[str, object]:
        """Everything the room keeps of a person, as plain JSON values."""
        ...

    def erase(self, session: WriteSession, person_id: str) -> None:
        """Remove what the room keeps of a person, leaving what others rely on without them."""
        ...
