"""The VC API's addresses, bodies and keys, and that it is there in conformance mode only."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from app.config import Settings
from app.main import create_app
from app.vc import did, multibase
from app.web.middleware import MAX_BODY
from app.wiring import bind
from tests.api.suites import BASE_URL, HEADERS, Party, Server, credential, old_credential, presentation, refused

POSTS = (
    "/credentials/issue", "/eddsa-rdfc-2022/credentials/issue", "/eddsa-jcs-2022/credentials/issue",
    "/bitstring/credentials/issue", "/credentials/verify", "/presentations/verify",
)  # fmt: skip
GETS = ("/dids", "/bitstring/lists/1")


def test_without_conformance_mode_there_is_nothing(client: TestClient) -> None:
    answers = [client.post(f"/vc-api{path}", json={}) for path in POSTS]
    answers += [client.get(f"/vc-api{path}") for path in GETS]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


def test_a_production_server_does_not_start_in_conformance_mode(conformance_settings: Settings) -> None:
    with pytest.raises(ValidationError, match="WAYMARK_CONFORMANCE must be off in production"):
        Settings(**{**conformance_settings.model_dump(), "env": "production"})


def test_there_is_a_did_for_each_kind_of_key(server: Server) -> None:
    found = server.client.get("/vc-api/dids").json()
    assert found.keys() == {"ed25519", "p256", "p384"}
    assert did.did_key(found["ed25519"]).algorithm == "Ed25519"
    assert did.did_key(found["p256"]).algorithm == "P-256"
    p384 = multibase.decode(found["p384"].removeprefix("did:key:"))
    assert found["p384"].startswith("did:key:z82L")
    assert len(p384) == 2 + 49


def test_a_server_started_again_has_the_same_dids(server: Server, conformance_settings: Settings) -> None:
    again = TestClient(create_app(services=bind(conformance_settings)), base_url=BASE_URL)
    assert again.get("/vc-api/dids").json() == server.client.get("/vc-api/dids").json()


def test_another_secret_key_gives_other_dids(server: Server, conformance_settings: Settings) -> None:
    changed = {"secret_key": "another-secret-key-that-everybody-may-read"}
    other = Settings(**{**conformance_settings.model_dump(), **changed})
    dids = TestClient(create_app(services=bind(other)), base_url=BASE_URL).get("/vc-api/dids").json()
    assert set(dids.values()).isdisjoint(server.client.get("/vc-api/dids").json().values())


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}",
        b'{"credential": {}, "verifiableCredential": {}, "verifiablePresentation": {}}',
        b'{"credential": 1, "verifiableCredential": 1, "verifiablePresentation": 1}',
        b'{"credential": {"a": 1, "a": 2}}',
        b'{"credential": {"a": "\\ud800"}}',
        b'{"credential": {"a": 9007199254740993}}',
        b'{"credential": {"a": NaN}}',
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b"\xff\xfe",
        b'{"credential": "' + b"x" * 1_000_001 + b'"}',
    ],
    ids=lambda body: str(body[:40]),
)
def test_a_body_that_cannot_be_used_is_a_problem(server: Server, path: str, body: bytes) -> None:
    refused(server.client.post(f"/vc-api{path}", content=body, headers=HEADERS))


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("options", [None, 4, "text", []], ids=str)
def test_options_are_an_object(server: Server, path: str, options: Any) -> None:
    body = {"credential": credential(), "verifiableCredential": credential(), "verifiablePresentation": presentation()}
    refused(server.post(path, {**body, "options": options}), "PARSING_ERROR")


def test_the_options_may_be_left_out(server: Server) -> None:
    assert server.post("/credentials/issue", {"credential": server.credential()}).status_code == 201


def test_a_body_beyond_all_bounds_is_not_read(server: Server) -> None:
    answer = server.client.post("/vc-api/credentials/verify", content=b" " * (MAX_BODY + 1), headers=HEADERS)
    assert answer.status_code == 413


def test_a_failed_verification_says_so(server: Server) -> None:
    body = server.verify(credential()).json()
    assert body["verified"] is False
    assert [each["type"] for each in body["errors"]] == [body["type"]]


ODD = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "https://example.org/x",
    [],
    {},
    [[]],
    [{}],
    {"id": None},
    {"@value": 1},
    "\ufffe",
)


def _somewhere(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its name or number there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, inner in members for place in [(value, name), *_somewhere(inner)]]


@pytest.mark.parametrize("round_number", range(30))
def test_no_oddity_anywhere_is_more_than_a_problem(server: Server, round_number: int) -> None:
    party, chance = Party(), random.Random(round_number)
    issue = server.credential(
        name={"@value": "x", "@language": "en"},
        credentialStatus={"type": "https://example.org/#S"},
        relatedResource=[{"id": "urn:x:1", "digestSRI": "sha256-AAAA"}],
        **{
            "@context": [
                "https://www.w3.org/ns/credentials/v2",
                {"S": {"@id": "https://example.org/#S", "@type": "@id"}},
            ]
        },
    )
    signed = party.sign(old_credential())
    shown = party.present(presentation(verifiableCredential=[signed], holder=party.did))
    sent = (
        ("/credentials/issue", {"credential": issue}),
        ("/bitstring/credentials/issue", {"credential": issue}),
        ("/credentials/verify", {"verifiableCredential": signed}),
        ("/presentations/verify", {"verifiablePresentation": shown}),
    )
    for path, body in sent:
        holder, name = chance.choice(_somewhere(body))
        holder[name] = chance.choice(ODD)
        assert server.post(path, body).status_code in (200, 201, 400), (path, body)
