"""An operator at a terminal: the whole `waymark` command, in this process, with the settings of a house of its own."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import Result
from typer.testing import CliRunner

from app.cli import app
from app.cli.demo_children import STOP_SIGNALS
from tests.system.house import House


@dataclass
class Terminal:
    """Where commands are typed."""

    house: House

    def waymark(self, *arguments: str, **settings: str) -> Result:
        """Run a command; an error that nobody caught fails the test at once."""
        return CliRunner().invoke(
            app, list(arguments), env=self.house.variables | settings, catch_exceptions=False, prog_name="waymark"
        )

    def json(self, *arguments: str, **settings: str) -> Any:
        """What a command that succeeds prints for programs: JSON and nothing else, and nothing on standard error."""
        answer = self.waymark(*arguments, "--json", **settings)
        assert (answer.exit_code, answer.stderr) == (0, ""), answer.output
        return json.loads(answer.stdout)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """An empty folder; what a command does to this process's logging and signals is undone."""
    for name in [name for name in os.environ if name.startswith("WAYMARK_")]:
        monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level, usual = root.handlers[:], root.level, structlog.get_config()
    signals = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    monkeypatch.setattr(logging.Handler, "close", lambda _handler: None)  # pytest's own are only put aside
    folder = tmp_path / "data"
    folder.mkdir()
    yield Terminal(House(folder))
    root.handlers[:], root.level = handlers, level
    structlog.configure(**usual)
    for number, handler in signals.items():
        signal.signal(number, handler)
