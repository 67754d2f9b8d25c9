"""Status lists as programs fetch them: cheap to ask again, open to all, telling nothing of who asks."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.outbox import Worker
from app.issuer import service
from app.issuer.models import StatusList
from app.issuer.status import LIFETIME, TTL
from app.vc.errors import STATUS_RETRIEVAL_ERROR
from app.vc.status_list import read_bit
from app.vc.timestamps import parse_rfc3339, rfc3339
from app.web import operations
from app.wiring import Services

from .conftest import BASE
from .test_public_documents import get, issue

PATH = "/status/1"


@pytest.fixture
def badge(services: Services) -> str:
    return issue(services, shared=False).credential_id


def revoke(services: Services, credential_id: str) -> None:
    runtime = services.runtime
    service.revoke(
        runtime.database, runtime.secret_box, BASE, credential_id=credential_id, reason="a test", actor=OPERATOR
    )


@pytest.mark.usefixtures("badge")
def test_a_list_may_be_kept_no_longer_than_it_says_itself(client: TestClient) -> None:
    answer = get(client, PATH)
    seconds = int(re.fullmatch(r"public, max-age=(\d+)", answer.headers["cache-control"])[1])  # type: ignore[index]
    assert seconds * 1000 <= answer.json()["credentialSubject"]["ttl"] == TTL.total_seconds() * 1000
    assert timedelta(seconds=seconds) < LIFETIME


@pytest.mark.usefixtures("badge")
def test_a_list_is_open_to_scripts_of_any_site_and_dated(client: TestClient) -> None:
    answer = get(client, PATH, Origin="https://verifier.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/vc+ld+json"
    assert "set-cookie" not in answer.headers
    created = parse_rfc3339(answer.json()["proof"][0]["created"])
    assert parsedate_to_datetime(answer.headers["last-modified"]) == created


@pytest.mark.usefixtures("badge")
@pytest.mark.parametrize("query", ["", "?timestamp={}"])
def test_who_has_a_list_already_is_sent_nothing_and_head_sends_no_body(client: TestClient, query: str) -> None:
    path = PATH + query.format(rfc3339(now()))
    full, head = get(client, path), client.head(path)
    assert full.status_code == head.status_code == 200
    assert head.content == b""
    for name in ("etag", "last-modified", "cache-control", "content-length", "content-type"):
        assert head.headers[name] == full.headers[name]
    assert re.fullmatch(r'"[0-9a-f]{32,}"', full.headers["etag"]), "strong: of the very bytes"
    for known in (full.headers["etag"], f'"other", {full.headers["etag"]}', "*"):
        again = get(client, path, **{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == full.headers["etag"]
    assert get(client, path, **{"If-None-Match": '"other"'}).content == full.content


def test_a_copy_from_the_same_second_does_not_hide_a_revocation(
    services: Services, client: TestClient, badge: str
) -> None:
    before = get(client, PATH)
    same_second = parsedate_to_datetime(before.headers["last-modified"]) + timedelta(milliseconds=900)
    with time_machine.travel(same_second, tick=False):
        revoke(services, badge)
        after = get(client, PATH, **{"If-Modified-Since": before.headers["last-modified"]})
    assert after.status_code == 200
    assert after.headers["last-modified"] == before.headers["last-modified"]
    assert after.headers["etag"] != before.headers["etag"]


@pytest.mark.usefixtures("badge")
def test_the_packed_bits_are_not_packed_again(client: TestClient) -> None:
    answer = get(client, PATH, **{"Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in answer.headers
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(answer.content)


def test_the_list_of_a_moment_is_told_and_may_be_kept_for_good(
    services: Services, client: TestClient, badge: str
) -> None:
    start = now()
    before = get(client, PATH)
    with time_machine.travel(start + timedelta(days=1), tick=False):
        revoke(services, badge)
    with time_machine.travel(start + timedelta(days=3), tick=False):
        then = get(client, f"{PATH}?timestamp={rfc3339(start + timedelta(hours=12))}")
        later = get(client, f"{PATH}?timestamp={rfc3339(start + timedelta(days=2))}")
        recent = get(client, f"{PATH}?timestamp={rfc3339(now() - timedelta(minutes=2))}")
        plain = get(client, PATH)
    assert then.content == before.content
    assert then.headers["cache-control"] == later.headers["cache-control"] == "public, max-age=86400, immutable"
    assert recent.headers["cache-control"] == "public, max-age=300"
    assert later.json()["credentialSubject"] == plain.json()["credentialSubject"] != then.json()["credentialSubject"]
    assert then.json()["id"] == f"{BASE}{PATH}"


def wrong_moments() -> dict[str, tuple[str, int]]:
    return {
        "before the first": ("2020-01-01T00:00:00Z", 404),
        "in the future": ("2999-01-01T00:00:00Z", 404),
        "a day that is not there in UTC": ("0001-01-01T00:00:00%2B14:00", 400),
        "no moment": ("yesterday", 400),
        "empty": ("", 400),
        "without a zone": ("2026-03-03T10:00:00", 400),
        "a plus that became a space": ("2026-03-03T10:00:00+11:00", 400),
        "two": ("2026-03-03T10:00:00Z&timestamp=2026-03-04T10:00:00Z", 400),
        "endless": ("9" * 20_000, 400),
    }


@pytest.mark.usefixtures("badge")
@pytest.mark.parametrize("name", wrong_moments())
def test_a_moment_without_a_list_is_a_retrieval_error_of_the_specification(client: TestClient, name: str) -> None:
    value, status = wrong_moments()[name]
    answer = get(client, f"{PATH}?timestamp={value}")
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["type"] == STATUS_RETRIEVAL_ERROR
    assert problem["next_step"]


def test_a_moment_of_a_list_that_is_not_there_is_not_found(client: TestClient) -> None:
    assert get(client, f"/status/9?timestamp={rfc3339(now())}").status_code == 404


@pytest.mark.usefixtures("badge")
def test_who_asks_for_which_list_is_written_nowhere(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    asked = {
        "User-Agent": "an-employers-browser",
        "X-Forwarded-For": "203.0.113.9",
        "Referer": "https://employer.example",
    }
    for path in (PATH, f"{PATH}?timestamp={rfc3339(now())}", f"{PATH}?timestamp=nonsense"):
        get(client, path, **asked)
    said = "".join(capsys.readouterr())
    assert "/status/{number" in said, "it is counted by its route"
    for secret in ("/status/1", "timestamp=", "nonsense", "employer", "203.0.113.9", "testclient"):
        assert secret not in said


@pytest.mark.usefixtures("badge")
def test_a_list_that_nobody_signs_is_told_by_readiness_but_sends_nobody_away(
    services: Services, client: TestClient, worker: Worker
) -> None:
    worker.run_until_idle()  # work that nobody takes would be told too
    with time_machine.travel(now() + timedelta(days=5), tick=False):
        told = operations.look(services.runtime)
        answer = client.get("/readyz")
        figures = client.get("/metrics").text
    assert told.good
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["checks"]["status_lists"].startswith("old: signed 5 days ago")
    assert 'waymark_check_ok{check="status_lists"} 0.0' in figures
    assert float(re.findall(r"^waymark_status_list_age_seconds (\S+)", figures, re.MULTILINE)[0]) >= 5 * 86_400


def test_a_list_behind_a_revocation_is_counted_until_it_is_signed(
    services: Services, client: TestClient, badge: str
) -> None:
    with services.runtime.database.write() as session:
        row = session.get_one(StatusList, 1)
        row.revision += 1
        session.add(row)
    assert "waymark_status_lists_behind 1.0" in client.get("/metrics").text
    get(client, PATH)
    assert "waymark_status_lists_behind 0.0" in client.get("/metrics").text
    revoke(services, badge)
    entry = json.loads(_document(services, badge))["credentialStatus"]
    assert read_bit(get(client, PATH).json(), int(entry["statusListIndex"]), "revocation")


def _document(services: Services, credential_id: str) -> bytes:
    with services.runtime.database.read() as session:
        return service.stored_credential(session, credential_id).document
