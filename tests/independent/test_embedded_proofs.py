"""Badges with their embedded proof, judged by Digital Bazaar's library and by the core of VerifierPlus."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vc.samples import REFERENCE_DATA

from .changes import change_character, changed_at
from .house import HONEST, House, open_house
from .node import Node

SCHEMA_URL = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
SCHEMA = REFERENCE_DATA / "schemas" / "json-schema" / "ob_v3p0_achievementcredential_schema.json"
REFUSED = "Invalid signature|signature is not valid|does not list"
IDENTIFIED = "issued again with the confirmed address"

both_verifiers = pytest.mark.parametrize("verifier", ["vc", "verifier-core"])


@both_verifiers
@pytest.mark.parametrize("name", [*HONEST, "the status list itself"])
def test_every_kind_of_credential_passes(node: Node, house: House, verifier: str, name: str) -> None:
    verdict = node.judge(verifier, house.badges[name].document, house.documents())
    assert verdict.accepted, verdict.answer
    assert set(verdict.answer["missed"]) <= {SCHEMA_URL}


def test_the_kinds_differ_in_what_they_say(house: House) -> None:
    """So that the test before judged five kinds and not one kind five times."""
    said = {name: json.loads(house.badges[name].document)["credentialSubject"] for name in HONEST}
    assert {name for name in HONEST if "identifier" in said[name]} == set(HONEST) - {"assessed, without an address"}
    assert {name for name in HONEST if "result" in said[name]} == set(HONEST[:3])
    assert all("resultDescription" in subject["achievement"] for subject in said.values())


@both_verifiers
def test_the_first_version_still_passes_after_a_second_one(node: Node, house: House, verifier: str) -> None:
    first, second = house.badges["assessed, without an address"], house.badges[IDENTIFIED]
    assert json.loads(first.document)["id"] == json.loads(second.document)["id"]
    assert first.document != second.document
    assert node.judge(verifier, first.document, house.documents()).accepted


@both_verifiers
def test_what_a_stranger_downloads_is_what_passes(node: Node, house: House, verifier: str) -> None:
    badge = house.badges["shared from the start"]
    served = house.client.get(f"/credentials/{badge.id}.json").content
    assert served == badge.document
    assert node.judge(verifier, served, house.documents()).accepted


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server as `waymark demo` runs it: plain http, and a port in its did:web."""
    with open_house(tmp_path_factory.mktemp("demonstration"), "http://tool.localhost:8000") as house:
        yield house


@both_verifiers
def test_a_badge_of_a_server_with_a_port_passes(node: Node, demonstration: House, verifier: str) -> None:
    badge = demonstration.by_operator(f"for {verifier}")
    verdict = node.judge(verifier, badge.document, demonstration.documents())
    assert verdict.accepted, verdict.answer


PLACES = (
    "id", "name", "description", "awardedDate", "validFrom", "validUntil", "issuer.name", "issuer.url",
    "credentialStatus.statusListIndex", "credentialStatus.statusListCredential",
    "credentialSubject.id", "credentialSubject.identifier.0.identityHash", "credentialSubject.identifier.0.salt",
    "credentialSubject.result.0.achievedLevel", "credentialSubject.achievement.id",
    "credentialSubject.achievement.name", "credentialSubject.achievement.criteria.narrative",
    "credentialSubject.achievement.alignment.0.targetUrl",
    "credentialSubject.achievement.resultDescription.0.requiredLevel",
    "credentialSubject.achievement.resultDescription.0.rubricCriterionLevel.0.name",
    "proof.0.created", "proof.0.verificationMethod", "proof.0.proofValue",
)  # fmt: skip


@both_verifiers
@pytest.mark.parametrize("place", PLACES)
def test_one_changed_character_fails(node: Node, house: House, verifier: str, place: str) -> None:
    changed = changed_at(json.loads(house.badges[IDENTIFIED].document), place)
    verdict = node.judge(verifier, json.dumps(changed).encode(), house.documents())
    assert not verdict.accepted
    assert re.search(REFUSED, verdict.errors)


@both_verifiers
@pytest.mark.parametrize("place", ["issuer", "validFrom", "credentialSubject.encodedList", "proof.0.proofValue"])
def test_one_changed_character_of_the_status_list_fails(node: Node, house: House, verifier: str, place: str) -> None:
    changed = changed_at(json.loads(house.badges["the status list itself"].document), place)
    verdict = node.judge(verifier, json.dumps(changed).encode(), house.documents())
    assert not verdict.accepted
    assert re.search(REFUSED, verdict.errors)


def without_its_status(badge: dict[str, Any], _other: dict[str, Any]) -> None:
    del badge["credentialStatus"]


def without_its_proof(badge: dict[str, Any], _other: dict[str, Any]) -> None:
    del badge["proof"]


def with_the_proof_of_another_badge(badge: dict[str, Any], other: dict[str, Any]) -> None:
    badge["proof"] = other["proof"]


def with_the_status_of_another_badge(badge: dict[str, Any], other: dict[str, Any]) -> None:
    badge["credentialStatus"] = other["credentialStatus"]


def with_a_member_that_no_context_defines(badge: dict[str, Any], _other: dict[str, Any]) -> None:
    badge["workload"] = "6 hours"


def with_a_member_that_nobody_signed(badge: dict[str, Any], _other: dict[str, Any]) -> None:
    badge["evidence"] = [{"id": "https://elsewhere.example/evidence", "type": ["Evidence"]}]


@both_verifiers
@pytest.mark.parametrize(
    "change",
    [
        without_its_status,
        without_its_proof,
        with_the_proof_of_another_badge,
        with_the_status_of_another_badge,
        with_a_member_that_no_context_defines,
        with_a_member_that_nobody_signed,
    ],
)
def test_a_badge_with_a_part_taken_away_or_added_fails(node: Node, house: House, verifier: str, change: Any) -> None:
    badge, other = (json.loads(house.badges[name].document) for name in (IDENTIFIED, "issued by an operator"))
    change(badge, other)
    verdict = node.judge(verifier, json.dumps(badge).encode(), house.documents())
    assert not verdict.accepted
    assert verdict.errors


@both_verifiers
def test_an_impostors_key_fails(node: Node, house: House, impostor: House, verifier: str) -> None:
    forged = impostor.badges["issued by an operator"].document
    assert json.loads(forged)["issuer"]["id"] == house.did
    verdict = node.judge(verifier, forged, house.documents())
    assert not verdict.accepted
    assert re.search(REFUSED, verdict.errors)


@pytest.mark.parametrize("listed", [[], ["did:web:badges.example.au:issuers:orygen#orygen-p-256-1"]])
def test_a_key_that_the_issuer_does_not_list_for_assertions_fails(node: Node, house: House, listed: list[str]) -> None:
    """Digital Bazaar's only: the other library keeps DID documents for some seconds and would not see the change."""
    document = json.loads(house.client.get("/issuers/orygen/did.json").content)
    changed = json.dumps({**document, "assertionMethod": listed})
    verdict = node.judge("vc", house.badges["issued by an operator"].document, house.documents(did=changed))
    assert not verdict.accepted
    assert "not authorized" in verdict.errors


@pytest.mark.parametrize("name", ["expired", "not yet valid"])
def test_outside_its_dates_a_badge_fails(node: Node, house: House, name: str) -> None:
    word = "validUntil" if name == "expired" else "validFrom"
    verdict = node.judge("vc", house.badges[name].document, house.documents())
    assert not verdict.accepted
    assert f'"{word}"' in verdict.errors


def test_an_expired_badge_fails_in_verifier_core_by_its_own_step(node: Node, house: House) -> None:
    verdict = node.judge("verifier-core", house.badges["expired"].document, house.documents())
    steps = {entry["id"]: entry["valid"] for entry in verdict.answer["log"]}
    assert not verdict.accepted
    assert (steps["valid_signature"], steps["expiration"], steps["revocation_status"]) == (True, False, True)


def test_a_badge_from_the_future_fails_in_verifier_core(node: Node, house: House) -> None:
    verdict = node.judge("verifier-core", house.badges["not yet valid"].document, house.documents())
    assert not verdict.accepted
    assert '"validFrom"' in verdict.errors


def test_a_revoked_badge_fails_though_verified_says_true(node: Node, house: House) -> None:
    verdict = node.judge("vc", house.badges["revoked"].document, house.documents())
    assert verdict.answer["verified"] is True
    assert verdict.answer["bits"] == [{"purpose": "revocation", "verified": True, "set": True}]
    assert not verdict.accepted


def test_a_revoked_badge_fails_in_verifier_core_by_its_own_step(node: Node, house: House) -> None:
    verdict = node.judge("verifier-core", house.badges["revoked"].document, house.documents())
    steps = {entry["id"]: entry["valid"] for entry in verdict.answer["log"]}
    assert not verdict.accepted
    assert (steps["valid_signature"], steps["expiration"], steps["revocation_status"]) == (True, True, False)


def forged_list(house: House, impostor: House) -> str:
    listed = json.loads(house.badges["the status list itself"].document)
    clean = json.loads(impostor.client.get("/status/1").content)
    forged = copy.deepcopy(listed)
    forged["credentialSubject"]["encodedList"] = clean["credentialSubject"]["encodedList"]
    assert forged != listed
    return json.dumps(forged)


@both_verifiers
@pytest.mark.parametrize("case", ["missing", "forged", "signed by an impostor", "ended"])
def test_a_badge_whose_status_list_cannot_be_trusted_is_not_accepted(
    node: Node, house: House, impostor: House, verifier: str, case: str
) -> None:
    lists = {
        "missing": "",
        "forged": forged_list(house, impostor),
        "signed by an impostor": impostor.client.get("/status/1").text,
        "ended": house.ended_list,
    }
    for name in ("issued by an operator", "revoked"):
        verdict = node.judge(verifier, house.badges[name].document, house.documents(status=lists[case]))
        assert not verdict.accepted, verdict.answer


def test_a_register_that_lists_the_issuer_is_found_and_an_empty_one_is_said_so(node: Node, house: House) -> None:
    badge = house.badges["issued by an operator"].document
    register = {"registry": {house.did: {"name": "Orygen", "url": "https://www.orygen.org.au", "location": "AU"}}}
    address = "https://register.example.org/list.json"
    documents = house.documents() | {address: {"type": "application/json", "text": json.dumps(register)}}
    known = [{"name": "A register", "type": "dcc-legacy", "url": address}]
    for registries, listed in (([], False), (known, True)):
        verdict = node.judge("verifier-core", badge, documents, registries=registries)
        (step,) = (entry for entry in verdict.answer["log"] if entry["id"] == "registered_issuer")
        assert (verdict.accepted, step["valid"], step["uncheckedRegistries"]) == (True, listed, [])


@pytest.mark.skipif(not SCHEMA.exists(), reason="the 1EdTech schemas are not in WAYMARK_TEST_DATA")
@pytest.mark.parametrize("name", HONEST)
def test_the_schema_that_a_badge_names_fits_it(node: Node, house: House, name: str) -> None:
    schema = {SCHEMA_URL: {"type": "application/schema+json", "text": Path(SCHEMA).read_text()}}
    verdict = node.judge("verifier-core", house.badges[name].document, house.documents() | schema)
    (check,) = (entry for entry in verdict.answer["information"] if entry["id"] == "schema_check")
    assert [(found["schema"], found["result"]["valid"]) for found in check["results"]] == [(SCHEMA_URL, True)]
    assert verdict.answer["missed"] == []


def test_no_place_is_tampered_with_in_vain() -> None:
    assert change_character("2029-01-01T00:00:09Z") == "2029-01-01T00:00:08Z"
    assert change_character("z3k9H") == "z3k9J"
    assert change_character("Zoe!") == "Zof!"
