"""The same badges as VC-JWT, judged by jose with the keys we publish."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from .house import HONEST, House
from .node import Node, Verdict

IDENTIFIED = "issued again with the confirmed address"
PLACES = {"jwks": "/.well-known/jwks.json", "key": "/keys/orygen-p-256-1"}

both_places = pytest.mark.parametrize("place", PLACES)


def judge(node: Node, house: House, token: str, place: str = "jwks", **documents: str) -> Verdict:
    keys = house.base_url + PLACES[place]
    return node.judge_token(token, house.documents(**documents), keys=keys, issuer=house.did)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@both_places
@pytest.mark.parametrize("name", HONEST)
def test_every_kind_of_badge_passes_as_a_token(node: Node, house: House, place: str, name: str) -> None:
    badge = house.badges[name]
    verdict = judge(node, house, badge.token, place)
    assert verdict.accepted, verdict.answer
    assert verdict.answer["missed"] == []
    claims = {"iss", "sub", "jti", "nbf", "exp"}
    said = {name: value for name, value in verdict.answer["payload"].items() if name not in claims}
    assert said == json.loads(badge.document)
    assert claims <= verdict.answer["payload"].keys()


def test_what_a_stranger_downloads_as_a_token_passes(node: Node, house: House) -> None:
    badge = house.badges["shared from the start"]
    served = house.client.get(f"/credentials/{badge.id}.jwt").text
    assert served == badge.token
    assert judge(node, house, served).accepted


@both_places
@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_one_changed_character_of_a_token_fails(node: Node, house: House, place: str, part: int, share: float) -> None:
    parts = house.badges[IDENTIFIED].token.split(".")
    at = int(len(parts[part]) * share)
    old = parts[part][at]
    parts[part] = parts[part][:at] + ("A" if old != "A" else "B") + parts[part][at + 1 :]
    assert not judge(node, house, ".".join(parts), place).accepted


@pytest.mark.parametrize("member", ["name", "exp", "jti", "sub"])
def test_another_payload_under_the_same_signature_fails(node: Node, house: House, member: str) -> None:
    header, payload, signature = house.badges[IDENTIFIED].token.split(".")
    said = json.loads(decoded(payload))
    said[member] = said[member] + (1 if member == "exp" else "x")
    verdict = judge(node, house, f"{header}.{encoded(json.dumps(said).encode())}.{signature}")
    assert not verdict.accepted
    assert "signature verification failed" in verdict.errors


def unsigned(header: dict[str, Any], payload: str, _key: bytes) -> str:
    return f"{encoded(json.dumps({**header, 'alg': 'none'}).encode())}.{payload}."


def signed_with_the_public_key_as_a_secret(header: dict[str, Any], payload: str, key: bytes) -> str:
    text = f"{encoded(json.dumps({**header, 'alg': 'HS256'}).encode())}.{payload}"
    return f"{text}.{encoded(hmac.digest(key, text.encode(), hashlib.sha256))}"


@both_places
@pytest.mark.parametrize("forge", [unsigned, signed_with_the_public_key_as_a_secret])
def test_a_token_under_another_algorithm_fails(node: Node, house: House, place: str, forge: Any) -> None:
    header, payload, _ = house.badges[IDENTIFIED].token.split(".")
    key = house.client.get(PLACES["key"]).content
    assert not judge(node, house, forge(json.loads(decoded(header)), payload, key), place).accepted


@both_places
def test_an_impostors_token_fails(node: Node, house: House, impostor: House, place: str) -> None:
    verdict = judge(node, house, impostor.badges["issued by an operator"].token, place)
    assert not verdict.accepted
    assert "signature verification failed" in verdict.errors


@pytest.mark.parametrize(("name", "claim"), [("expired", '"exp"'), ("not yet valid", '"nbf"')])
def test_outside_its_dates_a_token_fails(node: Node, house: House, name: str, claim: str) -> None:
    verdict = judge(node, house, house.badges[name].token)
    assert not verdict.accepted
    assert claim in verdict.errors


def test_a_revoked_token_is_known_by_its_status_list(node: Node, house: House) -> None:
    verdict = judge(node, house, house.badges["revoked"].token)
    assert [bit["set"] for bit in verdict.answer["bits"]] == [True]
    assert not verdict.accepted


@pytest.mark.parametrize("case", ["missing", "ended"])
def test_a_token_whose_status_list_cannot_be_trusted_is_not_accepted(node: Node, house: House, case: str) -> None:
    listed = "" if case == "missing" else house.ended_list
    assert not judge(node, house, house.badges["revoked"].token, status=listed).accepted
