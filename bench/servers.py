"""Server processes of a bench: started on a free port, measured by what the kernel says, ended by us."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from app.config import Settings
from app.core import migrations
from app.wiring import Services, bind, prepare
from bench.client import Connection

ROOT: Final = Path(__file__).resolve().parents[1]
BASE_URL: Final = "https://waymark.example.org"
"""The server believes it stands behind a proxy that ends TLS, as in production; the client plays that proxy."""

SECRET: Final = "only-for-benches-and-known-to-everybody-0123456789"  # noqa: S105 - it protects nothing
START_SECONDS: Final = 40.0
STOP_SECONDS: Final = 10.0
_PORTS: Final = (24_000, 32_000)  # below those which the system gives to outgoing connections
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_USER_TIME, _SYSTEM_TIME = 11, 12  # fields 14 and 15 of proc(5), counted after the name of the command


class ServerFailed(Exception):
    """A server did not start, or answered with something else than the bench needs."""


class Server:
    """A server: one process, or one that has started others.

    Args:
        name: for messages.
        command: what to start; it must listen on `port` of this machine.
        port: where.
        environment: variables beside those of this process.
        given: written to its standard input, which is then closed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        *,
        environment: Mapping[str, str] | None = None,
        given: str = "",
    ) -> None:
        self.name = name
        self.port = port
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("WAYMARK_")}
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._process.stdin is not None:
            self._process.stdin.write(given)
            self._process.stdin.close()

    def __enter__(self) -> Server:
        """Wait until it listens.

        Raises:
            ServerFailed: it ended, or does not listen in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        code = self._process.poll()
        self.stop()
        raise ServerFailed(f"{self.name} did not start (exit code {code}).")

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def stop(self) -> None:
        """Ask it to end, then end it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_seconds(self) -> float:
        """Processor time that it and all it has started have used so far, user and system; exact to 10 ms each."""
        return sum(map(_cpu_seconds, self.processes()))

    def processes(self) -> list[int]:
        """The ids of the server's own process and of all that live below it."""
        found = [self._process.pid]
        for pid in found:
            for listing in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(FileNotFoundError):  # a thread that has ended meanwhile
                    found += map(int, listing.read_text("ascii").split())
        return found


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    after_name = fields.rpartition(")")[2].split()
    return (int(after_name[_USER_TIME]) + int(after_name[_SYSTEM_TIME])) / _TICKS


def free_port() -> int:
    """A port of this machine that nobody listens on at this moment, and that no outgoing connection is given."""
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def settings_in(folder: Path) -> Settings:
    """Production settings on an SQLite file in `folder`."""
    return Settings(
        env="production",
        base_url=BASE_URL,
        database_url="",
        data_dir=folder,
        secret_key=SECRET,
        allow_private_networks=True,
        programme_dir=ROOT / "programme" / "ips",
    )


def services_in(folder: Path) -> Services:
    """The whole house on a fresh, prepared database in `folder`; dispose of its database before a server starts."""
    services = bind(settings_in(folder))
    migrations.migrate(services.runtime.database)
    prepare(services)
    return services


def waymark(folder: Path, more: Mapping[str, str] | None = None, *, processes: int | None = 1) -> Server:
    """Waymark's own server on the database in `folder`.

    Args:
        folder: from `services_in`.
        more: variables beside its settings.
        processes: how many serve; None leaves it to the server, as it is shipped.
    """
    port = free_port()
    environment = {
        "WAYMARK_ENV": "production",
        "WAYMARK_BASE_URL": BASE_URL,
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_SECRET_KEY": SECRET,
        "WAYMARK_ALLOW_PRIVATE_NETWORKS": "1",
        "WAYMARK_PROGRAMME_DIR": str(ROOT / "programme" / "ips"),
        **(more or {}),
    }
    number = [] if processes is None else ["--workers", str(processes)]
    return Server("Waymark", ["-m", "app", "serve", "--port", str(port), *number], port, environment=environment)


def wait_for_all(server: Server, processes: int) -> None:
    """Until that many processes of a server of ours answer: it listens before all of them have started.

    Raises:
        ServerFailed: not in time.
    """
    answered: set[str] = set()
    deadline = time.monotonic() + START_SECONDS
    while len(answered) < processes:
        if time.monotonic() > deadline:
            raise ServerFailed(f"Of {processes} processes {len(answered)} answer.")
        with Connection(server.port, urlsplit(BASE_URL).hostname or "") as connection:
            lines = connection.get("/metrics").body.decode().splitlines()
        answered.update(line for line in lines if line.startswith("waymark_process_id "))
