"""`launch`: login and launch with the signature checked and the session written, beside a plain PyLTI1p3 tool."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from app.cli.bench_timing import Effort, Measured, Subject, interleave
from app.core import processes
from app.lti import registrations
from app.lti.registrations import PlatformDetails
from bench import certificates
from bench.client import Answer, Connection
from bench.platform_stub import CLIENT_ID, DEPLOYMENT, ISSUER, Platform
from bench.servers import BASE_URL, Server, ServerFailed, free_port, services_in, wait_for_all, waymark
from bench.shape import Figure, Plan, Result, compared, row

SHIPPED: Final = processes.fitting()  # as many as `waymark serve` starts on this machine
OURS: Final = f"Waymark, as shipped ({'1 process' if SHIPPED == 1 else f'{SHIPPED} processes'})"
ONE: Final = "Waymark, 1 process"
ALONE: Final = "Waymark, 1 process, one at a time"
FETCHED: Final = "PyLTI1p3 with Flask, as shipped (1 process with threads)"
CACHED: Final = "PyLTI1p3 with Flask, keys cached (1 process with threads)"
AT_ONCE: Final = 16  # a class begins together
WARM_UPS: Final = 3  # connections are new in each, so that every process of a server gets some
CPU_MS: Final = (8.0, 6.0)


@dataclass(frozen=True)
class Published:
    """Where the platform's keys are, and the file of the authorities by which its certificate is trusted."""

    url: str
    authorities: str


@dataclass
class Tool:
    """A server that is launched into, and the processor time it took.

    `good` is the status of a launch that was let in, `host` what the Host header says.
    """

    name: str
    server: Server
    platform: Platform
    good: int
    host: str
    at_once: int = AT_ONCE
    launches: int = 0
    cpu_seconds: float = 0.0
    _connections: Sequence[Connection] = ()
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the server's processor time for each launch."""
        return self.cpu_seconds / self.launches * 1000

    def run(self, count: int) -> list[float]:
        """So many logins, then their launches, several at once; signing the tokens in between is not measured.

        Every run has connections of its own: which process gets one is decided when it is opened.
        """
        self._connections = [Connection(self.server.port, self.host) for _ in range(self.at_once)]
        try:
            return self._run(count)
        finally:
            for connection in self._connections:
                connection.close()

    def _run(self, count: int) -> list[float]:
        form = self._connections[0].form
        begun = [form("/lti/login", self.platform.login_fields()) for _ in range(count)]
        cpu, started = self.server.cpu_seconds(), time.perf_counter()
        logins = self._each(begun)
        took = time.perf_counter() - started
        used = self.server.cpu_seconds() - cpu
        answers = [form("/lti/launch", *self._answer(login)) for login in logins]
        cpu, started = self.server.cpu_seconds(), time.perf_counter()
        launched = self._each(answers)
        took += time.perf_counter() - started
        for answer in launched:
            self._check(answer, self.good)
        self.cpu_seconds += used + self.server.cpu_seconds() - cpu
        self.launches += count
        return [took / count] * count

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _each(self, requests: Sequence[bytes]) -> list[Answer]:
        """Send every request; each connection takes the next one as soon as it has its answer."""
        waiting = iter(enumerate(requests))  # one thread at a time steps on, as Python's lock sees to
        done: list[tuple[int, Answer]] = []

        def take(connection: Connection) -> None:
            for number, request in waiting:
                done.append((number, connection.send(request)))

        list(self._pool.map(take, self._connections))
        return [answer for _, answer in sorted(done, key=lambda pair: pair[0])]

    def _answer(self, login: Answer) -> tuple[dict[str, str], dict[str, str]]:
        """The platform's form for one login, and the cookies that its browser got."""
        self._check(login, 302)
        asked = parse_qs(urlsplit(login.headers["location"]).query)
        return {"id_token": self.platform.id_token(asked["nonce"][0]), "state": asked["state"][0]}, dict(login.cookies)

    def _check(self, answer: Answer, status: int) -> None:
        if answer.status != status:
            raise ServerFailed(f"{self.name} answered {answer.status}: {answer.body[:300]!r}")


def launch(plan: Plan) -> Result:
    """Launches per second, and the processor time for each of all processes of a server."""
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
        platform = Platform(f"{BASE_URL}/modules/M01")
        certificate, authorities = certificates.make(folder)
        keys = stack.enter_context(platform.server(certificate))
        published = Published(f"https://127.0.0.1:{keys.port}/jwks", str(authorities))
        tools = _waymark(stack, folder, platform, published)
        if importlib.util.find_spec("flask") is None:
            absent.update(dict.fromkeys((FETCHED, CACHED), "flask is not installed"))
        else:
            tools += [_flask(stack, platform, published, name) for name in (FETCHED, CACHED)]
        measured = _measure(tools, plan)
    return Result(
        "launch",
        f"LTI 1.3 login and launch, {AT_ONCE} at a time, on SQLite; each server with as many processes as it says",
        [row(measured[tool.name], tool.cpu_ms) for tool in tools],
        _figures(measured, tools[0]),
        absent,
    )


def _measure(tools: Sequence[Tool], plan: Plan) -> dict[str, Measured]:
    for tool in tools:
        for _ in range(WARM_UPS):
            tool.run(plan.launches)
        tool.cpu_seconds, tool.launches = 0.0, 0
    subjects = [Subject(tool.name, lambda count, tool=tool: tool.run(count)) for tool in tools]  # type: ignore[misc]
    try:
        return dict(interleave(subjects, Effort(plan.effort.rounds, 0.0), operations=plan.launches))
    finally:
        for tool in tools:
            tool.close()


def _figures(measured: dict[str, Measured], ours: Tool) -> list[Figure]:
    at_most, aim = CPU_MS
    found = [
        compared(f"times {name.partition(' (')[0]}", measured[OURS], measured[name], at_least=at_least)
        for name, at_least in ((FETCHED, 4.0), (CACHED, 1.3))
        if name in measured
    ]
    return [*found, Figure("server CPU, ms for each launch", ours.cpu_ms, at_most=at_most, aim=aim)]


def _waymark(stack: ExitStack, folder: Path, platform: Platform, keys: Published) -> list[Tool]:
    """Our server as it is shipped, and one of a single process, each on a database of its own."""
    host = urlsplit(BASE_URL).hostname or ""
    many, one = (_server(stack, folder / name, keys, number) for name, number in (("many", None), ("one", 1)))
    wait_for_all(many, SHIPPED)
    return [
        Tool(OURS, many, platform, 303, host),
        Tool(ONE, one, platform, 303, host),
        Tool(ALONE, one, platform, 303, host, at_once=1),
    ]


def _server(stack: ExitStack, folder: Path, keys: Published, number: int | None) -> Server:
    folder.mkdir()
    services = services_in(folder)
    details = PlatformDetails(ISSUER, CLIENT_ID, ISSUER + "/auth", ISSUER + "/token", keys.url)
    with services.runtime.database.write() as session:
        registrations.add_registration(session, details, deployment=DEPLOYMENT)
        registrations.approve(session, issuer=ISSUER, client_id=CLIENT_ID)
    services.runtime.database.dispose()
    return stack.enter_context(waymark(folder, {"SSL_CERT_FILE": keys.authorities}, processes=number))


def _flask(stack: ExitStack, platform: Platform, keys: Published, name: str) -> Tool:
    port, folder = free_port(), stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-"))
    command = ["-m", "bench.flask_tool", str(port), "cached" if name == CACHED else "fetched", str(folder)]
    given, trusted = json.dumps({"jwks_url": keys.url}), {"REQUESTS_CA_BUNDLE": keys.authorities}
    server = stack.enter_context(Server(name, command, port, environment=trusted, given=given))
    return Tool(name, server, platform, 200, f"127.0.0.1:{port}")
