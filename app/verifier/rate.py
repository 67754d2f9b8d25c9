"""How often one visitor may have a badge checked: each check may send this server out to others."""

from __future__ import annotations

from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from app.verifier.errors import TooManyChecks

CHECKS_A_MINUTE: Final = 60


class CheckLimit:
    """Counts checks of each visitor in this process's memory; nothing is written down.

    Args:
        a_minute: how many checks are allowed in one minute.
    """

    def __init__(self, a_minute: int = CHECKS_A_MINUTE) -> None:
        self._item = RateLimitItemPerMinute(a_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def spend(self, visitor: str) -> None:
        """Count one check of `visitor` (an address on the network); raises TooManyChecks beyond the limit."""
        if not self._limiter.hit(self._item, "verify", visitor):
            raise TooManyChecks(
                "Many badges were checked from this address within a minute.",
                next_step="Wait a minute, then try again.",
            )
