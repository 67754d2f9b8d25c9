"""The process in which one file is cleaned: it takes the file, answers, and is gone, with all it may have grown to.

The first line says how the file is to be read, the rest is the file; the answer is a line of JSON, then the clean file.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Final

MOST_MEMORY: Final = 1_200_000_000  # bytes of address space
MOST_SECONDS: Final = 20  # of the processor


def main() -> None:
    """Clean what comes in; whatever goes wrong that nobody foresaw is a refusal too."""
    _limit()
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    # Imported under the limits, not before them.
    from app.learning.cleaning.kinds import clean
    from app.learning.cleaning.results import MOST_BYTES, Refused

    try:
        cleaned = clean(data, as_table=bool(asked["as_table"]))
        if len(cleaned.content) > min(MOST_BYTES, int(asked["most_bytes"])):
            raise Refused("result_too_large")
    except Refused as refused:
        _answer({"refused": refused.code})
        return
    except (MemoryError, RecursionError):
        _answer({"refused": "too_hard"})
        return
    told = {**asdict(cleaned), "content": None}
    _answer(told, cleaned.content)


def _limit() -> None:
    sys.setrecursionlimit(3_000)
    with suppress(ValueError):  # not every system bounds the address space
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _answer(told: dict[str, object], content: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(told).encode("utf-8") + b"\n" + content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
