"""A holder's name in their badge, and off it again: each time a new version, with everything else as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, Actor, AuditEntry
from app.core.clock import now
from app.issuer import service
from app.issuer.content import name_in, recipient_hash
from app.issuer.errors import CredentialNotFound, IssueRefused
from app.issuer.key_resigning import resign
from app.issuer.models import Credential, CredentialVersion
from app.issuer.reissuing import show_name
from app.issuer.schemas import IssuedCredential
from app.vc import credential_schema

from .conftest import BASE, EMAIL, House

HOLDER = Actor(kind="person", id="person-1")
NAME = "Tess Nguyễn-O’Hara"
IDENTITY = {"type": "IdentityObject", "hashed": False, "identityHash": NAME, "identityType": "name"}


def named(house: House, credential_id: str, name: str | None) -> IssuedCredential:
    return show_name(house.database, house.secret_box, BASE, credential_id, name=name, actor=HOLDER)


def reissued(house: House, credential_id: str, email: str | None) -> IssuedCredential:
    return service.reissue(house.database, house.secret_box, BASE, credential_id, recipient_email=email)


def identifiers(issued: IssuedCredential) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(issued.document)["credentialSubject"].get("identifier", [])
    return found


def test_a_name_stands_in_the_badge_as_a_plain_identity_and_nowhere_else(house: House) -> None:
    first = house.issue()
    second = named(house, first.credential_id, NAME)
    assert identifiers(second) == [IDENTITY]
    assert "name" not in json.loads(second.document)["credentialSubject"]
    with house.database.read() as session:
        row = session.get_one(Credential, first.credential_id)
        assert row.holder_named
        assert NAME not in str(row.model_dump())
    before, after = json.loads(first.document), json.loads(second.document)
    for member in ("id", "awardedDate", "validUntil", "credentialStatus", "issuer"):
        assert before[member] == after[member]
    assert before["validFrom"] < after["validFrom"] <= now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert before["credentialSubject"]["id"] == after["credentialSubject"]["id"]
    assert second.version == 2


def test_a_badge_with_a_name_is_of_the_form_that_the_schema_wants(house: House) -> None:
    issued = named(house, house.issue(recipient_email=EMAIL).credential_id, NAME)
    document = json.loads(issued.document)
    credential_schema.check(document)


def test_without_the_name_the_badge_says_what_it_said_before(house: House) -> None:
    first = house.issue(recipient_email=EMAIL)
    named(house, first.credential_id, NAME)
    third = named(house, first.credential_id, None)
    assert identifiers(third) == identifiers(first)
    assert NAME not in third.document.decode()
    with house.database.read() as session:
        assert not session.get_one(Credential, first.credential_id).holder_named


def test_the_same_wish_twice_makes_no_second_version(house: House) -> None:
    first = house.issue()
    assert named(house, first.credential_id, None) == first
    second = named(house, first.credential_id, NAME)
    assert named(house, first.credential_id, NAME) == second


def test_another_address_keeps_the_name_and_another_name_the_address(house: House) -> None:
    badge = house.issue().credential_id
    named(house, badge, NAME)
    bound = reissued(house, badge, EMAIL)
    with house.database.read() as session:
        salt = session.get_one(Credential, badge).identity_salt
    address = {
        "type": "IdentityObject", "hashed": True, "identityHash": recipient_hash(EMAIL, salt),
        "identityType": "emailAddress", "salt": salt,
    }  # fmt: skip
    assert identifiers(bound) == [address, IDENTITY]
    renamed = named(house, badge, "Tess Ohara")
    assert identifiers(renamed) == [address, IDENTITY | {"identityHash": "Tess Ohara"}]
    assert identifiers(named(house, badge, None)) == [address]
    named(house, badge, NAME)
    assert identifiers(reissued(house, badge, None)) == [IDENTITY]


def test_signing_again_after_a_key_was_revoked_keeps_the_name(house: House) -> None:
    badge = house.issue().credential_id
    named(house, badge, NAME)
    with house.database.read() as session:
        version = session.get_one(CredentialVersion, (badge, 2))
    assert version.embedded_kid is not None
    service.revoke_key(
        house.database, house.secret_box, kid=version.embedded_kid, reason="a test", since=None, actor=OPERATOR
    )
    resign(house.database, house.secret_box, BASE)
    with house.database.read() as session:
        newest = service.stored_credential(session, badge)
    assert newest.version == 3
    assert name_in(newest.document) == NAME


def test_a_version_with_a_name_taken_off_is_not_served_any_more_the_others_are(house: House) -> None:
    badge = house.issue(shared=True).credential_id
    named(house, badge, NAME)

    def served(version: int) -> bytes:
        with house.database.read() as session:
            return service.public_version(session, badge, version)

    assert NAME in json.loads(served(2))["credentialSubject"]["identifier"][0]["identityHash"]
    named(house, badge, None)
    assert served(1)
    assert served(3)
    with pytest.raises(CredentialNotFound):
        served(2)
    named(house, badge, NAME)
    assert served(2)


def test_a_revoked_or_ended_badge_gets_no_name(house: House) -> None:
    ended, revoked = house.issue().credential_id, house.issue("decision:2").credential_id
    with time_machine.travel(now().replace(year=now().year + 4)), pytest.raises(IssueRefused, match="ended"):
        named(house, ended, NAME)
    service.revoke(house.database, house.secret_box, BASE, credential_id=revoked, reason="a test", actor=OPERATOR)
    with pytest.raises(CredentialNotFound):
        named(house, revoked, NAME)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_an_empty_or_endless_name_is_refused(house: House, name: str) -> None:
    badge = house.issue().credential_id
    with pytest.raises(ValueError, match="between 1 and 200"):
        named(house, badge, name)


def test_the_choice_is_audited_without_the_name(house: House) -> None:
    badge = house.issue().credential_id
    named(house, badge, NAME)
    named(house, badge, None)
    with house.database.read() as session:
        entries = [entry for entry in session.exec(select(AuditEntry)).all() if "named" in entry.action]
        everything = str([entry.model_dump() for entry in session.exec(select(AuditEntry)).all()])
    entries.sort(key=lambda entry: entry.ids["version"])
    assert [(entry.action, entry.actor_id, entry.ids) for entry in entries] == [
        ("issuer.holder_named", "person-1", {"version": 2}),
        ("issuer.holder_unnamed", "person-1", {"version": 3}),
    ]
    assert NAME not in everything
