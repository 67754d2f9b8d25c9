"""`POST /oauth/token` for clients with a secret: what opens it, what does not, and in which words it refuses."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from httpx2 import Response
from sqlmodel import select
from starlette.testclient import TestClient

from app.api import clients, lockout
from app.api.models import ApiClient, ApiClientSecret, ApiToken, ApiWrongSecret
from app.api.oauth import MAX_BYTES, REQUESTS_A_MINUTE, TokenLimit
from app.api.scopes import SCOPES
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.ids import digest
from app.main import create_app
from app.wiring import Services
from tests.api.clients import add_client, basic, token_for

GRANT = {"grant_type": "client_credentials"}
WRONG = "wms_" + "A" * 43


def ask(client: TestClient, client_id: str, secret: str, /, **form: str) -> Response:
    return client.post("/oauth/token", data=GRANT | form, headers=basic(client_id, secret))


def refusal(answer: Response) -> tuple[int, str]:
    """Status and code, once it is sure that the answer has the form of RFC 6749 §5.2."""
    told = answer.json()
    assert set(told) == {"error", "error_description"}
    assert all(" " <= character <= "~" and character not in '"\\' for character in told["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    return answer.status_code, told["error"]


def test_a_client_gets_a_short_token_that_nobody_keeps(services: Services, client: TestClient) -> None:
    answer = ask(client, *add_client(services, "audit:read", "people:read"))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 600)
    assert told["scope"] == "people:read audit:read"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


def test_the_database_holds_no_secret_and_no_token(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    token = token_for(client, client_id, secret)
    with services.runtime.database.read() as session:
        rows = [*session.exec(select(ApiClient)), *session.exec(select(ApiClientSecret))]
        rows += [*session.exec(select(ApiToken)), *session.exec(select(AuditEntry))]
    kept = repr([row.model_dump() for row in rows])
    assert digest(token) in kept
    assert digest(secret) in kept
    assert token not in kept
    assert secret not in kept


def test_logs_and_errors_hold_neither_secrets_nor_what_strangers_type(
    services: Services, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client_id, secret = add_client(services)
    capsys.readouterr()
    answers = [
        ask(client, client_id, secret), ask(client, client_id, WRONG), ask(client, "tess@west.example", WRONG),
        client.post("/oauth/token", data=GRANT | {"client_id": client_id, "client_secret": WRONG}),
        client.post(f"/oauth/token?client_secret={WRONG}", data=GRANT),
    ]  # fmt: skip
    written = "".join(capsys.readouterr())
    assert "api.wrong_secret" in written
    assert client_id in written
    token = answers[0].json()["access_token"]
    assert [leak for leak in (secret, WRONG, "tess@west.example", token) if leak in written] == []
    assert [each.text for each in answers[1:] if WRONG in each.text or "tess" in each.text] == []


def test_a_token_carries_what_was_asked_for(services: Services, client: TestClient) -> None:
    mine = add_client(services, "audit:read", "people:read")
    assert ask(client, *mine, scope="audit:read").json()["scope"] == "audit:read"
    assert ask(client, *mine, scope="").json()["scope"] == "people:read audit:read"


def test_the_scopes_that_a_client_may_not_have_are_named_and_no_others(services: Services, client: TestClient) -> None:
    mine = add_client(services, "audit:read")
    told = ask(client, *mine, scope="people:read audit:read credentials:issue").json()
    assert told["error_description"] == "This client may not have: credentials:issue, people:read."


@pytest.mark.parametrize("scope", ["credentials:issue", "audit:read credentials:issue", "nothing", "audit:read  "])
def test_asking_for_more_than_one_may_have_gives_nothing(services: Services, client: TestClient, scope: str) -> None:
    mine = add_client(services, "audit:read")
    assert refusal(ask(client, *mine, scope=scope)) == (400, "invalid_scope")
    with services.runtime.database.read() as session:
        assert session.exec(select(ApiToken)).all() == []


def test_a_wrong_secret_and_an_unknown_client_are_told_in_the_same_words(
    services: Services, client: TestClient
) -> None:
    client_id, secret = add_client(services)
    other, _ = add_client(services)
    with services.runtime.database.write() as session:
        clients.disable(session, other, OPERATOR)
    wrong = ask(client, client_id, WRONG)
    assert refusal(wrong) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    unknown = [ask(client, "00000000-0000-4000-8000-000000000000", secret), ask(client, "a\0b", secret)]
    unknown += [
        ask(client, other, secret),
        ask(client, client_id.upper(), secret),
        ask(client, f"{client_id} ", secret),
    ]
    assert {each.text for each in unknown} == {wrong.text}
    assert {each.status_code for each in unknown} == {401}


HEADERS: dict[str, str] = {
    "another scheme": "Bearer abc",
    "nothing behind the scheme": "Basic",
    "no base64": "Basic ???",
    "no colon": "Basic " + base64.b64encode(b"abc").decode(),
    "no secret": "Basic " + base64.b64encode(b"abc:").decode(),
    "no id": "Basic " + base64.b64encode(b":abc").decode(),
    "not UTF-8": "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    "a NUL": "Basic " + base64.b64encode(b"a\0b:c\0d").decode(),
    "half a character": "Basic " + base64.b64encode(b"%ED%A0%80:abc").decode(),
}


@pytest.mark.parametrize("case", HEADERS)
def test_odd_headers_open_nothing(client: TestClient, case: str) -> None:
    answer = client.post("/oauth/token", data=GRANT, headers={"Authorization": HEADERS[case]})
    assert refusal(answer) == (401, "invalid_client")


def test_id_and_secret_may_come_encoded_as_the_standard_has_it(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    assert ask(client, client_id.replace("-", "%2D"), secret.replace("_", "%5F")).status_code == 200


def test_the_form_may_name_the_client_too_but_no_other(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    assert ask(client, client_id, secret, client_id=client_id).status_code == 200
    assert refusal(ask(client, client_id, secret, client_id="other")) == (400, "invalid_request")


def test_two_ways_at_once_are_none(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    for also in ({"client_secret": secret}, {"client_assertion": "a"}, {"client_assertion_type": "a"}):
        assert refusal(ask(client, client_id, secret, **also)) == (400, "invalid_request")
    both = [("authorization", basic(client_id, secret)["Authorization"])] * 2
    answer = client.post("/oauth/token", data=GRANT, headers=both)
    assert refusal(answer) == (400, "invalid_request")


def test_a_secret_in_the_form_is_not_taken(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    form = GRANT | {"client_id": client_id, "client_secret": secret}
    assert refusal(client.post("/oauth/token", data=form)) == (401, "invalid_client")
    assert refusal(client.post("/oauth/token", data=GRANT | {"client_id": client_id})) == (401, "invalid_client")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODIES: dict[str, tuple[bytes, dict[str, str], tuple[int, str]]] = {
    "nothing": (b"", FORM, (400, "invalid_request")),
    "no grant": (b"scope=audit%3Aread", FORM, (400, "invalid_request")),
    "an empty grant": (b"grant_type=", FORM, (400, "invalid_request")),
    "another grant": (b"grant_type=password", FORM, (400, "unsupported_grant_type")),
    "a field twice": (b"grant_type=client_credentials&grant_type=client_credentials", FORM, (400, "invalid_request")),
    "a scope twice": (b"grant_type=client_credentials&scope=a&scope=", FORM, (400, "invalid_request")),
    "a stranger's field twice": (b"grant_type=client_credentials&x=1&x=1", FORM, (400, "invalid_request")),
    "no form": (b'{"grant_type": "client_credentials"}', FORM, (400, "invalid_request")),
    "JSON": (b"{}", {"Content-Type": "application/json"}, (400, "invalid_request")),
    "no type": (b"grant_type=client_credentials", {}, (400, "invalid_request")),
    "not ASCII": (b"grant_type=\xff", FORM, (400, "invalid_request")),
    "not UTF-8 behind the percents": (b"grant_type=%ff", FORM, (400, "invalid_request")),
    "many fields": (b"&".join(b"a%d=1" % number for number in range(50)), FORM, (400, "invalid_request")),
    "too much": (b"grant_type=" + b"a" * MAX_BYTES, FORM, (413, "invalid_request")),
}


@pytest.mark.parametrize("case", BODIES)
def test_odd_bodies_are_refused_before_anybody_is_asked_who_they_are(client: TestClient, case: str) -> None:
    body, headers, expected = BODIES[case]
    assert refusal(client.post("/oauth/token", content=body, headers=headers)) == expected


def test_what_stands_in_the_address_is_refused(services: Services, client: TestClient) -> None:
    mine = add_client(services)
    answer = client.post("/oauth/token?scope=audit:read", data=GRANT, headers=basic(*mine))
    assert refusal(answer) == (400, "invalid_request")


def test_other_methods_are_refused(client: TestClient) -> None:
    assert client.get("/oauth/token").status_code == 405


def test_ten_wrong_secrets_lock_out_the_place_they_came_from_and_no_other(services: Services) -> None:
    client_id, secret = add_client(services)
    app = create_app(services=services)
    attacker = TestClient(app, client=("8.8.8.8", 1), base_url=services.runtime.settings.base_url)
    owner = TestClient(app, client=("9.9.9.9", 1), base_url=services.runtime.settings.base_url)
    tries = [refusal(ask(attacker, client_id, WRONG)) for _ in range(lockout.MOST_WRONG)]
    assert set(tries) == {(401, "invalid_client")}
    locked = ask(attacker, client_id, secret)
    assert refusal(locked) == (429, "temporarily_unavailable")
    assert 0 < int(locked.headers["retry-after"]) <= 15 * 60 + 1
    assert ask(owner, client_id, secret).status_code == 200
    with services.runtime.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "api.client_locked")).all()
        kept = repr([row.model_dump() for row in session.exec(select(ApiWrongSecret))])
    assert [(entry.subject_id, entry.actor_kind) for entry in entries] == [(client_id, "system")]
    assert "8.8.8.8" not in kept
    assert client_id not in kept
    with time_machine.travel(now() + lockout.LOCKED_FOR + timedelta(seconds=2), tick=False):
        assert ask(attacker, client_id, secret).status_code == 200


def test_wrong_secrets_that_come_at_once_are_all_counted(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    with ThreadPoolExecutor(6) as pool:
        tries = list(pool.map(lambda _: ask(client, client_id, WRONG).status_code, range(lockout.MOST_WRONG)))
    assert tries == [401] * lockout.MOST_WRONG
    assert ask(client, client_id, secret).status_code == 429
    with services.runtime.database.read() as session:
        assert session.exec(select(ApiWrongSecret.wrong)).all() == [lockout.MOST_WRONG]


def test_a_client_that_there_is_not_is_locked_like_one_that_there_is(client: TestClient) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    answers = [refusal(ask(client, nobody, WRONG))[0] for _ in range(lockout.MOST_WRONG + 1)]
    assert answers == [401] * lockout.MOST_WRONG + [429]


def test_a_right_secret_forgets_the_wrong_ones_and_so_does_an_operator(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    for _ in range(2):
        for _ in range(lockout.MOST_WRONG - 1):
            ask(client, client_id, WRONG)
        assert ask(client, client_id, secret).status_code == 200
    for _ in range(lockout.MOST_WRONG):
        ask(client, client_id, WRONG)
    assert ask(client, client_id, secret).status_code == 429
    with services.runtime.database.write() as session:
        clients.enable(session, client_id, OPERATOR)
    assert ask(client, client_id, secret).status_code == 200


def test_wrong_secrets_of_long_ago_do_not_count(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    with time_machine.travel(now() - timedelta(hours=1), tick=False):
        for _ in range(lockout.MOST_WRONG - 1):
            ask(client, client_id, WRONG)
    ask(client, client_id, WRONG)
    assert ask(client, client_id, secret).status_code == 200


def test_after_rotation_both_secrets_count_until_the_overlap_ends(services: Services, client: TestClient) -> None:
    client_id, old = add_client(services)
    with services.runtime.database.write() as session:
        new = clients.rotate(session, client_id, actor=OPERATOR, overlap=timedelta(hours=2)).secret
    assert new is not None
    assert [ask(client, client_id, secret).status_code for secret in (old, new)] == [200, 200]
    with time_machine.travel(now() + timedelta(hours=1, minutes=55), tick=False):
        assert ask(client, client_id, old).json()["expires_in"] in (299, 300)
        assert ask(client, client_id, new).json()["expires_in"] == 600
    with time_machine.travel(now() + timedelta(hours=2, seconds=1), tick=False):
        assert [ask(client, client_id, secret).status_code for secret in (old, new)] == [401, 200]


def test_a_second_rotation_does_not_lengthen_the_first_ones_overlap(services: Services, client: TestClient) -> None:
    client_id, old = add_client(services)
    for hours in (1, 48):
        with services.runtime.database.write() as session:
            clients.rotate(session, client_id, actor=OPERATOR, overlap=timedelta(hours=hours))
    with time_machine.travel(now() + timedelta(hours=1, seconds=1), tick=False):
        assert ask(client, client_id, old).status_code == 401


def test_too_many_requests_from_one_place_are_refused_before_anything_is_looked_up(
    services: Services, client: TestClient
) -> None:
    app: Any = client.app
    app.state.token_limit = TokenLimit(2)
    mine = add_client(services)
    assert [ask(client, *mine).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(client, *mine).headers["retry-after"] == "60"
    assert REQUESTS_A_MINUTE > 1_000


def test_a_client_that_asks_for_tokens_all_the_time_is_told_to_wait(services: Services, client: TestClient) -> None:
    mine = add_client(services, per_minute=2)
    assert [ask(client, *mine).status_code for _ in range(2)] == [200, 200]
    limited = ask(client, *mine)
    assert refusal(limited) == (429, "temporarily_unavailable")
    assert 1 <= int(limited.headers["retry-after"]) <= 30


def test_the_description_says_where_tokens_come_from_and_what_they_may_carry(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    operation = described["paths"]["/oauth/token"]["post"]
    assert set(operation["responses"]) >= {"200", "400", "401", "429"}
    assert "application/x-www-form-urlencoded" in operation["requestBody"]["content"]
    assert len(SCOPES) == 8
