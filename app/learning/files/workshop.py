"""One strange file into a process of its own and its clean form out: what it costs there is bounded by the system."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from app.core import metrics
from app.core.logging import get_logger
from app.learning.cleaning.results import Cleaned, Passage
from app.learning.files.errors import CleaningBusy, FileRefused

LONGEST: Final = 40.0  # seconds by the clock; the child has 20 of the processor
AT_ONCE: Final = 2  # in one server process
PATIENCE: Final = 15.0  # seconds until somebody is told to come back
MOST_WAITING: Final = 6  # whoever waits holds one of the server's 40 threads, and pages need these too
OF_ONE_PERSON: Final = 2  # being read or waiting: nobody keeps the others out

_ROOT: Final = str(Path(__file__).resolve().parents[3])
_RUN: Final = f"import sys; sys.path.insert(0, {_ROOT!r}); from app.learning.cleaning.child import main; main()"
_rooms = threading.BoundedSemaphore(AT_ONCE)
_inside: Counter[str] = Counter()  # by person: files that are being read or wait for it
_counting = threading.Lock()

log = get_logger()


def cleaned(data: bytes, *, as_table: bool, most_bytes: int, whose: str = "") -> Cleaned:
    """The file as it may be stored.

    Args:
        data: the file as it came.
        as_table: the learner calls it a table; it matters only if it is a text.
        most_bytes: that the clean file may have.
        whose: the person's id.

    Raises:
        FileRefused: it is not taken; also if reading it took too long, or too much memory.
        CleaningBusy: too many files are being read.
    """
    with _room(whose):
        answer = _run(data, as_table=as_table, most_bytes=most_bytes)
    if "refused" in answer[0]:
        metrics.FILES.labels("refused").inc()
        raise FileRefused(answer[0]["refused"])
    told, content = answer
    return Cleaned(
        media_type=told["media_type"],
        suffix=told["suffix"],
        content=content,
        removed=tuple(told["removed"]),
        passages=tuple(Passage(**each) for each in told["passages"]),
        has_pictures=told["has_pictures"],
    )


@contextmanager
def _room(whose: str) -> Iterator[None]:
    """A room for one file; where too many wait already, nobody is kept waiting."""
    with _counting:
        if _inside.total() >= AT_ONCE + MOST_WAITING or _inside[whose] >= OF_ONE_PERSON:
            raise _busy()
        _inside[whose] += 1
    try:
        if not _rooms.acquire(timeout=PATIENCE):
            raise _busy()
        try:
            yield
        finally:
            _rooms.release()
    finally:
        with _counting:
            _inside[whose] -= 1
            if not _inside[whose]:
                del _inside[whose]


def _busy() -> CleaningBusy:
    metrics.FILES.labels("busy").inc()
    return CleaningBusy()


def _run(data: bytes, *, as_table: bool, most_bytes: int) -> tuple[dict[str, Any], bytes]:
    head = json.dumps({"as_table": as_table, "most_bytes": most_bytes}).encode() + b"\n"
    command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _RUN]
    try:
        # Nothing of our environment goes along: no secret and no address.
        done = subprocess.run(  # noqa: S603 - our own program, and the file goes in by its standard input
            command, input=head + data, capture_output=True, timeout=LONGEST, env={}, cwd="/", check=False
        )
    except subprocess.TimeoutExpired:
        return _gave_up("time")
    line, _, content = done.stdout.partition(b"\n")
    if done.returncode != 0 or not line:
        return _gave_up(_last_word(done.stderr) or str(done.returncode))
    answer: dict[str, Any] = json.loads(line)
    return answer, content


def _gave_up(why: str) -> tuple[dict[str, Any], bytes]:
    log.warning("learning.file_unread", reason=why)
    return {"refused": "too_hard"}, b""


def _last_word(said: bytes) -> str:
    """The kind of the error, which says nothing of the file."""
    last = said.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
    return last.split(":", 1)[0][:80]
