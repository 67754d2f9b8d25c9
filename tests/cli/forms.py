"""The form of a database, and rows of any form: what a walk through the migrations compares and carries along."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Inspector

from app.core.db import Database

VERSION_TABLE = "alembic_version"
Rows = dict[str, list[dict[str, Any]]]


def form_of(database: Database) -> dict[str, Any]:
    """Tables, columns, keys and indexes as the database itself tells of them; the order of columns is no matter."""
    inspector = sa.inspect(database.engine)
    return {table: _form_of(inspector, table) for table in _tables(inspector)}


def _tables(inspector: Inspector) -> list[str]:
    return sorted(set(inspector.get_table_names()) - {VERSION_TABLE})


def _form_of(inspector: Inspector, table: str) -> dict[str, Any]:
    def names(found: Any, *more: str) -> list[Any]:
        return sorted((each["name"] or "", *(str(each.get(key)) for key in more)) for each in found)

    return {
        "columns": names(inspector.get_columns(table), "type", "nullable"),
        "primary key": inspector.get_pk_constraint(table),
        "foreign keys": names(inspector.get_foreign_keys(table), "constrained_columns", "referred_table"),
        "unique": names(inspector.get_unique_constraints(table), "column_names"),
        "indexes": names(inspector.get_indexes(table), "column_names", "unique"),
        "checks": names(inspector.get_check_constraints(table)),
    }


def add_a_row_everywhere(database: Database, number: int) -> None:
    """One more row in every table that this form has, whatever it is; rows refer to those of the same number."""
    metadata = sa.MetaData()
    metadata.reflect(database.engine)
    rooms = [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]
    checks = {table.name: _allowed(database, table.name) for table in rooms}
    rows: dict[str, dict[str, Any]] = {}
    with database.engine.begin() as connection:
        for table in rooms:
            row = {column.name: _value(column, number, rows, checks[table.name]) for column in table.columns}
            connection.execute(table.insert().values(row))
            rows[table.name] = row


def _allowed(database: Database, table: str) -> str:
    return " ".join(each["sqltext"] for each in sa.inspect(database.engine).get_check_constraints(table))


def _value(column: sa.Column[Any], number: int, rows: dict[str, dict[str, Any]], checks: str) -> Any:
    """A value that the column takes: another for each number, so that nothing unique is there twice."""
    for key in column.foreign_keys:
        referred = rows.get(key.column.table.name)
        return referred[key.column.name] if referred else None
    if allowed := re.search(rf"\b{column.name}\b[^']*'([^']*)'", checks):
        return allowed[1]
    kinds: dict[type[Any], Any] = {
        str: f"{column.name}-{number}", int: number, bool: bool(number % 2), float: number / 2, bytes: b"%d" % number,
        datetime: datetime(2026, 1, 1 + number, 12, tzinfo=UTC), date: date(2026, 1, 1 + number),
        dict: {"number": number},
    }  # fmt: skip
    return kinds[dict if isinstance(column.type, sa.JSON) else column.type.python_type]


def rows_of(database: Database) -> Rows:
    """Every row of every table, as values that can be compared."""
    metadata = sa.MetaData()
    metadata.reflect(database.engine)
    with database.engine.connect() as connection:
        return {
            name: sorted((dict(row) for row in connection.execute(sa.select(table)).mappings()), key=str)
            for name, table in metadata.tables.items()
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
