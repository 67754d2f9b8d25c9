"""Statements on the driver's own cursor find, store and refuse exactly what SQLAlchemy's own way does."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.core import statements
from app.core.db import Database, UTCDateTime
from app.core.server_facts import ServerFact
from app.lti import launch, login
from app.people import identities


class Colour(enum.Enum):
    RED = "r"


KINDS = sa.Table(
    "kind_of_value",
    sa.MetaData(),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("text", sa.String(20)),
    sa.Column("number", sa.Integer),
    sa.Column("large", sa.BigInteger),
    sa.Column("fraction", sa.Float),
    sa.Column("truth", sa.Boolean),
    sa.Column("moment", UTCDateTime),
    sa.Column("day", sa.Date),
    sa.Column("document", sa.JSON),
    sa.Column("octets", sa.LargeBinary),
    sa.Column("name", sa.Uuid),
    sa.Column("colour", sa.Enum(Colour, native_enum=False)),
    sa.Column("filled", sa.String, default="by SQLAlchemy"),
)
VALUES: Mapping[str, tuple[Any, ...]] = {
    "text": ("", "Tess", "ü 日本 \U0001f3f5 %s %(a)s ? :b"),
    "number": (0, -1, 2**31 - 1),
    "large": (2**62,),
    "fraction": (0.1, -1e300),
    "truth": (True, False),
    "moment": (
        datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 3, 4, 12, 0, tzinfo=timezone(timedelta(hours=11))),
    ),
    "day": (date(2026, 2, 28),),
    "document": ({}, [], {"a": [1, None, "ü"], "b": {"c": True}}, "text", 0, False),
    "octets": (b"", b"\x00\xff"),
    "name": (uuid.UUID(int=1),),
    "colour": (Colour.RED,),
}
CASES = [(column, value) for column, values in VALUES.items() for value in (*values, None)]
SET = {column: sa.insert(KINDS) for column in VALUES}
FIND = sa.select(KINDS).where(KINDS.c.id == sa.bindparam("wanted"))
COUNT = sa.select(sa.func.count()).select_from(KINDS)

Run = Callable[..., Any]


def by_sqlalchemy(connection: sa.Connection, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Any:
    return connection.execute(statement, values)


WAYS = [statements.run, by_sqlalchemy]


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    """One that takes everything back."""
    with database.write_engine.connect() as connection:
        connection.begin()
        KINDS.create(connection)
        yield connection


@pytest.mark.parametrize(("column", "value"), CASES, ids=[f"{column}-{value!r}"[:40] for column, value in CASES])
def test_every_kind_of_value_is_stored_and_found_alike(connection: sa.Connection, column: str, value: Any) -> None:
    stored, told = [], []
    for number, write in enumerate(WAYS):
        write(connection, sa.insert(KINDS), {"id": str(number), column: value, "filled": None})
        raw = sa.text(f"SELECT {column} FROM kind_of_value WHERE id = '{number}'")  # noqa: S608 - names of our own
        stored.append(tuple(connection.execute(raw).one()))
        told += [getattr(read(connection, FIND, {"wanted": str(number)}).one(), column) for read in WAYS]
    assert stored[0] == stored[1]
    assert told == [value] * 4
    assert {type(each) for each in told} == {type(value)}


def test_a_row_is_one_of_sqlalchemys(connection: sa.Connection) -> None:
    statements.run(connection, sa.insert(KINDS), {"id": "a", "number": 3, "filled": "x"})
    ours, theirs = (run(connection, FIND, {"wanted": "a"}).one() for run in WAYS)
    assert ours == theirs
    assert ours._asdict() == theirs._asdict()
    assert ours._mapping[KINDS.c.number] == 3


def test_how_many_rows_were_changed_is_told(connection: sa.Connection) -> None:
    for name in "ab":
        statements.run(connection, sa.insert(KINDS), {"id": name, "filled": None})
    everywhere = sa.update(KINDS).values(number=sa.bindparam("n"))
    nowhere = sa.delete(KINDS).where(KINDS.c.id == sa.bindparam("wanted"))
    assert statements.run(connection, everywhere, {"n": 1}).rowcount == 2
    assert statements.run(connection, nowhere, {"wanted": "z"}).rowcount == 0


def test_what_a_change_returns_is_found(connection: sa.Connection) -> None:
    statements.run(connection, sa.insert(KINDS), {"id": "a", "filled": None})
    at_noon = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    change = sa.update(KINDS).values(moment=sa.bindparam("m", type_=UTCDateTime)).returning(KINDS.c.moment)
    assert statements.run(connection, change, {"m": at_noon}).scalar_one() == at_noon


def test_rows_are_given_as_asked_for(connection: sa.Connection) -> None:
    ids = sa.select(KINDS.c.id).order_by(KINDS.c.id)
    none = statements.run(connection, ids)
    assert (list(none), none.all(), none.first(), none.one_or_none(), none.scalar()) == ([], [], None, None, None)
    assert none.scalar_one_or_none() is None
    with pytest.raises(sa.exc.NoResultFound):
        none.one()
    for name in "ab":
        statements.run(connection, sa.insert(KINDS), {"id": name, "filled": None})
    two = statements.run(connection, ids)
    assert ([row.id for row in two], two.first(), two.scalar()) == (["a", "b"], ("a",), "a")
    for of in (two.one, two.one_or_none, two.scalar_one, two.scalar_one_or_none):
        with pytest.raises(sa.exc.MultipleResultsFound):
            of()


def test_constants_of_the_statement_take_part(connection: sa.Connection) -> None:
    statements.run(connection, sa.insert(KINDS), {"id": "a", "number": 5, "truth": True, "filled": None})
    some = sa.select(KINDS.c.id).where(KINDS.c.number > 4, KINDS.c.truth == True).limit(3)  # noqa: E712
    assert statements.run(connection, some).all() == [("a",)]


def test_what_is_not_plain_goes_the_usual_way(connection: sa.Connection) -> None:
    statements.run(connection, sa.insert(KINDS), {"id": "a"})
    among = sa.select(KINDS.c.filled).where(KINDS.c.id.in_(sa.bindparam("some", expanding=True)))
    assert statements.run(connection, among, {"some": ["a", "b"]}).all() == [("by SQLAlchemy",)]
    assert statements.run(connection, sa.text("SELECT id FROM kind_of_value")).scalar_one() == "a"
    later = iter("ab")
    called = sa.select(sa.bindparam("each", callable_=lambda: next(later), type_=sa.String))
    assert [statements.run(connection, called).scalar_one() for _ in range(2)] == ["a", "b"]


def test_who_listens_hears_of_each_statement(database: Database) -> None:
    heard: list[str] = []
    one = sa.select(sa.literal(1))
    with database.engine.connect() as connection:
        statements.run(connection, one)
        event.listen(database.engine, "before_cursor_execute", lambda *arguments: heard.append(arguments[2]))
        statements.run(connection, one)
    assert len(heard) == 1


def refused(connection: sa.Connection, run: Run, statement: sa.Executable, values: Mapping[str, Any]) -> Any:
    """The error as far as code looks at it."""
    savepoint = connection.begin_nested()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one it is is what is compared
        run(connection, statement, values)
    savepoint.rollback()
    error = raised.value
    told = getattr(error, "orig", None)
    return type(error), type(told), str(error).partition("\n")[0], getattr(error, "connection_invalidated", None)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (sa.insert(KINDS), {"id": "taken", "filled": None}),
        (sa.insert(KINDS), {"id": None, "filled": None}),
        (sa.insert(KINDS), {"id": "b", "moment": datetime(2026, 3, 4), "filled": None}),  # noqa: DTZ001
        (sa.insert(KINDS), {"id": "b", "document": object(), "filled": None}),
        (sa.insert(KINDS), {"id": "b", "octets": 1, "filled": None}),
        (sa.insert(KINDS), {"id": "b", "text": "\ud800", "filled": None}),
        (sa.insert(KINDS), {"id": "b", "large": 2**70, "filled": None}),
        (sa.insert(KINDS), {"id": "b", "number": object(), "filled": None}),
        (FIND, {}),
        (sa.select(sa.column("nonsense")).select_from(KINDS), {}),
    ],
    ids=["taken", "null", "naive", "no-json", "no-octets", "surrogate", "too-large", "no-value", "missing", "no-name"],
)  # fmt: skip
def test_every_refusal_is_the_same(
    connection: sa.Connection, statement: sa.Executable, values: Mapping[str, Any]
) -> None:
    statements.run(connection, sa.insert(KINDS), {"id": "taken", "filled": None})
    ours, theirs = (refused(connection, run, statement, values) for run in WAYS)
    assert ours == theirs
    assert statements.run(connection, COUNT).scalar_one() == 1


def test_a_refusal_quotes_nothing_that_was_to_be_stored(connection: sa.Connection) -> None:
    row = {"id": "a", "text": "tess@example.org", "filled": None}
    statements.run(connection, sa.insert(KINDS), row)
    with pytest.raises(sa.exc.IntegrityError) as raised:
        statements.run(connection, sa.insert(KINDS), row)
    assert "tess@example.org" not in str(raised.value)
    assert "hide_parameters" in str(raised.value)


@pytest.mark.parametrize("run", WAYS)
def test_a_connection_that_was_lost_is_given_up(database: Database, run: Run) -> None:
    if database.is_sqlite:
        pytest.skip("a file does not hang up")
    one = sa.select(sa.literal(1))
    with database.engine.connect() as lost, database.engine.connect() as other:
        run(lost, one)
        number = lost.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(sa.text("SELECT pg_terminate_backend(:number)"), {"number": number})
        with pytest.raises(sa.exc.OperationalError) as raised:
            run(lost, one)
        assert raised.value.connection_invalidated
        assert lost.invalidated
        with pytest.raises(sa.exc.PendingRollbackError):
            run(lost, one)
        lost.rollback()
        assert run(lost, one).scalar_one() == 1


@pytest.mark.parametrize("run", WAYS)
def test_nothing_is_asked_outside_of_a_transaction_that_has_ended(database: Database, run: Run) -> None:
    one = sa.select(sa.literal(1))
    with database.engine.connect() as connection, connection.begin() as transaction:
        run(connection, one)
        transaction.rollback()
        with pytest.raises(sa.exc.InvalidRequestError, match="closed transaction"):
            run(connection, one)


def test_a_closed_connection_is_refused(database: Database) -> None:
    with database.engine.connect() as connection:
        pass
    with pytest.raises(sa.exc.ResourceClosedError):
        statements.run(connection, sa.select(sa.literal(1)))


def test_a_savepoint_takes_back_what_was_written_in_it(database: Database) -> None:
    new = sa.insert(ServerFact)
    with database.write() as session:
        session.run(new, {"name": "kept", "value": "a"})
        savepoint = session.begin_nested()
        session.run(new, {"name": "lost", "value": "b"})
        with pytest.raises(sa.exc.IntegrityError):
            session.run(new, {"name": "kept", "value": "c"})
        savepoint.rollback()
        session.run(new, {"name": "later", "value": "d"})
    with database.look() as look:
        assert set(look.run(sa.select(ServerFact.name))) == {("kept",), ("later",)}


def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    def change() -> None:
        with database.write() as session:
            session.run(sa.insert(ServerFact), {"name": "a", "value": "b"})
            raise LookupError

    with pytest.raises(LookupError):
        change()
    with database.look() as look:
        assert look.run(sa.select(ServerFact.name)).all() == []


def test_a_session_that_asks_nothing_takes_no_connection(database: Database) -> None:
    database.engine.dispose()
    with database.read(), database.write():
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        (login._OF_ISSUER, ("wanted_issuer",)),
        (launch._APPROVED, ("registration",)),
        (launch._USE, ("login_id", "moment")),
        (identities._SEEN, ("registration_id_", "subject_", "name_", "email_", "organisation_id_", "seen_at_")),
    ],
    ids=["registrations", "deployments", "use", "seen"],
)  # fmt: skip
def test_the_statements_of_every_launch_are_plain(database: Database, statement: Any, names: tuple[str, ...]) -> None:
    """Otherwise they take the long way, and nobody notices."""
    with database.engine.connect() as connection:
        assert statements._prepared(statement, connection.dialect, names) is not None
