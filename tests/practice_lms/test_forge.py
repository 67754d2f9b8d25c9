"""The forge of bad id_tokens: each defect is there, and nothing else is wrong."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from practice_lms import DROP, KeyRing, PracticeLms, TokenForge, forge
from tests.practice_lms.stub_tool import LTI, OTHER_KEY, StubTool


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, payload, signature = token.split(".")
    return decoded(head), decoded(payload), signature


def decoded(part: str) -> dict[str, Any]:
    content = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(content, dict)
    return content


def verified(lms: PracticeLms, token: str, alg: str = "RS256") -> dict[str, Any]:
    return jwt.decode(token, KeySet.import_key_set(lms.keys.published()), [alg]).claims  # type: ignore[arg-type]


def test_without_changes_a_forged_token_is_what_a_launch_gives(tool: StubTool, lms_app: FastAPI) -> None:
    real = tool.launch("tess")

    assert verified(lms_app.state.lms, forge(lms_app, "tess", "foundations", nonce="nonce-1")) == real


def test_claims_are_changed_and_dropped_by_their_short_names(lms_app: FastAPI, lms: PracticeLms) -> None:
    token = forge(lms_app, "tess", "foundations", nonce="n", version="11.3", exp=DROP, deployment_id=DROP, azp="x")

    claims = verified(lms, token)
    assert claims[LTI + "version"] == "11.3"
    assert claims["azp"] == "x"
    assert "exp" not in claims
    assert LTI + "deployment_id" not in claims


@pytest.mark.parametrize("defect", [{"tampered": True}, {"key": OTHER_KEY}])
def test_a_broken_signature_does_not_hold(lms_app: FastAPI, lms: PracticeLms, defect: dict[str, Any]) -> None:
    token = forge(lms_app, "tess", "foundations", nonce="n", **defect)

    assert parts(token)[0]["kid"] == lms.keys.current.kid
    with pytest.raises(JoseError):
        verified(lms, token)


def test_the_kid_can_be_changed_or_left_out(lms_app: FastAPI) -> None:
    make = TokenForge.of(lms_app).token

    assert parts(make("tess", "foundations", nonce="n", header={"kid": "other"}))[0]["kid"] == "other"
    assert "kid" not in parts(make("tess", "foundations", nonce="n", header={"kid": DROP}))[0]
    assert parts(make("tess", "foundations", nonce="n", header={"jku": "https://x.example"}))[0]["jku"]


def test_no_algorithm_means_no_signature(lms_app: FastAPI) -> None:
    head, claims, signature = parts(forge(lms_app, "tess", "foundations", nonce="n", alg="none"))

    assert (head["alg"], signature, claims["nonce"]) == ("none", "", "n")


def test_the_confusion_attack_is_keyed_with_the_public_key(lms_app: FastAPI, lms: PracticeLms) -> None:
    token = forge(lms_app, "tess", "foundations", nonce="n", alg="HS256")
    signing_input, _, signature = token.rpartition(".")

    mac = hmac.new(lms.keys.current.as_pem(private=False), signing_input.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(mac).rstrip(b"=").decode() == signature


def test_other_rsa_algorithms_verify_under_their_name(lms_app: FastAPI, shared_keys: KeyRing) -> None:
    token = forge(lms_app, "tess", "foundations", nonce="n", alg="RS512")

    assert parts(token)[0]["alg"] == "RS512"
    plain = shared_keys.current.as_dict(private=False)
    del plain["alg"]
    key_set = KeySet.import_key_set({"keys": [plain]})
    assert jwt.decode(token, key_set, ["RS512"]).claims["nonce"] == "n"


def test_any_claims_at_all_can_be_signed(lms_app: FastAPI, lms: PracticeLms) -> None:
    assert verified(lms, TokenForge.of(lms_app).sign({"name": "badltilaunch"})) == {"name": "badltilaunch"}
