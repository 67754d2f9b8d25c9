"""So many a minute for each visitor, counted in this process's memory; nothing is written down.

A minute begins with the first count after the one before, not with the clock's: the first few counts are never cut in
two by where the clock stands, and who waits a minute is always let in.

The `limits` library counts in the same way, but its memory starts a thread to clear itself up at nearly every count,
which costs more than a whole login.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

MINUTE: Final = 60.0  # seconds


class PerMinute:
    """Counts each visitor's doings of a minute; with the next one all begin anew.

    Args:
        most: how many are allowed in one minute.
        clock: seconds that only ever grow.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._over = -math.inf
        self._counts: dict[str, int] = {}
        self._guard = threading.Lock()

    def allows(self, visitor: str) -> bool:
        """Count one doing of `visitor`, and say whether it is still within the limit."""
        seconds = self._clock()
        with self._guard:
            if seconds >= self._over:
                self._over, self._counts = seconds + MINUTE, {}
            count = self._counts.get(visitor, 0) + 1
            self._counts[visitor] = count
        return count <= self._most
