"""Objects built once in each process out of rows that never change.

A version that was loaded is kept for good, and its row's id is its own for good. So an object built from such rows is
right for as long as the process lives; which rows there are is asked of the database each time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The objects built last, by the ids of the rows they were built from; shared by the threads of a process.

    Args:
        most: how many are kept; the oldest go first.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._objects: dict[Hashable, T] = {}

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """The object of this key, built now if it is not there. Two threads may both build it; either will do."""
        found = self._objects.get(key)
        if found is None:
            found = build()
            if len(self._objects) >= self._most:
                self._objects.pop(next(iter(self._objects)), None)
            self._objects[key] = found
        return found
