"""An operator's first evening: migrate, load, connect an LMS, name an assessor, look at keys, issue, verify, revoke."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.system.house import ROOT

LMS = ("--issuer", "https://lms.example.org", "--client-id", "waymark-1")
ENDPOINTS = ("--auth-login-url", "https://lms.example.org/auth", "--auth-token-url", "https://lms.example.org/token",
             "--jwks-url", "https://lms.example.org/jwks")  # fmt: skip
ISSUE = ("issue", "--achievement", "M01", "--email", "robin@example.org", "--idempotency-key", "k1",
         "--decided-by", "Helen Chapman", "--role", "programme lead", "--share")  # fmt: skip


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    """A terminal at a house that is set up."""
    terminal.house.connect()
    return terminal


def expect_no(terminal: Terminal, *arguments: str) -> str:
    """The answer is no: exit code 1, one reason on standard error, nothing on standard output."""
    answer = terminal.waymark(*arguments)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("waymark: ")
    return answer.stderr


def test_migrate_says_from_where_to_where_and_a_second_time_that_nothing_was_to_do(terminal: Terminal) -> None:
    first = terminal.json("migrate")
    assert first["before"] is None
    assert terminal.json("migrate") == {"before": first["after"], "after": first["after"]}
    assert terminal.waymark("migrate").stdout == "The database is up to date.\n"


def test_the_programme_is_checked_and_loaded_once(terminal: Terminal) -> None:
    terminal.json("migrate")
    folder = str(ROOT / "programme" / "ips")
    assert terminal.json("programme", "check", folder)["ok"]
    first, second = terminal.json("programme", "load", folder), terminal.json("programme", "load", folder)
    assert first["loaded"]
    assert (second["loaded"], second["unchanged"]) == ([], first["loaded"])


def test_a_broken_programme_is_no_and_names_the_place(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "ips"
    shutil.copytree(ROOT / "programme" / "ips", folder)
    (folder / "programme.yaml").write_text("key: [")
    terminal.json("migrate")
    for command in ("check", "load"):
        answer = terminal.waymark("programme", command, str(folder), "--json")
        assert answer.exit_code == 1
        assert json.loads(answer.stdout)["problems"][0]["file"] == "programme.yaml"


def test_an_lms_is_added_approved_listed_and_removed(ready: Terminal) -> None:
    added = ready.json("platform", "add", *LMS, *ENDPOINTS, "--deployment", "7")
    assert added["state"] == "pending"
    assert added["login_url"] == f"{ready.house.tool}/lti/login/{added['id']}"
    assert f"to let it in: waymark platform approve {' '.join(LMS)}\n" in ready.waymark("platform", "list").stdout
    expect_no(ready, "platform", "add", *LMS, *ENDPOINTS)
    assert ready.json("platform", "approve", *LMS, "--deployment", "7")["state"] == "active"
    assert [each["client_id"] for each in ready.json("platform", "list")] == ["waymark-practice", "waymark-1"]
    assert "to let it in" not in ready.waymark("platform", "list").stdout
    assert ready.json("platform", "remove", *LMS)["state"] == "disabled"


def test_an_lms_nobody_entered_is_no(ready: Terminal) -> None:
    for command in (("approve",), ("remove",), ("roster", "--context", "c"),
                    ("score", "--resource-link", "r", "--user", "u", "--given", "1", "--maximum", "2")):  # fmt: skip
        expect_no(ready, "platform", *command, *LMS)
    expect_no(ready, "platform", "approve", *LMS, "--org", "nobody")


def test_a_role_is_granted_before_the_first_launch_and_taken_again(ready: Terminal) -> None:
    ready.json("platform", "add", *LMS, *ENDPOINTS)
    granted = ready.json("role", "grant", "assessor", *LMS, "--subject", "u-1")
    assert granted["revoked_at"] is None
    assert granted["granted_at"].endswith("Z")
    assert ready.json("role", "revoke", "assessor", "--person", granted["person_id"])["revoked_at"].endswith("Z")
    expect_no(ready, "role", "grant", "assessor", "--person", "nobody")
    expect_no(ready, "role", "revoke", "assessor", *LMS, "--subject", "u-2")


def test_keys_are_listed_without_anything_secret(ready: Terminal) -> None:
    printed = ready.waymark("key", "list", "--json").stdout
    assert {key["algorithm"] for key in json.loads(printed)["items"]} == {"Ed25519", "P-256"}
    assert "PRIVATE" not in printed
    assert "sealed" not in printed


def test_a_badge_is_issued_once_and_revoked_once(ready: Terminal, tmp_path: Path) -> None:
    issued = ready.json(*ISSUE)
    assert ready.json(*ISSUE) == issued
    assert ready.json("revoke", issued["id"], "--reason", "entered by mistake")["state"] == "revoked"
    assert "revoked before" in expect_no(ready, "revoke", issued["url"], "--reason", "again")
    expect_no(ready, "revoke", "00000000-0000-4000-8000-000000000000", "--reason", "x")


def test_verify_needs_no_database_and_says_no_to_what_is_not_a_badge(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "not-a-badge.json"
    path.write_text('{"hello": "world"}')
    answer = terminal.waymark("verify", str(path), "--json")
    assert (answer.exit_code, answer.stderr) == (1, "")
    assert json.loads(answer.stdout)["verdict"] == "invalid"
    assert list(terminal.house.folder.iterdir()) == []


def test_the_worker_works_until_nothing_is_due(ready: Terminal) -> None:
    ready.house.award(ready.house.hand_in("robin", "Robin", "robin@example.org"))
    answer = ready.waymark("worker", "--until-idle", "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["pieces_of_work"] > 0
    assert "the mail server does not answer" in answer.stderr
    assert ready.house.count("credential", "state = 'issued'") == 1


def test_the_demo_is_not_for_production(terminal: Terminal) -> None:
    answer = terminal.waymark("demo", WAYMARK_ENV="production")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "production" in answer.stderr


def test_an_error_that_nobody_expected_is_one_line_with_places_and_without_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("robin@example.org")

    monkeypatch.setattr("app.core.migrations.migrate", explode)
    for name, value in terminal.house.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["waymark", "migrate"])
    from app.cli import main

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "ZeroDivisionError" in said.err
    assert "app/cli/operate.py" in said.err
    assert "robin" not in said.err
