"""After personal data was deleted: nothing of it is left in the database's file either."""

from __future__ import annotations

import sqlite3

from app.core.db import BUSY_TIMEOUT_MS, Database
from app.core.logging import get_logger

PATIENCE_MS = 1_000  # somebody's request waits for it

log = get_logger()


def empty_log(database: Database) -> bool:
    """Bring SQLite's log into the file and cut it off: pages in it hold what a row said before it was changed.

    What is deleted is overwritten in the file itself as it is freed (`secure_delete`), so no copy of the file has to be
    written for it, as `scrub` does. PostgreSQL is left alone.

    Args:
        database: no transaction of the caller's may be open on it.

    Returns:
        Whether it was done. Not if others write or read in an older state for longer than a second: then the log is
        overwritten as it is used again, or by the next call.
    """
    if not database.is_sqlite:
        return True
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()
    except sqlite3.OperationalError as error:
        connection.invalidate()  # it may wait for a second only ever after
        log.warning("database.log_not_emptied", reason=error.sqlite_errorname)
        return False
    finally:
        connection.close()
    if row is None or row[0]:
        log.warning("database.log_not_emptied", reason="readers")
        return False
    return True


def scrub(database: Database) -> bool:
    """Write an SQLite file anew without the pages that were freed, and empty its log.

    SQLite marks what is deleted as free and leaves the bytes where they are, also those of every earlier version of a
    row. PostgreSQL is left alone: its own vacuum overwrites dead rows in time, and no file of it is ours to write.

    Args:
        database: no transaction of the caller's may be open on it. Others wait, a second for each few hundred MB.

    Returns:
        Whether it was done to the end. Not if others write or read in an older state for too long, or if there is no
        room for a second copy of the file; calling again later helps.
    """
    if not database.is_sqlite:
        return True
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
        cursor.close()
    except sqlite3.OperationalError as error:
        log.warning("database.not_scrubbed", reason=error.sqlite_errorname)
        return False
    finally:
        connection.close()
    if row is None or row[0]:
        log.warning("database.not_scrubbed", reason="readers")
        return False
    return True
