"""Every route of the API × every scope × every kind of client: who gets in is a table here, not in the code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.api import clients
from app.api.scopes import SCOPES
from app.core.audit import OPERATOR
from app.main import create_app
from app.wiring import Services
from tests.api.clients import add_client, auth, basic, bearer, token_for

SOME_ID = "00000000-0000-4000-8000-000000000000"
ISSUING = {"credentials:issue", "credentials:issue:advanced"}

# Method and address -> sets of scopes, each of which is enough.
TABLE: dict[tuple[str, str], list[set[str]]] = {
    ("GET", "/api/v1/achievements"): [{"achievements:read"}],
    ("GET", "/api/v1/achievements/{key}"): [{"achievements:read"}],
    ("POST", "/api/v1/credentials"): [{scope} for scope in sorted(ISSUING)],
    ("GET", "/api/v1/credentials"): [{"credentials:read"}],
    ("GET", "/api/v1/credentials/{credential_id}"): [{"credentials:read"}],
    ("POST", "/api/v1/credentials/{credential_id}/revoke"): [{"credentials:revoke"}],
    ("POST", "/api/v1/credentials/{credential_id}/suspend"): [{"credentials:revoke"}],
    ("POST", "/api/v1/credentials/{credential_id}/reinstate"): [{"credentials:revoke"}],
    ("POST", "/api/v1/credentials/{credential_id}/correct"): [{scope} for scope in sorted(ISSUING)],
    ("POST", "/api/v1/people/search"): [{"people:read"}],
    ("GET", "/api/v1/people/{person_id}/progress"): [{"people:read"}],
    ("GET", "/api/v1/people/{person_id}/competencies"): [{"people:read"}],
    ("GET", "/api/v1/people/{person_id}/pathways"): [{"people:read"}],
    ("GET", "/api/v1/pathways"): [{"achievements:read"}],
    ("GET", "/api/v1/pathways/{key}"): [{"achievements:read"}],
    ("GET", "/api/v1/overrides"): [{"audit:read"}],
    ("POST", "/api/v1/overrides/{override_id}/review"): [{"audit:read"}],
    ("GET", "/api/v1/audit"): [{"audit:read"}],
    ("POST", "/api/v1/batches"): [{scope} for scope in sorted(ISSUING)],
    ("GET", "/api/v1/batches"): [{"credentials:read"}],
    ("GET", "/api/v1/batches/{batch_id}"): [{"credentials:read"}],
    ("GET", "/api/v1/batches/{batch_id}/errors"): [{"credentials:read"}],
    ("POST", "/api/v1/batches/{batch_id}/pause"): [{scope} for scope in sorted(ISSUING)],
    ("POST", "/api/v1/batches/{batch_id}/resume"): [{scope} for scope in sorted(ISSUING)],
    ("POST", "/api/v1/batches/{batch_id}/cancel"): [{scope} for scope in sorted(ISSUING)],
}
OPEN = {("POST", "/api/v1/verify")}
ROUTES = sorted(TABLE)


def routes_of_the_api() -> Iterator[tuple[str, str]]:
    """What the application really answers below /api/v1."""
    for route in create_app().router.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/api/v1/"):
            for method in route.methods - {"HEAD", "OPTIONS"}:
                yield method, route.path


def call(client: TestClient, route: tuple[str, str], headers: dict[str, str], query: str = "") -> int:
    method, path = route
    for name in ("credential_id", "person_id", "override_id", "batch_id"):
        path = path.replace(f"{{{name}}}", SOME_ID)
    answer = client.request(method, path.replace("{key}", "M01") + query, headers=headers)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


def test_the_table_names_every_route_and_no_other() -> None:
    assert set(routes_of_the_api()) == set(TABLE) | OPEN


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_nobody_gets_in_without_a_token_of_ours(client: TestClient, services: Services, route: tuple[str, str]) -> None:
    token = auth(services, client)["Authorization"].removeprefix("Bearer ")
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert call(client, route, {}) == 401
    assert call(client, route, {"Authorization": f"Bearer {changed}"}) == 401
    assert call(client, route, {"Authorization": "Bearer x"}) == 401
    assert call(client, route, {}, f"?access_token={token}") in (400, 401)  # a member that nothing knows, or no token
    assert call(client, route, {"Cookie": f"access_token={token}"}) == 401
    assert call(client, route, basic(*add_client(services))) in (400, 401)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_each_scope_opens_what_it_should_and_nothing_else(
    client: TestClient, services: Services, route: tuple[str, str]
) -> None:
    client_id, secret = add_client(services)
    opens = {scope for enough in TABLE[route] for scope in enough}
    for scope in SCOPES:
        status = call(client, route, bearer(token_for(client, client_id, secret, scope)))
        assert (status != 403) == (scope in opens), scope
        assert status != 401
        assert status < 500
    others = [scope for scope in SCOPES if scope not in opens]
    assert call(client, route, bearer(token_for(client, client_id, secret, *others))) == 403


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_disabled_client_is_out_at_once(client: TestClient, services: Services, route: tuple[str, str]) -> None:
    client_id, secret = add_client(services)
    headers = bearer(token_for(client, client_id, secret))
    with services.runtime.database.write() as session:
        clients.disable(session, client_id, actor=OPERATOR)
    assert call(client, route, headers) == 401


@pytest.mark.parametrize(("method", "path"), sorted(set(TABLE) | OPEN))
def test_no_call_does_anything_beside_a_parameter_that_it_does_not_know(
    services: Services, client: TestClient, method: str, path: str
) -> None:
    """Whoever asks for `dry_run=true` must not find that a badge was issued."""
    headers = bearer(token_for(client, *add_client(services))) | {"Idempotency-Key": "k"}
    address = path.replace("{", "").replace("}", "")
    answer = client.request(method, address, params={"dry_run": "true"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:waymark:error:query-refused")
    assert "dry_run" in answer.json()["detail"]


def test_a_parameter_that_is_not_known_is_refused_without_a_token_where_none_is_needed(client: TestClient) -> None:
    assert client.post("/api/v1/verify", params={"strict": "1"}, json={"jwt": "x"}).status_code == 422
