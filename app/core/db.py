"""Databases: SQLite in WAL mode as the embedded default, PostgreSQL for many.

There are two kinds of session. A `ReadSession` never writes: a flush raises. A `WriteSession` takes SQLite's one write
lock at its beginning (`BEGIN IMMEDIATE`) so that nothing read in it can be stale, and is committed by whoever opened
it, never by the code it is handed to. On PostgreSQL correctness comes from row locks and atomic updates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel, create_engine

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 5
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 30_000
POOL_SIZE = 45  # above the 40 threads in which requests run, so that none waits for a connection

READS_ONLY = "a ReadSession does not write: take a WriteSession"

metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


class UTCDateTime(sa.TypeDecorator[datetime]):
    """A moment that goes in aware and comes back aware, in UTC, on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse moments without a zone; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite returns moments without a zone; they are UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Record(SQLModel):
    """The base of all tables: shares the metadata with its naming convention.

    Tables do not validate on construction: input is checked before, by the schemas at the edges.
    """

    metadata: ClassVar[sa.MetaData] = metadata


class ReadSession(Session):
    """A session that only reads."""

    def _flush(self, objects: Any = None) -> None:
        raise RuntimeError(READS_ONLY)


class WriteSession(ReadSession):
    """A session that may write; committed by whoever opened it."""

    def _flush(self, objects: Any = None) -> None:
        Session._flush(self, objects)


@event.listens_for(ReadSession, "do_orm_execute", propagate=True)
def _refuse_statements_that_write(state: ORMExecuteState) -> None:
    """An UPDATE in a session for reading would be lost without a word when the session is closed."""
    if not isinstance(state.session, WriteSession) and (state.is_insert or state.is_update or state.is_delete):
        raise RuntimeError(READS_ONLY)


class Database:
    """One database and its two kinds of session.

    Args:
        url: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…` (plain `postgresql://` is taken as psycopg's).
    """

    def __init__(self, url: str) -> None:
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        self._write_engine = self.engine.execution_options(waymark_write=True)

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        """A session for reading; whatever it loads stays usable after it is closed."""
        with ReadSession(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """A session for one change: committed at a clean end, rolled back when anything is raised."""
        with WriteSession(self._write_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _postgres_engine(url: str) -> Engine:
    """No request waits for ever: not for the server, not for a lock, not for an answer."""
    return create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=5,
        pool_pre_ping=True,  # a server that was away for a while is found again without a restart
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}",
        },
    )


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=5,
        hide_parameters=True,  # an error's text would quote what was to be stored
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # this module begins transactions itself; the driver must not
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("waymark_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
