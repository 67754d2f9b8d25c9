"""A stolen key: nothing it signed is trusted, and everything in force is signed again under the same addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from openbadgeslib.errors import LibOpenBadgesException
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now, rfc3339
from app.core.outbox_models import OutboxEvent
from app.issuer import documents, key_resigning, service, signing
from app.issuer.key_compromise import Revoked
from app.issuer.key_errors import KeyNotFound, KeyRefused
from app.issuer.models import Credential, CredentialVersion, SigningKey
from app.issuer.schemas import PublicCredential
from app.verifier.schemas import Presented
from app.wiring import Services

from .conftest import BASE, EMAIL, House
from .test_key_rotation import DID, did_document, rotate, signed_by, states
from .test_second_opinion import _ask_openbadgeslib, _our_verdict
from .test_three_steps import Crash

EMBEDDED, TOKEN = "orygen-ed25519-1", "orygen-p-256-1"


@pytest.fixture(autouse=True)
def _no_second_to_wait_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later version begins in a later second; here that second has come already."""
    monkeypatch.setattr("app.issuer.issuing.first_moment", lambda row: row.awarded_at.replace(microsecond=0))


def revoke(house: House, kid: str, **changes: object) -> Revoked:
    asked = {"reason": "a laptop was stolen", "since": None, "actor": OPERATOR} | changes
    return service.revoke_key(house.database, house.secret_box, kid=kid, **asked)  # type: ignore[arg-type]


def resign(house: House) -> key_resigning.Resigned:
    return service.resign(house.database, house.secret_box, BASE)


def stored(house: House, credential_id: str) -> PublicCredential:
    with house.database.read() as session:
        return service.stored_credential(session, credential_id)


def resting(house: House) -> int:
    with house.database.read() as session:
        return service.count_resting(session)


@pytest.mark.parametrize("kid", [EMBEDDED, TOKEN])
def test_a_revoked_key_is_marked_loses_its_purpose_and_is_given_to_nobody(house: House, kid: str) -> None:
    revoke(house, kid)
    document = did_document(house)
    method = next(each for each in document["verificationMethod"] if each["id"] == f"{DID}#{kid}")  # type: ignore[index]
    assert set(method) == {"id", "type", "controller", "revoked"}  # type: ignore[call-overload]
    assert document["verificationMethod"][-1] == method
    assert f"{DID}#{kid}" not in document["assertionMethod"]
    with house.database.read() as session:
        published = {key["kid"] for key in documents.jwks(session, BASE)["keys"]}
        row = session.get_one(SigningKey, kid)
    assert f"{DID}#{kid}" not in published
    assert row.sealed_private is None
    assert states(house)[kid] == "revoked"


def test_the_address_of_a_revoked_key_says_so_over_http(services: Services, client: TestClient) -> None:
    runtime = services.runtime
    service.revoke_key(runtime.database, runtime.secret_box, kid=EMBEDDED, reason="stolen", since=None, actor=OPERATOR)
    answer = client.get(f"/keys/{EMBEDDED}", headers={"Accept": "application/json"})
    assert answer.status_code == 410
    assert "revoked" in answer.text
    assert documents.own_document(runtime.database, runtime.secret_box, BASE, f"{BASE}/keys/{EMBEDDED}") is None


@pytest.mark.parametrize("kid", [EMBEDDED, TOKEN])
def test_badges_in_force_are_signed_again_and_say_the_same(house: House, kid: str) -> None:
    first = house.issue(recipient_email=EMAIL, shared=True)
    revoke(house, kid)
    assert resting(house) == 1
    assert resign(house) == key_resigning.Resigned(done=1, failed=0, left=0)
    again = stored(house, first.credential_id)
    assert again.version == 2
    before, after = json.loads(first.document), json.loads(again.document)
    assert after["validFrom"] > before["validFrom"]
    own = {"validFrom": 0, "proof": 0, "refreshService": 0}  # each version has its own
    assert {**after, **own} == {**before, **own}
    for secured in (again.document, again.jwt):
        assert _our_verdict(house, secured) == "valid"
    with house.database.read() as session:
        assert service.public_version(session, first.credential_id, 1) == first.document
    assert kid not in (again.document + again.jwt.encode()).decode()


def test_copies_from_before_fail_and_say_that_the_key_was_revoked(services: Services, house: House) -> None:
    first = house.issue()
    revoke(house, EMBEDDED)
    revoke(house, TOKEN)
    resign(house)
    for copy in (first.document, first.jwt.encode()):
        report = services.verifier.verify(Presented.from_bytes(copy))
        assert report.verdict == "invalid"
        assert "key_revoked" in {check.code for check in report.checks}


def test_a_server_that_has_just_judged_a_badge_valid_sees_its_key_revoked(services: Services, house: House) -> None:
    document = house.issue().document
    assert [services.verifier.verify(Presented.from_bytes(document)).verdict for _ in range(2)] == ["valid"] * 2
    revoke(house, EMBEDDED)
    report = services.verifier.verify(Presented.from_bytes(document))
    assert report.verdict == "invalid"
    assert "key_revoked" in {check.code for check in report.checks}


@pytest.mark.slow
@pytest.mark.parametrize(("form", "kid"), [("embedded", EMBEDDED), ("jwt", TOKEN)])
def test_copies_from_before_fail_elsewhere_too(
    house: House, download: Callable[[str], bytes], form: str, kid: str
) -> None:
    first = house.issue()
    copy = first.document if form == "embedded" else first.jwt
    _ask_openbadgeslib(copy, form, download)
    revoke(house, kid)
    with pytest.raises(LibOpenBadgesException):
        _ask_openbadgeslib(copy, form, download)


def test_badges_are_issued_while_a_key_is_revoked(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        issuing = [pool.submit(house.issue, f"badge-{number}") for number in range(12)]
        revoke(house, EMBEDDED)
        ids = {each.result().credential_id for each in issuing}
    with time_machine.travel(now() + timedelta(seconds=2)):
        resign(house)
    assert len(ids) == 12
    assert resting(house) == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", ["embedded", "jwt"])
def test_the_new_version_is_valid_elsewhere_too(house: House, download: Callable[[str], bytes], form: str) -> None:
    first = house.issue()
    revoke(house, EMBEDDED)
    revoke(house, TOKEN)
    resign(house)
    again = stored(house, first.credential_id)
    _ask_openbadgeslib(again.document if form == "embedded" else again.jwt, form, download)


def test_only_what_is_in_force_is_signed_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    revoked, ended, good = (house.issue(key) for key in ("revoked", "ended", "good"))
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=revoked.credential_id, reason="test", actor=OPERATOR
    )
    with house.database.write() as session:
        row = session.get_one(Credential, ended.credential_id)
        row.valid_until = now()
        session.add(row)
    revoke(house, EMBEDDED)
    assert resign(house).done == 1
    versions = [stored(house, each.credential_id).version for each in (revoked, ended, good)]
    assert versions == [1, 1, 2]


def test_the_status_list_is_signed_again_with_the_new_key(house: House) -> None:
    house.issue()
    revoke(house, EMBEDDED)
    listed = documents.own_document(house.database, house.secret_box, BASE, f"{BASE}/status/1")
    assert listed is not None
    assert json.loads(listed)["proof"][0]["verificationMethod"] == f"{DID}#orygen-ed25519-2"


def test_a_key_is_made_in_place_of_the_one_in_use(house: House) -> None:
    assert revoke(house, EMBEDDED).replaced_by == "orygen-ed25519-2"
    assert signed_by(house.issue())[0] == "orygen-ed25519-2"


def test_a_key_that_was_published_already_begins_at_once(house: House) -> None:
    kid = rotate(house, "ES256")
    assert revoke(house, TOKEN).replaced_by == kid
    assert signed_by(house.issue())[1] == kid


def test_a_key_in_use_goes_on_when_a_retired_or_a_later_one_is_revoked(house: House) -> None:
    second = rotate(house, "Ed25519", timedelta(0))
    third = rotate(house, "Ed25519")
    assert revoke(house, EMBEDDED).replaced_by is None
    assert revoke(house, third).replaced_by is None
    assert states(house)[second] == "in use"
    with house.database.read() as session:
        assert session.get_one(SigningKey, second).retired_at is None


def test_the_moment_from_which_it_is_not_trusted_is_published(house: House) -> None:
    with house.database.read() as session:
        made = session.get_one(SigningKey, EMBEDDED).created_at
    since = made + timedelta(microseconds=1)
    assert revoke(house, EMBEDDED, since=since).untrusted_from == since
    method = did_document(house)["verificationMethod"][-1]
    assert method["revoked"] == rfc3339(since)  # type: ignore[index]


@pytest.mark.parametrize(
    "changes",
    [{"reason": " "}, {"reason": "x" * 501}, {"since": timedelta(days=-9000)}, {"since": timedelta(hours=1)}],
    ids=["no reason", "a long one", "before the key", "in the future"],
)
def test_what_makes_no_sense_is_refused_and_the_key_stays(house: House, changes: dict[str, object]) -> None:
    asked = {name: now() + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    with pytest.raises(KeyRefused):
        revoke(house, EMBEDDED, **asked)
    assert states(house)[EMBEDDED] == "in use"
    with pytest.raises(KeyNotFound):
        revoke(house, "nobody")


def test_revoking_twice_changes_nothing_more(house: House) -> None:
    first = revoke(house, EMBEDDED)
    again = revoke(house, EMBEDDED, reason="another", since=None)
    assert (again.before, again.untrusted_from) == (True, first.untrusted_from)
    assert sorted(states(house)) == [EMBEDDED, "orygen-ed25519-2", TOKEN]
    with house.database.read() as session:
        audited = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.key_revoked")).all()
        told = session.exec(select(OutboxEvent).where(OutboxEvent.kind == "issuer.signing_key_revoked")).all()
        assert session.get_one(SigningKey, EMBEDDED).revocation_reason == "a laptop was stolen"
    assert len(audited) == len(told) == 1
    assert "laptop" not in json.dumps([audited[0].ids, told[0].payload])


def test_a_crash_in_the_middle_leaves_the_rest_for_the_next(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        house.issue(f"badge-{number}")
    revoke(house, EMBEDDED)
    with monkeypatch.context() as patch:
        counted = iter(range(100))

        def sign(*arguments: object, **options: object) -> object:
            if next(counted) == 2:
                raise Crash
            return signing.sign(*arguments, **options)  # type: ignore[arg-type]

        patch.setattr("app.issuer.reissuing.sign", sign)
        with pytest.raises(Crash):
            resign(house)
    assert resting(house) == 3
    assert resign(house).done == 3
    assert resign(house).done == 0
    with house.database.read() as session:
        assert len(session.exec(select(CredentialVersion)).all()) == 10


def test_four_at_once_sign_each_badge_again_once(house: House) -> None:
    ids = [house.issue(f"badge-{number}").credential_id for number in range(8)]
    revoke(house, EMBEDDED)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: resign(house), range(4)))
    assert sum(result.done for result in results) == len(ids)
    assert {stored(house, each).version for each in ids} == {2}
    assert resting(house) == 0


def test_a_badge_that_cannot_be_signed_hinders_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = house.issue("bad"), house.issue("good")
    revoke(house, EMBEDDED)
    with house.database.write() as session:
        row = session.get_one(Credential, bad.credential_id)
        row.achievement_version = 99
        session.add(row)
    assert resign(house) == key_resigning.Resigned(done=1, failed=1, left=1)
    assert stored(house, good.credential_id).version == 2


def test_the_worker_goes_on_for_a_while_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        house.issue(f"badge-{number}")
    revoke(house, EMBEDDED)
    monkeypatch.setattr(key_resigning, "SECONDS_PER_ROUND", -1.0)
    assert service.resign_a_while(house.database, house.secret_box, BASE) == 0
    monkeypatch.undo()
    assert service.resign_a_while(house.database, house.secret_box, BASE) == 3


def test_a_badge_stored_a_moment_after_the_revocation_is_caught(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody had opened the key before it was revoked, and stores what it signed after everything was seen to."""
    opened = signing.open_keys
    with house.database.read() as session:
        from app.issuer.keys import issuer_by_key

        early = opened(session, house.secret_box, BASE, issuer_by_key(session, "orygen"))
    revoke(house, EMBEDDED)
    resign(house)
    with monkeypatch.context() as patch:
        patch.setattr(signing, "open_keys", lambda *_: early)
        late = house.issue("late")
    assert signed_by(late)[0] == EMBEDDED
    assert resign(house).done == 1
    with house.database.read() as session:
        assert session.get_one(SigningKey, EMBEDDED).cleared_at is None
    with time_machine.travel(now() + timedelta(hours=1)):
        resign(house)
    with house.database.read() as session:
        assert session.get_one(SigningKey, EMBEDDED).cleared_at is not None
        cleared = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "issuer.key_cleared")).all()
    assert [entry.subject_id for entry in cleared] == [EMBEDDED]


def test_a_replacement_that_is_stolen_too_is_revoked_like_the_first(house: House) -> None:
    issued = house.issue()
    revoke(house, EMBEDDED)
    resign(house)
    revoke(house, "orygen-ed25519-2")
    with time_machine.travel(now() + timedelta(seconds=2)):
        assert resign(house).done == 1
    assert stored(house, issued.credential_id).version == 3


def test_how_many_rest_on_revoked_keys_is_a_figure(services: Services, house: House, client: TestClient) -> None:
    house.issue()
    revoke(house, EMBEDDED)
    assert "waymark_badges_on_revoked_keys 1.0" in client.get("/metrics").text
    resign(house)
    assert "waymark_badges_on_revoked_keys 0.0" in client.get("/metrics").text
