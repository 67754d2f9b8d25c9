"""`waymark issue`, `waymark revoke`, `waymark key list`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from sqlmodel import select
from typer.testing import CliRunner

from app.awards.models import Award
from app.cli import issuing, override
from app.core.audit import AuditEntry
from app.issuer import service
from app.issuer.documents import status_list_document
from app.issuer.errors import CredentialErased, CredentialNotFound
from app.issuer.models import Credential
from app.vc.status_list import read_bit
from app.wiring import Services

ISSUE = ["issue", "--achievement", "M01", "--email", "tess@example.org", "--idempotency-key", "k1",
         "--decided-by", "Helen Chapman", "--role", "programme lead"]  # fmt: skip


@pytest.fixture
def server(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The server that the commands find by their environment."""
    settings = services.runtime.settings
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("WAYMARK_SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("WAYMARK_PROGRAMME_DIR", str(settings.programme_dir))
    return services


def _app() -> typer.Typer:
    app = typer.Typer()
    issuing.register(app)
    return app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(_app(), list(arguments))
    return result.exit_code, result.output


def run_json(*arguments: str) -> Any:
    code, output = run(*arguments, "--json")
    assert code == 0, output
    return json.loads(output)


def test_issuing_twice_with_one_key_prints_the_same_badge(server: Services) -> None:
    first, second = run_json(*ISSUE), run_json(*ISSUE)
    assert first == second
    with server.runtime.database.read() as session:
        stored = service.stored_credential(session, first["id"])
        award = session.exec(select(Award)).one()
    assert first["url"] == json.loads(stored.document)["id"]
    assert stored.identified
    assert not stored.shared
    assert (award.decided_by_name, award.decided_by_role) == ("Helen Chapman", "programme lead")


def test_the_name_of_who_decided_is_neither_in_the_badge_nor_in_the_audit(server: Services) -> None:
    issued = run_json(*ISSUE)
    with server.runtime.database.read() as session:
        document = service.stored_credential(session, issued["id"]).document
        audit = json.dumps([entry.ids for entry in session.exec(select(AuditEntry)).all()])
    assert b"Chapman" not in document
    assert "Chapman" not in audit
    assert "programme lead" in audit


def test_share_makes_it_public_from_the_start(server: Services) -> None:
    private, shared = run_json(*ISSUE), run_json(*ISSUE[:6], "k2", *ISSUE[7:], "--share")
    with server.runtime.database.read() as session:
        assert service.public_credential(session, shared["id"]).shared
        with pytest.raises(CredentialNotFound):
            service.public_credential(session, private["id"])


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--email", "not an address", "e-mail"),
        ("--decided-by", " ", "named person"),
        ("--role", "<b>", "role"),
        ("--achievement", "M99", "module"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_issued(server: Services, option: str, value: str, word: str) -> None:
    arguments = list(ISSUE)
    arguments[arguments.index(option) + 1] = value
    code, output = run(*arguments)
    assert code == 1
    assert word in output
    with server.runtime.database.read() as session:
        assert not service.has_credentials(session)


def test_what_a_badge_rests_on_has_to_be_there_or_a_reason_is_given(server: Services) -> None:
    arguments = list(ISSUE)
    arguments[arguments.index("--achievement") + 1] = "X1"
    code, output = run(*arguments)
    assert code == 1
    assert "practitioner (missing" in output
    assert "--override-reason" in output
    assert "credentials:override" not in output
    with server.runtime.database.read() as session:
        assert not service.has_credentials(session)
    issued = run_json(*arguments, "--override-reason", "Certified before there were badges.")
    assert run_json(*arguments) == issued, "a repeat is answered, whatever is missing"
    listed = json.loads(CliRunner().invoke(override.app, ["list", "--json"]).output)["items"]
    assert [(each["credential_id"], each["missing"], each["reason"], each["client_id"]) for each in listed] == [
        (issued["id"], ["practitioner"], "Certified before there were badges.", "command-line")
    ]


def test_a_reason_goes_with_one_badge_and_not_with_a_file(server: Services) -> None:
    code, output = run("issue", "--file", "awards.csv", "--override-reason", "x")
    assert (code, "each row says" in output) == (2, True)


def test_one_key_for_another_recipient_is_refused(server: Services) -> None:
    run_json(*ISSUE)
    arguments = list(ISSUE)
    arguments[arguments.index("--email") + 1] = "robin@example.org"
    code, output = run(*arguments)
    assert code == 1
    assert "used before" in output


@pytest.mark.parametrize("by", ["id", "url"])
def test_revoking_by_id_or_address_sets_the_bit_and_a_second_time_says_so(server: Services, by: str) -> None:
    issued = run_json(*ISSUE)
    assert run("revoke", issued[by], "--reason", "issued in error")[0] == 0
    code, output = run("revoke", issued[by], "--reason", "issued in error")
    assert (code, "revoked before" in output) == (1, True)
    with server.runtime.database.read() as session:
        stored = service.stored_credential(session, issued["id"])
        listed = json.loads(status_list_document(session, 1))
    index = int(json.loads(stored.document)["credentialStatus"]["statusListIndex"])
    assert stored.state == "revoked"
    assert read_bit(listed, index, "revocation")


def test_revoking_what_is_not_there_says_no_and_what_is_no_id_is_misuse(server: Services) -> None:
    assert run("revoke", "00000000-0000-4000-8000-000000000000", "--reason", "x")[0] == 1
    assert run("revoke", "nonsense", "--reason", "x")[0] == 2
    assert run("revoke", "00000000-0000-4000-8000-000000000000")[0] == 2


def test_keys_are_listed_without_their_secret(server: Services) -> None:
    keys = run_json("key", "list")["items"]
    assert [(key["kid"], key["issuer"]) for key in keys] == [
        ("orygen-ed25519-1", "orygen"), ("orygen-p-256-1", "orygen"),
    ]  # fmt: skip
    assert set(keys[0]) == {
        "kid", "issuer", "algorithm", "use", "state", "created_at", "active_from", "retired_at", "revoked_at",
        "remote_name",
    }  # fmt: skip


def test_another_base_url_issues_nothing(server: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    run_json(*ISSUE)
    monkeypatch.setenv("WAYMARK_BASE_URL", "https://elsewhere.example")
    code, output = run(*ISSUE[:6], "k2", *ISSUE[7:])
    assert code == 1
    assert "WAYMARK_BASE_URL" in output


def test_a_wrong_secret_key_is_said_so_and_issues_nothing(server: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_SECRET_KEY", "another-secret-key-that-was-never-used-here")
    code, output = run(*ISSUE)
    assert code == 1
    assert "WAYMARK_SECRET_KEY" in output
    with server.runtime.database.read() as session:
        assert not service.has_credentials(session)


def test_suspending_and_reinstating_by_address(server: Services) -> None:
    issued = run_json(*ISSUE)
    told = run_json("suspend", issued["url"], "--reason", "A complaint")
    assert told == {"id": issued["id"], "state": "suspended"}
    with server.runtime.database.read() as session:
        assert service.is_suspended(session, issued["id"])
    assert run("suspend", issued["id"], "--reason", "Another")[0] == 1
    assert run_json("reinstate", issued["url"]) == {"id": issued["id"], "state": "issued"}
    with server.runtime.database.read() as session:
        assert not service.is_suspended(session, issued["id"])
    assert run("reinstate", issued["id"])[0] == 1


def test_erasing_takes_a_yes_and_the_award_with_it(server: Services) -> None:
    issued = run_json(*ISSUE, "--share")
    assert run("erase", issued["id"], "--json")[0] == 2
    result = CliRunner().invoke(_app(), ["erase", issued["id"]], input="n\n")
    assert result.exit_code == 1
    with server.runtime.database.read() as session:
        service.stored_credential(session, issued["id"])
    assert CliRunner().invoke(_app(), ["erase", issued["url"]], input="y\n").exit_code == 0
    with server.runtime.database.read() as session:
        with pytest.raises(CredentialErased):
            service.public_credential(session, issued["id"])
        assert session.exec(select(Award)).all() == []


def test_erasing_can_revoke_as_well(server: Services) -> None:
    issued = run_json(*ISSUE)
    told = run_json("erase", issued["id"], "--revoke", "--yes")
    assert told == {"id": issued["id"], "state": "erased", "revoked": True}
    with server.runtime.database.read() as session:
        row = session.get_one(Credential, issued["id"])
    assert (row.state, row.revocation_reason) == ("erased", None)
    assert row.revoked_at is not None


@pytest.mark.parametrize("command", [["suspend", "--reason", "x"], ["reinstate"], ["erase", "--yes"]])
def test_what_is_no_badge_is_told_from_one_that_is_not_here(server: Services, command: list[str]) -> None:
    assert run(command[0], "nonsense", *command[1:])[0] == 2
    assert run(command[0], "7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10", *command[1:])[0] == 1
