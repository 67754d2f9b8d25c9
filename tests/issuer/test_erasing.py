"""Erasing a badge: nothing of what it said or whose it was is left, its place in the list is, and a tombstone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.ids import digest
from app.core.secrets import SecretBox
from app.issuer import documents, service
from app.issuer.errors import AlreadyRevoked, CredentialErased, CredentialNotFound
from app.issuer.models import BadgeShare, BadgeShareItem, Credential, CredentialTombstone, CredentialVersion
from app.issuer.schemas import IssuedCredential
from app.vc.status_list import read_bit
from tests.conftest import TEST_SECRET
from tests.issuer.conftest import BASE, EMAIL, House

NOBODYS = "7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10"


def erase(house: House, badge: IssuedCredential | str) -> None:
    found = badge if isinstance(badge, str) else badge.credential_id
    with house.database.write() as session:
        service.erase(session, house.secret_box, found, actor=OPERATOR)


def revoke(house: House, badge: IssuedCredential) -> None:
    service.revoke(
        house.database, house.secret_box, house.base_url, credential_id=badge.credential_id, reason="x", actor=OPERATOR
    )


def row_of(house: House, badge: IssuedCredential) -> Credential:
    with house.database.read() as session:
        return session.get_one(Credential, badge.credential_id)


def bit(house: House, badge: IssuedCredential) -> bool:
    entry = json.loads(badge.document)["credentialStatus"]
    number = int(entry["statusListCredential"].rpartition("/")[2])
    signed = documents.status_list(house.database, house.secret_box, house.base_url, number)
    return bool(read_bit(json.loads(signed.document), int(entry["statusListIndex"]), "revocation"))


def share(house: House, *badges: IssuedCredential) -> str:
    row = BadgeShare(person_id="person-1", token_hash=digest(badges[0].credential_id), expires_at=now() + timedelta(1))
    with house.database.write() as session:
        session.add(row)
        session.flush()
        for position, badge in enumerate(badges):
            session.add(BadgeShareItem(share_id=row.id, credential_id=badge.credential_id, position=position))
    return row.id


def test_nothing_of_the_badge_and_its_holder_is_left_in_the_table(house: House) -> None:
    below = ("/credentials/a-badge-below/v1.json", "00" * 32)
    badge = house.issue(recipient_email=EMAIL, shared=True, related=(below,))
    with house.database.write() as session:
        service.suspend(session, badge.credential_id, reason="A complaint by Sam", actor=OPERATOR)
    before = row_of(house, badge)
    erase(house, badge)
    after = row_of(house, badge)
    kept = {name for name in Credential.model_fields if getattr(after, name) == getattr(before, name)}
    assert kept == {"id", "issuer_id", "status_list_number", "status_index", "revoked_at", "holder_named",
                    "revocation_reason", "fingerprint"}  # fmt: skip
    assert (after.revocation_reason, after.fingerprint, after.holder_named) == (None, None, False)
    assert after.related == []
    assert (after.person_id, after.identity_hash, after.identity_salt, after.subject_id) == (None, None, "", "")
    assert (after.state, after.shared, after.results) == ("erased", False, [])
    assert "decision" not in after.idempotency_key


def test_every_version_and_both_securings_are_gone(house: House) -> None:
    badge, other = house.issue("decision:1"), house.issue("decision:2")
    service.reissue(house.database, house.secret_box, BASE, badge.credential_id, recipient_email=EMAIL)
    erase(house, badge)
    with house.database.read() as session:
        left = session.exec(select(CredentialVersion.credential_id)).all()
    assert left == [other.credential_id]


def test_links_lose_the_badge_and_those_that_show_nothing_else_end(house: House) -> None:
    badge, other = house.issue("decision:1"), house.issue("decision:2")
    of_both, of_one = share(house, other, badge), share(house, badge)
    erase(house, badge)
    with house.database.read() as session:
        items = session.exec(select(BadgeShareItem)).all()
        both, one = session.get_one(BadgeShare, of_both), session.get_one(BadgeShare, of_one)
    assert [(item.share_id, item.credential_id) for item in items] == [(of_both, other.credential_id)]
    assert both.ended_at is None
    assert one.ended_at is not None


def test_a_tombstone_by_digest_says_the_day_of_issue_and_when_it_was_erased(house: House) -> None:
    badge = house.issue()
    erase(house, badge)
    with house.database.read() as session:
        [stone] = session.exec(select(CredentialTombstone)).all()
    assert stone.id_digest == digest(badge.credential_id)
    assert stone.issued_on == datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert stone.erased_at > stone.issued_on


def test_whoever_asks_for_it_hears_that_it_was_erased(house: House) -> None:
    badge = house.issue(shared=True)
    erase(house, badge)
    with house.database.read() as session:
        for ask in (service.public_credential, service.stored_credential, service.credential_summary):
            with pytest.raises(CredentialErased) as told:
                ask(session, badge.credential_id)
            assert told.value.status == 410
        with pytest.raises(CredentialErased):
            service.public_version(session, badge.credential_id, 1)
        assert service.credentials_of(session, "person-1") == ()
    assert documents.own_document(house.database, house.secret_box, BASE, badge.url + "/v1.json") is None


def test_the_audit_names_it_by_digest_only(house: House) -> None:
    badge = house.issue()
    erase(house, badge)
    with house.database.read() as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.credential_erased")).all()
    assert (entry.subject_id, entry.ids) == (digest(badge.credential_id), {})


def test_the_bit_stays_clear_so_that_copies_which_people_keep_still_verify(house: House) -> None:
    badge = house.issue()
    erase(house, badge)
    assert not bit(house, badge)


def test_the_bit_of_a_revoked_badge_stays_set(house: House) -> None:
    badge, later = house.issue("decision:1"), house.issue("decision:2")
    revoke(house, badge)
    erase(house, badge)
    revoke(house, later)  # the list is made anew from what is left
    assert bit(house, badge)


def test_its_holder_may_ask_for_revocation_later_still(house: House) -> None:
    badge = house.issue()
    erase(house, badge)
    revoke(house, badge)
    assert bit(house, badge)
    after = row_of(house, badge)
    assert (after.state, after.revocation_reason) == ("erased", None)
    with pytest.raises(AlreadyRevoked):
        revoke(house, badge)


def test_its_place_in_the_list_is_given_to_no_other(house: House) -> None:
    badge = house.issue("decision:1")
    erase(house, badge)
    place = json.loads(badge.document)["credentialStatus"]["statusListIndex"]
    others = [house.issue(f"decision:{number}") for number in range(2, 8)]
    assert place not in {json.loads(each.document)["credentialStatus"]["statusListIndex"] for each in others}


def test_a_request_that_is_repeated_does_not_bring_it_back(house: House) -> None:
    badge = house.issue("operator:sam-rivers-m01")
    erase(house, badge)
    with pytest.raises(CredentialErased):
        house.issue("operator:sam-rivers-m01")
    assert "sam" not in row_of(house, badge).idempotency_key


def test_nor_does_one_under_a_newer_master_key(house: House) -> None:
    badge = house.issue("decision:1")
    erase(house, badge)
    newer = SecretBox(["another-master-key-that-came-after-the-first-one", TEST_SECRET])
    with pytest.raises(CredentialErased):
        service.issue(house.database, newer, BASE, house.request("decision:1"))


def test_it_is_erased_once(house: House) -> None:
    badge = house.issue()
    erase(house, badge)
    with pytest.raises(CredentialErased):
        erase(house, badge)


def test_what_is_not_here_or_not_finished_cannot_be_erased(house: House) -> None:
    badge = house.issue()
    with house.database.write() as session:
        session.execute(sa.update(Credential).values(state="reserved"))
    for wanted in (NOBODYS, badge.credential_id):
        with pytest.raises(CredentialNotFound) as told:
            erase(house, wanted)
        assert not isinstance(told.value, CredentialErased)


def test_the_link_of_the_award_mail_shares_nothing_any_more(house: House) -> None:
    badge = house.issue()
    token = service.claim_token(house.secret_box, badge.credential_id)
    erase(house, badge)
    with house.database.write() as session, pytest.raises(CredentialNotFound):
        service.share_by_claim(session, house.secret_box, badge.credential_id, token, shared=True)
    assert not row_of(house, badge).shared


def test_an_erased_badge_is_neither_issued_again_nor_suspended(house: House) -> None:
    badge = house.issue()
    erase(house, badge)
    with pytest.raises(CredentialNotFound):
        service.reissue(house.database, house.secret_box, BASE, badge.credential_id, recipient_email=EMAIL)
    with house.database.write() as session, pytest.raises(CredentialNotFound):
        service.suspend(session, badge.credential_id, reason="x", actor=OPERATOR)
    assert service.finish_orphans(house.database, house.secret_box, BASE, older_than=timedelta(0)) == 0
