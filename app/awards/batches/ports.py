"""What this room must be told by a higher one."""

from __future__ import annotations

from typing import Protocol

from app.awards.schemas import IssuingRights
from app.core.db import ReadSession


class ClientRights(Protocol):
    """Knows the clients of the API."""

    def __call__(self, session: ReadSession, client_id: str) -> IssuingRights | None:
        """What a client may do at this moment; None if it may do nothing: it is disabled, or gone."""
