"""Two kinds of session, and moments that keep their zone."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import select

from app.core import db
from app.core.audit import AuditEntry
from app.core.db import Database, ReadSession, WriteSession
from app.core.db_trouble import Trouble, trouble_of
from app.core.scrubbing import empty_log
from app.core.server_facts import ServerFact, note, recall


def test_a_read_session_refuses_to_write(database: Database) -> None:
    with database.read() as session:
        session.add(ServerFact(name="a", value="b"))
        with pytest.raises(RuntimeError, match="does not write"):
            session.flush()


def test_what_was_raised_in_a_write_session_leaves_nothing_behind(database: Database) -> None:
    def fail_after_writing() -> None:
        with database.write() as session:
            note(session, "a", "b")
            session.flush()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very error raised above
        fail_after_writing()
    with database.read() as session:
        assert recall(session, "a") is None


def test_no_update_is_lost_among_threads(database: Database) -> None:
    with database.write() as session:
        note(session, "count", "0")

    def count_up() -> None:
        for _ in range(20):
            with database.write() as session:
                # On SQLite the write session is enough; elsewhere a row that is read to be changed is locked.
                row = session.get_one(ServerFact, "count", with_for_update=True)
                row.value = str(int(row.value) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert recall(session, "count") == "120"


def test_readers_are_not_blocked_by_a_writer(database: Database) -> None:
    with database.write() as writing:
        note(writing, "a", "b")
        writing.flush()
        with database.read() as reading:
            assert recall(reading, "a") is None


def test_moments_come_back_in_utc(database: Database) -> None:
    sydney = timezone(timedelta(hours=11))
    with database.write() as session:
        at = datetime(2026, 3, 4, 12, 0, tzinfo=sydney)
        session.add(AuditEntry(at=at, actor_kind="system", actor_id="x", action="a.b", subject="s", subject_id="1"))
    with database.read() as session:
        assert session.exec(select(AuditEntry)).one().at == datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    def write_naive() -> None:
        with database.write() as session:
            session.add(
                AuditEntry(
                    at=datetime(2026, 3, 4),  # noqa: DTZ001 - the mistake under test
                    actor_kind="system", actor_id="x", action="a.b", subject="s", subject_id="1",
                )
            )  # fmt: skip

    with pytest.raises(Exception, match="time zone"):
        write_naive()


def test_a_write_session_is_a_read_session_too(database: Database) -> None:
    with database.write() as session:
        assert isinstance(session, ReadSession)


def test_a_statement_that_writes_is_refused_in_a_read_session(database: Database) -> None:
    """It would be lost without a word when the session is closed."""
    with database.write() as session:
        note(session, "a", "b")
    for statement in (
        sa.update(ServerFact).values(value="changed"),
        sa.delete(ServerFact),
        sa.insert(ServerFact).values(name="c", value="d"),
    ):
        with database.read() as session, pytest.raises(RuntimeError, match="does not write"):
            session.exec(statement)
    with database.read() as session:
        assert [(row.name, row.value) for row in session.exec(select(ServerFact)).all()] == [("a", "b")]


def test_an_errors_text_does_not_quote_what_was_to_be_stored(database: Database) -> None:
    with database.write() as session:
        note(session, "a", "b")
    with pytest.raises(sa.exc.IntegrityError) as raised, database.write() as session:
        session.add(ServerFact(name="a", value="tess@example.org"))
    assert "tess@example.org" not in str(raised.value)


def test_a_statement_past_the_orm_that_writes_is_refused_in_a_read_session(database: Database) -> None:
    for statement in (sa.update(ServerFact).values(value="changed"), sa.delete(ServerFact), sa.insert(ServerFact)):
        with database.read() as session, pytest.raises(RuntimeError, match="does not write"):
            session.run(statement, {"name": "c", "value": "d"})
    with database.read() as session:
        assert session.run(sa.select(ServerFact.name)).all() == []


def write_while_reading(database: Database) -> None:
    """Write over another connection than the one that was used last, which is busy reading."""
    with database.read() as reading:
        assert recall(reading, "a") is None
        with database.write() as session:
            note(session, "e", "f")
    with database.read() as reading:
        assert recall(reading, "e") == "f"


def write_within_a_write(database: Database) -> None:
    with database.write() as session:
        note(session, "a", "b")
        session.flush()
        with database.write() as another:
            note(another, "c", "d")


def test_a_change_that_another_one_keeps_waiting_is_refused_and_hinders_nobody_after(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL lets many write at once")
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 50)
    with pytest.raises(sa.exc.OperationalError) as raised:
        write_within_a_write(database)
    assert trouble_of(raised.value) is Trouble.BUSY
    write_while_reading(database)


def test_a_change_goes_on_when_another_process_has_written(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL lets many write at once")

    def write() -> None:
        with database.write() as session:
            note(session, "a", "b")

    other = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=write, daemon=True)
    waiting.start()
    waiting.join(timeout=0.3)
    assert waiting.is_alive()
    other.execute("ROLLBACK")
    other.close()
    waiting.join(timeout=60)
    with database.read() as session:
        assert recall(session, "a") == "b"


def test_a_change_that_another_process_keeps_waiting_hinders_nobody_after(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL lets many write at once")
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 50)
    impatient = Database(database.url)
    other = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sa.exc.OperationalError) as raised, impatient.write() as session:
        note(session, "a", "b")
    assert trouble_of(raised.value) is Trouble.BUSY
    other.execute("ROLLBACK")
    other.close()
    write_while_reading(impatient)
    impatient.dispose()


@pytest.mark.parametrize("past_the_orm", [False, True])
def test_a_change_that_cannot_be_committed_is_taken_back_and_hinders_nobody_after(
    database: Database, past_the_orm: bool
) -> None:
    def fail(_connection: sa.Connection) -> None:
        raise LookupError

    def change() -> None:
        with database.write() as session:
            if past_the_orm:
                session.run(sa.insert(ServerFact), {"name": "a", "value": "b"})
            else:
                note(session, "a", "b")

    event.listen(database.write_engine, "commit", fail)
    with pytest.raises(LookupError):
        change()
    event.remove(database.write_engine, "commit", fail)
    write_while_reading(database)


def test_one_who_writes_after_another_ones_commit_does_not_wait(database: Database) -> None:
    """The turn ends with the transaction, not only when the connection has gone back."""

    def write_too(_session: ReadSession) -> None:
        with database.write() as session:
            note(session, "second", "b")

    event.listen(WriteSession, "after_commit", write_too, once=True)
    with database.write() as session:
        note(session, "first", "a")
    with database.read() as session:
        assert recall(session, "second") == "b"


def test_a_log_that_others_still_read_is_not_emptied_and_is_told_and_later_it_is(database: Database) -> None:
    if not database.is_sqlite:
        assert empty_log(database)
        return
    log = Path(str(database.engine.url.database) + "-wal")
    with database.read() as reader:
        assert recall(reader, "a") is None
        with database.write() as session:
            note(session, "a", "b")
        assert not empty_log(database)
        assert log.stat().st_size > 0
    assert empty_log(database)
    assert log.stat().st_size == 0
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == db.BUSY_TIMEOUT_MS
