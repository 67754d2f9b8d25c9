"""So many a minute for each visitor, counted in this process's memory; nothing is written down.

The `limits` library counts in the same way, but its memory starts a thread to clear itself up at nearly every count,
which costs more than a whole login.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class PerMinute:
    """Counts each visitor's doings of this minute; with the next one all begin anew.

    Args:
        most: how many are allowed in one minute.
        clock: seconds that only ever grow.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._minute = -1
        self._counts: dict[str, int] = {}
        self._guard = threading.Lock()

    def allows(self, visitor: str) -> bool:
        """Count one doing of `visitor`, and say whether it is still within the limit."""
        minute = int(self._clock() // 60)
        with self._guard:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts.get(visitor, 0) + 1
            self._counts[visitor] = count
        return count <= self._most
