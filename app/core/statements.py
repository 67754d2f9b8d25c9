"""Statements that are constants of their module, run on the driver's own cursor.

SQLAlchemy needs about ten times as long for a statement that it has run before as SQLite needs to answer it. Here it
compiles a statement once; from then on its text, the order of its values and the conversions of their types are at
hand. Connections, transactions, errors and lost connections stay SQLAlchemy's. Whatever is not plain goes its usual
way: texts that depend on the values, defaults that it would fill in, listeners, options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

KEPT = 1024  # a statement that is not a constant pushes others out, and no more

Convert = Callable[[Any], Any]


class Rows:
    """What a statement found, all of it in memory.

    Attributes:
        rowcount: how many rows it changed.
    """

    def __init__(self, found: Sequence[sa.Row[Any]], rowcount: int) -> None:
        self._found = found
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[sa.Row[Any]]:
        return iter(self._found)

    def all(self) -> Sequence[sa.Row[Any]]:
        """Every row."""
        return self._found

    def first(self) -> sa.Row[Any] | None:
        """The first row, None if there is none."""
        return self._found[0] if self._found else None

    def one_or_none(self) -> sa.Row[Any] | None:
        """The only row, None if there is none.

        Raises:
            sqlalchemy.exc.MultipleResultsFound: there are several.
        """
        if len(self._found) > 1:
            raise sa.exc.MultipleResultsFound("Multiple rows were found when one or none was required")
        return self.first()

    def one(self) -> sa.Row[Any]:
        """The only row.

        Raises:
            sqlalchemy.exc.NoResultFound: there is none.
            sqlalchemy.exc.MultipleResultsFound: there are several.
        """
        row = self.one_or_none()
        if row is None:
            raise sa.exc.NoResultFound("No row was found when one was required")
        return row

    def scalar(self) -> Any:
        """The first value of the first row, None if there is none."""
        return self._found[0][0] if self._found else None

    def scalar_one_or_none(self) -> Any:
        """The first value of the only row; as `one_or_none`."""
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:
        """The first value of the only row; as `one`."""
        return self.one()[0]


@dataclass
class _Prepared:
    """A statement for one dialect and one set of names.

    Attributes:
        text: SQL with the driver's placeholders.
        places: name, conversion and (if no value of this name is given) the constant for each placeholder.
        positional: whether the driver takes values by their order, not by name.
        columns: name and type of each column it finds.
        metadata, reads: how rows are read; known only when it has run, as conversions depend on the driver's types.
    """

    text: str
    places: Sequence[tuple[str, Convert | None, bool, Any]]
    positional: bool
    columns: Sequence[tuple[str, Any, sa.types.TypeEngine[Any]]]
    metadata: SimpleResultMetaData | None = field(default=None, init=False)
    reads: list[Any] | None = field(default=None, init=False)

    def bound(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        made = [
            (name, (values[name] if convert is None else convert(values[name])) if is_given else constant)
            for name, convert, is_given, constant in self.places
        ]
        return tuple(value for _, value in made) if self.positional else dict(made)

    def rows(self, dialect: Dialect, description: Sequence[Any], found: Sequence[Any]) -> Sequence[sa.Row[Any]]:
        """The driver's rows as SQLAlchemy's."""
        metadata = self.metadata
        if metadata is None:
            reads = [
                kind._cached_result_processor(dialect, told[1])
                for (_, _, kind), told in zip(self.columns, description, strict=True)
            ]
            self.reads = reads if any(reads) else None
            names = [name for name, _, _ in self.columns]
            metadata = self.metadata = SimpleResultMetaData(names, [objects for _, objects, _ in self.columns])
        return [sa.Row(metadata, self.reads, metadata._key_to_index, row) for row in found]


def run(connection: sa.Connection, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Rows:
    """Run a statement within the connection's transaction; begins one if there is none.

    Args:
        connection: as `Connection.execute` of SQLAlchemy wants it.
        statement: SQLAlchemy Core, best a constant of its module.
        values: for its bind parameters; for an INSERT the row.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: as `Connection.execute`.
    """
    given = values or {}
    prepared = None
    if not (connection._has_events or connection.engine._has_events or connection._echo):
        prepared = _prepared(statement, connection.dialect, tuple(given))
    if prepared is None or not _in_transaction(connection):
        result = connection.execute(statement, values)
        return Rows(result.all() if result.returns_rows else [], result.rowcount)
    return _run(connection, prepared, given)


def _in_transaction(connection: sa.Connection) -> bool:
    """See to it that a transaction has begun; false if SQLAlchemy has to say why none can be used."""
    if connection.closed or connection.invalidated:
        return False
    transaction = connection.get_nested_transaction() or connection.get_transaction()
    if transaction is None:
        connection.begin()
        return True
    return transaction.is_active


def _run(connection: sa.Connection, prepared: _Prepared, values: Mapping[str, Any]) -> Rows:
    try:
        bound = prepared.bound(values)
    except Exception as error:  # noqa: BLE001 - whatever a conversion raises, SQLAlchemy makes its own error of it
        _told(connection, error, prepared.text, values, None)
    cursor = connection.connection.cursor()
    try:
        cursor.execute(prepared.text, bound)
        description = cursor.description
        found = cursor.fetchall() if description else []
    except BaseException as error:
        if isinstance(error, Exception) and not isinstance(error, connection.dialect.loaded_dbapi.Error):
            cursor.close()
            raise
        _told(connection, error, prepared.text, bound, cursor)
    count = cursor.rowcount
    cursor.close()
    return Rows(prepared.rows(connection.dialect, description, found) if found else [], count)


def _told(
    connection: sa.Connection, error: BaseException, text: str, values: Any, cursor: DBAPICursor | None
) -> NoReturn:
    """SQLAlchemy makes its own error of it, and gives the connection up if it is lost."""
    connection._handle_dbapi_exception(error, text, values, cursor, None)


@lru_cache(KEPT)
def _prepared(statement: Any, dialect: Dialect, names: tuple[str, ...]) -> _Prepared | None:
    """The statement made ready, None if it is not plain or SQLAlchemy has to say what is wrong with it."""
    marks = {name: object() for name in names}
    try:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        if not _is_plain(statement, compiled):
            return None
        constants = compiled.construct_params(marks)
    except (sa.exc.SQLAlchemyError, AttributeError):
        return None
    converts = compiled._bind_processors
    places = []
    for name in compiled.positiontup if compiled.positional else constants:
        convert, is_given = converts.get(name), name in marks
        constant = constants[name] if is_given or convert is None else convert(constants[name])
        places.append((name, convert, is_given, constant))
    columns = [(column.keyname, column.objects, column.type) for column in compiled._result_columns or ()]
    return _Prepared(compiled.string, places, bool(compiled.positional), columns)


def _is_plain(statement: Any, compiled: Any) -> bool:
    """Whether text and values do not depend on anything but the values given."""
    return (
        isinstance(compiled, SQLCompiler)
        and not compiled.isplaintext
        and not statement.get_execution_options()
        and not compiled.execution_options
        and not compiled.post_compile_params
        and not compiled.literal_execute_params
        and not compiled.escaped_bind_names
        and not compiled.implicit_returning
        and not compiled.insert_prefetch
        and not compiled.update_prefetch
        and not any(bind.callable for bind in compiled.bind_names)
        and not compiled._textual_ordered_columns
        and (compiled._ordered_columns or not compiled._result_columns)
    )
