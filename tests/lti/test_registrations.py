"""Platforms are let in by an operator, and only by one; the command line that does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlmodel import select
from typer.testing import CliRunner, Result

from app.core.audit import AuditEntry
from app.core.db import Database
from app.core.outbox_models import OutboxEvent
from app.lti import registrations
from app.lti.errors import RegistrationExists, RegistrationInvalid
from app.lti.models import LtiDeployment, LtiRegistration
from app.lti.registrations import PlatformDetails
from app.people import service as people
from tests.conftest import TEST_SECRET
from tests.lti.platform import Browser

GOOD = {
    "issuer": "https://lms.example",
    "client_id": "client-1",
    "auth_login_url": "https://lms.example/auth",
    "auth_token_url": "https://lms.example/token",
    "jwks_url": "https://lms.example/jwks",
}


def details(**changes: Any) -> PlatformDetails:
    return PlatformDetails(**(GOOD | changes))


def test_a_platform_waits_until_it_is_approved_and_both_are_audited(database: Database) -> None:
    with database.write() as session:
        row = registrations.add_registration(session, details(), deployment="1")
        assert row.state == "pending"
        assert row.name == "https://lms.example"
    with database.write() as session:
        assert registrations.approve(session, issuer=row.issuer, client_id=row.client_id).state == "active"
    with database.read() as session:
        assert [each.state for each in session.exec(select(LtiDeployment)).all()] == ["active"]
        actions = [entry.action for entry in session.exec(select(AuditEntry)).all() if entry.subject_id == row.id]
    assert sorted(actions) == ["lti.platform_added", "lti.platform_approved"]


def test_approving_one_deployment_leaves_the_others_waiting(database: Database) -> None:
    with database.write() as session:
        registrations.add_registration(session, details(), deployment="1")
        registrations.approve(session, issuer=GOOD["issuer"], client_id="client-1", deployment="2")
    with database.read() as session:
        states = {row.platform_deployment_id: row.state for row in session.exec(select(LtiDeployment)).all()}
    assert states == {"1": "pending", "2": "active"}


def test_a_platform_whose_deployments_are_not_known_is_approved_and_they_wait(database: Database) -> None:
    with database.write() as session:
        row = registrations.add_registration(session, details())
        assert registrations.approve(session, issuer=GOOD["issuer"], client_id="client-1").state == "active"
    registrations.note_unknown_deployment(database, row.id, "17:abc")
    with database.read() as session:
        assert [each.state for each in session.exec(select(LtiDeployment)).all()] == ["pending"]


def test_a_deployment_that_was_switched_off_stays_off_until_it_is_named(database: Database) -> None:
    with database.write() as session:
        row = registrations.add_registration(session, details(), deployment="1")
        registrations.approve(session, issuer=GOOD["issuer"], client_id="client-1", deployment="2")
        registrations.disable_deployment(session, registrations.find_deployment(session, row.id, "2").id)
        registrations.approve(session, issuer=GOOD["issuer"], client_id="client-1")
        states = {each.platform_deployment_id: each.state for each in registrations.deployments(session, row.id)}
        assert states == {"1": "active", "2": "disabled"}
        registrations.approve(session, issuer=GOOD["issuer"], client_id="client-1", deployment="2")
        assert registrations.find_deployment(session, row.id, "2").state == "active"


def test_a_flood_of_unknown_deployments_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registrations, "MOST_DEPLOYMENTS", 3)
    with database.write() as session:
        row = registrations.add_registration(session, details(), deployment="1")
    for number in range(10):
        registrations.note_unknown_deployment(database, row.id, f"place-{number}")
    with database.read() as session:
        assert len(registrations.deployments(session, row.id)) == 3


def test_a_platform_is_entered_once_and_may_come_back_after_it_was_removed(database: Database) -> None:
    with database.write() as session:
        first = registrations.add_registration(session, details(), deployment="1").id
    with pytest.raises(RegistrationExists), database.write() as session:
        registrations.add_registration(session, details())
    with database.write() as session:
        registrations.remove(session, issuer=GOOD["issuer"], client_id="client-1")
        again = registrations.add_registration(session, details(jwks_url="https://lms.example/new"), deployment="1")
        assert (again.id, again.state, again.jwks_url) == (first, "pending", "https://lms.example/new")


def test_a_deployment_that_was_switched_off_stays_so_when_its_platform_comes_back(database: Database) -> None:
    which = {"issuer": GOOD["issuer"], "client_id": "client-1"}
    with database.write() as session:
        row = registrations.add_registration(session, details(), deployment="on")
        registrations.approve(session, **which, deployment="on")
        registrations.approve(session, **which, deployment="off")
        registrations.disable_deployment(session, registrations.find_deployment(session, row.id, "off").id)
        registrations.remove(session, **which)
        registrations.approve(session, **which)
        found = {each.platform_deployment_id: each.state for each in registrations.deployments(session, row.id)}
    assert found == {"on": "active", "off": "disabled"}


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": ""},
        {"client_id": ""},
        {"client_id": "x" * 256},
        {"client_id": "client-1 "},
        {"jwks_url": "ftp://lms.example/jwks"},
        {"jwks_url": "http://lms.example/jwks"},
        {"auth_token_url": "https://user@lms.example/token"},
        {"auth_login_url": "https://lms.example/auth#top"},
        {"auth_login_url": "https://lms.example:port/auth"},
        {"extra_frame_origins": ("*",)},
    ],
)
def test_settings_that_cannot_be_used_are_refused(database: Database, changes: dict[str, Any]) -> None:
    with pytest.raises(RegistrationInvalid), database.write() as session:
        registrations.add_registration(session, details(**changes))


def test_plain_http_is_taken_where_the_operator_allows_it(database: Database) -> None:
    with database.write() as session:
        registrations.add_registration(session, details(jwks_url="http://127.0.0.1:8100/jwks"), allow_http=True)


def test_framing_is_for_issuer_authorization_endpoint_and_what_was_entered(database: Database) -> None:
    given = details(auth_login_url="https://sso.example/auth", extra_frame_origins=("https://school.example",))
    with database.write() as session:
        row = registrations.add_registration(session, given)
    assert registrations.platform_of(row).frame_origins == (
        "https://lms.example",
        "https://sso.example",
        "https://school.example",
    )


Run = Callable[..., Result]


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`waymark platform …` on this test's database."""
    from app.cli.platform import app as command

    monkeypatch.setenv("WAYMARK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", database.url)
    monkeypatch.setenv("WAYMARK_SECRET_KEY", TEST_SECRET)
    assert isinstance(command, typer.Typer)
    return lambda *words: CliRunner().invoke(command, list(words))


ADD = [
    "add", "--issuer", "https://lms.example", "--client-id", "client-1", "--auth-login-url", "https://lms.example/auth",
    "--auth-token-url", "https://lms.example/token", "--jwks-url", "https://lms.example/jwks", "--deployment", "1",
]  # fmt: skip
WHICH = ["--issuer", "https://lms.example", "--client-id", "client-1"]


def test_the_command_adds_lists_approves_and_removes(run: Run, database: Database) -> None:
    added = run(*ADD, "--json")
    assert added.exit_code == 0, added.output
    assert json.loads(added.stdout)["state"] == "pending"
    assert json.loads(added.stdout)["login_url"].endswith("/lti/login/" + json.loads(added.stdout)["id"])
    assert "pending" in run("list").stdout
    approved = run("approve", *WHICH, "--deployment", "1", "--json")
    assert json.loads(approved.stdout)["deployments"] == [{"deployment_id": "1", "state": "active", "seen_at": None}]
    assert [row["state"] for row in json.loads(run("list", "--json").stdout)] == ["active"]
    assert run("remove", *WHICH).exit_code == 0
    with database.read() as session:
        assert session.exec(select(LtiRegistration)).one().state == "disabled"


def test_the_command_says_no_with_exit_code_1_and_misuse_with_2(run: Run) -> None:
    unknown = run("approve", *WHICH)
    assert unknown.exit_code == 1
    assert "connected" in unknown.stderr
    assert run("approve").exit_code == 2
    assert run(*ADD).exit_code == 0
    assert run(*ADD).exit_code == 1
    assert run(*[word.replace("https://lms.example/jwks", "nonsense") for word in ADD]).exit_code == 1


def test_the_first_lms_of_an_organisation_enters_it(run: Run, database: Database) -> None:
    assert run(*ADD, "--org", "north-coast").exit_code == 0
    assert run("approve", *WHICH, "--org", "north-coast").exit_code == 0
    with database.read() as session:
        organisation = people.organisation_by_key(session, "north-coast")
        assert organisation is not None
        assert session.exec(select(LtiRegistration)).one().organisation_id == organisation.id


def test_the_command_queues_a_score_for_a_link_that_was_launched(
    run: Run, browser: Browser, database: Database
) -> None:
    which = [*WHICH, "--resource-link", "link-5", "--user", "subject-41", "--given", "18", "--maximum", "20"]
    assert run("score", *which).exit_code == 1
    assert browser.full_launch().status_code == 303
    queued = run("score", *which, "--json")
    assert queued.exit_code == 0, queued.output
    with database.read() as session:
        event = session.exec(select(OutboxEvent).where(OutboxEvent.kind == "lti.score_requested")).one()
    assert event.payload == json.loads(queued.stdout)
    assert run("score", *which[:-1], "0").exit_code == 2
    assert run("score", *which[:-1], "17").exit_code == 2


def test_the_command_for_a_roster_needs_a_launch_of_the_course(run: Run, browser: Browser) -> None:
    assert run("roster", *WHICH, "--context", "nowhere").exit_code == 1
