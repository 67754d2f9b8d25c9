"""A renewed badge is the same badge with a later end: the next version, once for each decision."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import WriteSession
from app.core.outbox_models import OutboxEvent
from app.issuer import reissuing, renewing, service
from app.issuer.errors import AlreadyRevoked, CredentialNotFound, IssueRefused
from app.issuer.events import CredentialIssued
from app.issuer.models import Credential
from app.issuer.renewing import Renewal
from app.issuer.schemas import IssuedCredential
from tests.issuer.conftest import EMAIL, House

LATER = timedelta(days=2000)


def whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def stored(house: House, credential_id: str) -> Credential:
    with house.database.read() as session:
        return session.get_one(Credential, credential_id)


def renew(
    house: House, credential_id: str, *, done: set[str] | None = None, source: str = "decision:2", **changes: Any
) -> IssuedCredential | None:
    """Renew by one decision; `done` remembers which have been, as the caller's table does."""
    known: set[str] = set() if done is None else done

    def choose(row: Credential) -> Renewal:
        values: dict[str, Any] = {
            "achievement_version": row.achievement_version,
            "results": tuple((criterion.key, 4) for criterion in house.module.rubric.criteria),
            "valid_until": None if row.valid_until is None else whole_seconds(row.valid_until + LATER),
        }
        return Renewal(**(values | changes))

    def beside(_session: WriteSession, _version: int) -> bool:
        if source in known:
            return False
        known.add(source)
        return True

    return renewing.renew(
        house.database, house.secret_box, house.base_url, credential_id,
        choose=choose, actor=OPERATOR, decided_by_role="assessor", beside=beside,
    )  # fmt: skip


def test_only_the_end_the_levels_and_the_version_change(house: House) -> None:
    first = house.issue(recipient_email=EMAIL)
    before = stored(house, first.credential_id)
    second = renew(house, first.credential_id)
    assert second is not None
    assert second.version == 2
    old, new = json.loads(first.document), json.loads(second.document)
    for member in ("id", "awardedDate", "credentialStatus", "issuer"):
        assert new[member] == old[member]
    assert new["credentialSubject"]["id"] == old["credentialSubject"]["id"]
    assert new["credentialSubject"]["identifier"] == old["credentialSubject"]["identifier"]
    assert new["validFrom"] > old["validFrom"]
    assert new["validUntil"] > old["validUntil"]
    assert all(one["achievedLevel"].endswith("-level-4") for one in new["credentialSubject"]["result"])
    after = stored(house, first.credential_id)
    assert (after.awarded_at, after.status_list_number, after.status_index, after.current_version) == (
        before.awarded_at, before.status_list_number, before.status_index, 2,
    )  # fmt: skip


def test_the_version_before_stays_readable_as_it_was_signed(house: House) -> None:
    first = house.issue(shared=True)
    renew(house, first.credential_id)
    with house.database.read() as session:
        assert service.public_version(session, first.credential_id, 1) == first.document


def test_a_badge_that_has_ended_is_renewed_and_can_be_bound_again(house: House) -> None:
    issued = house.issue(valid_until=datetime.now(UTC) + timedelta(days=30))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=200), tick=True):
        renewed = renew(house, issued.credential_id)
        assert renewed is not None
        assert renewed.version == 2
        again = reissuing.reissue(
            house.database, house.secret_box, house.base_url, issued.credential_id, recipient_email=EMAIL
        )
        assert again.version == 3


def test_one_decision_renews_once_however_often_and_from_however_many_it_is_asked(house: House) -> None:
    credential_id = house.issue().credential_id
    done: set[str] = set()
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        renew(house, credential_id, done=done)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(house, credential_id).current_version == 2
    assert renew(house, credential_id, done=done, valid_until=datetime.now(UTC) + 2 * LATER) is None
    assert stored(house, credential_id).current_version == 2


def test_it_is_audited_with_the_decider_and_told_to_the_other_rooms(house: House) -> None:
    credential_id = house.issue().credential_id
    renew(house, credential_id)
    with house.database.read() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.credential_renewed")).one()
        told = session.exec(select(OutboxEvent).where(OutboxEvent.kind == CredentialIssued.KIND)).all()
    assert (entry.actor_kind, entry.subject_id) == (OPERATOR.kind, credential_id)
    assert sorted(event.payload["version"] for event in told) == [1, 2]


def test_a_suspended_badge_is_renewed_and_stays_suspended(house: House) -> None:
    credential_id = house.issue().credential_id
    with house.database.write() as session:
        service.suspend(session, credential_id, reason="Looked into", actor=OPERATOR)
    assert renew(house, credential_id) is not None
    assert stored(house, credential_id).suspended_at is not None


def test_what_makes_no_renewal_is_refused_and_changes_nothing(house: House) -> None:
    credential_id = house.issue().credential_id
    criterion = house.module.rubric.criteria[0].key
    for changes in (
        {"valid_until": stored(house, credential_id).valid_until},
        {"valid_until": datetime.now(UTC) + timedelta(days=1)},
        {"results": (("nothing", 3),)},
        {"results": ((criterion, 9),)},
        {"results": ((criterion, 3), (criterion, 4))},
    ):
        with pytest.raises(IssueRefused):
            renew(house, credential_id, **changes)
    assert stored(house, credential_id).current_version == 1
    endless = house.issue("decision:endless", valid_until=None).credential_id
    with pytest.raises(IssueRefused):
        renew(house, endless)


def test_a_revoked_badge_is_not_renewed_nor_one_that_is_not_there(house: House) -> None:
    credential_id = house.issue().credential_id
    service.revoke(
        house.database, house.secret_box, house.base_url, credential_id=credential_id, reason="x", actor=OPERATOR
    )
    with pytest.raises(AlreadyRevoked):
        renew(house, credential_id)
    with pytest.raises(CredentialNotFound):
        renew(house, "7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10")


def test_somebody_else_who_changes_the_badge_meanwhile_loses_nothing(house: House) -> None:
    credential_id = house.issue().credential_id
    asked = 0

    def choose(row: Credential) -> Renewal:
        nonlocal asked
        asked += 1
        if asked == 1:
            reissuing.reissue(house.database, house.secret_box, house.base_url, credential_id, recipient_email=EMAIL)
        return Renewal(row.achievement_version, (), whole_seconds(datetime.now(UTC) + LATER))

    renewed = renewing.renew(
        house.database, house.secret_box, house.base_url, credential_id,
        choose=choose, actor=OPERATOR, decided_by_role="assessor", beside=lambda _session, _version: True,
    )  # fmt: skip
    assert renewed is not None
    assert (renewed.version, asked) == (3, 2)
    assert json.loads(renewed.document)["credentialSubject"]["identifier"]
