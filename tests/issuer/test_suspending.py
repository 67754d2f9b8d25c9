"""Suspending a badge for a while: this server's own word, with a reason, audited, told to the other rooms."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.outbox_models import OutboxEvent
from app.issuer import service
from app.issuer.errors import AlreadyRevoked, AlreadySuspended, CredentialNotFound, IssueRefused, NotSuspended
from app.issuer.events import CredentialReinstated, CredentialSuspended
from app.issuer.models import Credential
from tests.issuer.conftest import House

NOBODYS = "7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10"
REASON = "Sam Rivers complained about it"


def suspend(house: House, credential_id: str, reason: str = REASON) -> None:
    with house.database.write() as session:
        service.suspend(session, credential_id, reason=reason, actor=OPERATOR)


def reinstate(house: House, credential_id: str) -> None:
    with house.database.write() as session:
        service.reinstate(session, credential_id, actor=OPERATOR)


def is_suspended(house: House, credential_id: str) -> bool:
    with house.database.look() as look:
        return service.is_suspended(look, credential_id)


def revoke(house: House, credential_id: str) -> None:
    service.revoke(
        house.database, house.secret_box, house.base_url, credential_id=credential_id, reason="x", actor=OPERATOR
    )


def test_a_suspended_badge_is_suspended_until_it_is_reinstated(house: House) -> None:
    badge, other = house.issue("decision:1"), house.issue("decision:2")
    suspend(house, badge.credential_id)
    assert is_suspended(house, badge.credential_id)
    assert not is_suspended(house, other.credential_id)
    reinstate(house, badge.credential_id)
    assert not is_suspended(house, badge.credential_id)


def test_the_signed_badge_and_its_status_list_stay_as_they_are(house: House) -> None:
    badge = house.issue(shared=True)
    suspend(house, badge.credential_id)
    with house.database.read() as session:
        stored = service.public_credential(session, badge.credential_id)
        row = session.get_one(Credential, badge.credential_id)
    assert (stored.document, stored.jwt, stored.state) == (badge.document, badge.jwt, "issued")
    assert stored.suspended_at is not None
    assert row.revoked_at is None


def test_the_reason_is_kept_with_the_badge_and_nowhere_else_and_goes_with_the_suspension(house: House) -> None:
    badge = house.issue()
    suspend(house, badge.credential_id, f"  {REASON} ")
    with house.database.read() as session:
        assert session.get_one(Credential, badge.credential_id).suspension_reason == REASON
        audited = [str(entry) for entry in session.exec(select(AuditEntry)).all()]
        told = [str(event.payload) for event in session.exec(select(OutboxEvent)).all()]
    assert not any("Rivers" in text for text in (*audited, *told))
    reinstate(house, badge.credential_id)
    with house.database.read() as session:
        assert session.get_one(Credential, badge.credential_id).suspension_reason is None


def test_both_are_audited_and_told_to_the_other_rooms(house: House) -> None:
    badge = house.issue()
    suspend(house, badge.credential_id)
    reinstate(house, badge.credential_id)
    with house.database.read() as session:
        actions = session.exec(select(AuditEntry.action).where(AuditEntry.subject_id == badge.credential_id)).all()
        kinds = session.exec(select(OutboxEvent.kind)).all()
    assert {"issuer.credential_suspended", "issuer.credential_reinstated"} <= set(actions)
    assert {CredentialSuspended.KIND, CredentialReinstated.KIND} <= set(kinds)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_it_takes_a_reason_of_reasonable_length(house: House, reason: str) -> None:
    badge = house.issue()
    with pytest.raises(IssueRefused):
        suspend(house, badge.credential_id, reason)
    assert not is_suspended(house, badge.credential_id)


def test_the_first_reason_of_a_suspended_badge_stays(house: House) -> None:
    badge = house.issue()
    suspend(house, badge.credential_id, "first")
    with pytest.raises(AlreadySuspended):
        suspend(house, badge.credential_id, "second")
    with house.database.read() as session:
        assert session.get_one(Credential, badge.credential_id).suspension_reason == "first"


def test_what_is_not_suspended_cannot_be_reinstated(house: House) -> None:
    with pytest.raises(NotSuspended):
        reinstate(house, house.issue().credential_id)


def test_a_revoked_badge_is_neither_suspended_nor_reinstated(house: House) -> None:
    badge = house.issue()
    revoke(house, badge.credential_id)
    with pytest.raises(AlreadyRevoked):
        suspend(house, badge.credential_id)
    with pytest.raises(AlreadyRevoked):
        reinstate(house, badge.credential_id)


def test_a_suspended_badge_can_be_revoked(house: House) -> None:
    badge = house.issue()
    suspend(house, badge.credential_id)
    revoke(house, badge.credential_id)
    with house.database.read() as session:
        assert session.get_one(Credential, badge.credential_id).state == "revoked"


def test_a_badge_that_is_not_here_is_neither_suspended_nor_reinstated(house: House) -> None:
    for act in (suspend, reinstate):
        with pytest.raises(CredentialNotFound):
            act(house, NOBODYS)
    assert not is_suspended(house, NOBODYS)
