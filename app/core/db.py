"""Databases: SQLite in WAL mode as the embedded default, PostgreSQL for many.

There are two kinds of session. A `ReadSession` never writes: a flush raises. A `WriteSession` takes SQLite's one write
lock at its beginning (`BEGIN IMMEDIATE`) so that nothing read in it can be stale, and is committed by whoever opened
it, never by the code it is handed to. On PostgreSQL correctness comes from row locks and atomic updates.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import Dialect, ExceptionContext
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel import Session, SQLModel, create_engine

from app.core import statements
from app.core.db_trouble import Trouble, trouble_told_by
from app.core.statements import Rows

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_MS = 10_000
FIRST_PAUSE = 0.0002  # seconds between looks whether another process still writes
LONGEST_PAUSE = 0.002
CONNECT_TIMEOUT_SECONDS = 5
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 30_000
# A server whose machine lost its power answers with nothing at all; the network alone would wait a quarter of an hour.
SILENCE = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
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
    model_config = {"defer_build": True}  # no table validates, so no process need wait for its schema


class Look:
    """A short look at the database without a session, at half the cost: rows come, no objects.

    Args:
        connection: whoever opened it closes it.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def run(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Rows:
        """As `ReadSession.run`."""
        if statement.is_dml:
            raise RuntimeError(READS_ONLY)
        return statements.run(self._connection, statement, values)


class ReadSession(Session):
    """A session that only reads.

    Its connection and transaction are opened by itself at the first question, and what SQLAlchemy knows as the
    session's transaction only joins in: beginning and ending one costs more than the statements of a launch.

    Args:
        engine: where its connection comes from.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, expire_on_commit=False, join_transaction_mode="control_fully")
        self._engine = engine
        self._opened: sa.Connection | None = None

    def get_bind(self, *_: Any, **__: Any) -> sa.Connection:
        """The one connection, whatever is asked of which table."""
        if self._opened is None:
            self._opened = self._engine.connect()
            self._opened.begin()
        return self._opened

    def commit(self) -> None:
        """Save what was changed, on objects and past them."""
        self.flush()
        try:
            if self.in_transaction():
                super().commit()
            elif self._opened is not None:
                self._opened.commit()
        except BaseException:
            # SQLAlchemy holds the transaction for ended and would give the connection back with it still open.
            if self._opened is not None:
                self._opened.invalidate()
            raise

    def close(self) -> None:
        """Take back what was not committed, and give the connection back."""
        super().close()
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _flush(self, objects: Any = None) -> None:
        raise RuntimeError(READS_ONLY)

    def run(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Rows:
        """Run a statement on tables past the ORM, at a tenth of its cost: for what every launch and page does.

        It pays only where the statement is built once, as a constant of a module, with its values as `bindparam`.
        Objects that the session has loaded learn nothing of what is changed here.

        Args:
            statement: SQLAlchemy Core, on the tables themselves.
            values: for its bind parameters; for an INSERT the row.

        Raises:
            RuntimeError: it writes, and this session only reads.
        """
        if statement.is_dml and not isinstance(self, WriteSession):
            raise RuntimeError(READS_ONLY)
        self.flush()  # what was changed on objects comes first, as with any other statement
        # Asking the session for its connection takes as long as a small statement, but within a savepoint it must be
        # asked: only then is the savepoint set.
        connection = self.connection() if self.in_nested_transaction() else self.get_bind()
        return statements.run(connection, statement, values)


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
        self.engine, self.write_engine = _sqlite_engines(url) if self.is_sqlite else _postgres_engines(url)
        self._file = _OpenFile(url) if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        """A session for reading; whatever it loads stays usable after it is closed."""
        self.must_be_there()
        with ReadSession(self.engine) as session:
            yield session

    @contextmanager
    def look(self) -> Iterator[Look]:
        """A short look at a few rows."""
        self.must_be_there()
        with self.engine.connect() as connection:
            yield Look(connection)

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """A session for one change: committed at a clean end, rolled back when anything is raised."""
        self.must_be_there()
        with WriteSession(self.write_engine) as session:
            yield session
            session.commit()

    def dispose(self) -> None:
        """Close all connections."""
        self.reconnect()
        if self._file is not None:
            self._file.forget()

    def reconnect(self) -> None:
        """Use new connections from now on; one that is in use is closed when it comes back."""
        self.engine.dispose()
        self.write_engine.pool = self.engine.pool

    def must_be_there(self) -> None:
        """Refuse to work on an SQLite file that is gone, or is not the one that was opened; each session asks.

        Raises:
            sqlalchemy.exc.OperationalError: it is so.
        """
        if self._file is not None:
            self._file.must_be_there()


class FileReplaced(sqlite3.OperationalError):
    """Another file lies where the database was that this process has open."""


class _OpenFile:
    """The file that an SQLite database's connections have open.

    They keep a file that was moved away or replaced, and what is saved in it then is lost without a word; one that is
    missing they would make anew, empty. A file put in its place under a running server is not taken up either: what
    the old one left beside it in its log would be written into the new one.
    """

    def __init__(self, url: str) -> None:
        self._path = Path(sa.make_url(url).database or ":memory:")
        self._known: tuple[int, int] | None = None

    def must_be_there(self) -> None:
        """Raise the error that SQLite has for a file that cannot be opened, unless it is the one that is open."""
        if self._path.name == ":memory:":
            return
        try:
            found = self._path.stat()
        except OSError as error:
            raise _refused("the database file is not there", sqlite3.SQLITE_CANTOPEN) from error
        file = (found.st_dev, found.st_ino)
        if self._known is None:
            self._known = file
        elif self._known != file:
            words = "another file was put in the place of the database: start again"
            raise _refused(words, sqlite3.SQLITE_CANTOPEN, FileReplaced)

    def forget(self) -> None:
        """No connection has it open any more."""
        self._known = None


def _refused(
    words: str, code: int, kind: type[sqlite3.OperationalError] = sqlite3.OperationalError
) -> sa.exc.OperationalError:
    """The error that SQLite would give, with its code."""
    error = kind(words)
    error.sqlite_errorcode = code
    return sa.exc.OperationalError(None, None, error)


def _postgres_engines(url: str) -> tuple[Engine, Engine]:
    """The engine for reading, which is the one for writing too.

    No request waits for ever: not for the server, not for a lock, not for an answer.
    """
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=5,
        pool_use_lifo=True,
        pool_pre_ping=True,  # a server that was away for a while is found again without a restart
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}",
            **SILENCE,
        },
    )

    _leave_what_became_read_only(engine)
    return engine, engine


class _SqliteConnection(sqlite3.Connection):
    """A connection that waits for its turn to write.

    SQLite lets those who wait for its write lock sleep and look again, ever more seldom: soon they sleep longer than
    others write. Within a process a lock of our own wakes the next one at once; for other processes the first in this
    one's queue looks often.
    """

    _turn: threading.Lock | None = None

    def take_turn(self, turn: threading.Lock) -> None:
        """Wait until no other connection of this process writes.

        Raises:
            sqlite3.OperationalError: one wrote for too long.
        """
        if self._turn is None:
            if not turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
                error = sqlite3.OperationalError("another change did not end in time")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error
            self._turn = turn

    def begin_to_write(self) -> None:
        """Begin a transaction as soon as no other process writes.

        Raises:
            sqlite3.OperationalError: one wrote for too long, or nothing can be written.
        """
        until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        pause = FIRST_PAUSE
        self.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    self.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                        raise
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
        finally:
            self.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")

    def commit(self) -> None:
        """End the transaction, and the turn."""
        super().commit()
        self._give_turn()

    def rollback(self) -> None:
        """End the transaction, and the turn."""
        super().rollback()
        self._give_turn()

    def close(self) -> None:
        """Close it; SQLite takes back what was not committed."""
        super().close()
        self._give_turn()

    def _give_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()


def _sqlite_engines(url: str) -> tuple[Engine, Engine]:
    """The engines for reading and for writing, on one pool of connections; they differ in how they begin."""
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=5,
        pool_use_lifo=True,  # the connection used last still has pages and prepared statements at hand
        hide_parameters=True,  # an error's text would quote what was to be stored
        connect_args={
            "check_same_thread": False,
            "timeout": BUSY_TIMEOUT_MS / 1000,
            "factory": _SqliteConnection,
        },
    )
    write_engine = create_engine(url, pool=engine.pool, hide_parameters=True)
    turn = threading.Lock()

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # this module begins transactions itself; the driver must not
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # as Debian builds it; elsewhere what is deleted stays in the file
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        cast(_SqliteConnection, dbapi_connection.driver_connection).execute("BEGIN")

    def begin_to_write(dbapi_connection: PoolProxiedConnection) -> None:
        driver = cast(_SqliteConnection, dbapi_connection.driver_connection)
        driver.take_turn(turn)
        driver.begin_to_write()

    # Not as a listener for "begin": an engine with listeners asks for them at each statement, a quarter of its cost.
    engine.dialect.do_begin = begin  # type: ignore[method-assign]
    write_engine.dialect.do_begin = begin_to_write  # type: ignore[method-assign]
    for each in (engine, write_engine):
        _leave_what_became_read_only(each)
    return engine, write_engine


def _leave_what_became_read_only(engine: Engine) -> None:
    """Servers change roles and disks are mounted anew, but a connection keeps the rules it began with."""

    @event.listens_for(engine, "handle_error")
    def _leave(context: ExceptionContext) -> None:
        if trouble_told_by(context.original_exception) is Trouble.READ_ONLY:
            context.is_disconnect = True
