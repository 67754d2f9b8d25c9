"""The migrations lead to exactly what the models say, and back, also with rows in the tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from app.core import migrations
from app.core.db import Database
from tests.cli.conftest import Terminal
from tests.system.house import House, everything_in


@pytest.fixture
def full_house(terminal: Terminal) -> House:
    """A database with a row in the tables of every room."""
    house = terminal.house
    house.connect()
    house.award(house.hand_in("robin", "Robin", "robin@example.org"))
    house.work()
    return house


def test_the_models_ask_for_nothing_that_the_migrations_do_not_make(database: Database) -> None:
    config = migrations.configuration()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_down_and_up_again_with_rows_in_every_room(full_house: House) -> None:
    path = full_house.folder / "waymark.sqlite3"
    form = sorted(line for line in everything_in(path) if line.startswith("CREATE"))
    database = Database(f"sqlite:///{path}")
    assert migrations.migrate(database, "base") == (migrations.head(), None)
    assert sa.inspect(database.engine).get_table_names() == ["alembic_version"]
    assert migrations.migrate(database) == (None, migrations.head())
    assert migrations.migrate(database) == (migrations.head(), migrations.head())
    database.dispose()
    assert sorted(line for line in everything_in(path) if line.startswith("CREATE")) == form


def test_every_constraint_and_index_has_a_name(database: Database) -> None:
    inspector = sa.inspect(database.engine)
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        found = [inspector.get_pk_constraint(table), *inspector.get_foreign_keys(table),
                 *inspector.get_unique_constraints(table), *inspector.get_indexes(table)]  # fmt: skip
        for constraint in found:
            name = constraint["name"]
            assert name, (table, constraint)
            assert len(name) <= 63, f"PostgreSQL cuts names of more than 63 characters: {name}"


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "waymark.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE submission (id INTEGER)")  # in the way of one of ours
    before = everything_in(path)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(sa.exc.OperationalError):
        migrations.migrate(database)
    database.dispose()
    assert everything_in(path) == before


def test_going_back_to_nothing_has_to_be_confirmed(full_house: House, terminal: Terminal) -> None:
    path = full_house.folder / "waymark.sqlite3"
    before = everything_in(path)
    answer = terminal.waymark("migrate", "--revision", "base")
    assert answer.exit_code == 2
    assert "--drop-everything" in answer.stderr
    assert everything_in(path) == before
    assert terminal.waymark("migrate", "--revision", "base", "--drop-everything").exit_code == 0
    assert full_house.rows("SELECT name FROM sqlite_master WHERE name = 'person'") == []


def test_a_revision_nobody_knows_is_refused(terminal: Terminal) -> None:
    answer = terminal.waymark("migrate", "--revision", "nonsense")
    assert answer.exit_code == 1
    assert "newer version" in answer.stderr
    assert everything_in(terminal.house.folder / "waymark.sqlite3") == ["BEGIN TRANSACTION;", "COMMIT;"]
