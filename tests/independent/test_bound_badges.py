"""A badge that names what it rests on, and where its newest copy is, in the eyes of verifiers that are not ours."""

from __future__ import annotations

import json

import pytest

from app.programme import stacks
from tests.api.awarding import direct

from .changes import change_character
from .house import Badge, House
from .node import Node

EMAIL = "whole.way@example.org"


@pytest.fixture(scope="module")
def bound(house: House) -> Badge:
    """A stack, issued to somebody who holds every badge below it."""
    with house.services.runtime.database.read() as session:
        achievement = stacks.current_pathway(session, "practitioner").achievement
    assert achievement is not None
    for each in achievement.components:
        direct(house.services, f"bound:{each.key}", EMAIL, each.key)
    return house.stored(direct(house.services, "bound", EMAIL, "practitioner").credential_id)


@pytest.mark.parametrize("verifier", ["vc", "verifier-core"])
def test_a_bound_badge_passes(node: Node, house: House, bound: Badge, verifier: str) -> None:
    document = json.loads(bound.document)
    assert len(document["relatedResource"]) == 12
    assert document["refreshService"]["type"] == "1EdTechCredentialRefresh"
    verdict = node.judge(verifier, bound.document, house.documents())
    assert verdict.accepted, verdict.answer


def test_as_a_token_too(node: Node, house: House, bound: Badge) -> None:
    keys = f"{house.base_url}/.well-known/jwks.json"
    verdict = node.judge_token(bound.token, house.documents(), keys=keys, issuer=house.did)
    assert verdict.accepted, verdict.answer


@pytest.mark.parametrize("member", ["relatedResource", "refreshService"])
def test_what_it_rests_on_and_where_it_is_refreshed_are_signed(
    node: Node, house: House, bound: Badge, member: str
) -> None:
    document = json.loads(bound.document)
    part = document[member]
    if member == "relatedResource":
        part[3]["digestMultibase"] = change_character(part[3]["digestMultibase"])
    else:
        part["id"] = change_character(part["id"])
    verdict = node.judge("vc", json.dumps(document).encode(), house.documents())
    assert not verdict.accepted
    assert "Invalid signature" in verdict.errors
