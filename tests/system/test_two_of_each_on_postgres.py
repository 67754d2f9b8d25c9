"""Two app processes and two workers on one PostgreSQL: people meet either, nothing is doubled, nothing sticks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from app.config import Settings
from tests.databases import Maker, PostgresMaker, postgres_server
from tests.ports import free_ports
from tests.system.house import House, eventually
from tests.system.test_killed_worker import expect_exactly_once, expect_one_mail_each
from tests.system.walker import Walker


@dataclass
class PostgresHouse(House):
    """The same house on a PostgreSQL database."""

    database_url: str = ""

    @property
    def variables(self) -> dict[str, str]:
        return super().variables | {"WAYMARK_DATABASE_URL": self.database_url}

    @property
    def settings(self) -> Settings:
        return super().settings.model_copy(update={"database_url": self.database_url})

    def start_second_app(self) -> int:
        """Another web process with the same settings, on a port of its own; where it listens."""
        port = free_ports(1)[0]
        self.start("app-2", "app", "serve", "--port", str(port))
        eventually(lambda: self._answers(port, "/readyz"), "the second app answers")
        return port


@pytest.fixture(scope="module")
def postgres() -> Maker:
    try:
        return PostgresMaker(postgres_server(), f"system_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    except ImportError:
        pytest.skip("no PostgreSQL: install the dev set, or name a server with WAYMARK_TEST_POSTGRES")


@pytest.fixture
def house(tmp_path: Path, postgres: Maker) -> Iterator[PostgresHouse]:
    url = postgres.copy(postgres.template("empty", lambda _database: None), tmp_path)
    house = PostgresHouse(tmp_path, database_url=url)
    yield house
    house.close()


def test_launches_and_work_spread_over_both_and_nothing_is_doubled(house: PostgresHouse) -> None:
    house.connect()
    house.start_lms()
    house.start_app()
    other = house.start_second_app()
    first = Walker(house)
    pages = first.launch("tess")
    # The session begun at one process is good at the other: nothing sticks.
    second = Walker(house, cookies=first.cookies, via={house.ports[0]: other})
    assert second.get(f"{pages}/module").status_code == 200
    house.start_worker()
    house.start_worker()
    learners = [house.hand_in()] + [
        house.hand_in(f"learner-{number}", f"Learner {number}", f"learner{number}@example.org") for number in range(5)
    ]
    for learner in learners:
        house.award(learner)
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, learners)
    expect_one_mail_each(house, len(learners))
    places = house.rows("SELECT status_list_number, status_index FROM credential")
    assert len(set(map(tuple, places))) == len(learners)


def test_a_worker_killed_in_the_middle_doubles_nothing(house: PostgresHouse) -> None:
    house.connect()
    house.start_lms()
    house.start_app()
    Walker(house).launch("tess")
    tess = house.hand_in()
    house.award(tess)
    for _ in range(3):
        worker = house.start_worker()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        house.let_time_pass()
    house.start_worker()
    eventually(house.settled, "everything is delivered")
    expect_exactly_once(house, [tess])
    expect_one_mail_each(house, 1)


def test_a_server_that_goes_away_is_found_again_without_a_restart(house: PostgresHouse) -> None:
    """Every connection is cut, as by a restarted server; the next request opens new ones."""
    house.connect()
    house.start_lms()
    house.start_app()
    walker = Walker(house)
    pages = walker.launch("tess")
    assert walker.get(f"{pages}/module").status_code == 200
    url = sa.make_url(house.database_url)
    with psycopg.connect(postgres_server(), autocommit=True) as connection:
        cut = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", (url.database,)
        ).fetchone()
    assert cut is not None
    assert cut[0] > 0
    assert walker.get(f"{pages}/module").status_code == 200
