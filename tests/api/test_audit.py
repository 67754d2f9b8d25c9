"""`GET /api/v1/audit`: watchers read what was done, page by page, and note the newest seal."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.core import audit
from app.core.audit import Actor
from app.core.audit_seal import seal_due
from app.wiring import Services
from tests.api.clients import add_client, auth, bearer, token_for

URL = "/api/v1/audit"
PERSON = Actor("person", "p1")


def note(services: Services, count: int, subject_id: str = "c1", actor: Actor = PERSON) -> None:
    with services.runtime.database.write() as session:
        for number in range(count):
            audit.record(
                session, actor=actor, action="issuer.test", subject="credential", subject_id=subject_id, version=number
            )


def read(client: TestClient, headers: dict[str, str], **query: Any) -> Any:
    answer = client.get(URL, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def headers(services: Services, client: TestClient) -> dict[str, str]:
    """Of a client that may read the audit and nothing else."""
    return auth(services, client, "audit:read")


def test_an_entry_is_told_with_ids_only_and_whether_it_is_sealed(
    services: Services, client: TestClient, headers: dict[str, str]
) -> None:
    note(services, 1)
    (item,) = read(client, headers, subject="c1")["items"]
    assert item["at"].endswith("Z")
    assert item == {
        "id": item["id"], "at": item["at"], "actor": {"kind": "person", "id": "p1"}, "action": "issuer.test",
        "subject": {"kind": "credential", "id": "c1"}, "ids": {"version": 0}, "sealed": False,
    }  # fmt: skip
    seal_due(services.runtime.database, services.runtime.secret_box)
    told = read(client, headers, subject="c1")
    assert told["items"][0]["sealed"]
    assert told["newest_seal"]["number"] == 1
    assert len(told["newest_seal"]["digest"]) == 64


def test_pages_follow_each_other_without_a_gap(services: Services, client: TestClient, headers: dict[str, str]) -> None:
    note(services, 5)
    seen: list[int] = []
    cursor: str | None = None
    for expected in (2, 2, 1):
        page = read(client, headers, actor="p1", limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) == expected
        seen += [item["ids"]["version"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == ([0, 1, 2, 3, 4], None)


def test_it_can_be_narrowed(services: Services, client: TestClient, headers: dict[str, str]) -> None:
    note(services, 2)
    note(services, 1, subject_id="c2", actor=Actor("client", "k1"))
    assert len(read(client, headers, action="issuer.test")["items"]) == 3
    assert len(read(client, headers, actor="k1")["items"]) == 1
    assert len(read(client, headers, subject="c2", actor="p1")["items"]) == 0
    at = read(client, headers, subject="c2")["items"][0]["at"]
    assert len(read(client, headers, action="issuer.test", **{"from": at})["items"]) == 1
    assert len(read(client, headers, action="issuer.test", to=at)["items"]) == 2


def test_a_client_for_some_achievements_is_told_what_it_did_itself(services: Services, client: TestClient) -> None:
    client_id, secret = add_client(services, "audit:read", achievements=["M01"])
    headers = bearer(token_for(client, client_id, secret))
    note(services, 1)
    note(services, 1, actor=Actor("client", client_id))
    assert {item["actor"]["id"] for item in read(client, headers)["items"]} == {client_id}
    assert read(client, headers, actor="p1")["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"}, {"to": "2026-03-01T09:00:00"}, {"from": "9999-12-31T23:59:59-23:00"}, {"cursor": "x"},
        {"cursor": "!"}, {"limit": "0"}, {"limit": "201"}, {"actor": ""}, {"subject": "x" * 201}, {"person": "p1"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_problem(client: TestClient, headers: dict[str, str], query: dict[str, str]) -> None:
    answer = client.get(URL, params=query, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_it_takes_the_scope(services: Services, client: TestClient) -> None:
    assert client.get(URL).status_code == 401
    assert client.get(URL, headers=auth(services, client, "credentials:read")).status_code == 403
