"""Many rows at once, the quickest way that each database has; the same rows either way.

PostgreSQL takes them as a stream (COPY, https://www.postgresql.org/docs/current/sql-copy.html), in one statement for
all. SQLite has no such way and needs none: it runs in this process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from psycopg.types.json import Json

from app.core.db import WriteSession

_KINDS: Final[tuple[tuple[type[Any], str], ...]] = (
    (sa.JSON, "json"),
    (sa.LargeBinary, "bytea"),
    (sa.Boolean, "bool"),
    (sa.Integer, "int4"),
    (sa.DateTime, "timestamptz"),
    (sa.Date, "date"),
    (sa.String, "text"),
)


def insert_rows(session: WriteSession, table: sa.Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in the caller's transaction.

    Args:
        session: the transaction.
        table: where.
        values: a mapping for each row, each with the same columns; those that are left out become NULL or what the
            database has for them.

    Raises:
        sqlalchemy.exc.IntegrityError: a row breaks a constraint; the transaction can only be rolled back.
    """
    if not values:
        return
    connection = session.connection()  # what was changed on objects comes first
    if connection.dialect.name != "postgresql":
        connection.execute(sa.insert(table), list(values))
        return
    columns = [table.c[name] for name in values[0]]
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    statement = f"COPY {quote(table.name)} ({names}) FROM STDIN (FORMAT BINARY)"
    kinds = [_kind(column.type) for column in columns]
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copying:
            copying.set_types(kinds)
            for row in values:
                copying.write_row(
                    [_written(row[column.name], kind) for column, kind in zip(columns, kinds, strict=True)]
                )
    except connection.dialect.loaded_dbapi.Error as error:
        connection._handle_dbapi_exception(error, statement, None, cursor, None)
    finally:
        cursor.close()


def _kind(column: sa.types.TypeEngine[Any]) -> str:
    """PostgreSQL's name for a column's type."""
    inner = column.impl if isinstance(column, sa.TypeDecorator) else column
    return next(name for kind, name in _KINDS if isinstance(inner, kind))


def _written(value: Any, kind: str) -> Any:
    return Json(value, orjson.dumps) if kind == "json" and value is not None else value
