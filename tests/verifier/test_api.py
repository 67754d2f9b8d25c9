"""`POST /api/v1/verify`: every door a badge may come in by, and what is refused at it."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.verifier.rate import CheckLimit
from app.verifier.service import Verifier
from app.wiring import Services
from tests.verifier.field import SVG, Stranger, contain

PATH = "/api/v1/verify"


@pytest.fixture
def badge(issuer: Stranger) -> bytes:
    """A good badge that needs no network: its issuer is a did:key."""
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    return json.dumps(issuer.sign(issuer.credential(credentialStatus=None), method=f"{issuer.name}#{key}")).encode()


def test_a_credential_in_json_gets_verdict_time_and_checks(client: TestClient, badge: bytes) -> None:
    answer = client.post(PATH, json={"credential": json.loads(badge)})
    assert answer.status_code == 200
    body = answer.json()
    assert body["verdict"] == "valid_unknown_issuer"
    assert body["checked_at"].endswith("Z")
    assert [check["name"] for check in body["checks"]][:3] == ["read", "form", "signature"]
    assert set(body["checks"][0]) == {"name", "result", "code", "detail"}


def test_a_token_is_judged(client: TestClient, issuer: Stranger) -> None:
    issuer.name = f"did:key:{issuer.p256.public_key.multikey}"
    method = f"{issuer.name}#{issuer.p256.public_key.multikey}"
    token = issuer.sign_jwt(issuer.credential(credentialStatus=None), method=method)
    assert client.post(PATH, json={"jwt": token}).json()["verdict"] == "valid_unknown_issuer"
    raw = client.post(PATH, content=token, headers={"Content-Type": "application/vc+jwt"})
    assert raw.json()["verdict"] == "valid_unknown_issuer"


@pytest.mark.parametrize("kind", ["application/vc+ld+json", "application/octet-stream", "text/plain; charset=utf-8"])
def test_the_badge_itself_may_be_the_body(client: TestClient, badge: bytes, kind: str) -> None:
    answer = client.post(PATH, content=badge, headers={"Content-Type": kind})
    assert answer.json()["verdict"] == "valid_unknown_issuer"


def test_a_picture_may_be_the_body_or_an_upload(client: TestClient, badge: bytes) -> None:
    picture = contain(badge, "svg")
    assert picture.startswith(SVG[:4])
    raw = client.post(PATH, content=picture, headers={"Content-Type": "image/svg+xml"})
    upload = client.post(PATH, files={"file": ("badge.svg", picture, "image/svg+xml")})
    assert raw.json()["verdict"] == upload.json()["verdict"] == "valid_unknown_issuer"


def test_a_badge_that_fails_is_an_answer_and_not_an_error(client: TestClient, badge: bytes) -> None:
    changed = json.loads(badge)
    changed["name"] = "Something grander"
    answer = client.post(PATH, json={"credential": changed})
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "invalid"
    assert "Something grander" not in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"{}", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"url": "https://a.example", "jwt": "x"}', "application/json", 400),
        (b'{"credential": {}, "credential": {}}', "application/json", 400),
        (b'{"credential": "text"}', "application/json", 400),
        (b'{"url": 7}', "application/json", 400),
        (b'{"url": "file:///etc/passwd"}', "application/json", 400),
        (b'{"badge": {}}', "application/json", 400),
        (b"x=1", "application/x-www-form-urlencoded", 415),
        (b"x", "application/pdf", 415),
        (b"x" * 5_000_001, "image/png", 413),
    ],
)
def test_a_request_that_cannot_be_read_is_a_problem(client: TestClient, content: bytes, kind: str, status: int) -> None:
    answer = client.post(PATH, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail"}


def test_an_address_that_does_not_answer_is_an_open_question(client: TestClient) -> None:
    assert client.post(PATH, json={"url": "http://no-such-name.invalid/x"}).json()["verdict"] == "unknown"


def test_one_visitor_cannot_check_without_end(services: Services, badge: bytes) -> None:
    limited = Verifier(services.verifier.source, services.verifier.known_issuers, limit=CheckLimit(2))
    with TestClient(create_app(services=Services(services.runtime, limited))) as client:
        answers = [client.post(PATH, content=badge, headers={"Content-Type": "text/plain"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Content-Type"] == "application/problem+json"


def test_the_description_of_the_api_names_every_door(client: TestClient) -> None:
    operation = client.get("/api/openapi.json").json()["paths"][PATH]["post"]
    assert {"application/json", "multipart/form-data", "image/png"} <= set(operation["requestBody"]["content"])
    assert {"200", "400", "413", "415", "429"} <= set(operation["responses"])
