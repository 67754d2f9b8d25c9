"""Bringing a database to the form that this version of the code expects, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from app.core.db import Database, ReadSession
from app.core.errors import BadInput, Unavailable

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "60s"
ADVISORY_LOCK = 8_713_001  # any number, as long as nobody else uses it in this database


class MigrationNeeded(Unavailable):
    """The database has not the form that this version of the code expects."""

    slug = "migration-needed"
    title = "The database must be migrated first"


class RevisionUnknown(BadInput):
    """There is no migration of that name here."""

    slug = "revision-unknown"
    title = "There is no such revision"


def folder() -> Path:
    """Where the migrations lie: beside the app."""
    return Path(__file__).resolve().parents[2] / "migrations"


def configuration() -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(folder()))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str | None:
    """The newest revision there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def current(session: ReadSession) -> str | None:
    """The revision the database has; None for an empty one."""
    return MigrationContext.configure(session.connection()).get_current_revision()


def migrate(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to a revision: all the way, or nothing is changed.

    Two processes that migrate at the same moment do it one after the other. On PostgreSQL a migration gives up rather
    than wait long for a lock that would stop everybody else.

    Args:
        database: the database.
        revision: `head`, `base` or a revision's name. `base` drops every table with all that is in it.

    Returns:
        The revision before and after.

    Raises:
        RevisionUnknown: neither the code nor the database knows the revision.
        sqlalchemy.exc.DBAPIError: the database refused; it is as it was before.
    """
    config = configuration()
    _keep_to_owner(database)
    with _alone(database) as connection:
        before = _revision(connection)
        config.attributes["connection"] = connection
        try:
            (command.downgrade if revision == "base" else command.upgrade)(config, revision)
        except CommandError as error:
            raise RevisionUnknown(
                f"The migrations of this version do not lead from {before or 'an empty database'} to {revision}.",
                kept="Nothing was changed.",
                next_step="If the database was made by a newer version of Waymark, run that version.",
            ) from error
        if connection.in_transaction():
            connection.commit()
        after = _revision(connection)
    return before, after


def _keep_to_owner(database: Database) -> None:
    """A new SQLite file holds names and addresses: its owner alone may read it."""
    name = sa.make_url(database.url).database if database.is_sqlite else None
    if name and name != ":memory:" and not Path(name).exists() and Path(name).parent.is_dir():
        Path(name).touch(mode=0o600)


def check(session: ReadSession) -> None:
    """Refuse to work on a database of another form.

    Raises:
        MigrationNeeded: `waymark migrate` has to run first.
    """
    if current(session) != head():
        raise MigrationNeeded(
            "The database is not in the form this version of Waymark expects.", next_step="Run: waymark migrate"
        )


def require_current(database: Database) -> None:
    """As `check`, and without making an empty file where an SQLite database should be.

    Raises:
        MigrationNeeded: there is no database, or it is of another form.
    """
    path = sa.make_url(database.url).database if database.is_sqlite else None
    if path and path != ":memory:" and not Path(path).exists():
        raise MigrationNeeded("There is no database yet.", next_step="Run: waymark migrate")
    with database.read() as session:
        check(session)


def _revision(connection: sa.Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return found


@contextmanager
def _alone(database: Database) -> Iterator[sa.Connection]:
    """A connection of its own on which nobody else migrates; what is set on it does not outlive it."""
    engine = database.engine.execution_options(waymark_write=True)  # SQLite: takes the write lock at once
    with engine.connect() as connection:
        try:
            _prepare(connection, database.is_sqlite)
            yield connection
        finally:
            connection.invalidate()


def _prepare(connection: sa.Connection, is_sqlite: bool) -> None:
    if is_sqlite:
        # SQLite alters a table by dropping the old one, which must not take the rows that refer to it along. Set past
        # SQLAlchemy, because inside a transaction it would be ignored.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()
        return
    connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(sa.text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
    connection.commit()
