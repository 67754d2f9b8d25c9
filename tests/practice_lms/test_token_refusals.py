"""What the token endpoint refuses: 400 and JSON, as RFC 6749 §5.2 has it."""

import json
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from practice_lms import PracticeLms
from practice_lms.scopes import SCOPE_ROSTER, SCOPE_SCORE
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import OTHER_KEY, TOOL_KEY, StubTool


def test_a_token_is_given_for_the_scopes_that_exist(tool: StubTool, clock: Clock) -> None:
    answer = tool.ask_token(tool.assertion(clock.now), f"{SCOPE_SCORE} https://example.org/unheard-of")

    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == SCOPE_SCORE
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "somebody"}, "iss of client_assertion"),
        ({"sub": "somebody"}, "sub of client_assertion"),
        ({"aud": "http://lms.localhost:8100"}, "aud of client_assertion"),
        ({"aud": "http://127.0.0.1:8100/token/"}, "aud of client_assertion"),
        ({"aud": ["http://127.0.0.1:8100/token", "https://other.example"]}, "aud of client_assertion"),
        ({"aud": None}, "aud of client_assertion"),
        ({"exp": 1_800_000_000}, "has expired"),
        ({"exp": 1_800_000_301}, "longer than five minutes"),
        ({"exp": None}, "exp of client_assertion is missing"),
        ({"exp": "tomorrow"}, "exp of client_assertion is missing"),
        ({"iat": 1_800_000_001}, "issued in the future"),
        ({"iat": None}, "iat of client_assertion is missing"),
        ({"jti": None}, "no jti"),
        ({"jti": ""}, "no jti"),
    ],
)
def test_a_wrong_claim_is_refused(tool: StubTool, clock: Clock, changes: dict[str, Any], reason: str) -> None:
    answer = tool.ask_token(tool.assertion(clock.now, **changes))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client"
    assert reason in answer.json()["error_description"]


def test_an_assertion_works_once(tool: StubTool, clock: Clock) -> None:
    assertion = tool.assertion(clock.now)
    assert tool.ask_token(assertion).status_code == 200

    answer = tool.ask_token(assertion)

    assert answer.status_code == 400
    assert "used before" in answer.json()["error_description"]


@pytest.mark.parametrize("alg", ["RS384", "PS256"])
def test_another_algorithm_is_refused(tool: StubTool, clock: Clock, alg: str) -> None:
    answer = tool.ask_token(tool.assertion(clock.now, header={"alg": alg}))

    assert answer.status_code == 400
    assert "RS256" in answer.json()["error_description"]


def test_a_shared_secret_is_no_signature(tool: StubTool) -> None:
    forged = jwt.encode({"alg": "HS256", "kid": "tool-1"}, {"iss": "x"}, OctKey.generate_key(256), ["HS256"])

    assert tool.ask_token(forged).json()["error"] == "invalid_client"


def test_a_wrong_signature_is_refused(tool: StubTool, clock: Clock) -> None:
    answer = tool.ask_token(tool.assertion(clock.now, key=OTHER_KEY, header={"kid": "tool-1"}))

    assert answer.status_code == 400
    assert "does not hold" in answer.json()["error_description"]


@pytest.mark.parametrize("text", ["", "abc", "a.b.c", "a.b", "é.é.é"])
def test_what_is_not_a_jwt_is_refused(tool: StubTool, text: str) -> None:
    assert tool.ask_token(text).status_code == 400


def test_a_missing_kid_is_refused(tool: StubTool, clock: Clock) -> None:
    answer = tool.ask_token(tool.assertion(clock.now, header={"kid": None}))

    assert "no kid" in answer.json()["error_description"]


def test_an_unknown_kid_makes_the_lms_fetch_the_keys_once_more(tool: StubTool, clock: Clock) -> None:
    assert tool.ask_token(tool.assertion(clock.now)).status_code == 200
    assert tool.ask_token(tool.assertion(clock.now)).status_code == 200
    assert tool.fetches == 1
    assert tool.ask_token(tool.assertion(clock.now, key=OTHER_KEY)).status_code == 400
    assert tool.fetches == 2

    tool.published = [TOOL_KEY, OTHER_KEY]

    assert tool.ask_token(tool.assertion(clock.now, key=OTHER_KEY)).status_code == 200
    assert tool.fetches == 3


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", json.dumps({"keys": [{"kty": "RSA"}]}).encode()])
def test_what_is_not_a_key_set_is_refused(tool: StubTool, clock: Clock, content: bytes) -> None:
    tool.jwks = lambda url: content  # type: ignore[method-assign]

    answer = tool.ask_token(tool.assertion(clock.now))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client"


def test_a_tool_whose_keys_cannot_be_fetched_is_refused(tool: StubTool, clock: Clock) -> None:
    def unreachable(url: str) -> bytes:
        raise httpx2.ConnectError("refused")

    tool.jwks = unreachable  # type: ignore[method-assign]

    answer = tool.ask_token(tool.assertion(clock.now))

    assert answer.status_code == 400
    assert "could not be fetched" in answer.json()["error_description"]


@pytest.mark.parametrize("scope", ["", "https://example.org/unheard-of"])
def test_no_known_scope_is_refused(tool: StubTool, clock: Clock, scope: str) -> None:
    answer = tool.ask_token(tool.assertion(clock.now), scope)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
    ],
)
def test_a_wrong_form_field_is_refused(tool: StubTool, clock: Clock, changes: dict[str, str], error: str) -> None:
    answer = tool.ask_token(tool.assertion(clock.now), **changes)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_json_instead_of_a_form_is_refused(tool: StubTool) -> None:
    assert tool.client.post("/token", json={"grant_type": "client_credentials"}).status_code == 400


def test_a_doubled_field_is_refused(tool: StubTool) -> None:
    answer = tool.client.post("/token", data={"scope": [SCOPE_SCORE, SCOPE_ROSTER]})

    assert "sent twice" in answer.json()["error_description"]


def test_a_caller_without_a_user_agent_is_refused(tool: StubTool, lms: PracticeLms) -> None:
    answer = tool.client.post("/token", headers={"User-Agent": ""})

    assert answer.status_code == 403
    assert lms.refusals[0].part == "token"
