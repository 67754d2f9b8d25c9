"""The `waymark` command, built once for a run: to build it anew takes as long as what most tests ask of it."""

from __future__ import annotations

from functools import cache

import typer.testing
from typer.main import get_command


def share() -> None:
    """From here on, whoever types a command in this process meets the one that was built first."""
    typer.testing._get_command = cache(get_command)
