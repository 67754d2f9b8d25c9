"""Bringing a database to the form that this version of the code expects, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from app.core.db import Database, ReadSession
from app.core.db_trouble import Trouble, trouble_of
from app.core.errors import BadInput, Conflict, Unavailable

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "60s"
TIMEOUT_FOR_ANOTHER_MIGRATION = "10min"
ADVISORY_LOCK = 8_713_001  # any number, as long as nobody else uses it in this database


class MigrationNeeded(Unavailable):
    """The database has not the form that this version of the code expects."""

    slug = "migration-needed"
    title = "The database must be migrated first"


class DatabaseNewer(MigrationNeeded):
    """The database has a form that only a newer version of the code knows."""

    slug = "database-newer"
    title = "The database is newer than this version of Waymark"


class MigrationBlocked(Unavailable):
    """Somebody else held on to what a migration needs for itself."""

    slug = "migration-blocked"
    title = "The migration could not begin"


class GoingBackLosesData(Conflict):
    """An older form has no place for what newer versions keep."""

    slug = "going-back-loses-data"
    title = "Going back loses data"


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


@cache
def _known() -> tuple[str, ...]:
    """Every revision this version of the code knows, newest first.

    Read once: an upgrade may exchange the files under a running process, which then still has the older code.
    """
    return tuple(script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions())


def head() -> str:
    """The newest revision there is."""
    return _known()[0]


def current(session: ReadSession) -> str | None:
    """The revision the database has; None for an empty one."""
    return MigrationContext.configure(session.connection()).get_current_revision()


def form(session: ReadSession) -> Literal["current", "older", "newer"]:
    """How the database's form compares with the one that this version of the code expects."""
    found = current(session)
    if found == head():
        return "current"
    return "older" if found is None or found in _known() else "newer"


def migrate(
    database: Database, revision: str = "head", *, may_lose_data: bool = False
) -> tuple[str | None, str | None]:
    """Bring the database to a revision: all the way, or nothing is changed.

    Two processes that migrate at the same moment do it one after the other. On PostgreSQL a migration gives up rather
    than wait long for a lock that would stop everybody else.

    Args:
        database: the database.
        revision: `head`, `base` or a revision's name. `base` drops every table with all that is in it.
        may_lose_data: confirms a way back, which drops what the older form has no place for.

    Returns:
        The revision before and after.

    Raises:
        RevisionUnknown: neither the code nor the database knows the revision.
        GoingBackLosesData: the revision is an older one, and nobody confirmed that.
        MigrationBlocked: somebody else held a lock for too long.
        sqlalchemy.exc.DBAPIError: the database refused; it is as it was before.
    """
    _keep_to_owner(database)
    try:
        with _alone(database) as connection:
            before = _revision(connection)
            _go(connection, before, revision, may_lose_data=may_lose_data)
            return before, _revision(connection)
    except sa.exc.DBAPIError as error:
        if trouble_of(error) is not Trouble.BUSY:
            raise
        raise MigrationBlocked(
            "Another process held on to what the migration needs for itself, so it gave up rather than stop everybody.",
            kept="Nothing was changed: the database is as it was before.",
            next_step="Stop the servers and workers, or wait until a backup or a long query has ended. Then try again.",
        ) from error


def _go(connection: sa.Connection, before: str | None, revision: str, *, may_lose_data: bool) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    try:
        back = _is_behind(config, before, revision)
        if back and before is not None and not may_lose_data:
            raise GoingBackLosesData(
                f"The database is at {before}; going back to {revision} deletes what the older form has no place for.",
                kept="Nothing was changed.",
                next_step="If you mean it, make a copy of the database first and add --drop-everything.",
            )
        (command.downgrade if back else command.upgrade)(config, revision)
    except (CommandError, RevisionError) as error:
        raise RevisionUnknown(
            f"The migrations of this version do not lead from {before or 'an empty database'} to {revision}.",
            kept="Nothing was changed.",
            next_step="If the database was made by a newer version of Waymark, run that version.",
        ) from error
    if connection.in_transaction():
        connection.commit()


def _is_behind(config: Config, before: str | None, revision: str) -> bool:
    """Whether the way from one revision to the other is a way back; Alembic itself would do nothing, and say nothing.

    Raises:
        CommandError, RevisionError: there is no such revision.
    """
    if before is None or revision == "base":
        return revision == "base"
    scripts = ScriptDirectory.from_config(config)
    wanted = scripts.get_revision(revision)
    behind = {script.revision for script in scripts.iterate_revisions(before, "base")}
    return wanted.revision != before and wanted.revision in behind


def _keep_to_owner(database: Database) -> None:
    """A new SQLite file holds names and addresses: its owner alone may read it."""
    name = sa.make_url(database.url).database if database.is_sqlite else None
    if name and name != ":memory:" and not Path(name).exists() and Path(name).parent.is_dir():
        Path(name).touch(mode=0o600)


def check(session: ReadSession) -> None:
    """Refuse to work on a database of another form.

    Raises:
        MigrationNeeded: `waymark migrate` has to run first.
        DatabaseNewer: a newer version of Waymark has migrated it.
    """
    found = form(session)
    if found == "newer":
        raise DatabaseNewer(
            "The database was migrated by a newer version of Waymark, which this version cannot work on.",
            kept="Nothing was changed.",
            next_step="Run that version again, or restore the backup that was made before the upgrade.",
        )
    if found == "older":
        raise MigrationNeeded(
            "The database is not in the form this version of Waymark expects.", next_step="Run: waymark migrate"
        )


def require_current(database: Database) -> None:
    """As `check`, and without making an empty file where an SQLite database should be.

    Raises:
        MigrationNeeded: there is no database, or it is of another form (DatabaseNewer).
    """
    path = sa.make_url(database.url).database if database.is_sqlite else None
    if path and path != ":memory:" and not Path(path).exists():
        raise MigrationNeeded("There is no database yet.", next_step="Run: waymark migrate")
    with database.read() as session:
        check(session)


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(database: Database) -> Iterator[sa.Connection]:
    """A connection of its own on which nobody else migrates; what is set on it does not outlive it."""
    with database.write_engine.connect() as connection:  # SQLite: takes the write lock at once
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
    for name in ("lock_timeout", "statement_timeout"):
        connection.execute(sa.text(f"SET {name} = '{TIMEOUT_FOR_ANOTHER_MIGRATION}'"))
    connection.execute(sa.text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
    connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
