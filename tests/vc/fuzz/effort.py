"""How much is tried, and the net under it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from hypothesis import HealthCheck, settings

from app.vc.errors import VcError

FACTOR: Final = float(os.environ.get("WAYMARK_FUZZ", "0"))
"""0 in CI; by night how many times as much is tried."""

CPU_SECONDS: Final = 5.0
"""Of processor time, not of the clock, and far above anything honest: a net under a hang, not a measurement."""


def tried(examples: int) -> Callable[[Any], Any]:
    """The settings of one fuzz test.

    Args:
        examples: how many inputs CI tries.
    """
    return settings(
        max_examples=int(examples * FACTOR) if FACTOR else examples,
        derandomize=not FACTOR,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class Hangs(Exception):
    """One input held the processor; no error of the engine, so no test may expect it."""


@contextmanager
def net() -> Iterator[None]:
    """Raise Hangs where one input takes longer than any honest one could."""

    def caught(_signal: int, _frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGVTALRM, caught)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(act: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, Any]:
    """What came of it: ("value", it), or ("refused", the code). Any other exception goes through and fails the test."""
    with net():
        try:
            return "value", act(*arguments, **named)
        except VcError as error:
            refused = error
    assert refused.code
    assert refused.detail
    return "refused", refused.code
