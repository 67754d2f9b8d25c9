"""Whether a database can be saved to just now, asked without saving anything."""

from __future__ import annotations

import sqlite3

from app.core.db import BUSY_TIMEOUT_MS, Database


def is_read_only(database: Database) -> bool:
    """Whether the database answers, but takes nothing: a server on standby, a disk that was mounted for reading only.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it does not answer.
    """
    asks = _is_sqlite_read_only if database.is_sqlite else _is_postgres_read_only
    if not asks(database):
        return False
    # A connection keeps the rule it began with: only one that begins now knows today's, and the others are of no use.
    database.reconnect()
    return asks(database)


def _is_postgres_read_only(database: Database) -> bool:
    with database.engine.connect() as connection:
        return bool(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on")


def _is_sqlite_read_only(database: Database) -> bool:
    database.must_be_there()
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()  # past SQLAlchemy, which would begin a transaction of its own
        cursor.execute("PRAGMA busy_timeout=0")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY  # busy: somebody is saving, so one can
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            cursor.close()
    return False
