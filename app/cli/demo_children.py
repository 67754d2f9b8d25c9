"""The programs that the demo starts: each with a log file of its own, all ended when the demo ends."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import httpx2

from app.cli.support import fail

START_SECONDS = 60.0
STOP_SECONDS = 12.0
PAUSE = 0.2
LAST_LINES = 15
# What is asked in plain HTTP need not read all the authorities each time.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last one: somebody closed the terminal


class AskedToStop(Exception):
    """Somebody pressed Ctrl-C, or ended the demo in another way that lets it tidy up."""


class Children:
    """The programs the demo started, and only those.

    Args:
        logs: folder for what they print; each start begins a new file.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._asked_to_stop = False

    def stop_on_signals(self) -> None:
        """From now on Ctrl-C and its like end the waiting instead of the process."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def go_on(self) -> None:
        """Between two steps.

        Raises:
            AskedToStop: somebody asked meanwhile.
            typer.Exit: a program ended by itself.
        """
        if self._asked_to_stop:
            raise AskedToStop
        for name, child in self._running:
            if child.poll() is not None:
                fail(self._obituary(name, child.returncode))

    def output_of(self, command: Sequence[str]) -> str:
        """What a short program prints on standard output.

        Raises:
            typer.Exit: it failed; its own words are in the message.
        """
        done = subprocess.run(  # noqa: S603 - our own programs
            list(command), env=_environment(), capture_output=True, text=True, start_new_session=True, check=False
        )
        if done.returncode != 0:
            words = " ".join(done.stderr.split()[-60:])
            fail(f"`{' '.join(command[1:])}` failed (exit code {done.returncode}): {words}")
        return done.stdout

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start one program in a session of its own, so that Ctrl-C reaches it through us, once."""
        self.go_on()
        path = self._log_file(name)
        if path.exists():
            path.replace(path.with_suffix(".log.1"))  # the run before this one can still be read
        with path.open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 - our own programs
                list(command), env=_environment(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._running.append((name, child))

    def wait_for(self, url: str) -> None:
        """Wait until a program answers with success.

        Raises:
            AskedToStop: somebody asked meanwhile.
            typer.Exit: a program ended by itself, or did not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        said = "no answer"
        while time.monotonic() < deadline:
            self.go_on()
            try:
                answer = httpx2.get(url, verify=NO_TLS, timeout=2.0, trust_env=False)
                if answer.status_code == 200:
                    return
                said = answer.text.strip()[:300]
            except httpx2.HTTPError:
                pass
            time.sleep(PAUSE)
        fail(f"{url} was not ready within {START_SECONDS:.0f} seconds ({said}). The logs are in {self._logs}.")

    def wait(self) -> None:
        """Until somebody asks to stop (`AskedToStop`) or a program ends by itself (`typer.Exit`)."""
        while True:
            self.go_on()
            time.sleep(PAUSE)

    def stop(self) -> None:
        """Ask each program to end, then end it. Asking again does not hurry it: nothing must be left behind."""
        for _name, child in reversed(self._running):
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for _name, child in self._running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def _log_file(self, name: str) -> Path:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self._logs / f"{name.replace(' ', '-').lower()}.log"

    def _obituary(self, name: str, code: int) -> str:
        path = self._log_file(name)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        last_words = "\n".join(f"  {line}" for line in lines) or "  (it said nothing)"
        return f"The {name} ended by itself (exit code {code}). The end of its log, {path}:\n{last_words}"


def _environment() -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    return os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our programs with this Python."""
    return [sys.executable, "-m", name, *arguments]
