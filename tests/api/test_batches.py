"""Batches by API: taken in whole or not at all, steered by the client that sent them, and told row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from sqlmodel import select
from starlette.requests import ClientDisconnect

from app.api import clients, uploads
from app.awards.batches import control, errors
from app.core.audit import OPERATOR
from app.core.outbox import Worker
from app.issuer.models import Credential
from app.wiring import Services, build_batch_worker
from tests.api.awarding import ISSUE, Api, award

MAY = (*ISSUE, "credentials:read")
CSV = "achievement,email,decided_by_name,decided_by_role\r\n"


def line(number: int, **changes: Any) -> str:
    return json.dumps(award(recipient={"email": f"row-{number}@example.org"}, **changes)) + "\n"


def send(api: Api, body: Any, *, key: str | None = "batch-1", kind: str = "application/jsonl", query: str = "") -> Any:
    headers = api.headers | {"Content-Type": kind} | ({"Idempotency-Key": key} if key is not None else {})
    answer: httpx2.Response = api.client.post(f"/api/v1/batches{query}", content=body, headers=headers)
    return answer


def settle(services: Services) -> None:
    build_batch_worker(services).run_until_idle()


@pytest.fixture
def api(entered: Callable[..., Api]) -> Api:
    """A client that may issue."""
    return entered(*MAY)


def test_a_batch_from_upload_to_badges(services: Services, api: Api, worker: Worker) -> None:
    answer = send(api, "".join([line(1), line(2), line(3, achievement="M99"), "no json\n"]))
    assert answer.status_code == 202, answer.text
    taken = answer.json()
    assert answer.headers["location"] == taken["url"]
    path = taken["url"].partition("/api/v1")[2]
    queued = api.get(path).json()
    assert (queued["state"], queued["total"], queued["issued"], queued["failed"]) == ("queued", 4, 0, 1)
    settle(services)
    done = api.get(path).json()
    assert (done["state"], done["issued"], done["failed"], done["eta_seconds"]) == ("done", 2, 2, None)
    told = api.get(f"{path}/errors").json()
    assert [(each["line"], each["code"]) for each in told["items"]] == [(3, "achievement-unknown"), (4, "not_json")]
    as_csv = api.get(f"{path}/errors?format=csv")
    assert as_csv.headers["content-type"].startswith("text/csv")
    assert [row.split(",")[:3] for row in as_csv.text.splitlines()] == [
        ["line", "code", "field"], ["3", "achievement-unknown", "achievement"], ["4", "not_json", "row"],
    ]  # fmt: skip
    assert len(entered_badges(api)) == 2
    assert send(api, "".join([line(1), line(2), line(3, achievement="M99"), "no json\n"])).json() == taken
    settle(services)
    assert worker.run_until_idle() > 0  # the claim mails are asked for
    assert len(entered_badges(api)) == 2


def entered_badges(api: Api) -> list[Any]:
    with api.client.app.state.runtime.database.read() as session:  # type: ignore[attr-defined]
        return list(session.exec(select(Credential.id).where(Credential.state == "issued")).all())


def test_a_csv_file_is_read_by_its_columns(services: Services, api: Api) -> None:
    body = CSV + "M01,a@example.org,Priya Raman,panel chair\r\nM01,b@example.org,Priya Raman,\r\n"
    taken = send(api, "\ufeff" + body, kind="text/csv; charset=utf-8")
    assert taken.status_code == 202
    settle(services)
    told = api.get(f"/batches/{taken.json()['id']}/errors").json()["items"]
    assert [(each["line"], each["code"], each["problems"][0]["field"]) for each in told] == [
        (3, "missing", "decided_by_role")
    ]


def test_pages_of_errors_follow_each_other(services: Services, api: Api) -> None:
    taken = send(api, "x\n" * 5).json()
    first = api.get(f"/batches/{taken['id']}/errors?limit=3").json()
    second = api.get(f"/batches/{taken['id']}/errors?limit=3&cursor={first['next_cursor']}").json()
    assert [each["line"] for each in first["items"] + second["items"]] == [1, 2, 3, 4, 5]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("given", "status", "slug"),
    [
        ({"key": None}, 400, "idempotency-key-needed"),
        ({"kind": "application/json"}, 415, "kind-not-taken"),
        ({"kind": "text/csv; charset=latin-1"}, 415, "kind-not-taken"),
        ({"body": b""}, 400, "batch-unreadable"),
        ({"body": "a;b\n", "kind": "text/csv"}, 400, "batch-unreadable"),
        ({"body": CSV.replace(",", ";"), "kind": "text/csv"}, 400, "batch-not-commas"),
        ({"query": "?mode=some"}, 422, None),
        ({"query": "?mood=good_rows"}, 422, None),
    ],
)
def test_what_cannot_be_taken_in_is_told_and_nothing_kept(
    api: Api, given: dict[str, Any], status: int, slug: str | None
) -> None:
    answer = send(api, **({"body": line(1)} | given))
    assert answer.status_code == status, answer.text
    if slug is not None:
        assert answer.json()["type"].endswith(slug)
    assert api.get("/batches").json()["items"] == []


def test_more_bytes_than_are_read_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 5_000)

    def endless() -> Iterator[bytes]:
        for number in range(100):
            yield line(number).encode()

    answer = send(api, endless())
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (413, "batch-too-large")
    assert errors.MAX_BYTES > 6_000_000  # the door lets in more than a form may have
    assert api.get("/batches").json()["items"] == []


def test_more_than_a_form_may_have_is_taken_in(services: Services, api: Api) -> None:
    answer = send(api, (b" " * 60_000 + b"\n") * 120 + line(1).encode())
    assert answer.status_code == 202, answer.text


def test_the_same_key_with_another_file_is_refused(api: Api) -> None:
    assert send(api, line(1)).status_code == 202
    assert send(api, line(2)).status_code == 409
    assert send(api, line(1), query="?mode=all_or_nothing").status_code == 409


def test_a_client_steers_its_own_batches_and_sees_no_other(services: Services, entered: Callable[..., Api]) -> None:
    mine, other = entered(*MAY), entered(*MAY)
    taken = send(mine, line(1)).json()
    path = f"/batches/{taken['id']}"
    assert mine.post(f"{path}/pause", None).json()["state"] == "paused"
    settle(services)
    assert mine.get(path).json()["issued"] == 0
    assert mine.post(f"{path}/resume", None).json()["state"] == "queued"
    for asked in (path, f"{path}/errors"):
        assert other.get(asked).status_code == 404
    for step in ("pause", "resume", "cancel"):
        assert other.post(f"{path}/{step}", None).status_code == 404
    assert other.get("/batches").json()["items"] == []
    assert mine.post(f"{path}/cancel", None).json()["state"] == "cancelled"
    assert mine.post(f"{path}/cancel", None).status_code == 200
    assert mine.post(f"{path}/resume", None).status_code == 409
    assert [each["id"] for each in mine.get("/batches").json()["items"]] == [taken["id"]]


def test_without_a_scope_for_issuing_there_is_no_batch(entered: Callable[..., Api]) -> None:
    reader = entered("credentials:read")
    assert send(reader, line(1)).status_code == 403
    assert reader.get("/batches").status_code == 200
    assert reader.client.post("/api/v1/batches", content=line(1)).status_code == 401


def test_a_client_that_is_disabled_stops_its_batches(services: Services, api: Api, entered: Callable[..., Api]) -> None:
    taken = send(api, line(1)).json()
    with services.runtime.database.write() as session:
        clients.disable(session, api.client_id, OPERATOR)
    settle(services)
    assert entered(*MAY).get(f"/batches/{taken['id']}").status_code == 404
    with services.runtime.database.read() as session:
        found = control.info(session, api.client_id, taken["id"])
    assert (found.state, found.reason, found.issued) == ("paused", "client-disabled", 0)


def test_an_upload_that_breaks_off_leaves_nothing(api: Api) -> None:
    def breaks() -> Iterator[bytes]:
        yield line(1).encode()
        raise ClientDisconnect

    with suppress(Exception):  # whatever a client makes of having broken off
        send(api, breaks())
    assert api.get("/batches").json()["items"] == []
