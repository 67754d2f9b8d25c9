"""Several processes that serve as one: how many, how many requests each has in hand, and whose counters they are."""

from __future__ import annotations

import math
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import anyio.to_thread

MOST: Final = 4  # beyond that the database has more to do than they
THREADS: Final = 40
THREADS_OF_ALL: Final = 80  # each may hold a connection, and PostgreSQL has 100 unless told otherwise
FEWEST_THREADS: Final = 8
COUNTERS: Final = "PROMETHEUS_MULTIPROC_DIR"
SECONDS_BETWEEN_LOOKS: Final = 1.0
_FAMILY: Final = "WAYMARK_PROCESSES"  # how many there are, and who started them
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_OLD_QUOTA: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_OLD_PERIOD: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def fitting() -> int:
    """As many processes as there are processors for this one, at most 4."""
    return max(1, min(MOST, _processors()))


def _processors() -> int:
    """Those that it may run on; fewer if a container's quota is less, a part of one counting as one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return allowed if quota is None else min(allowed, math.ceil(quota))


def _quota() -> float | None:
    """How many processors' time a container may use (cgroups 2, then 1), None if it may use all.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    try:
        limit, period = _QUOTA.read_text("ascii").split()
    except (OSError, ValueError):
        try:
            limit, period = _OLD_QUOTA.read_text("ascii").strip(), _OLD_PERIOD.read_text("ascii").strip()
        except OSError:
            return None
    try:
        quota = int(limit) / int(period)  # "max", or -1 in the old form: no limit
    except (ValueError, ZeroDivisionError):
        return None
    return quota if quota > 0 else None


@contextmanager
def several(number: int) -> Iterator[None]:
    """The environment for processes that are started in this block: each knows how many there are, all count together.

    A folder for their counters is made and removed; where none can be made, each counts for itself.
    """
    made = {_FAMILY: f"{number} {os.getpid()}"}
    with suppress(OSError):
        made[COUNTERS] = tempfile.mkdtemp(prefix="waymark-counters-")
    os.environ.update(made)
    try:
        yield
    finally:
        for name in made:
            del os.environ[name]
        if COUNTERS in made:
            shutil.rmtree(made[COUNTERS], ignore_errors=True)


def join() -> None:
    """Take this process's share of the requests in hand, and end when the one is gone that started it.

    To be called in the event loop before anything is served. Whoever kills the first process alone would leave the
    others behind on the port.
    """
    told = os.environ.get(_FAMILY)
    if told is None:
        return
    number, parent = map(int, told.split())
    anyio.to_thread.current_default_thread_limiter().total_tokens = threads_of_each(number)
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)


def threads_of_each(number: int) -> int:
    """How many requests one of so many processes works on at once."""
    return max(FEWEST_THREADS, min(THREADS, THREADS_OF_ALL // number))
