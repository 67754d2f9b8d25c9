"""Sealing anew under a new master key, beside processes that go on writing."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import server_facts
from app.core.db import Database
from app.core.resealing import SealCount, SealedColumn, count_seals, reseal
from app.core.secrets import SecretBox
from app.core.server_facts import ServerFact

OLD, NEW = "o" * 40, "n" * 40
VALUE: Any = ServerFact.value
PLACE = SealedColumn("facts", VALUE, "p")


class Crash(BaseException):
    """The process dies here."""


def seal(database: Database, name: str, plain: bytes, *keys: str) -> None:
    with database.write() as session:
        server_facts.note(session, name, SecretBox(keys).encrypt("p", plain))


def opened(database: Database, name: str, *keys: str) -> bytes:
    with database.read() as session:
        sealed = server_facts.recall(session, name)
    assert sealed is not None
    return SecretBox(keys).decrypt("p", sealed)


def test_what_an_older_key_sealed_is_counted_and_sealed_anew(database: Database) -> None:
    seal(database, "old", b"one", OLD)
    seal(database, "new", b"two", NEW)
    seal(database, "lost", b"three", "l" * 40)
    box = SecretBox([NEW, OLD])
    assert count_seals(database, box, PLACE) == SealCount("facts", newest=1, older=1, unreadable=1)
    assert reseal(database, box, PLACE) == SealCount("facts", newest=2, older=0, unreadable=1, resealed=1)
    assert (opened(database, "old", NEW), opened(database, "new", NEW)) == (b"one", b"two")
    assert opened(database, "lost", "l" * 40) == b"three"
    assert reseal(database, box, PLACE).resealed == 0


def test_counting_changes_nothing(database: Database) -> None:
    seal(database, "old", b"one", OLD)
    count_seals(database, SecretBox([NEW, OLD]), PLACE)
    assert opened(database, "old", OLD) == b"one"


def test_what_another_process_writes_meanwhile_is_not_lost(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(database, "fact", b"before", OLD)
    box = SecretBox([NEW, OLD])
    usual, written = SecretBox.encrypt, []

    def encrypt(self: SecretBox, purpose: str, plain: bytes) -> str:
        if self is box and not written:
            written.append(plain)
            seal(database, "fact", b"meanwhile", OLD)
        return usual(self, purpose, plain)

    monkeypatch.setattr(SecretBox, "encrypt", encrypt)
    assert reseal(database, box, PLACE) == SealCount("facts", newest=1, older=0, unreadable=0, resealed=1)
    assert written == [b"before"]
    assert opened(database, "fact", NEW) == b"meanwhile"


def test_killed_in_the_middle_everything_opens_and_the_next_run_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        seal(database, f"fact-{number}", b"%d" % number, OLD)
    box = SecretBox([NEW, OLD])
    usual, left = SecretBox.encrypt, iter(range(3))

    def encrypt(self: SecretBox, purpose: str, plain: bytes) -> str:
        if next(left, None) is None:
            raise Crash
        return usual(self, purpose, plain)

    with monkeypatch.context() as patch:
        patch.setattr(SecretBox, "encrypt", encrypt)
        with pytest.raises(Crash):
            reseal(database, box, PLACE)
    assert count_seals(database, box, PLACE) == SealCount("facts", newest=3, older=3, unreadable=0)
    assert reseal(database, box, PLACE).resealed == 3
    assert [opened(database, f"fact-{number}", NEW) for number in range(6)] == [b"%d" % n for n in range(6)]
