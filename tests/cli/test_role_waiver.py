"""The badge that a role asks for: whoever grants without it waives it, and that is on record."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import Database
from app.issuer.models import Credential
from app.people import service as people
from app.people.models import RoleGrantRecord
from app.people.personal_data import PeoplePersonalData
from app.people.schemas import Waiver
from tests.cli.conftest import Terminal
from tests.cli.test_commands import ENDPOINTS, ISSUE, LMS

GRANT = ("role", "grant", "assessor")


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    """A terminal at a house that is set up and knows one more LMS."""
    terminal.house.connect()
    terminal.json("platform", "add", *LMS, *ENDPOINTS)
    return terminal


def test_an_assessor_without_the_badge_is_granted_and_the_waiver_is_on_record(ready: Terminal) -> None:
    said = ready.waymark(*GRANT, *LMS, "--subject", "u-1").stdout
    assert "asks for X2a, which was waived; that is on record. Say why" in said
    again = ready.json(*GRANT, *LMS, "--subject", "u-1", "--waive-reason", "Too late to say")
    assert (again["waived"], again["waiver_reason"]) == ("X2a", "No reason was given.")
    other = ready.json(*GRANT, *LMS, "--subject", "u-2", "--waive-reason", "Wrote the  calibration set")
    assert (other["waived"], other["waiver_reason"]) == ("X2a", "Wrote the calibration set")
    manager = ready.json("role", "grant", "manager", *LMS, "--subject", "u-2")
    assert (manager["waived"], manager["waiver_reason"]) == (None, None)


def test_who_holds_the_badge_is_granted_without_a_waiver(ready: Terminal) -> None:
    issue = [*ISSUE, "--override-reason", "Earned before there was a practitioner's badge"]
    issue[issue.index("M01")] = "X2a"
    badge = ready.json(*issue)["id"].rpartition("/")[2]
    person_id = ready.json("role", "grant", "manager", *LMS, "--subject", "u-1")["person_id"]
    database = Database(ready.house.settings.database_url)
    with database.write() as session:
        session.exec(sa.update(Credential).where(col(Credential.id) == badge).values(person_id=person_id))
    database.dispose()
    assert ready.json(*GRANT, *LMS, "--subject", "u-1")["waived"] is None


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_reason_that_is_none_changes_nothing(ready: Terminal, reason: str) -> None:
    answer = ready.waymark(*GRANT, *LMS, "--subject", "u-1", "--waive-reason", reason)
    assert answer.exit_code == 2
    assert "Nothing was changed" in answer.stderr
    assert ready.waymark("role", "revoke", "assessor", *LMS, "--subject", "u-1").exit_code == 1


def test_the_audit_has_the_badge_and_not_the_words_and_erasing_takes_the_words(database: Database) -> None:
    with database.write() as session:
        person = people.person_for_lms_identity(
            session, registration_id="lms", subject="s", name="Robin", email=None, organisation_id=None
        ).id
        people.grant_role(
            session, person_id=person, role="assessor", actor=OPERATOR, waiver=Waiver("X2a", "Robin wrote the set")
        )
    with database.read() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "people.role_badge_waived")).one()
    assert (entry.subject_id, entry.ids) == (person, {"role": "assessor", "badge": "X2a"})
    with database.write() as session:
        PeoplePersonalData().erase(session, person)
    with database.read() as session:
        row = session.exec(select(RoleGrantRecord)).one()
    assert (row.waived, row.waiver_reason) == ("X2a", None)
