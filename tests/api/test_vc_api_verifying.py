"""What the Data Integrity suites send to be verified, on credentials of versions 1.1 and 2.0."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.vc.contexts import DATA_INTEGRITY_V2, VC_V1
from app.vc.data_integrity import Extras
from tests.api.suites import (
    Party,
    Server,
    Spoil,
    accepted,
    credential,
    old_credential,
    refused,
    spoiled,
)

STEP = "urn:uuid:0e4f3c9e-2c6c-4a52-8a53-9b8f0f5c1a01"
MEMBERS = ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue")


@pytest.fixture
def issuer() -> Party:
    """Whoever signs; not the issuer that the credential names, which only this API lets pass."""
    return Party()


@pytest.fixture(params=["1.1", "2.0"])
def signed(request: pytest.FixtureRequest, issuer: Party) -> dict[str, Any]:
    return issuer.sign(old_credential() if request.param == "1.1" else credential(name="Badge"))


def test_a_proof_holds_whoever_signed(server: Server, signed: dict[str, Any]) -> None:
    accepted(server.verify(signed))
    accepted(server.post("/credentials/verify", {"verifiableCredential": signed}))
    accepted(server.verify({**signed, "proof": [signed["proof"]]}))


@pytest.mark.parametrize("value", [None, "proof", 4, True, [], [None], ["proof"]], ids=str)
def test_what_is_no_proof_is_refused(server: Server, signed: dict[str, Any], value: Any) -> None:
    refused(server.verify({**signed, "proof": value}), "PROOF_VERIFICATION_ERROR")


def test_a_missing_proof_is_refused(server: Server, signed: dict[str, Any]) -> None:
    refused(server.verify(spoiled(signed, lambda each: each.pop("proof"))), "PROOF_VERIFICATION_ERROR")


@pytest.mark.parametrize("member", MEMBERS)
def test_a_proof_without_one_of_its_members_is_refused(server: Server, signed: dict[str, Any], member: str) -> None:
    refused(server.verify(spoiled(signed, lambda each: each["proof"].pop(member))))


@pytest.mark.parametrize("value", [None, 4, "unknown", {}, [], ["eddsa-rdfc-2022"]], ids=str)
@pytest.mark.parametrize("member", MEMBERS)
def test_a_proof_with_a_wrong_member_is_refused(
    server: Server, signed: dict[str, Any], member: str, value: Any
) -> None:
    refused(server.verify(spoiled(signed, lambda each: each["proof"].update({member: value}))))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each: each["proof"].update(proofValue=each["proof"]["proofValue"][1:]),
        lambda each: each["proof"].update(proofValue=each["proof"]["proofValue"][:-2]),
        lambda each: each["proof"].update(proofValue=each["proof"]["proofValue"] + "11"),
        lambda each: each["proof"].update(verificationMethod="did:key:invalidVm"),
        lambda each: each["proof"].update(verificationMethod="did:key:@invalidVm@"),
        lambda each: each["proof"].update(verificationMethod=each["proof"]["verificationMethod"] + "x"),
        lambda each: each["proof"].update(verificationMethod="did:web:example.org#key"),
        lambda each: each["proof"].update(proofPurpose="authentication"),
        lambda each: each["proof"].update(created="2026-03-01T09:00:01Z"),
        lambda each: each["proof"].update(undefinedMember="x"),
        lambda each: each.update(undefinedMember="x"),
        lambda each: each["type"].append("UndefinedType"),
        lambda each: each["credentialSubject"].update(undefinedMember="x"),
        lambda each: each["credentialSubject"].update(type="relative/type"),
        lambda each: each["credentialSubject"].update(id="did:example:somebodyelse"),
        lambda each: each.update(issuer="did:example:somebodyelse"),
    ],
)
def test_a_credential_changed_after_signing_is_refused(server: Server, signed: dict[str, Any], spoil: Spoil) -> None:
    refused(server.verify(spoiled(signed, spoil)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each: each.pop("@context"),
        lambda each: each.update({"@context": each["@context"][0]}),
        lambda each: each["@context"].insert(0, "https://example.org/first"),
        lambda each: each["@context"].append("https://example.com"),
        lambda each: each.pop("type"),
        lambda each: each.update(type="VerifiableCredential"),
        lambda each: each.update(type=[4]),
        lambda each: each.pop("issuer"),
        lambda each: each.update(issuer=4),
        lambda each: each.update(issuer=None),
        lambda each: each.pop("credentialSubject"),
        lambda each: each.update(credentialSubject=None),
        lambda each: each.update(credentialSubject="did:example:subject"),
        lambda each: each.update(id=["urn:x:1"]),
    ],
)
def test_a_document_that_is_no_credential_is_refused(server: Server, signed: dict[str, Any], spoil: Spoil) -> None:
    refused(server.verify(spoiled(signed, spoil)))


@pytest.mark.parametrize("value", ["a credential", "eyJhbGciOiJFUzI1NiJ9.e30.AA", None, [], 4], ids=str)
def test_a_credential_that_is_no_object_is_refused(server: Server, value: Any) -> None:
    refused(server.verify(value), "PARSING_ERROR")


def test_a_type_that_only_a_removed_base_made_absolute_is_refused(server: Server, issuer: Party) -> None:
    contexts = [VC_V1, DATA_INTEGRITY_V2, {"name": "https://schema.org/name"}]
    based = [*contexts, {"@base": "https://example.org/"}]
    refused(server.issue(server.credential(**{"@context": based}, type=["VerifiableCredential", "relative"])))
    signed = issuer.sign(old_credential(**{"@context": contexts}))
    refused(server.verify(spoiled(signed, lambda each: each["type"].append("relative"))), "DATA_LOSS_DETECTION_ERROR")
    refused(server.verify({**signed, "@context": based}), "DATA_LOSS_DETECTION_ERROR")


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_a_set_of_independent_proofs_holds_if_all_of_them_do(server: Server, issuer: Party, suite: str) -> None:
    both = Party().sign(issuer.sign(old_credential(), suite=suite), suite=suite)
    assert len(both["proof"]) == 2
    accepted(server.verify(both))
    refused(server.verify(spoiled(both, lambda each: each["proof"][1].update(created="2020-01-01T00:00:00Z"))))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_chain_of_proofs_holds_as_text_and_as_a_list(server: Server, issuer: Party, *, wrapped: bool) -> None:
    first = issuer.sign(old_credential(), extras=Extras(id=STEP))
    chain = Party().sign(first, extras=Extras(previous_proof=(STEP,) if wrapped else STEP))
    accepted(server.verify(chain))
    missing = "urn:uuid:0e4f3c9e-2c6c-4a52-8a53-9b8f0f5c1a99"
    for wrong in (missing, [missing], [STEP, missing], 456321, {}):
        refused(server.verify(spoiled(chain, lambda each, wrong=wrong: each["proof"][1].update(previousProof=wrong))))
    refused(server.verify(spoiled(chain, lambda each: each["proof"][0].update(created="2020-01-01T00:00:00Z"))))
    refused(server.verify(spoiled(chain, lambda each: each["proof"].pop(0))))


def test_a_request_may_ask_for_another_purpose(server: Server, signed: dict[str, Any]) -> None:
    accepted(server.verify(signed, expectedProofPurpose="assertionMethod"))
    for purpose in ("authentication", "capabilityInvocation", "nonsense"):
        refused(server.verify(signed, expectedProofPurpose=purpose), "PROOF_VERIFICATION_ERROR")
    refused(server.verify(signed, expectedProofPurpose=4), "MALFORMED_VALUE_ERROR")


def test_a_domain_and_a_challenge_are_compared_with_proofs_that_have_one(server: Server, issuer: Party) -> None:
    accepted(server.verify(issuer.sign(credential()), domain="a.example", challenge="1"))
    bound = issuer.sign(credential(), extras=Extras(domain=("a.example", "b.example"), challenge="1"))
    accepted(server.verify(bound))
    accepted(server.verify(bound, domain=["b.example", "a.example"], challenge="1"))
    refused(server.verify(bound, domain="c.example", challenge="1"), "INVALID_DOMAIN_ERROR")
    refused(server.verify(bound, domain=["a.example", "b.example"], challenge="2"), "INVALID_CHALLENGE_ERROR")
    for wrong in ({"domain": 4}, {"domain": []}, {"domain": [4]}, {"challenge": ["1"]}):
        refused(server.verify(bound, **wrong), "MALFORMED_VALUE_ERROR")


def test_a_proof_that_has_expired_is_refused(server: Server, issuer: Party) -> None:
    past = issuer.sign(credential(), extras=Extras(expires=datetime(2026, 3, 2, tzinfo=UTC)))
    refused(server.verify(past), "PROOF_VERIFICATION_ERROR")
    accepted(server.verify(issuer.sign(credential(), extras=Extras(expires=datetime(9999, 1, 1, tzinfo=UTC)))))


def test_a_did_key_has_no_other_key_than_itself(server: Server, issuer: Party) -> None:
    for fragment in ("key-1", Party().did.removeprefix("did:key:"), ""):
        signed = issuer.sign(credential(), method=f"{issuer.did}#{fragment}")
        refused(server.verify(signed), "INVALID_VERIFICATION_METHOD")
