"""Issuing by API: once for each key whatever happens, only what the client may, and precise words for all the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.awards import requests as award_requests
from app.awards import service as awards
from app.awards.award_input import award_from_json
from app.awards.models import Award, AwardRequest
from app.awards.schemas import IssuingRights
from app.core.audit import OPERATOR, SYSTEM, AuditEntry
from app.core.clock import now, rfc3339
from app.core.outbox_models import OutboxEvent
from app.issuer import did_binding, issuing
from app.issuer import service as issuer
from app.issuer.content import recipient_hash
from app.issuer.models import Credential, CredentialVersion
from app.wiring import Services
from tests.api.awarding import DECIDER, EMAIL, ISSUE, Api, award, count, slug
from tests.api.clients import add_client, bearer, token_for


def test_a_badge_is_issued_to_an_address_and_nobody_sees_it_until_its_holder_shares_it(
    services: Services, api: Api
) -> None:
    answer = api.issue()
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["status"] == "issued"
    assert said["credential"]["id"] == said["url"]
    assert said["credential"]["proof"][0]["cryptosuite"] == "eddsa-rdfc-2022"
    assert said["jwt"].count(".") == 2
    assert answer.headers["location"] == f"/api/v1/credentials/{said['id']}"
    assert answer.headers["etag"] == '"1-issued"'
    assert api.client.get(f"/credentials/{said['id']}").status_code == 404
    with services.runtime.database.read() as session:
        row = session.exec(select(Credential)).one()
    assert row.identity_hash == recipient_hash(EMAIL, row.identity_salt)
    assert (row.shared, row.person_id) == (False, None)


def test_a_repeat_is_answered_word_for_word_even_after_the_badge_was_revoked(api: Api) -> None:
    first = api.issue()
    badge = first.json()["id"]
    assert api.post(f"/credentials/{badge}/revoke", {"reason": "A slip."}).status_code == 200
    again = api.issue()
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, first.headers["etag"])


def test_a_repeat_is_answered_with_the_first_version_after_a_correction(services: Services, api: Api) -> None:
    first = api.issue()
    path = f"/credentials/{first.json()['id']}"
    day = rfc3339(now() - timedelta(days=3))
    change = {"reason": "A slip.", "decided_by": {"name": DECIDER, "role": "panel chair"}, "awarded_at": day}
    corrected = api.post(f"{path}/correct", change, If_Match='"1-issued"')
    assert corrected.status_code == 200, corrected.text
    assert corrected.json()["credential"]["awardedDate"] == day
    assert api.issue().content == first.content
    assert count(services, Credential) == 1


def test_a_key_is_answered_the_same_after_eight_days(services: Services, client: TestClient) -> None:
    """A queue that was stuck for a week sends again; of the key nothing is cleaned away by then."""
    entered_as = add_client(services)
    early = Api(client, entered_as[0], bearer(token_for(client, *entered_as)))
    first = early.issue()
    assert first.status_code == 201
    with time_machine.travel(now() + timedelta(days=8), tick=False):
        award_requests.forget_recipients(services.runtime.database)
        late = Api(client, entered_as[0], bearer(token_for(client, *entered_as)))
        again = late.issue()
        other = late.issue(body=award(recipient={"email": "somebody.else@example.org"}))
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, first.headers["etag"])
    assert (other.status_code, slug(other)) == (409, "idempotency-conflict")
    assert count(services, Credential) == 1


def test_the_same_key_with_another_award_is_refused_and_issues_nothing(services: Services, api: Api) -> None:
    api.issue()
    others = (
        award(recipient={"email": "somebody.else@example.org", "name": "Tess"}),
        award(recipient={"email": EMAIL}),
        award(decided_by={"name": "Somebody Else", "role": "panel chair"}),
        award(awarded_at=rfc3339(now() - timedelta(days=1))),
        award(achievement="M02", override={"reason": "x"}),
    )
    for other in others:
        answer = api.issue(body=other)
        assert (answer.status_code, slug(answer)) == (409, "idempotency-conflict")
    assert count(services, Credential) == 1


def test_the_same_award_in_other_bytes_is_a_repeat(services: Services, api: Api) -> None:
    moment = (now() - timedelta(hours=2)).replace(microsecond=0)
    first = api.issue(body=award(awarded_at=rfc3339(moment)))
    elsewhere = moment.isoformat().replace("+00:00", "-00:00")
    turned = dict(reversed(award(awarded_at=elsewhere, recipient={"name": " Tess ", "email": EMAIL.upper()}).items()))
    again = api.issue('"key-1"', body=turned)
    assert again.content == first.content
    assert count(services, Credential) == 1


def test_two_clients_may_use_the_same_key(services: Services, entered: Callable[..., Api]) -> None:
    one, other = entered(), entered()
    first, second = one.issue(), other.issue()
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


def test_a_clients_key_is_neither_an_operators_nor_a_decisions(services: Services, api: Api) -> None:
    runtime = services.runtime
    for key in ("operator:key-1", "decision:key-1"):
        assert api.issue(key).status_code == 201
    with runtime.database.read() as session:
        keys = session.exec(select(Credential.idempotency_key)).all()
    assert all(key.startswith(f"client:{api.client_id}:") for key in keys)


def test_the_same_key_posted_by_many_at_once_makes_one_badge(services: Services, api: Api) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: api.issue(), range(6)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    assert [count(services, model) for model in (Credential, CredentialVersion, AwardRequest, Award)] == [1, 1, 1, 1]


def reserved(services: Services, api: Api, key: str = "key-1") -> str:
    """What a process leaves that ends between the reservation and the signature."""
    runtime = services.runtime
    given = award_from_json(award())
    rights = IssuingRights(api.client_id, frozenset(ISSUE), None)
    fingerprint, *_ = award_requests.fingerprints(runtime.secret_box, given)
    with runtime.database.read() as session:
        checked = award_requests.checking.check(session, runtime.secret_box, given, rights, now())
    return issuing.reserve(
        runtime.database,
        runtime.secret_box,
        runtime.settings.base_url,
        award_requests.issue_request("orygen", checked, rights, key, fingerprint),
        beside=award_requests.note(runtime.secret_box, checked, rights, key, fingerprint),
    )


def test_what_a_crash_left_reserved_is_finished_by_the_repeat(services: Services, api: Api) -> None:
    left = reserved(services, api)
    answer = api.issue()
    assert (answer.status_code, answer.json()["id"]) == (201, left)
    assert count(services, Credential) == 1


def test_what_a_crash_left_reserved_is_finished_by_the_sweeper_and_the_repeat_is_answered(
    services: Services, api: Api
) -> None:
    left = reserved(services, api)
    runtime = services.runtime
    issuer.finish_orphans(
        runtime.database, runtime.secret_box, runtime.settings.base_url, older_than=timedelta(seconds=-1)
    )
    answer = api.issue()
    assert (answer.status_code, answer.json()["id"]) == (201, left)


def test_a_refused_award_leaves_its_key_free(services: Services, api: Api) -> None:
    assert api.issue(body=award(achievement="M02")).status_code == 409
    assert api.issue().status_code == 201


@pytest.mark.parametrize("key", [None, "", " ", "a" * 201, "tess@example.org", "Tess Smith", "a\x00b"])
def test_a_call_without_a_usable_key_is_refused(services: Services, api: Api, key: str | None) -> None:
    answer = api.issue(key)
    assert (answer.status_code, slug(answer)) == (400, "idempotency-key-needed")
    assert count(services, Credential) == 0


def test_an_erased_badge_is_not_issued_again_by_a_repeat(services: Services, api: Api) -> None:
    badge = api.issue().json()["id"]
    runtime = services.runtime
    with runtime.database.write() as session:
        awards.forget_award(session, badge)
        issuer.erase(session, runtime.secret_box, badge, actor=OPERATOR)
    assert slug(api.issue()) == "badge-erased"
    assert slug(api.issue(body=award(achievement="M01", recipient={"email": "o@example.org"}))) == "badge-erased"
    assert slug(api.get(f"/credentials/{badge}")) == "badge-erased"
    with runtime.database.read() as session:
        row = session.exec(select(AwardRequest)).one()
        assert session.exec(select(Award)).all() == []
    assert (row.fingerprint, row.recipient_digest, row.sealed_recipient) == (None, None, None)


BAD_BODIES: dict[str, tuple[Any, str, str]] = {
    "no achievement": (award(achievement=None), "achievement", "missing"),
    "a number for a key": (award(achievement=1), "achievement", "wrong_type"),
    "a key with a space": (award(achievement="M 01"), "achievement", "wrong_form"),
    "no address": (award(recipient={"name": "Tess"}), "recipient.email", "missing"),
    "a bad address": (award(recipient={"email": "not an address"}), "recipient.email", "email_not_usable"),
    "a list for the recipient": (award(recipient=[]), "recipient", "wrong_type"),
    "no decider": (award(decided_by=None), "decided_by", "missing"),
    "an empty decider": (award(decided_by={"name": " ", "role": "chair"}), "decided_by.name", "empty"),
    "a role with an address": (award(decided_by={"name": "P", "role": "a@b.org"}), "decided_by.role", "wrong_form"),
    "a control character": (award(decided_by={"name": "P\x07", "role": "chair"}), "decided_by.name", "not_printable"),
    "an unknown member": (award(shared=True), "shared", "unknown_member"),
    "a day without a time": (award(awarded_at="2026-03-04"), "awarded_at", "not_a_moment"),
    "no zone": (award(awarded_at="2026-03-04T15:00:00"), "awarded_at", "not_a_moment"),
    "a day that is not": (award(awarded_at="2026-02-30T15:00:00Z"), "awarded_at", "not_a_moment"),
    "the first year": (award(awarded_at="0001-01-01T00:00:00+14:00"), "awarded_at", "not_a_moment"),
    "text for a level": (award(results=[{"criterion": "c", "level": "3"}]), "results[0].level", "wrong_type"),
    "no reason": (award(override={}), "override.reason", "missing"),
    "a long reason": (award(override={"reason": "x" * 501}), "override.reason", "string_too_long"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_each_place_that_is_wrong_is_named_and_nothing_that_was_sent_is_repeated(
    services: Services, api: Api, name: str
) -> None:
    body, place, code = BAD_BODIES[name]
    answer = api.issue(body=body)
    assert (answer.status_code, slug(answer)) == (400, "award-unreadable")
    assert [(each["field"], each["code"]) for each in answer.json()["problems"]] == [(place, code)]
    for personal in (EMAIL, DECIDER, "not an address", "a@b.org"):
        assert personal not in answer.text
    assert count(services, Credential) == 0


RAW: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "twice the same member": (b'{"achievement": "M01", "achievement": "M02"}', {}, 400, "body-unreadable"),
    "no JSON": (b"{", {}, 400, "body-unreadable"),
    "a list": (b"[]", {}, 400, "body-unreadable"),
    "nothing": (b"", {}, 400, "body-unreadable"),
    "not a number": (b'{"a": NaN}', {}, 400, "body-unreadable"),
    "Latin-1": (b'{"achievement": "\xe9"}', {}, 400, "body-unreadable"),
    "deep": (b'{"a":' * 40 + b"1" + b"}" * 40, {}, 400, "body-unreadable"),
    "too large": (b'{"a": "' + b"x" * 1_000_001 + b'"}', {}, 413, "body-too-large"),
    "a form": (b"achievement=M01", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "kind-not-taken"),
    "no kind": (b"{}", {"Content-Type": ""}, 415, "kind-not-taken"),
    "another charset": (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415, "kind-not-taken"),
    "compressed": (b"{}", {"Content-Encoding": "gzip"}, 415, "kind-not-taken"),
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_no_plain_json_object_is_refused_precisely(api: Api, name: str) -> None:
    content, headers, status, said = RAW[name]
    sent = api.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"} | headers
    answer = api.client.post("/api/v1/credentials", content=content, headers=sent)
    assert (answer.status_code, slug(answer)) == (status, said)


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown achievement": (award(achievement="M99"), 400, "achievement-unknown"),
    "an unknown stack": (award(achievement="nothing-of-the-kind"), 400, "achievement-unknown"),
    "tomorrow": (award(awarded_at=rfc3339(now() + timedelta(days=1))), 400, "in-the-future"),
    "before there was a programme": (award(awarded_at="2015-12-31T23:59:59Z"), 400, "too-long-ago"),
    "so long ago that it has ended": (award(awarded_at="2016-06-01T00:00:00Z"), 400, "too-long-ago"),
    "an unknown criterion": (award(results=[{"criterion": "nothing", "level": 3}]), 400, "result-refused"),
    "an unknown level": (award(results=[{"criterion": "seeing-gates", "level": 9}]), 400, "result-refused"),
    "a level that is no award": (award(results=[{"criterion": "seeing-gates", "level": 1}]), 400, "result-refused"),
    "two for one": (award(results=[{"criterion": "seeing-gates", "level": 3}] * 2), 400, "result-refused"),
    "a missing prerequisite": (award(achievement="M02"), 409, "prerequisite-missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_awarded_is_refused_with_a_name_of_its_own(services: Services, api: Api, name: str) -> None:
    body, status, said = REFUSED[name]
    answer = api.issue(body=body)
    assert (answer.status_code, slug(answer)) == (status, said)
    assert answer.json()["next_step"]
    assert EMAIL not in answer.text
    assert count(services, Credential) == 0


def test_a_result_stands_in_the_badge(api: Api) -> None:
    answer = api.issue(body=award(results=[{"criterion": "seeing-gates", "level": 4}]))
    (result,) = answer.json()["credential"]["credentialSubject"]["result"]
    assert result["achievedLevel"].endswith("#criterion-seeing-gates-level-4")


def test_a_client_without_the_scope_for_the_level_is_told_which_one_it_lacks(entered: Callable[..., Api]) -> None:
    answer = entered("credentials:issue").issue(body=award(achievement="X1"))
    assert (answer.status_code, slug(answer)) == (403, "not-allowed")
    assert "credentials:issue:advanced" in answer.json()["detail"]
    assert slug(entered("credentials:issue:advanced").issue()) == "not-allowed"


def test_a_client_limited_to_achievements_issues_no_others(entered: Callable[..., Api]) -> None:
    limited = entered(achievements={"M02"})
    assert slug(limited.issue()) == "not-allowed"


def test_an_override_takes_a_scope_of_its_own_even_where_nothing_is_missing(entered: Callable[..., Api]) -> None:
    answer = entered(*ISSUE).issue(body=award(override={"reason": "Because."}))
    assert (answer.status_code, slug(answer)) == (403, "override-not-allowed")


def test_nothing_personal_goes_into_audit_outbox_or_keys(services: Services, api: Api) -> None:
    api.issue(body=award(achievement="M02", override={"reason": f"{EMAIL} asked {DECIDER}"}))
    with services.runtime.database.read() as session:
        rows: list[Any] = [
            *(json.dumps([row.subject_id, row.actor_id, row.ids]) for row in session.exec(select(AuditEntry)).all()),
            *(json.dumps(row.payload) for row in session.exec(select(OutboxEvent)).all()),
            *session.exec(select(Credential.idempotency_key)).all(),
            *(json.dumps(row.model_dump(mode="json")) for row in session.exec(select(AwardRequest)).all()),
        ]
        audited = session.exec(
            select(AuditEntry).where(col(AuditEntry.action) == "awards.prerequisite_overridden")
        ).one()
    assert not [row for row in rows if EMAIL in row or DECIDER in row]
    assert (audited.actor_kind, audited.actor_id) == ("client", api.client_id)
    assert audited.ids == {"missing": "M01", "decided_by_role": "panel chair"}


def test_the_decider_stands_with_the_award_and_not_in_the_badge(services: Services, api: Api) -> None:
    answer = api.issue()
    assert DECIDER not in answer.text
    with services.runtime.database.read() as session:
        row = session.exec(select(Award)).one()
    assert (row.decided_by_name, row.decided_by_role) == (DECIDER, "panel chair")


def test_without_a_token_nothing_is_told(client: TestClient) -> None:
    for method, path in (
        ("POST", "/credentials"), ("GET", "/credentials"), ("GET", "/credentials/x"),
        ("POST", "/credentials/x/revoke"), ("POST", "/credentials/x/suspend"), ("POST", "/credentials/x/reinstate"),
        ("POST", "/credentials/x/correct"), ("GET", "/achievements"), ("GET", "/achievements/M01"),
        ("POST", "/people/search"), ("GET", "/people/x/progress"), ("GET", "/overrides"),
        ("POST", "/overrides/x/review"),
    ):  # fmt: skip
        assert client.request(method, f"/api/v1{path}").status_code == 401, path


DID = "did:key:z6MkrHKzgsahxBLyNAbLQyB1pcWNYC9GmywiWPgkrvntAZcj"


def test_a_did_that_the_client_vouches_for_is_the_subject_until_the_holder_takes_it_off(
    services: Services, api: Api
) -> None:
    runtime = services.runtime
    badge = api.issue(body=award(recipient={"email": EMAIL, "did": DID})).json()
    assert badge["credential"]["credentialSubject"]["id"] == DID
    means = (runtime.database, runtime.secret_box, runtime.settings.base_url)
    taken_off = did_binding.unbind(*means, badge["id"], actor=SYSTEM)
    assert json.loads(taken_off.document)["credentialSubject"]["id"].startswith("urn:uuid:")


@pytest.mark.parametrize(
    "did",
    [
        "", "z6Mk", "did:key:", "did:key:z6Mk", "did:Key:z6MkrHKz", "did:web:example.org#key-1", "did:web:a/b",
        "did:x:a?b", f"{DID} ", "did:x:" + "a" * 500,
    ],
)  # fmt: skip
def test_what_is_no_did_is_refused(api: Api, did: str) -> None:
    answer = api.issue(body=award(recipient={"email": EMAIL, "did": did}))
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["problems"]] == ["recipient.did"]
