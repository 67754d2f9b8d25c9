"""How often one host is asked at once, and which hosts keep everybody waiting.

A request waits in a thread of ours. Without these bounds the badges of one issuer whose server hangs would take the
threads"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from app.verifier.errors import SourceUnavailable

AT_ONCE: Final = 4
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0
TRUSTED_FOR: Final = 60.0
MOST_HOSTS: Final = 1_000


@dataclass
class _Host:
    turns: threading.BoundedSemaphore
    users: int = 0
    failures: int = 0
    closed_until: float = float("-inf")
    answered_at: float = float("-inf")


class Hosts:
    """Turns at other hosts; shared by the threads of a process.

    A host that gave no usable answer is left alone for some seconds, longer each time. One that has answered within
    the last minute is not: a badge that names a slow address on a good issuer's host must not close that host.

    Args:
        at_once: how many requests one host may have under way.
        clock: seconds that only ever grow.
    """

    def __init__(self, *, at_once: int = AT_ONCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once, self._clock = at_once, clock
        self._hosts: dict[str, _Host] = {}
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, name: str, patience: float) -> Iterator[None]:
        """Held while `name` is asked; waits up to `patience` seconds. Raises SourceUnavailable (silent, busy)."""
        host = self._enter(name)
        try:
            if not host.turns.acquire(timeout=patience):
                raise SourceUnavailable("busy")
            try:
                # Whoever was before us in the line may have found out meanwhile.
                if host.closed_until > self._clock():
                    raise SourceUnavailable("silent")
                yield
            finally:
                host.turns.release()
        finally:
            with self._guard:
                host.users -= 1

    def note_answer(self, name: str) -> None:
        """The host has answered, whatever it said."""
        with self._guard:
            host = self._host(name)
            host.failures, host.closed_until, host.answered_at = 0, float("-inf"), self._clock()

    def note_silence(self, name: str) -> None:
        """The host gave no usable answer in time."""
        moment = self._clock()
        with self._guard:
            host = self._host(name)
            if moment - host.answered_at < TRUSTED_FOR:
                return
            pause = min(FIRST_PAUSE * 2.0 ** min(host.failures, 10), LONGEST_PAUSE)
            host.failures += 1
            host.closed_until = moment + pause

    def _enter(self, name: str) -> _Host:
        with self._guard:
            host = self._host(name)
            if host.closed_until > self._clock():
                raise SourceUnavailable("silent")
            host.users += 1
            return host

    def _host(self, name: str) -> _Host:
        """The host's drawer, made at the first need; of too many the oldest that nobody is asking goes."""
        if name not in self._hosts:
            if len(self._hosts) >= MOST_HOSTS:
                idle = next((each for each, host in self._hosts.items() if host.users == 0), None)
                if idle is not None:
                    del self._hosts[idle]
            self._hosts[name] = _Host(threading.BoundedSemaphore(self._at_once))
        return self._hosts[name]
