"""A badge bound to its holder's DID and taken off again: each time a new version, with everything else as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, Actor, AuditEntry
from app.issuer import did_binding, service
from app.issuer.content import did_in, name_in
from app.issuer.did_binding import ChallengeOver
from app.issuer.errors import CredentialNotFound, IssueRefused
from app.issuer.reissuing import show_name
from app.issuer.schemas import IssuedCredential
from app.vc import credential_schema, json_text
from app.vc.keys import base64url_decode

from .conftest import BASE, EMAIL, House

HOLDER = Actor(kind="person", id="person-1")
DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
WEB = "did:web:tess-nguyen.example:me"


def challenge(house: House, badge: IssuedCredential) -> str:
    return did_binding.challenge(house.secret_box, badge.credential_id, badge.version)


def bound(house: House, badge: IssuedCredential, did: str = DID, answered: str | None = None) -> IssuedCredential:
    return did_binding.bind(
        house.database, house.secret_box, BASE, badge.credential_id, did=did,
        answered=challenge(house, badge) if answered is None else answered, actor=HOLDER,
    )  # fmt: skip


def unbound(house: House, badge: IssuedCredential) -> IssuedCredential:
    return did_binding.unbind(house.database, house.secret_box, BASE, badge.credential_id, actor=HOLDER)


def test_the_did_becomes_the_subject_in_both_securings_and_nothing_else_changes(house: House) -> None:
    first = house.issue(recipient_email=EMAIL)
    second = bound(house, first)
    before, after = json_text.loads(first.document), json_text.loads(second.document)
    assert (second.version, after["credentialSubject"]["id"]) == (2, DID)
    credential_schema.check(after)
    assert before["credentialSubject"] | {"id": DID} == after["credentialSubject"]
    for member in ("id", "awardedDate", "validUntil", "credentialStatus", "issuer"):
        assert before[member] == after[member]
    assert json.loads(base64url_decode(second.jwt.split(".")[1]))["sub"] == DID


def test_a_name_and_an_address_stay_and_the_did_outlasts_their_changes(house: House) -> None:
    badge = house.issue(recipient_email=EMAIL)
    badge = show_name(house.database, house.secret_box, BASE, badge.credential_id, name="Tess", actor=HOLDER)
    badge = bound(house, badge)
    assert name_in(badge.document) == "Tess"
    badge = service.reissue(house.database, house.secret_box, BASE, badge.credential_id, recipient_email=None)
    assert did_in(badge.document) == DID
    badge = show_name(house.database, house.secret_box, BASE, badge.credential_id, name=None, actor=HOLDER)
    assert (did_in(badge.document), name_in(badge.document)) == (DID, None)


def test_taking_it_off_gives_a_fresh_name_that_leads_nowhere(house: House) -> None:
    first = house.issue()
    third = unbound(house, bound(house, first))
    ids = [json.loads(each.document)["credentialSubject"]["id"] for each in (first, third)]
    assert all(each.startswith("urn:uuid:") for each in ids)
    assert ids[0] != ids[1]
    assert unbound(house, third).version == third.version == 3, "one that is not bound stays as it is"


def test_a_challenge_serves_once_for_one_badge_and_half_an_hour(house: House) -> None:
    badge, other = house.issue(), house.issue("decision:2")
    asked = challenge(house, badge)
    with pytest.raises(ChallengeOver):
        bound(house, other, answered=asked)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31)), pytest.raises(ChallengeOver):
        bound(house, badge, answered=asked)
    third = unbound(house, bound(house, badge, answered=asked))
    with pytest.raises(ChallengeOver):
        bound(house, third, answered=asked)


@pytest.mark.parametrize("text", ["", ".", "x.y", "9999999999.", "9999999999.abc", "9999999999", "ü.ü", "1e9.x"])
def test_a_challenge_that_was_never_set_serves_nobody(house: House, text: str) -> None:
    badge = house.issue()
    with pytest.raises(ChallengeOver):
        bound(house, badge, answered=text)
    ends, _, token = challenge(house, badge).partition(".")
    with pytest.raises(ChallengeOver):
        bound(house, badge, answered=f"{int(ends) + 86400}.{token}")


def test_an_older_version_with_a_did_that_was_taken_off_is_told_no_more(house: House) -> None:
    first = house.issue(shared=True)
    second = bound(house, first, WEB)
    with house.database.read() as session:
        assert service.public_version(session, first.credential_id, 1) == first.document
        assert service.public_version(session, first.credential_id, 2) == second.document
    unbound(house, second)
    with house.database.read() as session:
        assert service.public_version(session, first.credential_id, 1) == first.document
        with pytest.raises(CredentialNotFound):
            service.public_version(session, first.credential_id, 2)


def test_binding_is_audited_by_ids_and_versions_alone(house: House) -> None:
    badge = bound(house, house.issue(), WEB)
    unbound(house, badge)
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action.startswith("issuer.holder_"))).all()  # type: ignore[attr-defined]
    entries = sorted(entries, key=lambda entry: entry.ids["version"])
    assert [(entry.action, entry.actor_id, entry.ids) for entry in entries] == [
        ("issuer.holder_bound", "person-1", {"version": 2}),
        ("issuer.holder_unbound", "person-1", {"version": 3}),
    ]
    with house.database.read() as session:
        assert "tess-nguyen" not in str([row.model_dump() for row in session.exec(select(AuditEntry)).all()])


def test_a_badge_that_has_ended_or_was_revoked_stays_as_it_is(house: House) -> None:
    ended = house.issue(valid_until=datetime.now(UTC) + timedelta(days=1))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)), pytest.raises(IssueRefused):
        bound(house, ended)
    revoked = house.issue("decision:2")
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=revoked.credential_id, reason="a test", actor=OPERATOR
    )
    with pytest.raises(CredentialNotFound):
        bound(house, revoked)
