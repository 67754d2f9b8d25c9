"""This repository's own programme, read once by each process: to read and check its files takes longer than most tests.

What reads a programme is tested in tests/programme, on folders of those tests' own; those are read each time.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from app.core.clock import now
from app.programme import readings, service
from app.programme.loader import is_marked_as_draft
from app.programme.readings import Reading

IPS = Path(__file__).resolve().parents[1] / "programme" / "ips"


def share() -> None:
    """From here on, whoever reads this programme in this process is given what was read first; nobody can change it."""
    read = readings.read

    @cache
    def ours(today: date, *, drafts: bool) -> Reading:
        return read(IPS, today=today) if drafts else read(IPS, today=today, leave_out=is_marked_as_draft)

    def read_once(directory: Path, **how: Any) -> Reading:
        whole, published = how == {}, how == {"leave_out": is_marked_as_draft}
        if (whole or published) and Path(directory).resolve() == IPS:
            return ours(now().date(), drafts=whole)
        return read(directory, **how)

    readings.read = read_once


def read_now() -> None:
    """For a process that others are made from."""
    service.load_programme(IPS)
