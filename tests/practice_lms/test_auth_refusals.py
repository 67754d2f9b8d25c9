"""What the authorization endpoint refuses: a plain 400 page, and never a word to an unregistered address."""

from dataclasses import replace

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey

from practice_lms import PracticeLms
from tests.practice_lms.conftest import Clock
from tests.practice_lms.stub_tool import StubTool, form_of


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scope": "openid profile"}, "scope must be openid"),
        ({"scope": None}, "scope must be openid"),
        ({"response_type": "code"}, "response_type must be id_token"),
        ({"response_mode": "query"}, "response_mode must be form_post"),
        ({"response_mode": None}, "response_mode must be form_post"),
        ({"prompt": "login"}, "prompt must be none"),
        ({"prompt": None}, "prompt must be none"),
        ({"client_id": "somebody"}, "client_id is not registered"),
        ({"redirect_uri": "http://tool.localhost:8000/lti/launch?item=A"}, "redirect_uri must be exactly"),
        ({"redirect_uri": "http://tool.localhost:8000/lti/launch/"}, "redirect_uri must be exactly"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri must be exactly"),
        ({"nonce": None}, "nonce is missing"),
        ({"nonce": ""}, "nonce is missing"),
        ({"state": None}, "state is missing"),
        ({"login_hint": None}, "login_hint is missing"),
        ({"login_hint": "c93a61d4-staff-07"}, "login_hint is for somebody else"),
        ({"lti_message_hint": None}, "lti_message_hint is missing"),
        ({"lti_message_hint": "abc"}, "not the one this platform gave out"),
        ({"state": "x" * 5000}, "too long"),
    ],
)
def test_a_wrong_parameter_is_refused(
    tool: StubTool, lms: PracticeLms, changes: dict[str, str | None], reason: str
) -> None:
    tool.sign_in("tess")

    answer = tool.client.get("/auth", params=tool.auth_params(tool.start(), **changes), follow_redirects=False)

    assert answer.status_code == 400
    assert reason in answer.text
    assert "data-autopost" not in answer.text
    assert lms.refusals[0].part == "auth"


def test_a_doubled_parameter_is_refused(tool: StubTool) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start()) | {"redirect_uri": [tool.settings.redirect_uri, "https://evil.example/"]}

    assert tool.client.get("/auth", params=params).status_code == 400


def test_nobody_signed_in_is_refused_after_one_more_try(tool: StubTool) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())
    tool.client.post("/sign-out")

    _, fields = form_of(tool.client.get("/auth", params=params))
    answer = tool.client.post("/auth", data=fields)

    assert answer.status_code == 400
    assert "Nobody is signed in" in answer.text


def test_a_hint_of_another_person_is_refused(tool: StubTool) -> None:
    tool.sign_in("priya")
    priyas = tool.start()
    tool.sign_in("tess")
    params = tool.auth_params(tool.start(), lti_message_hint=priyas["lti_message_hint"])

    answer = tool.client.get("/auth", params=params)

    assert answer.status_code == 400
    assert "made for somebody else" in answer.text


def test_a_hint_signed_by_somebody_else_is_refused(tool: StubTool, clock: Clock) -> None:
    tool.sign_in("tess")
    login = tool.start()
    claims = {"sub": login["login_hint"], "user": "tess", "course": "foundations", "activity": "m01"}
    forged = jwt.encode({"alg": "HS256"}, claims | {"exp": clock.now + 60}, OctKey.generate_key(256), ["HS256"])

    assert tool.client.get("/auth", params=tool.auth_params(login, lti_message_hint=forged)).status_code == 400


def test_a_hint_expires_after_ten_minutes(tool: StubTool, clock: Clock) -> None:
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())
    clock.now += 600
    assert tool.client.get("/auth", params=params).status_code == 200
    clock.now += 1

    answer = tool.client.get("/auth", params=params)

    assert answer.status_code == 400
    assert "has expired" in answer.text


def test_a_single_use_hint_works_once_as_in_moodle(tool: StubTool, lms_app: FastAPI, lms: PracticeLms) -> None:
    lms.settings = replace(lms.settings, single_use_hint=True)
    tool.sign_in("tess")
    params = tool.auth_params(tool.start())
    assert tool.client.get("/auth", params=params).status_code == 200

    answer = tool.client.get("/auth", params=params)

    assert answer.status_code == 400
    assert "was used before" in answer.text
