"""Grants: given, taken, remembered."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import Database
from app.people import service as people
from app.people.errors import PersonNotFound, RoleNotGranted, UnknownRole
from app.people.models import RoleGrantRecord
from tests.people.test_identities import launch


def grant(database: Database, person_id: str, role: people.Role = "assessor") -> people.RoleGrant:
    with database.write() as session:
        return people.grant_role(session, person_id=person_id, role=role, actor=OPERATOR)


def revoke(database: Database, person_id: str) -> people.RoleGrant:
    with database.write() as session:
        return people.revoke_role(session, person_id=person_id, role="assessor", actor=OPERATOR)


def test_a_grant_holds_for_its_role_and_person_only(database: Database) -> None:
    tess, priya = launch(database), launch(database, "priya")
    grant(database, priya.id)
    grant(database, priya.id, "manager")
    with database.read() as session:
        assert people.has_role(session, priya.id, "assessor")
        assert not people.has_role(session, priya.id, "operator")
        assert not people.has_role(session, tess.id, "assessor")
        assert people.roles_of(session, priya.id) == {"assessor", "manager"}
        assert people.people_with_role(session, "assessor") == (priya.id,)


def test_granting_twice_keeps_one_grant_and_one_audit_entry(database: Database) -> None:
    person = launch(database)
    assert grant(database, person.id) == grant(database, person.id)
    with database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "people.role_granted")).all()
    assert [(entry.actor_kind, entry.subject_id, entry.ids) for entry in entries] == [
        ("operator", person.id, {"role": "assessor"})
    ]


def test_a_revoked_grant_no_longer_holds_and_stays_in_the_history(database: Database) -> None:
    person = launch(database)
    grant(database, person.id)
    assert revoke(database, person.id).revoked_at is not None
    again = grant(database, person.id)
    with database.read() as session:
        history = session.exec(select(RoleGrantRecord).order_by(RoleGrantRecord.granted_at)).all()
        revoked = session.exec(select(AuditEntry).where(AuditEntry.action == "people.role_revoked")).all()
        assert people.has_role(session, person.id, "assessor")
    assert [row.revoked_at is None for row in history] == [False, True]
    assert history[1].id == again.id
    assert history[0].revoked_by_kind == "operator"
    assert len(revoked) == 1


def test_what_is_not_held_cannot_be_revoked(database: Database) -> None:
    person = launch(database)
    with pytest.raises(RoleNotGranted):
        revoke(database, person.id)


def test_a_role_needs_a_person_and_a_known_name(database: Database) -> None:
    person = launch(database)
    with pytest.raises(PersonNotFound):
        grant(database, "nobody")
    with pytest.raises(UnknownRole):
        grant(database, person.id, "owner")  # type: ignore[arg-type]
