"""Copies of documents that are the same for everybody: keys and lists, kept for a moment.

A popular issuer's keys need not be asked for with every badge. What is kept is short-lived and bounded: nothing for
longer than its server allows, and no failure at all.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

LONGEST_SECONDS: Final = 300.0
"""An issuer that withdraws a key or a badge is heeded after so many seconds at most."""

USUAL_SECONDS: Final = 60.0
MOST_DOCUMENTS: Final = 500
MOST_BYTES: Final = 20_000_000
_MAX_AGE: Final = re.compile(r"(?:s-maxage|max-age)=\"?(\d{1,9})\"?", re.ASCII)
_NOT_KEPT: Final = frozenset({"no-store", "no-cache", "private"})


@dataclass(frozen=True)
class _Copy:
    data: bytes
    accept: str
    fetched_at: float
    until: float


class KeptDocuments:
    """Copies by address; shared by the threads of a process.

    Args:
        most: how many documents are kept; the one longest unused goes first.
        most_bytes: how many bytes they may have altogether.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, *, most: int = MOST_DOCUMENTS, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._most_bytes, self._clock = most, most_bytes, clock
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, url: str, accept: str) -> bytes | None:
        """The copy of what `url` answered to the same `accept`, while it is good."""
        with self._guard:
            copy = self._copies.get(url)
            if copy is None or copy.accept != accept:
                return None
            if copy.until <= self._clock():
                self._drop(url)
                return None
            self._copies.move_to_end(url)
            return copy.data

    def put(self, url: str, accept: str, data: bytes, seconds: float) -> None:
        """Keep a copy for so many seconds; none for zero, and none of a document that would fill the whole room."""
        moment = self._clock()
        with self._guard:
            self._drop(url)
            if seconds <= 0 or len(data) > self._most_bytes // 4:
                return
            self._copies[url] = _Copy(data, accept, moment, moment + min(seconds, LONGEST_SECONDS))
            self._bytes += len(data)
            while len(self._copies) > self._most or self._bytes > self._most_bytes:
                self._drop(next(iter(self._copies)))

    def keep_no_longer(self, url: str, seconds: float) -> None:
        """Shorten the life of a copy to so many seconds from its fetch; it is never lengthened."""
        with self._guard:
            copy = self._copies.get(url)
            if copy is not None and copy.fetched_at + seconds < copy.until:
                self._copies[url] = _Copy(copy.data, copy.accept, copy.fetched_at, copy.fetched_at + seconds)

    def _drop(self, url: str) -> None:
        copy = self._copies.pop(url, None)
        if copy is not None:
            self._bytes -= len(copy.data)


def lifetime(headers: Mapping[str, str]) -> float:
    """For how many seconds a server lets a copy be kept (RFC 9111 §5.2.2), within our own bound.

    `headers`: with lower-case names. A server that says nothing gets the usual minute.
    """
    said = headers.get("cache-control", "").lower()
    if _NOT_KEPT & {directive.strip().partition("=")[0] for directive in said.split(",")}:
        return 0.0
    allowed = [float(found) for found in _MAX_AGE.findall(said)]
    if not allowed:
        return USUAL_SECONDS
    age = headers.get("age", "")
    spent = float(age) if age.isascii() and age.isdecimal() and len(age) <= 9 else 0.0
    return max(min(*allowed, LONGEST_SECONDS) - spent, 0.0)
