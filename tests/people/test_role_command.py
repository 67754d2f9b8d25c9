"""`waymark role`: also before the person's first launch."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli.role import app
from app.config import Settings
from app.core.db import Database
from app.lti.registrations import PlatformDetails, add_registration
from app.people import service as people
from tests.people.test_identities import launch

ISSUER = "https://lms.example.org"
IDENTITY = ["--issuer", ISSUER, "--client-id", "waymark-1", "--subject", "priya"]


@pytest.fixture
def registration_id(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """An LMS that is connected, in the database the commands open."""
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)
    details = PlatformDetails(ISSUER, "waymark-1", f"{ISSUER}/auth", f"{ISSUER}/token", f"{ISSUER}/jwks")
    with database.write() as session:
        return add_registration(session, details).id


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_grant_made_before_the_first_launch_holds_at_the_launch(database: Database, registration_id: str) -> None:
    code, _ = run("grant", "assessor", *IDENTITY)
    assert code == 0
    person = launch(database, "priya", lms=registration_id, name="Priya")
    with database.read() as session:
        assert people.has_role(session, person.id, "assessor")


def test_a_grant_is_taken_again(database: Database, registration_id: str) -> None:
    run("grant", "assessor", *IDENTITY)
    assert run("revoke", "assessor", *IDENTITY)[0] == 0
    assert run("revoke", "assessor", *IDENTITY)[0] == 1
    person = launch(database, "priya", lms=registration_id)
    with database.read() as session:
        assert not people.has_role(session, person.id, "assessor")


def test_a_known_person_is_named_by_id_and_the_answer_is_json_for_programs(
    database: Database, registration_id: str
) -> None:
    person = launch(database, "marc", lms=registration_id)
    code, output = run("grant", "manager", "--person", person.id, "--json")
    answer = json.loads(output)
    assert (code, answer["person_id"], answer["role"], answer["revoked_at"]) == (0, person.id, "manager", None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["grant", "owner", *IDENTITY],
        ["grant", "assessor"],
        ["grant", "assessor", "--issuer", ISSUER],
        ["revoke", "assessor", "--person", "x", *IDENTITY],
    ],
)
def test_misuse_is_told_apart_from_no(registration_id: str, arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["grant", "assessor", "--person", "nobody"],
        ["grant", "assessor", "--issuer", ISSUER, "--client-id", "other", "--subject", "priya"],
        ["revoke", "assessor", *IDENTITY],
        ["revoke", "assessor", "--person", "nobody"],
    ],
)
def test_what_is_not_known_is_a_no_and_changes_nothing(
    database: Database, registration_id: str, arguments: list[str]
) -> None:
    assert run(*arguments)[0] == 1
    with database.read() as session:
        assert people.person_by_lms_identity(session, registration_id=registration_id, subject="priya") is None
