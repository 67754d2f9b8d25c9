"""Issuing survives crashes, repeats and races: one badge, one place in the status list, whatever happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.errors import Unavailable
from app.core.outbox_models import OutboxEvent
from app.core.secrets import SecretBox, SecretUnreadable
from app.issuer import issuing, keys, service, signing, status
from app.issuer.errors import (
    AlreadyRevoked,
    CredentialNotFound,
    IdempotencyConflict,
    IssueRefused,
    IssuerNotFound,
    KeysUnreadable,
)
from app.issuer.events import CredentialIssued
from app.issuer.models import Credential, CredentialVersion, Issuer, SigningKey, StatusList
from app.vc.status_list import read_bit

from .conftest import BASE, EMAIL, House


class Crash(BaseException):
    """The process dies here."""


def rows(house: House) -> list[Credential]:
    with house.database.read() as session:
        return list(session.exec(select(Credential)).all())


def events(house: House) -> list[OutboxEvent]:
    with house.database.read() as session:
        return list(session.exec(select(OutboxEvent).where(OutboxEvent.kind == CredentialIssued.KIND)).all())


def taken(house: House) -> int:
    with house.database.read() as session:
        return sum(row.next_position for row in session.exec(select(StatusList)).all())


def die(*_args: object, **_options: object) -> None:
    raise Crash


@pytest.mark.parametrize(
    ("module", "name", "reserved"),
    [
        (status, "allocate", 0),
        (issuing, "finish", 1),
        (status, "refresh", 1),
        (issuing, "sign", 1),
        (signing, "emit", 1),
    ],
    ids=["inside write 1", "between write 1 and signing", "signing the list", "signing the badge", "inside write 2"],
)
def test_a_crash_anywhere_and_a_repeat_make_exactly_one_badge(
    house: House, monkeypatch: pytest.MonkeyPatch, module: object, name: str, reserved: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(module, name, die)
        with pytest.raises(Crash):
            house.issue()
    assert len(rows(house)) == reserved
    assert events(house) == []
    issued = house.issue()
    assert [row.id for row in rows(house)] == [issued.credential_id]
    assert taken(house) == 1
    assert len(events(house)) == 1


def test_a_crash_after_write_two_is_answered_with_what_was_stored(house: House) -> None:
    first = house.issue()
    assert house.issue() == first
    assert len(events(house)) == 1


def test_the_sweeper_finishes_what_a_crash_left_but_not_what_is_under_way(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(issuing, "sign", die)
        with pytest.raises(Crash):
            house.issue(recipient_email=EMAIL)
    assert service.finish_orphans(house.database, house.secret_box, BASE) == 0
    assert service.finish_orphans(house.database, house.secret_box, BASE, older_than=timedelta(0)) == 1
    (row,) = rows(house)
    assert row.state == "issued"
    with house.database.read() as session:
        assert service.stored_credential(session, row.id).identified
    assert service.finish_orphans(house.database, house.secret_box, BASE, older_than=timedelta(0)) == 0


def test_an_orphan_that_cannot_be_finished_hinders_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(issuing, "finish", die)
        for number in range(2):
            with pytest.raises(Crash):
                house.issue(f"decision:{number}")
    poisoned = rows(house)[0].id
    with house.database.write() as session:
        row = session.get_one(Credential, poisoned)
        row.results = [["no-such-criterion", 3]]
        session.add(row)
    assert service.finish_orphans(house.database, house.secret_box, BASE, older_than=timedelta(0)) == 1
    assert {row.id: row.state for row in rows(house)}[poisoned] == "reserved"


def test_an_unfinished_badge_is_nowhere_to_be_seen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(issuing, "sign", die)
        with pytest.raises(Crash):
            house.issue(shared=True)
    (row,) = rows(house)
    with house.database.read() as session:
        assert service.credentials_of(session, "person-1") == ()
        with pytest.raises(CredentialNotFound):
            service.public_credential(session, row.id)
        with pytest.raises(CredentialNotFound):
            service.stored_credential(session, row.id)
    with house.database.write() as session, pytest.raises(CredentialNotFound):
        service.share(session, row.id, "person-1", True)
    with pytest.raises(CredentialNotFound):
        service.revoke(house.database, house.secret_box, BASE, credential_id=row.id, reason="x", actor=OPERATOR)


def test_eight_threads_with_one_key_issue_one_badge(house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        issued = list(pool.map(lambda _: house.issue("the same"), range(16)))
    assert len({(badge.credential_id, badge.digest, badge.jwt) for badge in issued}) == 1
    assert taken(house) == 1
    assert len(events(house)) == 1


def test_eight_threads_with_different_keys_share_no_place(house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        issued = list(pool.map(lambda number: house.issue(f"decision:{number}"), range(24)))
    places = {(row.status_list_number, row.status_index) for row in rows(house)}
    assert len({badge.credential_id for badge in issued}) == len(places) == 24
    assert sorted(index for _, index in places) != list(range(24))


def test_a_full_list_is_followed_by_a_second_one(house: House) -> None:
    house.issue("decision:0")
    with house.database.write() as session:
        row = session.get_one(StatusList, 1)
        row.next_position = row.length - 1
        session.add(row)
    for number in (1, 2):
        house.issue(f"decision:{number}")
    assert sorted(row.status_list_number for row in rows(house)) == [1, 1, 2]
    assert len({(row.status_list_number, row.status_index) for row in rows(house)}) == 3


def test_every_place_of_a_list_is_given_out_once(house: House) -> None:
    with house.database.write() as session:
        issuer = keys.issuer_by_key(session, "orygen")
        places = [status.allocate(session, house.secret_box, issuer, length=64) for _ in range(128)]
    assert {(place.number, place.index) for place in places} == {(n, i) for n in (1, 2) for i in range(64)}


@pytest.mark.parametrize(
    "changes",
    [{"achievement_key": "M01", "person_id": "person-2"}, {"fingerprint": "another"}],
    ids=["for somebody else", "another body"],
)
def test_the_same_key_for_another_badge_is_refused(house: House, changes: dict[str, object]) -> None:
    house.issue()
    with pytest.raises(IdempotencyConflict):
        house.issue(**changes)
    assert len(rows(house)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"awarded_at": datetime.now(UTC) + timedelta(days=1)},
        {"valid_until": datetime.now(UTC) - timedelta(days=1)},
        {"results": (("no-such-criterion", 3),)},
        {"results": (("reflection-and-safety", 9),)},
        {"results": (("reflection-and-safety", 3), ("reflection-and-safety", 4))},
        {"idempotency_key": ""},
    ],
    ids=["awarded tomorrow", "ended yesterday", "unknown criterion", "unknown level", "two results", "no key"],
)
def test_what_does_not_hold_together_is_refused_and_reserves_nothing(house: House, changes: dict[str, object]) -> None:
    others = {name: value for name, value in changes.items() if name != "idempotency_key"}
    with pytest.raises(IssueRefused):
        house.issue(str(changes.get("idempotency_key", "decision:1")), **others)
    assert rows(house) == []
    assert taken(house) == 0


def test_a_wrong_master_key_is_said_so_and_changes_nothing(house: House) -> None:
    issued = house.issue()
    wrong = SecretBox(["another-master-key-that-was-never-used-here"])
    with pytest.raises(KeysUnreadable, match="WAYMARK_SECRET_KEY") as caught:
        service.issue(house.database, wrong, BASE, house.request("decision:2"))
    assert isinstance(caught.value, SecretUnreadable)
    with pytest.raises(KeysUnreadable):
        service.reissue(house.database, wrong, BASE, issued.credential_id, recipient_email=EMAIL)
    with pytest.raises(KeysUnreadable):
        service.revoke(house.database, wrong, BASE, credential_id=issued.credential_id, reason="a test", actor=OPERATOR)
    with house.database.read() as session, pytest.raises(KeysUnreadable):
        service.check_keys(session, wrong)
    assert [(row.state, row.current_version) for row in rows(house)] == [("issued", 1)]
    assert taken(house) == 1
    assert house.issue() == issued


def test_a_rotated_master_key_still_opens_what_the_old_one_sealed(house: House) -> None:
    first = house.issue()
    old = house.secret_box._keys
    rotated = SecretBox(["a-new-master-key-for-what-is-sealed-from-now", *old])
    second = service.issue(house.database, rotated, BASE, house.request("decision:2"))
    assert second.credential_id != first.credential_id
    assert len({row.status_index for row in rows(house)}) == 2


def test_setting_an_issuer_up_twice_keeps_its_keys_and_renews_its_words(house: House) -> None:
    with house.database.read() as session:
        before = session.exec(select(SigningKey.public_multikey)).all()
    with house.database.write() as session:
        info = service.ensure_issuer(
            session, house.secret_box, base_url=BASE, key="orygen", name="New", description="words", url="https://o.au"
        )
    with house.database.read() as session:
        assert session.exec(select(SigningKey.public_multikey)).all() == before
        assert service.issuers(session, BASE) == (info,)
        assert session.exec(select(Issuer.name)).all() == ["New"]


def test_private_keys_are_sealed_at_rest(house: House) -> None:
    with house.database.read() as session:
        for key in session.exec(select(SigningKey)).all():
            with pytest.raises(SecretUnreadable):
                house.secret_box.decrypt("another purpose", key.sealed_private)
            assert len(house.secret_box.decrypt(keys.PURPOSE, key.sealed_private)) == 32


def test_an_unknown_issuer_is_not_found(house: House) -> None:
    with pytest.raises(IssuerNotFound):
        house.issue(issuer_key="nobody")


def test_the_audit_and_the_outbox_hold_ids_only(house: House) -> None:
    house.issue(recipient_email=EMAIL, decided_by_role="assessor")
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry)).all()
        text = json.dumps([entry.ids | {"action": entry.action} for entry in entries])
        told = json.dumps([event.payload for event in session.exec(select(OutboxEvent)).all()])
    assert "issuer.credential_reserved" in text
    assert "issuer.credential_issued" in text
    assert "@" not in text + told


def test_revoking_twice_says_so_and_unknown_is_not_found(house: House) -> None:
    issued = house.issue()

    def revoke(credential_id: str, reason: str = "a test") -> None:
        service.revoke(
            house.database, house.secret_box, BASE, credential_id=credential_id, reason=reason, actor=OPERATOR
        )

    with pytest.raises(IssueRefused):
        revoke(issued.credential_id, "  ")
    revoke(issued.credential_id)
    with pytest.raises(AlreadyRevoked):
        revoke(issued.credential_id)
    with pytest.raises(CredentialNotFound):
        revoke("00000000-0000-4000-8000-000000000000")


def test_a_crash_between_revoking_and_signing_the_list_is_mended_at_the_next_look(
    house: House, monkeypatch: pytest.MonkeyPatch, download: Callable[[str], bytes]
) -> None:
    issued = house.issue()
    before = download(f"{BASE}/status/1")
    with monkeypatch.context() as patched:
        patched.setattr(status, "refresh", die)
        with pytest.raises(Crash):
            service.revoke(
                house.database, house.secret_box, BASE, credential_id=issued.credential_id, reason="x", actor=OPERATOR
            )
    assert download(f"{BASE}/status/1") != before
    assert download(f"{BASE}/status/1") == download(f"{BASE}/status/1")


def test_two_revocations_at_once_are_both_in_the_list(house: House, download: Callable[[str], bytes]) -> None:
    badges = [house.issue(f"decision:{number}") for number in range(8)]

    def revoke(credential_id: str) -> None:
        service.revoke(house.database, house.secret_box, BASE, credential_id=credential_id, reason="x", actor=OPERATOR)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(revoke, [badge.credential_id for badge in badges]))
    listed = json.loads(download(f"{BASE}/status/1"))
    assert all(read_bit(listed, row.status_index, "revocation") for row in rows(house))


def test_a_list_is_signed_anew_before_it_grows_old(
    house: House, monkeypatch: pytest.MonkeyPatch, download: Callable[[str], bytes]
) -> None:
    house.issue()
    before = json.loads(download(f"{BASE}/status/1"))
    later = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr(status, "now", lambda: later)
    service.finish_orphans(house.database, house.secret_box, BASE)
    after = json.loads(download(f"{BASE}/status/1"))
    assert after["validUntil"] > before["validUntil"]


def test_a_signed_version_is_never_changed_by_a_reissue(house: House) -> None:
    first = house.issue(shared=True)
    second = service.reissue(house.database, house.secret_box, BASE, first.credential_id, recipient_email=EMAIL)
    with house.database.read() as session:
        assert service.public_version(session, first.credential_id, 1) == first.document
        assert service.public_version(session, first.credential_id, 2) == second.document
        current = service.public_credential(session, first.credential_id)
        stored = session.exec(select(CredentialVersion)).all()
    assert (current.version, len(stored)) == (2, 2)
    one, two = json.loads(first.document), json.loads(second.document)
    assert one["validFrom"] < two["validFrom"] <= datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for member in ("id", "awardedDate", "validUntil", "credentialStatus", "name"):
        assert one[member] == two[member]
    assert one["credentialSubject"]["id"] == two["credentialSubject"]["id"]


def test_reissuing_for_the_same_address_makes_no_new_version(house: House) -> None:
    first = house.issue(recipient_email=EMAIL)
    again = service.reissue(house.database, house.secret_box, BASE, first.credential_id, recipient_email=EMAIL.upper())
    assert again == first


def test_eight_threads_that_reissue_make_one_new_version(house: House) -> None:
    first = house.issue()
    with ThreadPoolExecutor(8) as pool:
        versions = list(
            pool.map(
                lambda _: service.reissue(
                    house.database, house.secret_box, BASE, first.credential_id, recipient_email=EMAIL
                ),
                range(8),
            )
        )
    assert {version.version for version in versions} == {2}
    assert len({version.digest for version in versions}) == 1


def test_a_badge_that_has_ended_is_not_reissued(house: House) -> None:
    issued = house.issue()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1001)), pytest.raises(IssueRefused, match="ended"):
        service.reissue(house.database, house.secret_box, BASE, issued.credential_id, recipient_email=EMAIL)


def test_a_clock_behind_the_last_version_is_said_so(house: House) -> None:
    issued = house.issue()
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)), pytest.raises(Unavailable, match="clock"):
        service.reissue(house.database, house.secret_box, BASE, issued.credential_id, recipient_email=EMAIL)


def test_a_revoked_badge_is_not_reissued(house: House) -> None:
    issued = house.issue()
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=issued.credential_id, reason="a test", actor=OPERATOR
    )
    with pytest.raises(CredentialNotFound):
        service.reissue(house.database, house.secret_box, BASE, issued.credential_id, recipient_email=EMAIL)
