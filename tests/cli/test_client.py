"""`waymark client`: a system is entered, its secret told once, exchanged, and switched off and on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from sqlmodel import select
from typer.testing import CliRunner

from app.api.scopes import SCOPES
from app.cli import app
from app.config import Settings
from app.core.audit import AuditEntry
from app.core.db import Database
from app.wiring import Services

KEY = RSAKey.generate_key(2048, {"kid": "a"})
NOBODY = "00000000-0000-4000-8000-000000000000"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["client", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def told(*arguments: str) -> Any:
    code, output = run(*arguments, "--json")
    assert code == 0, output
    return json.loads(output)


def items() -> Any:
    return told("list")["items"]


@pytest.fixture(autouse=True)
def _here(settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands open this test's database, with the programme in it."""
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    """A public key set."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [dict(KEY.as_dict(private=False))]}), encoding="utf-8")
    return str(path)


def test_a_system_is_entered_and_its_secret_told_once(database: Database) -> None:
    added = told("add", "--name", "Awards", "--scope", "credentials:issue audit:read", "--achievement", "M01")
    assert set(added) == {"client_id", "client_secret"}
    (listed,) = items()
    assert listed["id"] == added["client_id"]
    assert (listed["name"], listed["per_minute"], listed["secrets"]) == ("Awards", 600, 1)
    assert (listed["scopes"], listed["achievements"]) == (["credentials:issue", "audit:read"], ["M01"])
    assert listed["last_used_at"] is None
    assert added["client_secret"] not in run("list")[1]
    with database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject == "api_client")).all()
    assert [(entry.action, entry.subject_id, entry.actor_kind) for entry in entries] == [
        ("api.client_added", added["client_id"], "operator")
    ]
    assert "Awards" not in repr(entries[0].ids)


def test_people_are_told_to_keep_the_secret() -> None:
    code, output = run("add", "--name", "Awards", "--scope", "audit:read")
    assert code == 0
    assert "client_secret: wms_" in output
    assert "not shown again" in output


def test_a_system_that_signs_has_no_secret(key_file: str) -> None:
    added = told("add", "--name", "Signer", "--scope", "audit:read", "--jwks", key_file, "--rate", "5")
    uri = "https://keys.example/jwks"
    told("add", "--name", "Publisher", "--scope", "audit:read", "--jwks-uri", uri)
    assert added["client_secret"] is None
    assert [(each["shows_itself_by"], each["secrets"], each["jwks_uri"], each["per_minute"]) for each in items()] == [
        ("private_key_jwt", 0, None, 5), ("private_key_jwt", 0, uri, 600),
    ]  # fmt: skip
    assert told("rotate", added["client_id"], "--jwks-uri", uri)["client_secret"] is None
    assert [each["jwks_uri"] for each in items()] == [uri, uri]


def test_a_secret_is_exchanged_with_an_overlap_or_at_once() -> None:
    added = told("add", "--name", "Awards", "--scope", "audit:read")
    rotated = told("rotate", added["client_id"], "--overlap", "48")
    assert rotated["client_id"] == added["client_id"]
    assert rotated["client_secret"] not in (None, added["client_secret"])
    assert [each["secrets"] for each in items()] == [2]
    code, output = run("rotate", added["client_id"], "--overlap", "0")
    assert code == 0
    assert "ended just now" in output
    assert [each["secrets"] for each in items()] == [1]


def test_a_system_is_switched_off_and_on(database: Database) -> None:
    client_id = told("add", "--name", "Awards", "--scope", "audit:read")["client_id"]
    first = told("disable", client_id)["disabled_at"]
    assert first is not None
    assert told("disable", client_id)["disabled_at"] == first
    assert "OFF since" in run("list")[1]
    assert told("enable", client_id)["disabled_at"] is None
    with database.read() as session:
        actions = session.exec(select(AuditEntry.action).where(AuditEntry.subject_id == client_id)).all()
    assert sorted(actions) == ["api.client_added", "api.client_disabled", "api.client_enabled"]


ADD = ("add", "--name", "Awards", "--scope", "audit:read")
REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a scope there is not": (("add", "--name", "A", "--scope", "audit"), 2, "credentials:issue"),
    "no scope": (("add", "--name", "A", "--scope", " "), 2, "credentials:issue"),
    "no name": (("add", "--name", "", "--scope", "audit:read"), 1, "name"),
    "a name that breaks a line": (("add", "--name", "A\r\nSet-Cookie: b", "--scope", "audit:read"), 1, "name"),
    "a name that turns the line round": (("add", "--name", "A\u202eB", "--scope", "audit:read"), 1, "name"),
    "a long name": (("add", "--name", "A" * 81, "--scope", "audit:read"), 1, "name"),
    "an achievement there is not": ((*ADD, "--achievement", "M01", "--achievement", "Z9"), 1, "Z9"),
    "no calls at all": ((*ADD, "--rate", "0"), 2, "--rate"),
    "more calls than can be counted": ((*ADD, "--rate", "60001"), 2, "--rate"),
    "keys from two places": ((*ADD, "--jwks", "a", "--jwks-uri", "https://a.example/"), 2, "both"),
    "a file there is not": ((*ADD, "--jwks", "/nowhere/keys.json"), 2, "/nowhere/keys.json"),
    "a folder as file": ((*ADD, "--jwks", "/"), 2, "/"),
    "an odd address": ((*ADD, "--jwks-uri", "ftp://a.example/"), 1, "https"),
    "a client there is not": (("disable", NOBODY), 1, "waymark client list"),
    "another client there is not": (("enable", "a"), 1, "waymark client list"),
    "a third client there is not": (("rotate", NOBODY), 1, "waymark client list"),
    "an overlap of a year": (("rotate", NOBODY, "--overlap", "8760"), 2, "--overlap"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_entered(case: str) -> None:
    arguments, expected, words = REFUSED[case]
    code, output = run(*arguments)
    assert code == expected
    assert words in output
    assert "Traceback" not in output
    assert items() == []


def test_a_private_key_is_refused_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [dict(KEY.as_dict(private=True))]}), encoding="utf-8")
    code, output = run(*ADD, "--jwks", str(path))
    assert code == 1
    assert "private" in output
    assert "have a new pair made" in output
    assert items() == []


def test_a_way_of_showing_itself_is_not_exchanged_for_the_other(key_file: str) -> None:
    secret = told(*ADD)["client_id"]
    signer = told(*ADD, "--jwks", key_file)["client_id"]
    assert run("rotate", secret, "--jwks", key_file)[0] == 1
    assert run("rotate", signer)[0] == 1
    assert [each["secrets"] for each in items()] == [1, 0]


def test_without_systems_the_list_says_how_to_enter_one() -> None:
    assert "waymark client add" in run("list")[1]
    assert all(scope in run("add", "--help")[1].replace("\n", "") for scope in SCOPES[:1])
