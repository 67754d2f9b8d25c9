"""Single rows past the ORM: found, written, changed, with the defaults of their models."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core import rows
from app.core.db import Database, WriteSession
from app.core.outbox_models import OutboxDelivery, OutboxEvent

AT_NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
EVENT = rows.table(OutboxEvent).c
ASKED = sa.select(EVENT.id, EVENT.created_at)


def test_a_row_comes_back_as_it_was_written_defaults_included(database: Database) -> None:
    with database.write() as session:
        rows.insert(session, OutboxEvent, id="one", kind="thing.happened", payload={"a": [1, None]}, created_at=AT_NOON)
    with database.read() as session:
        row = session.get_one(OutboxEvent, "one")
        assert (row.kind, row.payload, row.created_at) == ("thing.happened", {"a": [1, None]}, AT_NOON)
        assert row.dispatched_at is None


def test_defaults_are_made_anew_for_each_row(database: Database) -> None:
    with database.write() as session:
        for _ in range(2):
            rows.insert(session, OutboxEvent, kind="thing.happened")
    with database.read() as session:
        first, second = session.exec(select(OutboxEvent)).all()
        assert first.id != second.id


def test_a_row_without_a_needed_column_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as session:
        rows.insert(session, OutboxEvent, id="one")


def test_a_row_is_found_by_the_columns_that_name_it(database: Database) -> None:
    with database.write() as session:
        rows.insert(session, OutboxEvent, id="one", kind="a", created_at=AT_NOON)
        rows.insert(session, OutboxEvent, id="two", kind="b")
        found = rows.find(session, OutboxEvent, id="one", kind="a")
        assert found is not None
        assert (found.id, found.kind, found.payload, found.created_at) == ("one", "a", {}, AT_NOON)
        assert rows.find(session, OutboxEvent, id="one", kind="b") is None


def test_columns_that_name_several_rows_are_an_error(database: Database) -> None:
    with database.write() as session:
        rows.insert(session, OutboxEvent, kind="a")
        rows.insert(session, OutboxEvent, kind="a")
        with pytest.raises(sa.exc.MultipleResultsFound):
            rows.find(session, OutboxEvent, kind="a")


def test_only_the_columns_that_are_named_of_only_that_row_change(database: Database) -> None:
    with database.write() as session:
        rows.insert(session, OutboxEvent, id="one", kind="a", created_at=AT_NOON)
        rows.insert(session, OutboxEvent, id="two", kind="a", created_at=AT_NOON)
        rows.change(session, OutboxEvent, "one", {"kind": "b", "payload": {"n": 1}})
    with database.read() as session:
        told = [(row.id, row.kind, row.payload) for row in session.exec(select(OutboxEvent).order_by("id"))]
        assert told == [("one", "b", {"n": 1}), ("two", "a", {})]


def test_what_was_changed_on_objects_before_is_seen(database: Database) -> None:
    """The two ways of writing may be mixed in one transaction."""
    with database.write() as session:
        session.add(OutboxEvent(id="one", kind="a"))
        rows.insert(session, OutboxDelivery, event_id="one", handler="h")
        session.get_one(OutboxEvent, "one").kind = "b"
        found = rows.find(session, OutboxEvent, id="one")
        assert found is not None
        assert found.kind == "b"


def test_a_read_session_writes_no_row(database: Database) -> None:
    with database.read() as session:
        with pytest.raises(RuntimeError, match="does not write"):
            rows.insert(session, OutboxEvent, kind="a")  # type: ignore[arg-type] - the mistake under test
        with pytest.raises(RuntimeError, match="does not write"):
            rows.change(session, OutboxEvent, "one", {"kind": "a"})  # type: ignore[arg-type] - the same


def write_one_too_many(session: WriteSession) -> None:
    with session.begin_nested():
        rows.insert(session, OutboxEvent, id="within", kind="a")
        rows.insert(session, OutboxEvent, id="before", kind="a")


def test_what_fails_within_a_savepoint_is_taken_back_and_the_rest_stays(database: Database) -> None:
    with database.write() as session:
        rows.insert(session, OutboxEvent, id="before", kind="a")
        with pytest.raises(sa.exc.IntegrityError):
            write_one_too_many(session)
        rows.insert(session, OutboxEvent, id="after", kind="a")
    with database.read() as session:
        assert session.exec(select(OutboxEvent.id).order_by(OutboxEvent.id)).all() == ["after", "before"]


@pytest.mark.parametrize("count", [0, 1, 2, 1203])
def test_rows_with_any_of_some_values_are_found_however_many_there_are(database: Database, count: int) -> None:
    wanted = [f"row-{number:04}" for number in range(count)]
    made = [{"id": each, "kind": "a", "created_at": AT_NOON} for each in (*wanted, "row-9999")]
    with database.write() as session:
        for row in made:
            rows.insert(session, OutboxEvent, **row)
    with database.read() as session:
        found = list(rows.of_any(session, ASKED, EVENT.id, [*wanted, *wanted]))
    assert sorted((row.id, row.created_at) for row in found) == [(each, AT_NOON) for each in wanted]


@pytest.mark.parametrize("wanted", [["one"], ["one", "two"]])
def test_what_was_changed_on_objects_comes_before_the_rows_are_asked_for(database: Database, wanted: list[str]) -> None:
    with database.write() as session:
        session.add(OutboxEvent(id="one", kind="a", created_at=AT_NOON))
        assert [row.id for row in rows.of_any(session, ASKED, EVENT.id, wanted)] == ["one"]
