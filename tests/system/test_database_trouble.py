"""A PostgreSQL that goes away, falls silent or takes nothing, under a running app and worker: people are told, nothing
is half done, and once it is back everything goes on by itself and what waited is done exactly once.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg
import pytest
from psycopg import sql

from app.core.db import Database
from tests import loopback
from tests.databases import PostgresMaker, PostgresServer
from tests.system.house import PATIENCE, ROOT, House, Process, eventually
from tests.system.line import Line
from tests.system.walker import Walker

THREADS = 40  # in which pages are made
NAME = "waymark_test_in_trouble_current"


@dataclass
class Stage:
    """A house whose database can be brought into trouble; app and worker run all the time."""

    house: House
    server: PostgresServer
    line: Line
    worker: Process
    tess: Walker
    pages: str
    learners: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, **headers: str) -> httpx2.Response:
        """What a monitor or another program gets; it waits for ten seconds and not longer."""
        url = f"http://127.0.0.1:{self.house.ports[0]}{path}"
        return loopback.get(url, headers=headers)

    def module(self) -> httpx2.Response:
        """Tess's page."""
        return self.tess.get(f"{self.pages}/module")

    def checks(self) -> dict[str, str]:
        checks: dict[str, str] = self.ask("/readyz").json()["checks"]
        return checks

    def award_somebody(self) -> None:
        """Work for the worker: a badge and a mail."""
        name = f"learner-{len(self.learners) + 1}"
        address = f"{name}@example.org"
        person_id = self.house.hand_in(name, name, address)
        self.house.award(person_id)
        self.learners[address] = person_id

    def failures_of_the_worker(self) -> int:
        return self.house.log_of("worker").count("worker.failed")

    def administer(self, statement: str) -> None:
        """What an administrator does, in another database of the same server; it holds for connections to come."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(NAME)))  # type: ignore[arg-type]

    def end_connections(self) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (NAME,))

    def expect_all_done_exactly_once(self) -> None:
        house = self.house
        eventually(lambda: self.ask("/readyz").status_code == 200, "the app is ready again")
        house.let_time_pass()
        eventually(house.settled, f"everything is delivered: {house.log_of('worker')[-3000:]}")
        for address, person_id in self.learners.items():
            badges = house.rows("SELECT state, current_version FROM credential WHERE person_id = :id", id=person_id)
            assert [tuple(badge) for badge in badges] == [("issued", 1)]
            assert len({mail["text"] for mail in house.mails() if mail["to"] == [address]}) == 1
        assert house.count("outbox_delivery", "state = 'dead'") == 0
        house.expect_consistent()
        assert [process.poll() for process in house.processes] == [None] * 3, "nothing was started again"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    try:
        server = PostgresServer()
    except ImportError:
        pytest.skip("no PostgreSQL that may be stopped: install the dev set")
    folder = tmp_path_factory.mktemp("stage")
    PostgresMaker(server.url, "in_trouble").copy("template0", folder)
    line = Line(Path(server.socket)).start()
    house = House(folder, database_url=f"postgresql://postgres@127.0.0.1:{line.port}/{NAME}")
    try:
        house.connect()
        house.start_lms()
        house.start_app()
        worker = house.start_worker()
        tess = Walker(house)
        yield Stage(house, server, line, worker, tess, tess.launch("tess"))
    finally:
        house.close()
        line.close()


def test_a_server_that_breaks_down_is_told_waited_for_and_found_again(stage: Stage) -> None:
    stage.award_somebody()
    stage.award_somebody()
    stage.server.break_down()
    failures = stage.failures_of_the_worker()
    with stage.line.cut():
        page = stage.module()
        assert page.status_code == 503
        for words in ("does not answer", "What was saved before is kept", "try again"):
            assert words in page.text
        badge = stage.ask("/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10", Accept="application/vc")
        assert badge.status_code == 503
        assert badge.headers["content-type"] == "application/problem+json"
        assert badge.json()["reference"] == badge.headers["x-request-id"]
        assert stage.ask("/healthz").status_code == 200
        assert stage.ask("/readyz").status_code == 503
        assert stage.checks() == {"database": "not answering"}
        expect_no_figures_from_the_database(stage)
        eventually(lambda: stage.failures_of_the_worker() >= failures + 2, "the worker tries again and again")
        stage.server.start_again()
    eventually(lambda: stage.ask("/readyz").status_code == 200, "the app is ready again")
    assert stage.module().status_code == 200, "the session is still good"
    stage.expect_all_done_exactly_once()


def expect_no_figures_from_the_database(stage: Stage) -> None:
    answer = stage.ask("/metrics")
    assert answer.status_code == 200
    assert 'waymark_check_ok{check="database"} 0.0' in answer.text
    assert "waymark_outbox_waiting" not in answer.text


def test_a_server_that_falls_silent_holds_up_neither_the_answers_about_it_nor_what_comes_after(stage: Stage) -> None:
    with stage.line.silent():
        crowd = [visit(stage) for _ in range(THREADS + 10)]
        eventually(lambda: stage.line.held >= THREADS, "every thread waits for the database")
    expect_answers(crowd)  # now there is an open connection for each thread, which has no time-out of its own
    stage.award_somebody()
    with stage.line.silent():
        visitors = [visit(stage) for _ in range(THREADS + 10)]
        eventually(lambda: stage.line.held >= THREADS, "every thread waits for the database")
        assert stage.ask("/healthz").status_code == 200
        assert stage.ask("/readyz").status_code == 503
        assert stage.checks() == {"database": "not answering"}
        expect_no_figures_from_the_database(stage)
    expect_answers(visitors)
    assert stage.module().status_code == 200
    stage.expect_all_done_exactly_once()


def visit(stage: Stage) -> socket.socket:
    """Somebody who asked for a page and waits."""
    visitor = socket.create_connection(("127.0.0.1", stage.house.ports[0]), timeout=60)
    visitor.sendall(
        b"GET /programme HTTP/1.1\r\nHost: tool.localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
    )
    return visitor


def expect_answers(visitors: list[socket.socket]) -> None:
    for visitor in visitors:
        with closing(visitor):
            assert re.match(rb"HTTP/1.1 (200|503) ", visitor.recv(1000))


def save(stage: Stage, text: str) -> httpx2.Response:
    page = f"{stage.pages}/activity/reflection"
    revision = re.search(r'name="revision" value="(\d+)"', stage.tess.get(page).text)
    assert revision is not None
    return stage.tess.send_form(page, f"{page}/draft", {"revision": revision[1], "text": text})


def saved(stage: Stage) -> set[str]:
    rows = stage.house.rows("SELECT content FROM activity_draft WHERE activity_key = 'reflection'")
    return {row[0]["text"] for row in rows}


def test_a_server_that_only_lets_us_read_still_shows_pages_and_the_worker_waits(stage: Stage) -> None:
    assert save(stage, "Before.").status_code == 303
    os.killpg(stage.worker.pid, signal.SIGSTOP)
    stage.award_somebody()
    failures = stage.failures_of_the_worker()
    stage.administer("ALTER DATABASE {} SET default_transaction_read_only = on")
    stage.end_connections()
    os.killpg(stage.worker.pid, signal.SIGCONT)
    assert stage.module().status_code == 200
    refused = save(stage, "Meanwhile.")
    assert refused.status_code == 503
    assert "can only be read" in refused.text
    assert stage.checks()["database"] == "read-only: nothing can be saved"
    command = stage.house.waymark("worker", "--until-idle")
    assert command.returncode == 1
    assert "can only be read" in command.stderr
    eventually(lambda: stage.failures_of_the_worker() >= failures + 2, "the worker tries again and again")
    stage.administer("ALTER DATABASE {} RESET default_transaction_read_only")
    assert "Before." in saved(stage)
    assert "Meanwhile." not in saved(stage)
    eventually(lambda: save(stage, "Afterwards.").status_code == 303, "the app saves again")
    stage.expect_all_done_exactly_once()


def test_a_server_whose_machine_lost_its_power_is_given_up_within_a_minute(stage: Stage) -> None:
    """Nothing arrives from there, not even an end; what the network itself then does is a matter of settings."""
    database = Database(stage.house.database_url)
    with database.engine.connect() as connection:
        number = connection.connection.driver_connection.pgconn.socket  # type: ignore[union-attr]
        with socket.socket(fileno=os.dup(number)) as line:
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            idle, pause, count, unheard = (line.getsockopt(socket.IPPROTO_TCP, option) for option in options)
    database.dispose()
    assert idle + pause * count <= 60
    assert 0 < unheard <= 60_000


HANGING = """
import os, threading
from app.cli import serving

async def application(scope, receive, send):
    if scope["type"] == "http":
        threading.Thread(target=threading.Event().wait).start()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

serving.APPLICATION = lambda: application
listening = serving.listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
serving.serve(listening, 1)
"""


def test_a_thread_that_waits_for_ever_does_not_keep_a_server_that_was_told_to_stop() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        eventually(lambda: loopback.get(f"http://127.0.0.1:{port}/").status_code == 200, "it answers")
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
