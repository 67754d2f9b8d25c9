"""The audit's seals tell what was done to entries after they were sealed, whoever did it with whatever rights."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, audit_check, audit_seal, metrics
from app.core.audit import OPERATOR, AuditEntry
from app.core.audit_check import AuditReport, SealUnknown
from app.core.audit_seal import BLOCK, SEALED, AuditSeal, seal_due
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.resealing import count_seals, reseal
from app.core.secrets import SecretBox
from tests.conftest import TEST_SECRET

LONG_AGO = datetime(2026, 3, 1, 9, tzinfo=UTC)
OTHER_SECRET = "another-secret-key-for-tests-only-that-everybody-may-read"


def record(session: WriteSession, number: int = 1) -> None:
    audit.record(
        session, actor=OPERATOR, action="issuer.credential_revoked", subject="credential", subject_id=f"c{number}",
        version=number, key="é",
    )  # fmt: skip


def done(database: Database, count: int) -> None:
    """So many things done, each in the audit."""
    with database.write() as session:
        for number in range(1, count + 1):
            record(session, number)


def done_in_bulk(database: Database, count: int) -> None:
    row = {"actor_kind": "system", "actor_id": "w", "action": "a.b", "subject": "c", "subject_id": "d", "ids": {}}
    with database.write() as session:
        session.execute(sa.insert(AuditEntry), [row | {"at": now(), "ids": {"n": n}} for n in range(count)])


@contextmanager
def as_dba(database: Database) -> Iterator[sa.Connection]:
    """Somebody with every right in the database, who takes the guards away."""
    with database.write_engine.begin() as connection:
        if database.is_sqlite:
            guards = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            for guard in guards:
                connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection


def tamper(database: Database, *statements: str) -> None:
    with as_dba(database) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def look(database: Database, secret_box: SecretBox, since: int = 1, expected: str | None = None) -> AuditReport:
    return audit_check.check(database, secret_box, since_seal=since, expected=expected)


def told(report: AuditReport) -> set[tuple[str, int | None, int | None]]:
    return {(each.what, each.seal, each.entry) for each in report.findings}


def seals(database: Database) -> list[AuditSeal]:
    with database.read() as session:
        return list(session.exec(select(AuditSeal).order_by(col(AuditSeal.number))).all())


@pytest.fixture
def sealed(database: Database, secret_box: SecretBox) -> Database:
    """Three seals over two entries each."""
    for _ in range(3):
        done(database, 2)
        assert seal_due(database, secret_box) == 2
    return database


def test_entries_are_sealed_in_blocks_that_rest_on_each_other(database: Database, secret_box: SecretBox) -> None:
    done_in_bulk(database, 2 * BLOCK + 1)
    assert seal_due(database, secret_box) == 2 * BLOCK + 1
    first, second, third = seals(database)
    assert [len(each.leaves) // 32 for each in (first, second, third)] == [BLOCK, BLOCK, 1]
    assert (second.previous, third.previous) == (first.digest, second.digest)
    assert seal_due(database, secret_box) == 0
    report = look(database, secret_box)
    assert (report.whole, report.entries, report.seals, report.unsealed) == (True, 2 * BLOCK + 1, 3, 0)
    assert report.newest is not None
    assert report.newest.digest == third.digest


def test_nothing_done_yet_is_whole(database: Database, secret_box: SecretBox) -> None:
    assert seal_due(database, secret_box) == 0
    report = look(database, secret_box)
    assert (report.whole, report.newest, report.entries) == (True, None, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'2026-01-01 00:00:00'"), ("actor_kind", "'person'"), ("actor_id", "'somebody-else'"),
        ("action", "'issuer.credential_issued'"), ("subject", "'badge'"), ("subject_id", "'c9'"),
        ("ids", """'{"version": 2, "key": "e"}'"""),
    ],
)  # fmt: skip
def test_whatever_is_altered_in_an_entry_is_found(
    sealed: Database, secret_box: SecretBox, column: str, value: str
) -> None:
    tamper(sealed, f"UPDATE audit_entry SET {column} = {value} WHERE id = 3")  # noqa: S608
    assert told(look(sealed, secret_box)) == {("entry_altered", 2, 3)}


def test_an_entry_that_cannot_even_be_read_is_found(database: Database, secret_box: SecretBox) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL lets nobody write a moment that is none")
    done(database, 3)
    seal_due(database, secret_box)
    tamper(
        database,
        "UPDATE audit_entry SET at = 'never' WHERE id = 1",
        "UPDATE audit_entry SET ids = '{' WHERE id = 3",
    )
    report = look(database, secret_box)
    assert told(report) == {("entry_altered", 1, 1), ("entry_altered", 1, 3)}


def test_a_deleted_entry_is_found(sealed: Database, secret_box: SecretBox) -> None:
    tamper(sealed, "DELETE FROM audit_entry WHERE id IN (4, 5)")
    report = look(sealed, secret_box)
    assert told(report) == {("entry_deleted", 2, 4), ("entry_deleted", 3, 5)}
    assert report.entries == 4


def test_an_entry_that_is_slipped_in_later_is_found(database: Database, secret_box: SecretBox) -> None:
    done(database, 4)
    tamper(database, "DELETE FROM audit_entry WHERE id = 2")  # a number that was never used, as after a rollback
    assert seal_due(database, secret_box) == 3
    assert look(database, secret_box).whole
    others = "at, actor_kind, actor_id, action, subject, subject_id, ids"
    for number in (2, -7):
        copy = f"INSERT INTO audit_entry (id, {others}) SELECT {number}, {others} FROM audit_entry WHERE id = 1"  # noqa: S608
        tamper(database, copy)
    assert told(look(database, secret_box)) == {("entry_inserted", 1, 2), ("entry_inserted", None, -7)}


def test_a_seal_without_its_entries_does_not_hide_them(sealed: Database, secret_box: SecretBox) -> None:
    tamper(sealed, "DELETE FROM audit_entry WHERE id IN (3, 4)", "DELETE FROM audit_seal WHERE number = 2")
    assert told(look(sealed, secret_box)) == {("seal_deleted", 2, None)}


def test_an_altered_seal_is_found(sealed: Database, secret_box: SecretBox) -> None:
    tamper(sealed, "UPDATE audit_seal SET last_id = 3 WHERE number = 2")
    assert ("seal_altered", 2, None) in told(look(sealed, secret_box))


def test_whoever_lacks_the_secret_key_cannot_make_a_seal(sealed: Database, secret_box: SecretBox) -> None:
    """The digests are no secret: everything but `keyed` can be made anew to fit."""
    tamper(sealed, "DELETE FROM audit_entry WHERE id = 6", "DELETE FROM audit_seal WHERE number = 3")
    assert seal_due(sealed, SecretBox([OTHER_SECRET])) == 1
    assert told(look(sealed, secret_box)) == {("seal_foreign", 3, None)}
    another = "SELECT keyed FROM audit_seal WHERE number = 1"  # a true one, of another seal
    tamper(sealed, f"UPDATE audit_seal SET keyed = ({another}) WHERE number = 3")  # noqa: S608
    assert told(look(sealed, secret_box)) == {("seal_foreign", 3, None)}


def test_a_true_seal_of_another_past_does_not_fit_in(sealed: Database, secret_box: SecretBox) -> None:
    old = seals(sealed)[2]
    tamper(sealed, "DELETE FROM audit_entry WHERE id = 4", "DELETE FROM audit_seal WHERE number > 1")
    assert seal_due(sealed, secret_box) == 3
    assert look(sealed, secret_box).whole
    with sealed.write() as session:
        session.add(AuditSeal(**old.model_dump()))
    assert told(look(sealed, secret_box)) == {("seal_altered", 3, None)}
    assert told(look(sealed, secret_box, since=3)) == {("seal_altered", 3, None)}


def test_seals_cut_off_at_the_end_are_missed_by_whoever_noted_one(sealed: Database, secret_box: SecretBox) -> None:
    noted = seals(sealed)[-1].digest
    assert look(sealed, secret_box, expected=noted).whole
    tamper(sealed, "DELETE FROM audit_entry WHERE id = 5", "DELETE FROM audit_seal WHERE number = 3")
    assert seal_due(sealed, SecretBox([TEST_SECRET])) == 1
    assert look(sealed, secret_box).whole, "nothing in the database can tell"
    assert told(look(sealed, secret_box, expected=noted)) == {("seal_expected", None, None)}


def test_a_worker_that_saw_a_seal_tells_when_it_is_gone(
    sealed: Database, secret_box: SecretBox, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = seals(sealed)[-1].digest
    tamper(sealed, "DELETE FROM audit_entry WHERE id = 5", "DELETE FROM audit_seal WHERE number = 3")
    assert seal_due(sealed, secret_box) == 1
    said = capsys.readouterr().err
    assert "audit.seal_gone" in said
    assert noted in said


def test_a_worker_tells_when_the_newest_seal_is_none_of_ours(
    sealed: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    seal_due(sealed, SecretBox([OTHER_SECRET]))
    assert "audit.seal_foreign" in capsys.readouterr().err


def test_the_log_gets_the_digest_of_each_seal(
    database: Database, secret_box: SecretBox, capsys: pytest.CaptureFixture[str]
) -> None:
    done(database, 1)
    seal_due(database, secret_box)
    assert seals(database)[0].digest in capsys.readouterr().err


def test_looking_may_begin_with_a_later_seal(sealed: Database, secret_box: SecretBox) -> None:
    tamper(sealed, "DELETE FROM audit_entry WHERE id = 1")
    report = look(sealed, secret_box, since=2)
    assert (report.whole, report.entries, report.seals, report.since_seal) == (True, 4, 2, 2)
    noted = seals(sealed)[0].digest
    assert told(look(sealed, secret_box, since=2, expected=noted)) == {("entry_deleted", 1, 1)}
    with pytest.raises(SealUnknown):
        look(sealed, secret_box, since=4)


def test_entries_that_no_worker_seals_are_told(database: Database, secret_box: SecretBox) -> None:
    done(database, 2)
    report = look(database, secret_box)
    assert (report.whole, report.unsealed) == (True, 2)
    tamper(database, "UPDATE audit_entry SET at = '2026-03-01 09:00:00.000000'")
    assert told(look(database, secret_box)) == {("entries_unsealed", None, 1)}
    with database.read() as session:
        audit_seal.tell_unsealed(session)
    assert metrics.AUDIT_UNSEALED_AGE._value.get() > 900
    seal_due(database, secret_box)
    with database.read() as session:
        audit_seal.tell_unsealed(session)
    assert metrics.AUDIT_UNSEALED_AGE._value.get() == 0
    assert look(database, secret_box).whole


def test_only_so_many_findings_are_told_and_all_are_counted(database: Database, secret_box: SecretBox) -> None:
    done_in_bulk(database, 300)
    seal_due(database, secret_box)
    tamper(database, "DELETE FROM audit_entry WHERE id > 10")
    report = look(database, secret_box)
    assert report.counts == {"entry_deleted": 290}
    assert len(report.findings) == audit_check.MOST_TOLD


def test_two_workers_at_once_seal_each_entry_once(database: Database, secret_box: SecretBox) -> None:
    done_in_bulk(database, 3 * BLOCK)
    ready = threading.Barrier(2)
    counts: list[int] = []

    def work() -> None:
        ready.wait()
        counts.append(seal_due(database, secret_box))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.append(seal_due(database, secret_box))
    assert sum(counts) == 3 * BLOCK
    assert look(database, secret_box).entries == 3 * BLOCK


def test_an_entry_that_is_committed_late_is_waited_for(
    database: Database, secret_box: SecretBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one who writes at a time")
    monkeypatch.setattr(audit_seal, "PATIENCE_SECONDS", 0.1)
    with database.write() as slow:
        record(slow, 1)
        slow.flush()
        done(database, 2)  # takes later ids, and is there earlier
        assert seal_due(database, secret_box) == 0
    assert seal_due(database, secret_box) == 3
    assert look(database, secret_box).whole


def test_a_changed_master_key_keeps_the_seals(sealed: Database) -> None:
    both, new = SecretBox([OTHER_SECRET, TEST_SECRET]), SecretBox([OTHER_SECRET])
    (place,) = SEALED
    assert look(sealed, both).whole
    assert not look(sealed, new).whole
    assert count_seals(sealed, both, place).older == 3
    assert reseal(sealed, both, place).older == 0
    assert look(sealed, new).whole
    done(sealed, 1)
    seal_due(sealed, new)
    assert look(sealed, new).whole


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'x' WHERE id = 1", "DELETE FROM audit_entry WHERE id = 1",
        "UPDATE audit_seal SET digest = 'x' WHERE number = 1", "DELETE FROM audit_seal",
    ],
)  # fmt: skip
def test_the_database_itself_refuses_to_change_the_audit(sealed: Database, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), sealed.write() as session:
        session.execute(sa.text(statement))


def test_postgresql_refuses_to_empty_the_audit(sealed: Database) -> None:
    if sealed.is_sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), sealed.write() as session:
        session.execute(sa.text("TRUNCATE audit_entry"))


def test_a_digest_is_the_same_on_every_database(database: Database) -> None:
    """Pinned: if it ever changes, what was sealed before looks altered."""
    entry: Any = AuditEntry(
        id=7, at=LONG_AGO + timedelta(microseconds=42), actor_kind="client", actor_id="c", action="a.b", subject="s",
        subject_id="i", ids={"z": 1, "a": "ü", "big": 2**60},
    )  # fmt: skip
    with database.write() as session:
        session.add(entry)
    with database.look() as found:
        (row,) = found.run(sa.select(*AuditEntry.__table__.c))  # type: ignore[attr-defined]
    assert audit_seal.leaf(row).hex() == PINNED


PINNED = "0a3cf5d09cadf2ab4d36ae844a2d5e9a6f4095f8751b55aaea0ce974edcfbbcf"
