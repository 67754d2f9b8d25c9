"""What a client of the API tries that means no good, or that has gone wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.api import credentials as endpoints
from app.awards.models import Award, AwardChange, AwardRequest
from app.core.audit import AuditEntry
from app.core.clock import now, rfc3339
from app.core.errors import Unavailable
from app.issuer import status
from app.issuer.models import Credential, CredentialVersion
from app.wiring import Services
from tests.api import test_assertions
from tests.api.awarding import DECIDER, EMAIL, Api, award, count, direct, slug
from tests.api.clients import add_client, basic

DECIDED = {"name": DECIDER, "role": "panel chair"}


def correction(**changes: Any) -> dict[str, Any]:
    return {"reason": "A slip.", "decided_by": DECIDED} | changes


def issued(api: Api, key: str = "1", **changes: Any) -> str:
    answer = api.issue(key, award(**changes))
    assert answer.status_code == 201, answer.text
    badge: str = answer.json()["id"]
    return badge


@pytest.mark.parametrize(
    "key", ["a" * 203, "a" * 10_000, b"\xff\xfe", "k\u00e9".encode(), b'"', b'""', b'"a"b"', b"a,b"]
)
def test_no_odd_or_endless_key_gets_another_answer_than_the_one_for_odd_keys(
    services: Services, api: Api, key: str | bytes
) -> None:
    sent = [(name.encode(), value.encode()) for name, value in api.headers.items()]
    named = (b"Idempotency-Key", key.encode() if isinstance(key, str) else key)
    answer = api.client.post("/api/v1/credentials", json=award(), headers=[*sent, named])
    assert (answer.status_code, slug(answer)) == (400, "idempotency-key-needed")
    assert count(services, Credential) == 0


def test_two_keys_in_one_request_are_refused(services: Services, api: Api) -> None:
    headers = [*api.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = api.client.post("/api/v1/credentials", json=award(), headers=headers)
    assert (answer.status_code, slug(answer)) == (400, "idempotency-key-needed")
    assert count(services, Credential) == 0


def test_of_many_bodies_under_one_key_at_once_one_is_issued(services: Services, api: Api) -> None:
    bodies = [award(recipient={"email": f"person{number % 4}@example.org"}) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: api.issue("one", body), bodies))
    right = [answer for answer in answers if answer.status_code == 201]
    assert right
    assert len({answer.content for answer in right}) == 1
    assert {slug(answer) for answer in answers if answer.status_code != 201} == {"idempotency-conflict"}
    assert [count(services, model) for model in (Credential, CredentialVersion, AwardRequest, Award)] == [1, 1, 1, 1]


HARD_BODIES: dict[str, bytes] = {
    "a bool for a level": b'[{"criterion": "seeing-gates", "level": true}]',
    "a float for a level": b'[{"criterion": "seeing-gates", "level": 3.0}]',
    "an exponent": b'[{"criterion": "seeing-gates", "level": 3e0}]',
    "a huge level": b'[{"criterion": "seeing-gates", "level": 9007199254740991}]',
    "a level that no reader holds": b'[{"criterion": "seeing-gates", "level": 90071992547409921}]',
    "a very long number": b'[{"criterion": "seeing-gates", "level": ' + b"9" * 5000 + b"}]",
    "less than nothing": b'[{"criterion": "seeing-gates", "level": -1}]',
    "infinity": b'[{"criterion": "seeing-gates", "level": Infinity}]',
    "an overflow": b'[{"criterion": "seeing-gates", "level": 1e999}]',
    "a duplicate deep inside": b'[{"criterion": "seeing-gates", "level": 3, "level": 4}]',
    "a duplicate in disguise": b'[{"criterion": "seeing-gates", "level": 3, "lev\\u0065l": 4}]',
    "deep": b"[" * 5000 + b"]" * 5000,
    "an object": b'{"seeing-gates": 3}',
    "many": b"[" + b",".join([b'{"criterion": "seeing-gates", "level": 3}'] * 51) + b"]",
    "a look-alike": '[{"criterion": "s\u0435eing-gates", "level": 3}]'.encode(),
    "a line after it": b'[{"criterion": "seeing-gates\\n", "level": 3}]',
    "half a character": b'[{"criterion": "\\ud800", "level": 3}]',
    "nothing": b'[{"criterion": "seeing-gates\\u0000", "level": 3}]',
}


@pytest.mark.parametrize("name", HARD_BODIES)
def test_no_result_that_readers_could_take_differently_gets_into_a_badge(
    services: Services, api: Api, name: str
) -> None:
    start = json.dumps(award()).encode()[:-1]
    sent = api.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = api.client.post(
        "/api/v1/credentials", content=start + b', "results": ' + HARD_BODIES[name] + b"}", headers=sent
    )
    assert answer.status_code == 400
    assert slug(answer) in ("award-unreadable", "body-unreadable", "result-refused")
    assert count(services, Credential) == 0


@pytest.mark.parametrize(
    "address",
    [
        "tess@example.org\r\nBcc: everybody@example.org",
        "tess@example.org\n",
        "\ttess@example.org\x0b,a@example.org",
        '"tess smith"@example.org',
        "tess@[127.0.0.1]",
        "tess@localhost",
        "tess@ex\u00e4mple.org",
        "te\u017f\u017f@example.org",
        "tess\u200b@example.org",
        "tess@example\u3002org",
        "Tess <tess@example.org>",
        "a@example.org,b@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org",
        "tess@example.org\x00",
        "tess@@example.org",
    ],
)
def test_an_address_that_could_mean_two_things_is_refused_and_not_repeated(
    services: Services, api: Api, address: str
) -> None:
    answer = api.issue("k", award(recipient={"email": address}))
    if address.strip() == "tess@example.org":  # nothing but a line's end around it
        assert answer.status_code == 201
        return
    assert (answer.status_code, slug(answer)) == (400, "award-unreadable")
    assert address.strip() not in answer.json()["detail"]
    assert count(services, Credential) == 0


@pytest.mark.parametrize(
    "name",
    [
        "Tess\nBcc: x@example.org",
        "Te\rss",
        "Te\u202ess",
        "\u2066Tess\u2069",
        "Tess\u200f",
        "Te\u2028ss",
        "Tess\x00",
        "Tess\x1b[31m",
        "\ufeffTess",
        "x" * 201,
    ],
)
@pytest.mark.parametrize("place", ["recipient", "decided_by"])
def test_a_name_that_is_not_one_line_of_what_people_see_is_refused(
    services: Services, api: Api, place: str, name: str
) -> None:
    whole = award()
    body = whole | {place: whole[place] | {"name": name}}
    answer = api.issue("k", body)
    assert (answer.status_code, slug(answer)) == (400, "award-unreadable")
    assert [each["field"] for each in answer.json()["problems"]] == [f"{place}.name"]
    assert count(services, Credential) == 0


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-06-30T23:59:60Z", "award-unreadable"),
        ("9999-12-31T23:59:59Z", "in-the-future"),
        ("9999-12-31T23:59:59-14:00", "award-unreadable"),
        ("2026-03-04T24:00:00Z", None),
        ("2026-03-04T15:00:00+24:00", "award-unreadable"),
        ("2026-03-04T15:00:00+11", "award-unreadable"),
        ("2026-03-04T15:00:00.Z", "award-unreadable"),
        ("2026-03-04 15:00:00Z", "award-unreadable"),
        ("\u0662026-03-04T15:00:00Z", "award-unreadable"),
        ("2026-03-04T15:00:00Z\n", "award-unreadable"),
        ("0000-03-04T15:00:00Z", "award-unreadable"),
    ],
)
def test_a_moment_at_the_edge_is_answered_precisely(api: Api, moment: str, said: str | None) -> None:
    answer = api.issue("k", award(awarded_at=moment))
    assert answer.status_code in (201, 400), answer.text
    if said is not None:
        assert slug(answer) == said


def test_a_badge_that_has_ended_is_not_brought_back_by_a_correction_of_its_date(services: Services, api: Api) -> None:
    badge = issued(api)
    with services.runtime.database.write() as session:
        row = session.get_one(Credential, badge)
        row.awarded_at, row.valid_until = row.awarded_at - timedelta(days=800), now() - timedelta(days=1)
        session.add(row)
    assert api.get(f"/credentials/{badge}").json()["status"] == "expired"
    change = correction(awarded_at=rfc3339(now() - timedelta(days=30)))
    answer = api.post(f"/credentials/{badge}/correct", change, If_Match='"1-expired"')
    assert (answer.status_code, count(services, CredentialVersion)) == (400, 1), answer.text
    assert api.get(f"/credentials/{badge}").json()["status"] == "expired"


def test_a_badge_is_not_prolonged_by_a_correction_that_says_it_was_decided_after_it_was_issued(
    services: Services, api: Api
) -> None:
    badge = issued(api, awarded_at=rfc3339(now() - timedelta(days=300)))
    with services.runtime.database.write() as session:
        row = session.get_one(Credential, badge)
        row.reserved_at = row.issued_at = now() - timedelta(days=299)
        session.add(row)
    before = api.get(f"/credentials/{badge}").json()
    change = correction(awarded_at=rfc3339(now() - timedelta(minutes=1)))
    answer = api.post(f"/credentials/{badge}/correct", change, If_Match='"1-issued"')
    assert answer.status_code == 400, answer.text
    assert api.get(f"/credentials/{badge}").json()["valid_until"] == before["valid_until"]


def test_a_client_that_may_only_issue_does_not_rewrite_what_others_decided(
    services: Services, entered: Callable[..., Api]
) -> None:
    other = entered("credentials:issue")
    badge = direct(services, "theirs", EMAIL).credential_id
    change = correction(results=[{"criterion": "seeing-gates", "level": 4}])
    answer = other.post(f"/credentials/{badge}/correct", change, If_Match="*")
    assert (answer.status_code, count(services, CredentialVersion)) in ((403, 1), (404, 1)), answer.status_code


def test_who_decided_a_revocation_is_kept_even_if_the_list_could_not_be_signed_at_once(
    services: Services, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    badge = issued(api)

    def down(*_given: Any) -> None:
        raise Unavailable("The signing service does not answer.")

    change = {"reason": "A slip.", "decided_by": DECIDED}
    with monkeypatch.context() as patch:
        patch.setattr(status, "refresh", down)
        assert api.post(f"/credentials/{badge}/revoke", change).status_code == 503
    assert api.post(f"/credentials/{badge}/revoke", change).status_code == 200
    with services.runtime.database.read() as session:
        noted = session.exec(select(AwardChange)).all()
    assert [(each.action, each.decided_by_name) for each in noted] == [("revoke", DECIDER)]


def test_a_badge_that_changes_after_if_match_was_read_is_not_revoked(
    services: Services, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    badge = issued(api)
    real = endpoints.must_be_current

    def then_somebody_corrects(*given: Any, **named: Any) -> None:
        real(*given, **named)
        monkeypatch.setattr(endpoints, "must_be_current", real)
        change = correction(results=[{"criterion": "seeing-gates", "level": 4}])
        assert api.post(f"/credentials/{badge}/correct", change, If_Match='"1-issued"').status_code == 200

    monkeypatch.setattr(endpoints, "must_be_current", then_somebody_corrects)
    answer = api.post(f"/credentials/{badge}/revoke", {"reason": "x"}, If_Match='"1-issued"')
    assert answer.status_code == 412
    assert api.get(f"/credentials/{badge}").json()["status"] == "issued"


def test_a_badge_that_is_suspended_after_if_match_was_read_is_not_corrected(
    services: Services, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    badge = issued(api)
    real = endpoints.must_be_current

    def then_somebody_suspends(*given: Any, **named: Any) -> None:
        real(*given, **named)
        monkeypatch.setattr(endpoints, "must_be_current", real)
        change = {"reason": "x", "decided_by": DECIDED}
        assert api.post(f"/credentials/{badge}/suspend", change).status_code == 200

    monkeypatch.setattr(endpoints, "must_be_current", then_somebody_suspends)
    change = correction(results=[{"criterion": "seeing-gates", "level": 4}])
    assert api.post(f"/credentials/{badge}/correct", change, If_Match='"1-issued"').status_code == 412


def test_a_correction_that_lists_the_same_results_in_another_order_changes_nothing(
    services: Services, api: Api
) -> None:
    results = [{"criterion": "seeing-gates", "level": 4}, {"criterion": "principles-in-use", "level": 3}]
    badge = issued(api, results=results)
    answer = api.post(f"/credentials/{badge}/correct", correction(results=results[::-1]), If_Match='"1-issued"')
    assert (answer.status_code, count(services, CredentialVersion)) == (200, 1)


@pytest.mark.parametrize("query", ["action=%00", "actor=%00", "subject=a%00b", "action=%ff", "cursor=%00", "from=%00"])
def test_no_odd_byte_in_a_question_to_the_audit_breaks_anything(api: Api, query: str) -> None:
    answer = api.get(f"/audit?{query}")
    assert answer.status_code in (200, 400, 422), answer.text


@pytest.mark.parametrize(
    "query",
    [
        "issued_after=0001-01-01T00:00:00Z", "issued_before=9999-12-31T23:59:59Z",
        # ["credentials", "0001-01-01T00:00:00+00:00", "a"], the same of 9999, and a moment without a zone
        "cursor=WyJjcmVkZW50aWFscyIsICIwMDAxLTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwgImEiXQ",
        "cursor=WyJjcmVkZW50aWFscyIsICI5OTk5LTEyLTMxVDIzOjU5OjU5KzAwOjAwIiwgImEiXQ",
        "cursor=WyJjcmVkZW50aWFscyIsICIwMDAxLTAxLTAxIiwgImEiXQ",
        "cursor=eyJjcmVkZW50aWFscyI6IDEsICIyMDI2LTAxLTAxIjogMiwgImFiYyI6IDN9",
        "limit=%D9%A3", "limit=1e2", "limit=00000000000000000000001",
    ],
)  # fmt: skip
def test_no_guessed_cursor_or_moment_breaks_a_list(services: Services, entered: Callable[..., Api], query: str) -> None:
    direct(services, "theirs", EMAIL)
    answer = entered("credentials:read").get(f"/credentials?{query}")
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/batches/%00"), ("GET", "/batches/a%00b/errors"), ("GET", "/batches/a%00b/errors?format=csv"),
        ("POST", "/batches/%00/pause"), ("POST", "/batches/%00/cancel"), ("GET", "/credentials/%00"),
        ("GET", "/people/%00/progress"), ("GET", "/achievements/%00"), ("POST", "/overrides/%00/review"),
    ],
)  # fmt: skip
def test_no_odd_byte_in_an_id_breaks_anything(api: Api, method: str, path: str) -> None:
    answer = api.client.request(method, f"/api/v1{path}", headers=api.headers, json={"note": "x"})
    assert answer.status_code in (400, 404), answer.text


def test_a_cursor_of_one_client_opens_nothing_to_another(services: Services, entered: Callable[..., Api]) -> None:
    one, other = entered(), entered("credentials:read")
    for number in range(3):
        issued(one, str(number))
    cursor = one.get("/credentials?limit=1").json()["next_cursor"]
    assert other.get(f"/credentials?limit=1&cursor={cursor}").json()["items"] == []


def test_every_path_writes_one_entry_for_each_thing_and_ids_only(services: Services, api: Api) -> None:
    badge = issued(api, achievement="M02", override={"reason": f"{EMAIL} asked"})
    path = f"/credentials/{badge}"
    api.issue("1", award(achievement="M02", override={"reason": f"{EMAIL} asked"}))
    for _ in range(2):
        day = rfc3339((now() - timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0))
        assert api.post(f"{path}/correct", correction(awarded_at=day), If_Match="*").status_code == 200
        assert api.post(f"{path}/suspend", {"reason": EMAIL, "decided_by": DECIDED}).status_code == 200
    for _ in range(2):
        assert api.post(f"{path}/reinstate", {"decided_by": DECIDED}).status_code == 200
    for _ in range(2):
        assert api.post(f"{path}/revoke", {"reason": EMAIL, "decided_by": DECIDED}).status_code == 200
    with services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).where(col(AuditEntry.subject_id) == badge)).all()
    assert sorted(entry.action for entry in entries) == [
        "awards.prerequisite_overridden",
        "issuer.credential_corrected",
        "issuer.credential_issued",
        "issuer.credential_issued",
        "issuer.credential_reinstated",
        "issuer.credential_reserved",
        "issuer.credential_revoked",
        "issuer.credential_suspended",
    ]
    told = json.dumps([entry.model_dump(mode="json") for entry in entries])
    assert EMAIL not in told
    assert DECIDER not in told


def test_neither_log_nor_console_gets_an_address_a_name_a_key_or_a_token(
    services: Services, api: Api, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    key = "the-clients-own-key"
    badge = issued(api, key)
    api.issue(key, award(recipient={"email": "other.person@example.org"}))
    api.issue(key, award(recipient={"email": "not an address"}))
    api.post("/people/search", {"email": EMAIL})
    api.post(f"/credentials/{badge}/correct", correction(awarded_at="2999-01-01T00:00:00Z"), If_Match="*")
    api.post(f"/credentials/{badge}/revoke", {"reason": f"{EMAIL} asked", "decided_by": DECIDED})
    out = capfd.readouterr()
    said = out.out + out.err + caplog.text
    token = api.headers["Authorization"].removeprefix("Bearer ")
    for secret in (EMAIL, "other.person", "not an address", DECIDER, "Tess", key, token):
        assert secret not in said


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        (b"grant_type=client_credentials&scope=%00", {}),
        (b"grant_type=client_credentials&scope=credentials:issue%0aadmin", {}),
        (b"grant_type=client_credentials&scope=" + b"credentials:read%20" * 500, {}),
        (b"grant_type=client_credentials&grant_type=client_credentials", {}),
        (b"grant_type=client_credentials%00", {}),
        (b"grant_type=client_credentials&client_id=%ff", {}),
        (b"grant_type=client_credentials&client_id=%00", {}),
        (b"\xff\xfe", {}),
        (b"grant_type", {}),
        (b"", {}),
        (b"grant_type=client_credentials", {"Authorization": "Basic \u00e9"}),
        (b"grant_type=client_credentials", {"Authorization": "Basic AAAA"}),
        (b"grant_type=client_credentials", {"Authorization": "Basic OjpA"}),
        (b"grant_type=client_credentials", {"Authorization": "Basic JTAwOiUwMA=="}),
    ],
)
def test_no_odd_request_for_a_token_breaks_anything(
    services: Services, client: TestClient, form: bytes, headers: dict[str, str]
) -> None:
    client_id, secret = add_client(services, "credentials:read")
    sent = {"Content-Type": "application/x-www-form-urlencoded"} | basic(client_id, secret) | headers
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    answer = client.post("/oauth/token", content=form, headers=raw)
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["error"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_a_moment_that_no_clock_can_show_is_refused(services: Services, client: TestClient, name: str) -> None:
    client_id = test_assertions.add(services, test_assertions.KEY)
    for value in (10**400, -(10**400)):
        said = test_assertions.signed(test_assertions.claims(client_id, **{name: value}))
        answer = test_assertions.ask(client, said)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_of_corrections_that_come_at_once_one_is_made_and_no_other_is_lost_in_silence(
    services: Services, api: Api
) -> None:
    badge = issued(api)
    days = [rfc3339((now() - timedelta(days=10 + number)).replace(microsecond=0)) for number in range(4)]

    def correct(day: str) -> int:
        path = f"/credentials/{badge}/correct"
        return api.post(path, correction(awarded_at=day), If_Match='"1-issued"').status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(correct, days))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 409, 412}
    assert [count(services, model) for model in (CredentialVersion, AwardChange)] == [2, 1]
    assert api.get(f"/credentials/{badge}").json()["awarded_at"] == days[answers.index(200)]


def test_nothing_is_corrected_once_it_is_revoked_however_close_the_two_are(services: Services, api: Api) -> None:
    badge = issued(api)
    day = rfc3339((now() - timedelta(days=10)).replace(microsecond=0))
    calls = [("correct", correction(awarded_at=day)), ("revoke", {"reason": "x"})] * 3

    def call(what: tuple[str, Any]) -> int:
        return api.post(f"/credentials/{badge}/{what[0]}", what[1], If_Match="*").status_code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(call, calls))
    assert set(answers) <= {200, 409}
    assert set(answers[1::2]) == {200}
    with services.runtime.database.read() as session:
        row = session.get_one(Credential, badge)
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.subject_id == badge).order_by(col(AuditEntry.id))
        ).all()
    actions = [entry.action for entry in entries]
    assert (row.state, row.current_version) == ("revoked", actions.count("issuer.credential_issued"))
    assert actions[-1] == "issuer.credential_revoked"
    assert actions.count("issuer.credential_revoked") == 1
