"""The house as an operator runs it, without a browser: practice LMS, `waymark serve`, `waymark worker`, all real."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

import httpx2
import sqlalchemy as sa

from app.cli import demo_story
from app.config import Settings
from app.core import migrations
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import WriteSession
from app.core.outbox_models import OutboxDelivery
from app.learning import service as learning
from app.learning.events import AwardDecided
from app.learning.schemas import Enrolment
from app.people import service as people
from app.programme import service as programme
from app.wiring import Services, bind, build_worker, prepare
from practice_lms.catalogue import PRIYA, TESS
from practice_lms.settings import Settings as LmsSettings
from practice_lms.settings import platform_details
from tests import loopback
from tests.conftest import TEST_SECRET
from tests.databases import SQLiteMaker
from tests.ports import free_ports
from tests.system import preloaded

Process = subprocess.Popen[bytes] | preloaded.Started

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds; no test measures, and a busy machine is slow
AWARDED = AwardDecided.KIND


def eventually(read: Callable[[], Any], what: str, pause: float = 0.05) -> Any:
    """Ask again and again until the answer is truthy: somebody works beside us. The bound only ends a lost cause."""
    deadline = time.monotonic() + PATIENCE
    while not (value := read()):
        assert time.monotonic() < deadline, f"this never happened: {what} (last: {value!r})"
        time.sleep(pause)
    return value


def everything_in(path: Path) -> list[str]:
    """Every table and row of an SQLite database, as SQL."""
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def _json(value: Any) -> Any:
    """JSON as it comes back from plain SQL: text from SQLite, read already from PostgreSQL."""
    return json.loads(value) if isinstance(value, str) else value


@cache
def _migrated() -> bytes:
    """A database as the migrations make it, which are walked once and not once for each house."""
    with TemporaryDirectory() as folder:
        return Path(SQLiteMaker(Path(folder)).template("empty", lambda _database: None)).read_bytes()


@dataclass
class House:
    """A folder, three ports, and the processes that were started on them."""

    folder: Path
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    processes: list[Process] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    database_url: str = ""  # empty: an SQLite file in the folder
    is_afresh: bool = False  # whether each program is started from nothing, where its start is what a test is about

    @property
    def tool(self) -> str:
        return f"http://tool.localhost:{self.ports[0]}"

    @property
    def lms(self) -> str:
        return f"http://lms.localhost:{self.ports[1]}"

    @property
    def variables(self) -> dict[str, str]:
        """The settings as an operator gives them."""
        return {
            "WAYMARK_DATA_DIR": str(self.folder),
            "WAYMARK_PORT": str(self.ports[0]),
            "WAYMARK_BASE_URL": self.tool,
            "WAYMARK_SECRET_KEY": TEST_SECRET,
            "WAYMARK_PRACTICE_LMS_PORT": str(self.ports[1]),
            "WAYMARK_PRACTICE_LMS_SMTP_PORT": str(self.ports[2]),
            "WAYMARK_ALLOW_PRIVATE_NETWORKS": "1",
            "WAYMARK_SMTP_HOST": "127.0.0.1",
            "WAYMARK_SMTP_PORT": str(self.ports[2]),
            "WAYMARK_SMTP_STARTTLS": "0",
            "WAYMARK_LOG_LEVEL": "DEBUG",
            "WAYMARK_DATABASE_URL": self.database_url,
        } | self.extra

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a program started here."""
        others = {key: value for key, value in os.environ.items() if not key.startswith("WAYMARK_")}
        return others | {"PYTHONUNBUFFERED": "1"} | self.variables

    @property
    def settings(self) -> Settings:
        """The same settings, for this process."""
        return Settings(
            data_dir=self.folder, base_url=self.tool, secret_key=TEST_SECRET, allow_private_networks=True,
            programme_dir=ROOT / "programme" / "ips", database_url=self.database_url,
        )  # fmt: skip

    def waymark(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        with TemporaryFile("w+") as said, TemporaryFile("w+") as complained:
            process = self._start(["app", *arguments], self.environment | extra, said, complained)
            code = process.wait(PATIENCE)
            said.seek(0)
            complained.seek(0)
            return subprocess.CompletedProcess(list(arguments), code, said.read(), complained.read())

    def start(self, name: str, *command: str) -> Process:
        """Start a program of ours; what it says goes to a file of its name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = self._start(list(command), self.environment, log, log)
        self.processes.append(process)
        return process

    def _start(self, command: list[str], environment: dict[str, str], said: IO[Any], complained: IO[Any]) -> Process:
        # A server of several processes starts others, by the program that it is itself.
        if self.is_afresh or "--workers" in command:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=complained,
                start_new_session=True,
            )  # fmt: skip
        return preloaded.start(command, environment, said.fileno(), complained.fileno())

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def start_lms(self) -> Process:
        process = self.start("lms", "practice_lms", *self._lms_arguments())
        eventually(lambda: self._answers(self.ports[1], "/healthz"), "the practice LMS answers")
        return process

    def start_app(self, *arguments: str) -> Process:
        process = self.start("app", "app", "serve", *arguments)
        eventually(lambda: self._answers(self.ports[0], "/readyz"), f"the app answers: {self.log_of('app')}")
        return process

    def start_worker(self) -> Process:
        before = self.log_of("worker").count("Worker running") if (self.folder / "worker.log").exists() else 0
        process = self.start("worker", "app", "worker")
        eventually(lambda: self.log_of("worker").count("Worker running") > before, "the worker runs")
        return process

    def _lms_arguments(self) -> list[str]:
        tool = ["--tool-url", self.tool, "--tool-backchannel-url", f"http://127.0.0.1:{self.ports[0]}"]
        return ["--port", str(self.ports[1]), *tool, "--smtp-port", str(self.ports[2])]

    def _answers(self, port: int, path: str) -> bool:
        try:
            return loopback.get(f"http://127.0.0.1:{port}{path}").status_code == 200
        except httpx2.HTTPError:
            return False

    def connect(self) -> None:
        """Migrate, load the programme, let the practice LMS in, and name Priya an assessor."""
        lms = platform_details(LmsSettings(port=self.ports[1]))
        path = self.folder / "waymark.sqlite3"
        if not self.database_url and not path.exists():
            path.write_bytes(_migrated())
        with self.services() as services:
            migrations.migrate(services.runtime.database)
            prepare(services)
            with services.runtime.database.write() as session:
                registration_id = demo_story.connect(session, lms)
                priya = people.person_for_lms_identity(
                    session, registration_id=registration_id, subject=PRIYA.sub, name=PRIYA.name, email=None,
                    organisation_id=None,
                )  # fmt: skip
                people.grant_role(session, person_id=priya.id, role="assessor", actor=OPERATOR)

    @contextmanager
    def services(self) -> Iterator[Services]:
        """The rooms bound in this process, on the same database."""
        services = bind(self.settings)
        try:
            yield services
        finally:
            services.runtime.database.dispose()

    def hand_in(self, subject: str = TESS.sub, name: str | None = None, email: str | None = None) -> str:
        """A learner does all the work and hands it in; somebody new if the LMS has not sent them. Their person's id."""
        with self.services() as services, services.runtime.database.write() as session:
            person = people.person_for_lms_identity(
                session, registration_id=self._registration(session), subject=subject, name=name, email=email,
                organisation_id=None,
            )  # fmt: skip
            module = programme.current_module(session, "M01")
            enrolment = learning.enrolment_of(session, person_id=person.id, module_key="M01") or learning.enrol(
                session, person_id=person.id, module=module, organisation_id=None
            )
            demo_story.work_through(session, enrolment, learning.module_of(session, enrolment))
            return person.id

    def award(self, person_id: str) -> str:
        """Priya marks and awards; the decision's id."""
        return self._by_priya(person_id, demo_story.mark_and_award)

    def mark(self, person_id: str) -> str:
        """Priya marks, and does not decide yet; the submission's id."""
        return self._by_priya(person_id, demo_story.mark)

    def _by_priya(self, person_id: str, act: Callable[[WriteSession, Enrolment, str], str]) -> str:
        with self.services() as services, services.runtime.database.write() as session:
            priya = people.person_by_lms_identity(
                session, registration_id=self._registration(session), subject=PRIYA.sub
            )
            enrolment = learning.enrolment_of(session, person_id=person_id, module_key="M01")
            assert priya is not None
            assert enrolment is not None
            return act(session, enrolment, priya.id)

    def work(self) -> None:
        """Do in this process what is due."""
        with self.services() as services:
            build_worker(services).run_until_idle()

    def _registration(self, session: Any) -> str:
        return str(session.execute(sa.text("SELECT id FROM lti_registration")).scalar_one())

    def rows(self, query: str, **values: Any) -> list[Any]:
        """What the database holds just now."""
        with self.services() as services, services.runtime.database.read() as session:
            return list(session.execute(sa.text(query), values).all())

    def count(self, table: str, condition: str = "1 = 1") -> int:
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])  # noqa: S608

    def let_time_pass(self) -> None:
        """What was in a dead worker's hands, and what waits for a later try, is due now."""
        with self.services() as services, services.runtime.database.write() as session:
            session.execute(
                sa.update(OutboxDelivery).where(sa.column("state") == "waiting").values(leased_until=None, due_at=now())
            )

    def settled(self) -> bool:
        """Nothing is on its way any more."""
        undone = self.count("outbox_event", "dispatched_at IS NULL") + self.count(
            "outbox_delivery", "state = 'waiting'"
        )
        return undone == 0

    def scores(self, course: str = "foundations") -> list[dict[str, Any]]:
        """Every score the practice LMS took for Tess, newest first."""
        rows = self._lms_json("/gradebook.json")["rows"]
        return next(row["history"] for row in rows if row["course"] == course and row["user"] == "tess")

    def mails(self) -> list[dict[str, Any]]:
        return list(self._lms_json("/mail.json")["mails"])

    def _lms_json(self, path: str) -> Any:
        return loopback.get(f"http://127.0.0.1:{self.ports[1]}{path}").json()

    def expect_consistent(self) -> None:
        """Nothing half done: each decision with its event, each handed-in work with its state, no loose ends."""
        with self.services() as services, services.runtime.database.engine.connect() as connection:
            if services.runtime.database.is_sqlite:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        decided = {row[0] for row in self.rows("SELECT id FROM decision WHERE outcome = 'awarded'")}
        told = [_json(row[0]) for row in self.rows("SELECT payload FROM outbox_event WHERE kind = :k", k=AWARDED)]
        assert decided == {event["decision_id"] for event in told}
        assert len(told) == len(decided)
        assert self.count("submission", "state = 'awarded'") == len(decided)

    def close(self) -> None:
        """End whatever was started and still runs."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
