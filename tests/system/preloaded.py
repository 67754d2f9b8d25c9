"""Programs of ours as processes of their own, started quickly: forked from one that has imported the house already.

To import the house takes a process two seconds; tests that kill a worker twenty times would spend them on nothing else.
What is forked is a real process: it has a session and a number of its own, and dies as any other.
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
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("app.cli", "app.main", "uvicorn.protocols.http.auto", "uvicorn.loops.auto", "practice_lms.app")
LONGEST = 1_000_000
PAUSE = 0.01


@dataclass
class Started:
    """A forked process, as `subprocess.Popen` shows one."""

    pid: int
    args: list[str]
    returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None:
            self.returncode = _starter().ask({"ended": self.pid})
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
    asked = {"start": command, "environment": environment}
    return Started(_starter().ask(asked, output, output if errors is None else errors), command)


class _Starter:
    """The process that forks, seen from outside. It ends with this one."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._line, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.preloaded", str(theirs.fileno())],
            cwd=ROOT, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        atexit.register(self._end)

    def _end(self) -> None:
        self._line.close()
        self._process.wait()

    def ask(self, request: dict[str, Any], *files: int) -> Any:
        socket.send_fds(self._line, [json.dumps(request).encode()], files)
        return json.loads(self._line.recv(LONGEST))


@cache
def _starter() -> _Starter:
    return _Starter()


def _serve(line: socket.socket) -> list[str]:
    """Answer requests until whoever asks is gone; in a forked process, what it is to run."""
    while True:
        request, files, _flags, _address = socket.recv_fds(line, LONGEST, 2)
        if not request:
            os._exit(0)
        asked = json.loads(request)
        if "ended" in asked:
            line.send(json.dumps(_ended(asked["ended"])).encode())
            continue
        child = os.fork()
        if child == 0:
            _become(asked["environment"], *files)
            line.close()
            return list(asked["start"])
        for file in files:
            os.close(file)
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


def main() -> None:
    """Import everything, then fork on demand."""
    line = socket.socket(fileno=int(sys.argv[1]))
    for name in PROGRAMS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    command = _serve(line)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
