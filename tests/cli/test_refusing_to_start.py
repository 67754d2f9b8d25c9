"""What a server cannot work with is said in one line, with the right exit code, and nothing is changed."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core import db
from app.core.secrets import SecretBox
from app.lti import toolkeys
from app.verifier.known_issuers import FILE_NAME
from tests.cli.conftest import Terminal
from tests.system.house import House, everything_in

OTHER_KEY = "another-secret-key-that-was-never-used-here"
ISSUE = "issue --achievement M01 --email sam@example.org --idempotency-key k --decided-by Helen --role lead"


@contextmanager
def unchanged(house: House) -> Iterator[None]:
    """Nothing in the folder's database becomes another while this lasts; a missing one is not made."""
    path = house.folder / "waymark.sqlite3"
    before = everything_in(path) if path.exists() else None
    yield
    assert (everything_in(path) if path.exists() else None) == before


def expect_refusal(terminal: Terminal, command: str, code: int, *words: str, **settings: str) -> str:
    """The command says one line, exits with this code, and changes nothing; what it said."""
    with unchanged(terminal.house):
        answer = terminal.waymark(*command.split(), **settings)
    assert answer.exit_code == code, answer.stderr
    assert answer.stdout == ""
    assert answer.stderr.startswith("waymark: ")
    assert answer.stderr.count("\n") == 1, answer.stderr
    for word in words:
        assert word in answer.stderr
    return answer.stderr


@pytest.fixture
def terminal_with_a_badge(terminal: Terminal) -> Terminal:
    house = terminal.house
    house.connect()
    house.award(house.hand_in("robin", "Robin", "robin@example.org"))
    house.work()
    assert house.count("credential") == 1
    return terminal


@pytest.mark.parametrize("command", ["serve", "worker", "platform list", "role grant assessor --person x", "key list"])
def test_a_missing_database(terminal: Terminal, command: str) -> None:
    expect_refusal(terminal, command, 1, "There is no database yet", "waymark migrate")
    assert not (terminal.house.folder / "waymark.sqlite3").exists()


@pytest.mark.parametrize("command", ["serve", "worker", "platform list"])
def test_a_database_that_was_not_migrated(terminal: Terminal, command: str) -> None:
    with sqlite3.connect(terminal.house.folder / "waymark.sqlite3") as connection:
        connection.execute("CREATE TABLE something_else (id INTEGER)")
    expect_refusal(terminal, command, 1, "not in the form", "waymark migrate")


def test_a_taken_port(terminal: Terminal) -> None:
    terminal.house.connect()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", terminal.house.ports[0]))
        taken.listen()
        expect_refusal(terminal, "serve", 1, f"port {terminal.house.ports[0]}", "in use", "WAYMARK_PORT")


def test_a_taken_port_of_the_demo(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", terminal.house.ports[1]))
        taken.listen()
        expect_refusal(
            terminal, "demo", 1, f"Port {terminal.house.ports[1]}", "practice LMS", "WAYMARK_PRACTICE_LMS_PORT"
        )
    assert not (terminal.house.folder / "waymark.env").exists()


def test_a_secret_key_that_does_not_open_the_keys(terminal_with_a_badge: Terminal) -> None:
    words = ("WAYMARK_SECRET_KEY does not open", "Nothing was changed")
    for command in ("serve", "worker", ISSUE):
        expect_refusal(terminal_with_a_badge, command, 1, *words, WAYMARK_SECRET_KEY=OTHER_KEY)


def test_a_secret_key_that_does_not_open_the_keys_for_lmss(terminal: Terminal) -> None:
    house = terminal.house
    house.connect()
    with house.services() as services:
        toolkeys.ensure_tool_key(services.runtime.database, SecretBox([OTHER_KEY]))
    for command in ("serve", "worker", ISSUE):
        expect_refusal(terminal, command, 1, "WAYMARK_SECRET_KEY does not open", "LMSs", "Nothing was changed")


def test_a_new_secret_key_before_the_old_one_is_let_in(terminal_with_a_badge: Terminal) -> None:
    house = terminal_with_a_badge.house
    both = f"{OTHER_KEY},{house.variables['WAYMARK_SECRET_KEY']}"
    answer = terminal_with_a_badge.waymark(*ISSUE.split(), WAYMARK_SECRET_KEY=both)
    assert answer.exit_code == 0, answer.stderr


@pytest.mark.parametrize("command", ["serve", "worker", ISSUE])
def test_another_base_url_while_badges_exist(terminal_with_a_badge: Terminal, command: str) -> None:
    words = (terminal_with_a_badge.house.tool, "https://elsewhere.example", "WAYMARK_ACCEPT_CHANGED_BASE_URL")
    expect_refusal(terminal_with_a_badge, command, 1, *words, WAYMARK_BASE_URL="https://elsewhere.example")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_register_of_known_issuers_with_a_mistake(terminal_with_a_badge: Terminal, command: str) -> None:
    path = terminal_with_a_badge.house.folder / FILE_NAME
    path.write_text('[[issuer]]\nid = "did:web:one.example"\nname = \n', encoding="utf-8")
    expect_refusal(terminal_with_a_badge, command, 2, f"{path}, line 3: ", "not TOML", "try again")


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "platform list"])
def test_production_without_a_secret(terminal: Terminal, command: str) -> None:
    settings = {"WAYMARK_ENV": "production", "WAYMARK_SECRET_KEY": "", "WAYMARK_BASE_URL": "https://w.example.org"}
    expect_refusal(terminal, command, 2, "WAYMARK_SECRET_KEY is not set", "Make one with", **settings)
    assert list(terminal.house.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAYMARK_PORT", "eighty"),
        ("WAYMARK_BASE_URL", "waymark.example.org"),
        ("WAYMARK_DATABASE_URL", "mysql://root:hunter2-hunter2@db/waymark"),
        ("WAYMARK_DATABASE_URL", "postgresql://root:hunter2-hunter2@db:port/waymark"),
        ("WAYMARK_ENV", "staging"),
        ("WAYMARK_LOG_LEVEL", "LOUD"),
        ("WAYMARK_TIME_ZONE", "Melbourne"),
        ("WAYMARK_SECRET_KEY", "hunter2-hunter2"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_its_value_is_not_repeated_if_secret(
    terminal: Terminal, name: str, value: str
) -> None:
    assert "hunter2" not in expect_refusal(terminal, "migrate", 2, name, **{name: value})


def test_a_database_server_that_does_not_answer(terminal: Terminal) -> None:
    url = f"postgresql://waymark@127.0.0.1:{terminal.house.ports[2]}/waymark"
    expect_refusal(terminal, "migrate", 1, "database", "WAYMARK_DATABASE_URL", WAYMARK_DATABASE_URL=url)


def test_a_database_in_which_somebody_else_saves_for_too_long(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.house.connect()
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 50)
    with sqlite3.connect(terminal.house.folder / "waymark.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = terminal.waymark("worker")
        other.execute("ROLLBACK")
    other.close()
    assert answer.exit_code == 1
    assert "too busy" in answer.stderr
    assert "Try again" in answer.stderr


def test_a_data_folder_that_is_a_file(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "not-a-folder"
    path.write_text("")
    settings = {"WAYMARK_DATA_DIR": str(path), "WAYMARK_SECRET_KEY": ""}
    expect_refusal(terminal, "migrate", 2, "WAYMARK_DATA_DIR", str(path), **settings)
