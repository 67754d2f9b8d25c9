"""Programs of ours as processes of their own, started quickly: forked from one that has imported the house already.

To import the house takes a process two seconds; tests that kill a worker twenty times would spend them on nothing else.
What is forked is a real process: it has a session and a number of its own, and dies as any other. A demo starts others:
it has a process beside it that forks them, which ends with it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from types import SimpleNamespace
from typing import IO, Any

from tests import programmes

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("app.cli", "app.main", "uvicorn.protocols.http.auto", "uvicorn.loops.auto", "practice_lms.app")
LONGEST = 1_000_000
PAUSE = 0.01


@dataclass
class Started:
    """A forked process, as `subprocess.Popen` shows one."""

    pid: int
    args: list[str]
    by: _Starter
    returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None:
            self.returncode = self.by.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has."""
        deadline = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(PAUSE)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def start(command: list[str], environment: dict[str, str], output: int, errors: int | None = None) -> Started:
    """Start `python -m` with a command of ours in the repository's folder.

    Args:
        command: the module and its arguments.
        environment: all of it.
        output: the file descriptor that takes what it says.
        errors: the one that takes what it complains of; as `output` if None.
    """
    return _starter().start(command, environment, output, output if errors is None else errors)


def run(command: list[str], environment: dict[str, str], patience: float) -> subprocess.CompletedProcess[str]:
    """Run `python -m` with a command of ours to its end; as `start` otherwise.

    Raises:
        subprocess.TimeoutExpired: it did not end within so many seconds.
    """
    return _starter().run(command, environment, patience)


class _Starter:
    """The process that forks, seen from outside. It ends when nobody holds the other end of its line."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def close(self) -> None:
        self._line.close()

    def ask(self, request: dict[str, Any], *files: int) -> Any:
        socket.send_fds(self._line, [json.dumps(request).encode()], files)
        return json.loads(self._line.recv(LONGEST))

    def start(self, command: list[str], environment: dict[str, str], output: int, errors: int) -> Started:
        asked = {"start": command, "environment": environment}
        return Started(self.ask(asked, output, errors), command, self)

    def run(
        self, command: list[str], environment: dict[str, str], patience: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        with TemporaryFile("w+") as said, TemporaryFile("w+") as complained:
            code = self.start(command, environment, said.fileno(), complained.fileno()).wait(patience)
            said.seek(0)
            complained.seek(0)
            return subprocess.CompletedProcess(command, code, said.read(), complained.read())


def _pair() -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
    return ends


@cache
def _starter() -> _Starter:
    ours, theirs = _pair()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.system.preloaded", str(theirs.fileno())],
        cwd=ROOT, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    theirs.close()
    starter = _Starter(ours)

    def end() -> None:
        starter.close()
        process.wait()

    atexit.register(end)
    return starter


def _serve(line: socket.socket) -> list[str]:
    """Answer requests until whoever asks is gone, and end what still runs; in a forked process, what it is to run."""
    running: set[int] = set()
    while True:
        request, files, _flags, _address = socket.recv_fds(line, LONGEST, 2)
        if not request:
            for pid in running:
                os.kill(pid, signal.SIGTERM)
            os._exit(0)
        asked = json.loads(request)
        if "ended" in asked:
            code = _ended(asked["ended"])
            if code is not None:
                running.discard(asked["ended"])
            line.send(json.dumps(code).encode())
            continue
        child = os.fork()
        if child == 0:
            _become(asked["environment"], *files)
            line.close()
            return list(asked["start"])
        for file in files:
            os.close(file)
        running.add(child)
        line.send(json.dumps(child).encode())


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return None if found == 0 else os.waitstatus_to_exitcode(status)


def _become(environment: dict[str, str], output: int, errors: int) -> None:
    os.setsid()
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.close(output)
    os.close(errors)
    os.environ.clear()
    os.environ.update(environment)


def _with_others(command: list[str]) -> list[str]:
    """Be a demo whose programs are forked by a process beside it; in one of them, what that is to run."""
    ours, theirs = _pair()
    if os.fork() == 0:
        ours.close()
        return _serve(theirs)
    theirs.close()
    starter = _Starter(ours)

    def popen(command: list[str], *, env: dict[str, str], stdout: IO[bytes], **_options: Any) -> Started:
        return starter.start(command[2:], env, stdout.fileno(), stdout.fileno())

    def run(command: list[str], *, env: dict[str, str], **_options: Any) -> subprocess.CompletedProcess[str]:
        return starter.run(command[2:], env)

    children = importlib.import_module("app.cli.demo_children")
    children.subprocess = SimpleNamespace(  # type: ignore[attr-defined]
        Popen=popen, run=run, STDOUT=subprocess.STDOUT, TimeoutExpired=subprocess.TimeoutExpired
    )
    return command


def main() -> None:
    """Import everything, then fork on demand."""
    line = socket.socket(fileno=int(sys.argv[1]))
    for name in PROGRAMS:
        importlib.import_module(name)
    programmes.share()
    programmes.read_now()
    gc.collect()
    gc.freeze()
    command = _serve(line)
    if command[:2] == ["app", "demo"]:
        command = _with_others(command)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
