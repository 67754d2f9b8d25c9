"""Single rows by the columns that name them, past the ORM: for what every launch does; and the rows of some persons.

A row that is read here is not tracked: it has its columns as attributes, and changing it changes nothing. What is
written here goes out at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from app.core.db import Look, ReadSession, Record, WriteSession

AT_ONCE = 500  # databases bound how many values one question may hold
_KEY = "key_"  # before the names of bind parameters, as a column may be both looked up and set


def find(session: ReadSession | Look, model: type[Record], **key: str | int | None) -> sa.Row[Any] | None:
    """The one row with these values in these columns, which must be unique together; None if there is none."""
    return session.run(_select(model, tuple(key)), _bound(key)).one_or_none()


def of_any(
    session: ReadSession, asked: sa.Select[Any], column: sa.ColumnElement[str], values: Collection[str]
) -> Iterator[sa.Row[Any]]:
    """What a statement finds with one of these values in a column; one question for some hundreds of them.

    Args:
        session: for reading.
        asked: on tables, and a constant of its module: of a single value it is built once.
        column: of its tables; a constant too.
        values: which; each counts once.
    """
    ordered = sorted(set(values))
    if len(ordered) == 1:
        yield from session.run(_of_one(asked, column), {_KEY: ordered[0]})
        return
    session.flush()  # what was changed on objects comes first
    for start in range(0, len(ordered), AT_ONCE):
        yield from session.execute(asked.where(column.in_(ordered[start : start + AT_ONCE])))


def insert(session: WriteSession, model: type[Record], **values: Any) -> None:
    """Write a new row; columns that are left out get the model's defaults.

    Raises:
        sqlalchemy.exc.IntegrityError: there is such a row, or a column is missing.
    """
    constants, factories = _defaults(model)
    made = {name: make() for name, make in factories.items() if name not in values}
    session.run(_insert(model), {**constants, **made, **values})


def change(session: WriteSession, model: type[Record], row_id: str, values: Mapping[str, Any]) -> None:
    """Write these columns of the row with this id."""
    session.run(_update(model, tuple(values)), {**_bound({"id": row_id}), **values})


def _bound(key: Mapping[str, Any]) -> dict[str, Any]:
    return {_KEY + name: value for name, value in key.items()}


def table(model: type[Record]) -> sa.Table:
    """The table behind a model, for statements of one's own."""
    found: sa.Table = sa.inspect(model).local_table
    return found


# A statement costs more to build than to run, and SQLAlchemy knows a built one again at a glance.
@lru_cache
def _select(model: type[Record], key: tuple[str, ...]) -> sa.Select[Any]:
    columns = table(model).c
    return sa.select(*columns).where(*(columns[name] == sa.bindparam(_KEY + name) for name in key))


@lru_cache
def _of_one(asked: sa.Select[Any], column: sa.ColumnElement[str]) -> sa.Select[Any]:
    return asked.where(column == sa.bindparam(_KEY))


@lru_cache
def _insert(model: type[Record]) -> sa.Insert:
    return sa.insert(table(model))


@lru_cache
def _update(model: type[Record], changed: tuple[str, ...]) -> sa.Update:
    rows = table(model)
    values: dict[str, Any] = {name: sa.bindparam(name) for name in changed}
    return sa.update(rows).where(rows.c.id == sa.bindparam(_KEY + "id")).values(values)


@lru_cache
def _defaults(model: type[Record]) -> tuple[Mapping[str, Any], Mapping[str, Callable[[], Any]]]:
    """The columns that need not be given: those with a constant, and those with what makes a value for each row."""
    fields = {
        name: field for name, field in model.model_fields.items() if not field.is_required() and name in table(model).c
    }
    constants = {name: field.default for name, field in fields.items() if field.default_factory is None}
    factories = {name: field.default_factory for name, field in fields.items() if field.default_factory is not None}
    return constants, cast(Mapping[str, Callable[[], Any]], factories)
