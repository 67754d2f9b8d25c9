"""`waymark audit verify`: an auditor asks whether anything was changed, and a program can ask it too."""

from __future__ import annotations

import sqlite3

import pytest

from app.core.audit_seal import seal_due
from tests.cli.conftest import Terminal


@pytest.fixture
def sealed(terminal: Terminal) -> Terminal:
    """A house whose audit is sealed."""
    terminal.house.connect()
    with terminal.house.services() as services:
        assert seal_due(services.runtime.database, services.runtime.secret_box)
    return terminal


def tamper(terminal: Terminal, *statements: str) -> None:
    """Somebody with every right in the database, who takes the guards away."""
    with sqlite3.connect(terminal.house.folder / "waymark.sqlite3") as connection:
        for (guard,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {guard}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_whole_audit_is_said_to_be_whole_with_the_digest_to_note(sealed: Terminal) -> None:
    found = sealed.json("audit", "verify")
    assert (found["whole"], found["unsealed"], found["findings"], found["counts"]) == (True, 0, [], {})
    assert found["entries"] > 0
    digest = found["newest"]["digest"]
    told = sealed.waymark("audit", "verify").stdout
    assert told.startswith("The audit is whole: compared ")
    assert digest in told
    assert sealed.json("audit", "verify", "--expect", digest.upper(), "--since-seal", "1")["whole"]


def test_a_changed_audit_is_one_and_names_the_entry(sealed: Terminal) -> None:
    tamper(sealed, "UPDATE audit_entry SET action = 'x' WHERE id = 2", "DELETE FROM audit_entry WHERE id = 1")
    answer = sealed.waymark("audit", "verify")
    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[:3] == [
        answer.stdout.splitlines()[0],
        "Entry 1 was deleted after it was sealed (seal 1).",
        "Entry 2 was altered after it was sealed (seal 1).",
    ]
    assert "NOT as it was sealed" in answer.stdout.splitlines()[0]
    assert sealed.waymark("audit", "verify", "--json").exit_code == 1


def test_a_seal_noted_elsewhere_is_missed(sealed: Terminal) -> None:
    answer = sealed.waymark("audit", "verify", "--expect", "ab" * 32)
    assert answer.exit_code == 1
    assert "The seal you expect is not there" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [(("--expect", "abc"), 2), (("--since-seal", "0"), 2), (("--since-seal", "9"), 1)]
)
def test_what_cannot_be_asked_is_said(sealed: Terminal, arguments: tuple[str, ...], code: int) -> None:
    answer = sealed.waymark("audit", "verify", *arguments)
    assert (answer.exit_code, answer.stdout) == (code, "")
    assert answer.stderr.strip()
