import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from app.vc import data_integrity
from app.vc.errors import CanonicalizationRefused, DidError, ModelError, ProofInvalid, VcError
from app.vc.keys import PublicKey
from tests.vc.samples import CREATED, ED25519, ED25519_ID, P256, P256_ID, resolve_key, unsigned

SUITE = "eddsa-rdfc-2022"


@pytest.fixture(scope="module")
def signed_once() -> dict[str, Any]:
    return data_integrity.sign(unsigned(), suite=SUITE, signer=ED25519, verification_method=ED25519_ID, created=CREATED)


@pytest.fixture
def signed(signed_once: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(signed_once)


def _code(document: dict[str, Any]) -> str:
    with pytest.raises(VcError) as caught:
        data_integrity.verify(document, resolve_key=resolve_key)
    return caught.value.code


def test_a_signed_badge_verifies_and_says_by_which_key(signed: dict[str, Any]) -> None:
    assert isinstance(signed["proof"], list)
    proof = data_integrity.verify(signed, resolve_key=resolve_key)
    assert (proof.verification_method, proof.cryptosuite, proof.created) == (ED25519_ID, SUITE, "2025-03-02T01:00:00Z")
    assert proof.proof == signed["proof"][0]


def test_a_single_proof_object_verifies_too(signed: dict[str, Any]) -> None:
    signed["proof"] = signed["proof"][0]
    assert data_integrity.verify(signed, resolve_key=resolve_key).cryptosuite == SUITE


def _change(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        _change("name", to="Rapid job search."),
        _change("validUntil", to="2125-03-01T00:00:01Z"),
        _change("issuer", "name", to="Somebody else"),
        _change("credentialSubject", "id", to="urn:uuid:0b1e5c9e-8f0a-4b6f-9a59-3a6a3f2f8b12"),
        _change("credentialSubject", "result", 0, "achievedLevel", to="https://badges.example.au/other"),
        _change("credentialStatus", "statusListIndex", to="81235"),
        _change("proof", 0, "created", to="2025-03-02T01:00:01Z"),
        _change("proof", 0, "expires", to="2125-03-02T01:00:01Z"),
    ],
)
def test_one_changed_character_anywhere_fails(signed: dict[str, Any], change: Callable[[Any], None]) -> None:
    change(signed)
    assert _code(signed) == "bad_signature"


def test_removing_a_member_fails(signed: dict[str, Any]) -> None:
    del signed["credentialStatus"]
    assert _code(signed) == "bad_signature"


@pytest.mark.parametrize("proof", [None, [], "text", 7])
def test_a_document_without_a_proof_is_never_valid(signed: dict[str, Any], proof: Any) -> None:
    signed["proof"] = proof
    assert _code(signed) == "no_proof"
    del signed["proof"]
    assert _code(signed) == "no_proof"


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("proofPurpose", "authentication", "wrong_proof_purpose"),
        ("proofPurpose", None, "wrong_proof_purpose"),
        ("type", "Ed25519Signature2020", "unsupported_suite"),
        ("cryptosuite", "bbs-2023", "unsupported_suite"),
        ("cryptosuite", ["eddsa-rdfc-2022"], "unsupported_suite"),
        ("previousProof", "urn:x:1", "malformed_proof"),
        ("@context", "https://www.w3.org/ns/credentials/v2", "malformed_proof"),
        ("id", "urn:x:1", "bad_signature"),
        ("id", 7, "malformed_proof"),
        ("id", "relative", "unsafe_jsonld"),
        ("domain", "verifier.example", "bad_signature"),
        ("domain", [], "malformed_proof"),
        ("domain", ["a.example", "a.example"], "malformed_proof"),
        ("domain", {"id": "urn:x:1"}, "malformed_proof"),
        ("challenge", "abc", "bad_signature"),
        ("challenge", ["abc"], "malformed_proof"),
        ("nonce", "abc", "bad_signature"),
        ("nonce", 7, "malformed_proof"),
        ("verificationMethod", None, "malformed_proof"),
        ("verificationMethod", {"id": ED25519_ID}, "malformed_proof"),
        ("verificationMethod", ED25519_ID + "x", "key_not_found"),
        ("verificationMethod", P256_ID, "unsupported_suite"),
        ("proofValue", None, "malformed_proof"),
        ("proofValue", "", "malformed_proof"),
        ("proofValue", "uAAAA", "malformed_proof"),
        ("proofValue", "z" + "1" * 5000, "malformed_proof"),
        ("proofValue", "z1", "bad_signature"),
        ("created", "yesterday", "malformed_proof"),
        ("expires", 7, "malformed_proof"),
        ("unknownMember", "x", "unsafe_jsonld"),
    ],
)
def test_a_proof_that_is_not_in_order_fails(signed: dict[str, Any], member: str, value: Any, code: str) -> None:
    signed["proof"][0][member] = value
    assert _code(signed) == code


def test_any_one_valid_proof_of_several_is_enough(signed: dict[str, Any]) -> None:
    good = signed["proof"][0]
    broken = {**good, "proofValue": "z" + "2" * 80}
    signed["proof"] = [{"type": "SomeOtherProof"}, "text", broken, good]
    assert data_integrity.verify(signed, resolve_key=resolve_key).proof == good
    signed["proof"] = [{"type": "SomeOtherProof"}, broken]
    assert _code(signed) == "bad_signature"
    signed["proof"] = [good] * 9
    assert _code(signed) == "malformed_proof"


def test_the_key_comes_only_from_the_resolver() -> None:
    """A signer that names the victim's DID with its own key in the fragment gets nowhere."""
    asked: list[tuple[str, str]] = []

    def resolve(method_id: str, purpose: str) -> PublicKey:
        asked.append((method_id, purpose))
        raise DidError("key_not_found", "not listed")

    method = f"did:web:victim.example#{ED25519.public_key.multikey}"
    document = data_integrity.sign(unsigned(), suite=SUITE, signer=ED25519, verification_method=method, created=CREATED)
    with pytest.raises(DidError):
        data_integrity.verify(document, resolve_key=resolve)
    assert asked == [(method, "assertionMethod")]


def test_a_document_that_cannot_be_checked_causes_no_key_look_up(signed: dict[str, Any]) -> None:
    def resolve(method_id: str, purpose: str) -> PublicKey:
        pytest.fail("The resolver was asked.")

    signed["unsigned"] = "claim"
    with pytest.raises(CanonicalizationRefused):
        data_integrity.verify(signed, resolve_key=resolve)


def test_signing_refuses_what_cannot_stand() -> None:
    arguments: dict[str, Any] = {
        "suite": SUITE,
        "signer": ED25519,
        "verification_method": ED25519_ID,
        "created": CREATED,
    }
    with pytest.raises(ModelError):
        data_integrity.sign({**unsigned(), "proof": []}, **arguments)
    with pytest.raises(CanonicalizationRefused):
        data_integrity.sign({**unsigned(), "workload": 6}, **arguments)
    with pytest.raises(ModelError):
        data_integrity.sign(unsigned(), **{**arguments, "created": datetime(2025, 1, 1)})  # noqa: DTZ001
    for change in ({"suite": "none"}, {"signer": P256}):
        with pytest.raises(ProofInvalid) as caught:
            data_integrity.sign(unsigned(), **{**arguments, **change})
        assert caught.value.code == "unsupported_suite"
