"""Bringing a database to the form that this version of the code expects, and back."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core.db import Database, ReadSession
from app.core.errors import Unavailable

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "60s"


class MigrationNeeded(Unavailable):
    """The database has not the form that this version of the code expects."""

    slug = "migration-needed"
    title = "The database must be migrated first"


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
    """Bring the database to a revision.

    On PostgreSQL the migration gives up rather than wait long for a lock that would stop everybody else.

    Args:
        database: the database.
        revision: `head`, `base` or a revision's name.

    Returns:
        The revision before and after.
    """
    config = configuration()
    with database.engine.connect() as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        if not database.is_sqlite:
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
            connection.commit()
        config.attributes["connection"] = connection
        if revision == "base":
            command.downgrade(config, "base")
        else:
            command.upgrade(config, revision)
        if connection.in_transaction():
            connection.commit()
        after = MigrationContext.configure(connection).get_current_revision()
    return before, after


def check(session: ReadSession) -> None:
    """Refuse to work on a database of another form.

    Raises:
        MigrationNeeded: `waymark migrate` has to run first.
    """
    if current(session) != head():
        raise MigrationNeeded(
            "The database is not in the form this version of Waymark expects.", next_step="Run: waymark migrate"
        )
