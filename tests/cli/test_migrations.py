"""The migrations lead to exactly what the models say, and back, also with rows in the tables."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from app.core import db, migrations
from app.core.db import Database
from app.wiring import prepare
from tests.cli.conftest import Terminal
from tests.cli.forms import VERSION_TABLE, add_a_row_everywhere, expect_kept, expect_nothing_dangling, form_of, rows_of
from tests.databases import plain
from tests.system.house import ROOT, House, eventually, everything_in

REVISIONS = [each.revision for each in ScriptDirectory.from_config(migrations.configuration()).walk_revisions()]
OLDEST_FIRST = REVISIONS[::-1]
NEWEST = 5  # steps that each run takes one by one, with rows in every table


@pytest.fixture
def full_house(terminal: Terminal) -> House:
    """A database with a row in the tables of every room."""
    return lived_in(terminal.house)


def lived_in(house: House) -> House:
    house.connect()
    house.award(house.hand_in("robin", "Robin", "robin@example.org"))
    house.work()
    return house


@pytest.fixture
def blank(database: Database) -> Database:
    """A database that nobody has migrated."""
    migrations.migrate(database, "base", may_lose_data=True)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
    return database


def expect_what_the_models_say(database: Database) -> None:
    config = migrations.configuration()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_the_models_ask_for_nothing_that_the_migrations_do_not_make(database: Database) -> None:
    expect_what_the_models_say(database)


def test_every_step_up_down_and_up_again_keeps_the_rows_that_are_there(
    blank: Database, request: pytest.FixtureRequest
) -> None:
    # Old steps do not change any more: those are walked one by one with --db=all, and at a run in the tests below.
    first = 0 if request.config.getoption("--db") == "all" else len(OLDEST_FIRST) - NEWEST
    walked, forms = OLDEST_FIRST[first:], {}
    for number, revision in enumerate(walked):
        before = rows_of(blank)
        migrations.migrate(blank, revision)
        expect_kept(before, rows_of(blank))
        expect_nothing_dangling(blank)
        forms[revision] = form_of(blank)
        add_a_row_everywhere(blank, number)
    for revision in reversed(walked[:-1]):
        before = rows_of(blank)
        migrations.migrate(blank, revision, may_lose_data=True)
        expect_kept(before, rows_of(blank))
        expect_nothing_dangling(blank)
        assert form_of(blank) == forms[revision]
    for number, revision in enumerate(walked[1:], start=len(walked)):
        add_a_row_everywhere(blank, number)
        before = rows_of(blank)
        migrations.migrate(blank, revision)
        expect_kept(before, rows_of(blank))
        expect_nothing_dangling(blank)
        assert form_of(blank) == forms[revision]
    expect_what_the_models_say(blank)


def test_a_house_that_people_live_in_goes_back_and_forth_and_they_live_on(database: Database, tmp_path: Path) -> None:
    house = lived_in(House(tmp_path, database_url=database.url))
    form, before = form_of(database), rows_of(database)
    lived = {name for name, rows in before.items() if rows}
    assert lived >= {"person", "submission", "decision", "credential", "award"}
    for revision in REVISIONS[1:]:
        migrations.migrate(database, revision, may_lose_data=True)
    for revision in OLDEST_FIRST:
        migrations.migrate(database, revision)
    assert form_of(database) == form
    after = rows_of(database)
    assert after["credential_version"] == before["credential_version"]
    house.award(house.hand_in("sam", "Sam", "sam@example.org"))
    house.work()
    assert house.count("credential_version") == 2
    house.expect_consistent()


def test_down_to_nothing_and_up_again_with_rows_in_every_room(database: Database, tmp_path: Path) -> None:
    house = lived_in(House(tmp_path, database_url=database.url))
    form = form_of(database)
    assert migrations.migrate(database, "base", may_lose_data=True) == (migrations.head(), None)
    assert sa.inspect(database.engine).get_table_names() == [VERSION_TABLE]
    assert migrations.migrate(database) == (None, migrations.head())
    assert migrations.migrate(database) == (migrations.head(), migrations.head())
    assert form_of(database) == form
    expect_what_the_models_say(database)
    with house.services() as services:
        prepare(services)


def test_a_way_back_has_to_be_confirmed(database: Database) -> None:
    before = form_of(database)
    for revision in ("base", *REVISIONS[1:]):
        with pytest.raises(migrations.GoingBackLosesData):
            migrations.migrate(database, revision)
    assert form_of(database) == before


def test_every_constraint_and_index_has_a_name(database: Database) -> None:
    inspector = sa.inspect(database.engine)
    for table in set(inspector.get_table_names()) - {VERSION_TABLE}:
        found = [inspector.get_pk_constraint(table), *inspector.get_foreign_keys(table),
                 *inspector.get_unique_constraints(table), *inspector.get_indexes(table)]  # fmt: skip
        for constraint in found:
            name = constraint["name"]
            assert name, (table, constraint)
            assert len(name) <= 63, f"PostgreSQL cuts names of more than 63 characters: {name}"


def test_a_migration_that_fails_leaves_the_database_as_it_was(blank: Database) -> None:
    with blank.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE submission (id INTEGER)")  # in the way of one of ours
    before = form_of(blank)
    with pytest.raises(sa.exc.DBAPIError):
        migrations.migrate(blank)
    assert form_of(blank) == before


@contextmanager
def held_by_somebody(database: Database) -> Iterator[None]:
    """Somebody else reads a table for a long time; on SQLite, writes."""
    if database.is_sqlite:
        with sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        other.close()
    else:
        with psycopg.connect(plain(database.url)) as connection:
            connection.execute("LOCK TABLE person IN ACCESS SHARE MODE")
            yield


def test_a_migration_that_cannot_get_a_lock_gives_up_and_says_why(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 50)
    before = form_of(database)
    hurried = Database(database.url)
    with held_by_somebody(database), pytest.raises(migrations.MigrationBlocked) as raised:
        migrations.migrate(hurried, "base", may_lose_data=True)
    assert raised.value.next_step is not None
    assert "Stop the servers" in raised.value.next_step
    assert form_of(database) == before
    migrations.migrate(hurried, "base", may_lose_data=True)
    hurried.dispose()


def test_a_migration_waits_for_another_one_however_long_that_one_takes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one lock for all that write, and its own wait for it")
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "1ms")
    with psycopg.connect(plain(database.url), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (migrations.ADVISORY_LOCK,))
        ended: list[object] = []
        second = threading.Thread(
            target=lambda: ended.append(migrations.migrate(database, "base", may_lose_data=True)), daemon=True
        )
        second.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        eventually(lambda: other.execute(waiting).fetchone() == (1,), "the second migration waits")
        assert ended == []
        other.execute("SELECT pg_advisory_unlock(%s)", (migrations.ADVISORY_LOCK,))
    second.join()
    assert ended == [(migrations.head(), None)]


def test_two_that_migrate_at_once_do_it_one_after_the_other(blank: Database, tmp_path: Path) -> None:
    house = House(tmp_path, database_url=blank.url)
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "app", "migrate", "--json"],
            env=house.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    nothing_to_do = [f'"before": "{migrations.head()}"' in out for out, _ in said]
    assert sorted(nothing_to_do) == [False, True], said
    expect_what_the_models_say(blank)


def test_going_back_to_nothing_has_to_be_confirmed(full_house: House, terminal: Terminal) -> None:
    path = full_house.folder / "waymark.sqlite3"
    before = everything_in(path)
    answer = terminal.waymark("migrate", "--revision", "base")
    assert answer.exit_code == 2
    assert "--drop-everything" in answer.stderr
    assert everything_in(path) == before
    assert terminal.waymark("migrate", "--revision", "base", "--drop-everything").exit_code == 0
    assert full_house.rows("SELECT name FROM sqlite_master WHERE name = 'person'") == []


def test_going_back_a_step_has_to_be_confirmed_too(terminal: Terminal) -> None:
    terminal.json("migrate")
    if len(REVISIONS) == 1:
        pytest.skip("there is no step to go back")
    answer = terminal.waymark("migrate", "--revision", REVISIONS[1])
    assert answer.exit_code == 1
    assert "--drop-everything" in answer.stderr
    done = terminal.json("migrate", "--revision", REVISIONS[1], "--drop-everything")
    assert done == {"before": REVISIONS[0], "after": REVISIONS[1]}


def test_a_revision_nobody_knows_is_refused(terminal: Terminal) -> None:
    answer = terminal.waymark("migrate", "--revision", "nonsense")
    assert answer.exit_code == 1
    assert "newer version" in answer.stderr
    assert everything_in(terminal.house.folder / "waymark.sqlite3") == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_a_database_of_a_newer_version_is_left_alone(terminal: Terminal) -> None:
    terminal.json("migrate")
    path = terminal.house.folder / "waymark.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2099_01_01_far_ahead'")
    before = everything_in(path)
    for arguments in (["serve"], ["worker"], ["key", "list"], ["migrate"]):
        answer = terminal.waymark(*arguments)
        assert answer.exit_code == 1
        assert "newer version" in answer.stderr
    assert everything_in(path) == before
