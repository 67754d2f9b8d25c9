"""Who is let into the API: by which tokens, with which scopes, how often, and what the others are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
import time_machine
from fastapi import Depends, FastAPI
from httpx2 import Response
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.api import clients, limits, oauth, tokens
from app.api.authentication import Caller, requires, requires_any
from app.api.client_authentication import KnownClient, still
from app.api.errors import ClientLimited, OAuthRefused
from app.api.models import ApiClient, ApiClientSecret, ApiToken
from app.api.scopes import SCOPES
from app.core.audit import OPERATOR, Actor
from app.core.clock import now
from app.core.db import Database
from app.web import errors
from app.wiring import Services
from tests.api.clients import add_client, auth, basic, bearer, token_for

Read = Annotated[Caller, Depends(requires("credentials:read"))]
Both = Annotated[Caller, Depends(requires("credentials:read", "audit:read"))]
Either = Annotated[Caller, Depends(requires_any("credentials:read", "audit:read"))]
Anybody = Annotated[Caller, Depends(requires())]
PLACES = {
    "/api/v1/one": lambda scopes: "credentials:read" in scopes,
    "/api/v1/both": lambda scopes: {"credentials:read", "audit:read"} <= scopes,
    "/api/v1/either": lambda scopes: bool({"credentials:read", "audit:read"} & scopes),
    "/api/v1/anybody": lambda scopes: True,
}


def one(caller: Read) -> dict[str, Any]:
    """Takes one scope."""
    limited = sorted(caller.achievements) if caller.achievements is not None else None
    return {"id": caller.client_id, "name": caller.name, "scopes": sorted(caller.scopes), "achievements": limited}


def both(_caller: Both) -> None:
    """Takes two."""


def either(_caller: Either) -> None:
    """Takes one of two."""


def anybody(_caller: Anybody) -> None:
    """Takes a client."""


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    """A little API behind the real door."""
    app = FastAPI()
    app.state.runtime = services.runtime
    app.state.token_limit = oauth.TokenLimit()
    for path, endpoint in zip(PLACES, (one, both, either, anybody), strict=True):
        app.get(path)(endpoint)
    app.router.routes.extend(oauth.router.routes)
    errors.install(app)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def problem(answer: Response) -> tuple[int, str]:
    """Status and slug, once it is sure that it is a problem that says what to do."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "kept", "next_step"} <= set(told)
    return answer.status_code, told["type"].removeprefix("urn:waymark:error:")


def test_a_call_says_who_it_is_and_what_it_may(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services, "credentials:read", "audit:read", achievements=["M02", "M01", "M01"])
    answer = client.get("/api/v1/one", headers=bearer(token_for(client, client_id, secret, "credentials:read")))
    assert answer.json() == {
        "id": client_id, "name": "Test client", "scopes": ["credentials:read"], "achievements": ["M01", "M02"],
    }  # fmt: skip
    assert Caller(client_id, "", frozenset(), None).actor == Actor(kind="client", id=client_id)
    assert client.get("/api/v1/one", headers=auth(services, client)).json()["achievements"] is None


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize(
    "scopes", [[scope] for scope in SCOPES] + [["credentials:read", "audit:read"], list(SCOPES)], ids=" ".join
)
def test_each_place_lets_in_exactly_its_scopes(
    services: Services, client: TestClient, path: str, scopes: Sequence[str]
) -> None:
    answer = client.get(path, headers=auth(services, client, *scopes))
    if PLACES[path](set(scopes)):
        assert answer.status_code == 200
        return
    assert problem(answer) == (403, "scope-missing")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert "credentials:read" in answer.headers["www-authenticate"]


def disabled(database: Database, client_id: str) -> None:
    with database.write() as session:
        clients.disable(session, client_id, OPERATOR)


def rotated(database: Database, client_id: str) -> None:
    with database.write() as session:
        clients.rotate(session, client_id, actor=OPERATOR, overlap=timedelta(0))


def test_a_narrow_token_of_a_mighty_client_stays_narrow(services: Services, client: TestClient) -> None:
    token = token_for(client, *add_client(services), "audit:read")
    assert problem(client.get("/api/v1/one", headers=bearer(token))) == (403, "scope-missing")


def test_a_scope_that_there_is_not_is_a_mistake_of_ours() -> None:
    for make in (requires, requires_any):
        with pytest.raises(ValueError, match="credential:read"):
            make("credential:read")


ODD = [
    ("", "token-missing"), ("Bearer", "token-invalid"), ("Bearer ", "token-invalid"), ("Basic abc", "token-missing"),
    ("Bearer wmt_", "token-invalid"), ("Bearer " + "a" * 10_000, "token-invalid"),
    ("Bearer wmt_" + "A" * 43, "token-invalid"), ("Bearer wmt_" + "A" * 43 + " wmt_B", "token-invalid"),
    (b"Bearer wmt_\xe9" + b"A" * 42, "token-invalid"), ("wmt_" + "A" * 43, "token-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "slug"), ODD, ids=range(len(ODD)))
def test_what_is_no_token_opens_nothing(client: TestClient, header: str | bytes, slug: str) -> None:
    answer = client.get("/api/v1/anybody", headers=[(b"authorization", _bytes(header))] if header else [])
    assert problem(answer) == (401, slug)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="waymark"')
    assert ("error=" in answer.headers["www-authenticate"]) == (slug == "token-invalid")


def _bytes(header: str | bytes) -> bytes:
    return header.encode() if isinstance(header, str) else header


def test_a_token_in_the_address_or_beside_another_opens_nothing(services: Services, client: TestClient) -> None:
    token = token_for(client, *add_client(services))
    assert problem(client.get("/api/v1/anybody", params={"access_token": token})) == (401, "token-missing")
    twice = [("authorization", f"Bearer {token}")] * 2
    assert problem(client.get("/api/v1/anybody", headers=twice)) == (400, "authorization-odd")


def test_a_secret_is_no_token_and_the_word_bearer_may_be_small(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    assert problem(client.get("/api/v1/anybody", headers=bearer(secret))) == (401, "token-invalid")
    assert problem(client.get("/api/v1/anybody", headers=basic(client_id, secret))) == (401, "token-missing")
    token = token_for(client, client_id, secret)
    assert client.get("/api/v1/anybody", headers={"Authorization": f"bearer  {token}"}).status_code == 200


def test_a_token_ends_after_ten_minutes_and_is_swept_up_later(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    headers = bearer(token_for(client, client_id, secret))
    with time_machine.travel(now() + timedelta(minutes=9, seconds=58), tick=False):
        assert client.get("/api/v1/anybody", headers=headers).status_code == 200
    with time_machine.travel(now() + timedelta(minutes=10, seconds=1), tick=False):
        assert problem(client.get("/api/v1/anybody", headers=headers)) == (401, "token-invalid")


def test_switching_a_client_off_ends_its_tokens_for_good(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services)
    headers = bearer(token_for(client, client_id, secret))
    others = auth(services, client)
    with services.runtime.database.write() as session:
        assert clients.disable(session, client_id, OPERATOR).disabled_at is not None
    assert problem(client.get("/api/v1/anybody", headers=headers)) == (401, "token-invalid")
    assert client.get("/api/v1/anybody", headers=others).status_code == 200
    with services.runtime.database.write() as session:
        clients.enable(session, client_id, OPERATOR)
    assert problem(client.get("/api/v1/anybody", headers=headers)) == (401, "token-invalid")
    assert client.get("/api/v1/anybody", headers=bearer(token_for(client, client_id, secret))).status_code == 200


@pytest.mark.parametrize("end", [disabled, rotated])
def test_no_token_slips_through_while_a_client_is_switched_off(
    database: Database, end: Callable[[Database, str], None]
) -> None:
    with database.write() as session:
        added = clients.add(session, name="Test", scopes_held=SCOPES, actor=OPERATOR)
        secret_id = session.exec(select(ApiClientSecret.id)).one()
    shown = KnownClient(added.client_id, 600, secret_id)
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            still(session, shown)
            ended = pool.submit(end, database, added.client_id)
            wait([ended], timeout=0.2)
            token = tokens.give(session, added.client_id, SCOPES)
        ended.result()
    with database.look() as look:
        assert tokens.holder(look, token.value) is None
    with database.write() as session, pytest.raises(OAuthRefused):
        still(session, shown)


def test_a_client_that_is_off_has_no_way_in_by_a_token_that_was_not_deleted(
    services: Services, client: TestClient
) -> None:
    client_id, secret = add_client(services)
    headers = bearer(token_for(client, client_id, secret))
    with services.runtime.database.write() as session:
        session.exec(sa.update(ApiClient).values(disabled_at=now()))
    assert problem(client.get("/api/v1/anybody", headers=headers)) == (401, "token-invalid")


@pytest.mark.parametrize(("overlap", "status"), [(timedelta(0), 401), (timedelta(hours=1), 200)])
def test_tokens_live_on_after_a_rotation_unless_it_was_a_matter_of_haste(
    services: Services, client: TestClient, overlap: timedelta, status: int
) -> None:
    client_id, secret = add_client(services)
    headers = bearer(token_for(client, client_id, secret))
    with services.runtime.database.write() as session:
        clients.rotate(session, client_id, actor=OPERATOR, overlap=overlap)
    assert client.get("/api/v1/anybody", headers=headers).status_code == status


def test_scopes_taken_from_a_client_are_gone_from_its_tokens(services: Services, client: TestClient) -> None:
    headers = auth(services, client, "credentials:read", "audit:read")
    with services.runtime.database.write() as session:
        session.exec(sa.update(ApiClient).values(scopes="credentials:read"))
    assert client.get("/api/v1/one", headers=headers).status_code == 200
    assert client.get("/api/v1/both", headers=headers).status_code == 403


def test_beyond_its_calls_a_client_is_told_when_to_go_on_and_others_are_not(
    services: Services, client: TestClient
) -> None:
    mine = add_client(services, per_minute=4)
    others = auth(services, client)
    with time_machine.travel(now(), tick=False) as clock:
        headers = bearer(token_for(client, *mine))
        assert [client.get("/api/v1/anybody", headers=headers).status_code for _ in range(3)] == [200] * 3
        limited = client.get("/api/v1/anybody", headers=headers)
        assert problem(limited) == (429, "client-limit")
        assert limited.headers["retry-after"] == "15"
        assert client.get("/api/v1/anybody", headers=others).status_code == 200
        clock.shift(timedelta(seconds=14))
        assert client.get("/api/v1/anybody", headers=headers).headers["retry-after"] == "1"
        clock.shift(timedelta(seconds=1))
        assert client.get("/api/v1/anybody", headers=headers).status_code == 200
        assert client.get("/api/v1/anybody", headers=headers).status_code == 429
        clock.shift(timedelta(seconds=60))
        assert [client.get("/api/v1/anybody", headers=headers).status_code for _ in range(5)] == [200] * 4 + [429]


def test_calls_that_lack_a_scope_count_too(services: Services, client: TestClient) -> None:
    headers = bearer(token_for(client, *add_client(services, "audit:read", per_minute=2)))
    assert [client.get("/api/v1/one", headers=headers).status_code for _ in range(2)] == [403, 429]


def test_when_a_client_was_last_used_is_known(services: Services, client: TestClient) -> None:
    headers = auth(services, client)
    with time_machine.travel(now() + timedelta(minutes=5), tick=False):
        client.get("/api/v1/anybody", headers=headers)
        moment = now()
    with services.runtime.database.read() as session:
        assert [info.last_used_at for info in clients.find_all(session)] == [moment]


def client_of(database: Database, per_minute: int) -> str:
    with database.write() as session:
        return clients.add(
            session, name="Test", scopes_held=SCOPES, actor=OPERATOR, per_minute=per_minute
        ).client_id  # fmt: skip


def test_of_calls_at_once_exactly_as_many_as_agreed_are_let_in(database: Database) -> None:
    client_id, ready = client_of(database, 10), threading.Barrier(8)

    def call(_number: int) -> int:
        ready.wait()
        passed = 0
        for _ in range(3):
            try:
                limits.spend(database, client_id, 10)
            except ClientLimited:
                continue
            passed += 1
        return passed

    with time_machine.travel(now(), tick=False), ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(call, range(8))) == 10


@pytest.mark.parametrize("per_minute", [1, 7, limits.MOST_PER_MINUTE])
def test_a_count_from_a_clock_that_was_wrong_counts_for_nothing(database: Database, per_minute: int) -> None:
    client_id = client_of(database, per_minute)
    with time_machine.travel(now() + timedelta(days=365), tick=False):
        limits.spend(database, client_id, per_minute)
    limits.spend(database, client_id, per_minute)


def test_tokens_that_are_over_are_deleted_in_time(database: Database) -> None:
    client_id = client_of(database, 1)
    with time_machine.travel(now() - timedelta(hours=1), tick=False), database.write() as session:
        tokens.give(session, client_id, SCOPES)
    with database.write() as session:
        for _ in range(tokens.SWEPT_ONCE_IN * 20):
            tokens.give(session, client_id, SCOPES)
            if not session.exec(select(ApiToken).where(col(ApiToken.expires_at) < now())).all():
                return
    pytest.fail("nothing swept them up")


def test_the_description_names_the_scopes_of_each_place(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    scheme = described["components"]["securitySchemes"]["clientCredentials"]
    assert scheme["flows"]["clientCredentials"]["tokenUrl"] == "/oauth/token"
    assert set(scheme["flows"]["clientCredentials"]["scopes"]) == set(SCOPES)
    assert described["paths"]["/api/v1/both"]["get"]["security"] == [
        {"clientCredentials": ["credentials:read", "audit:read"]}
    ]
