"""The form of a database, and rows of any form: what a walk through the migrations compares and carries along."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.db import Database

VERSION_TABLE = "alembic_version"
Rows = dict[str, list[dict[str, Any]]]


def form_of(database: Database) -> dict[str, Any]:
    """Tables, columns, keys and indexes as the database itself tells of them; the order of columns is no matter."""
    inspector = sa.inspect(database.engine)
    # Asked for all tables at once: a question for each would be some hundred a form, and there are many forms.
    told: dict[str, tuple[Any, tuple[str, ...]]] = {
        "columns": (inspector.get_multi_columns(), ("type", "nullable")),
        "foreign keys": (inspector.get_multi_foreign_keys(), ("constrained_columns", "referred_table")),
        "unique": (inspector.get_multi_unique_constraints(), ("column_names",)),
        "indexes": (inspector.get_multi_indexes(), ("column_names", "unique")),
        "checks": (inspector.get_multi_check_constraints(), ()),
    }
    form: dict[str, Any] = {
        table: {"primary key": key} for (_, table), key in inspector.get_multi_pk_constraint().items()
    }
    for kind, (found, more) in told.items():
        for (_, table), each in found.items():
            form[table][kind] = sorted((one["name"] or "", *(str(one.get(key)) for key in more)) for one in each)
    form.pop(VERSION_TABLE, None)
    return dict(sorted(form.items()))


def add_a_row_everywhere(database: Database, number: int) -> None:
    """One more row in every table that this form has, whatever it is; rows refer to those of the same number."""
    metadata = sa.MetaData()
    metadata.reflect(database.engine)
    rooms = [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]
    told = sa.inspect(database.engine).get_multi_check_constraints()
    checks = {table: " ".join(each["sqltext"] for each in found) for (_, table), found in told.items()}
    rows: dict[str, dict[str, Any]] = {}
    with database.engine.begin() as connection:
        for table in rooms:
            row = {column.name: _value(column, number, rows, checks.get(table.name, "")) for column in table.columns}
            connection.execute(table.insert().values(row))
            rows[table.name] = row


def _value(column: sa.Column[Any], number: int, rows: dict[str, dict[str, Any]], checks: str) -> Any:
    """A value that the column takes: another for each number, so that nothing unique is there twice."""
    for key in column.foreign_keys:
        referred = rows.get(key.column.table.name)
        return referred[key.column.name] if referred else None
    if allowed := re.search(rf"\b{column.name}\b[^']*'([^']*)'", checks):
        return allowed[1]
    if counted := re.search(rf"\b{column.name}\W+(?:IN|= ANY)\W+(?:ARRAY\W+)?([0-9]+)", checks):
        return int(counted[1])
    kinds: dict[type[Any], Any] = {
        str: f"{column.name}-{number}", int: number, bool: bool(number % 2), float: number / 2, bytes: b"%d" % number,
        datetime: datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number),
        date: date(2026, 1, 1) + timedelta(days=number),
        dict: {"number": number},
    }  # fmt: skip
    return kinds[dict if isinstance(column.type, sa.JSON) else column.type.python_type]


def rows_of(database: Database) -> Rows:
    """Every row of every table, as the database's own driver reads it."""
    names = sa.inspect(database.engine).get_table_names()
    with database.engine.connect() as connection:
        return {
            name: sorted(map(dict, connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings()), key=str)  # noqa: S608
            for name in names
            if name != VERSION_TABLE
        }


def expect_kept(before: Rows, after: Rows) -> None:
    """Whatever both forms have a place for is there as it was."""
    for name in before.keys() & after.keys():
        shared = set(before[name][0]) & set(after[name][0]) if before[name] and after[name] else set()

        def only(rows: list[dict[str, Any]], kept: set[str] = shared) -> list[dict[str, Any]]:
            return sorted(({key: row[key] for key in sorted(kept)} for row in rows), key=str)

        assert only(after[name]) == only(before[name]), name


def expect_nothing_dangling(database: Database) -> None:
    """SQLite looks at references only when told to, and it is told not to while it migrates."""
    if database.is_sqlite:
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
