"""Several proofs on one document: sets, chains, and presentations bound to a place and a challenge."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.vc import data_integrity, json_text
from app.vc.contexts import CONFORMANCE
from app.vc.data_integrity import AUTHENTICATION, Extras, ResolveKey
from app.vc.errors import (
    INVALID_CHALLENGE_ERROR,
    INVALID_DOMAIN_ERROR,
    PROOF_GENERATION_ERROR,
    PROOF_VERIFICATION_ERROR,
    DidError,
    ModelError,
    ProofInvalid,
    VcError,
)
from app.vc.keys import Ed25519Signer, PublicKey
from app.vc.suites import SUITES
from tests.vc.samples import CREATED, ED25519, ED25519_ID, resolve_key, unsigned
from tests.vc.vectors import CHAIN, VECTOR_DOCUMENT

RDFC, JCS = "eddsa-rdfc-2022", "eddsa-jcs-2022"
SUITE_PAIRS = pytest.mark.parametrize(("first", "second"), [(RDFC, RDFC), (RDFC, JCS), (JCS, RDFC), (JCS, JCS)])
FIRST, SECOND, THIRD = (f"urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc450{number}" for number in range(3))
NOTARY = Ed25519Signer.from_private_bytes(b"Waymark published key, a notary.")
NOTARY_ID = "did:web:notary.example.au#key-1"


def _resolve_both(method_id: str, purpose: str) -> PublicKey:
    return NOTARY.public_key if method_id == NOTARY_ID else resolve_key(method_id, purpose)


def _add(document: dict[str, Any], *, suite: str = RDFC, notary: bool = False, **extras: Any) -> dict[str, Any]:
    """The document as a reader gets it, with one more proof."""
    signer, method = (NOTARY, NOTARY_ID) if notary else (ED25519, ED25519_ID)
    purpose = extras.pop("proof_purpose", "assertionMethod")
    added = data_integrity.add_proof(
        document, suite=suite, signer=signer, verification_method=method, created=CREATED,
        proof_purpose=purpose, extras=Extras(**extras),
    )  # fmt: skip
    return json_text.loads(json_text.dumps(added))


def _chain(first: str = RDFC, second: str = RDFC) -> dict[str, Any]:
    """The issuer signs, the notary signs issuer and badge, the issuer closes over both."""
    document = _add(unsigned(), suite=first, id=FIRST)
    document = _add(document, suite=second, notary=True, id=SECOND, previous_proof=FIRST)
    return _add(document, suite=first, id=THIRD, previous_proof=(FIRST, SECOND))


def _code(document: dict[str, Any], *, resolve: ResolveKey = _resolve_both, **arguments: Any) -> str:
    with pytest.raises(VcError) as caught:
        data_integrity.verify_proofs(document, resolve_key=resolve, **arguments)
    return caught.value.code


@SUITE_PAIRS
def test_every_proof_of_a_chain_holds(first: str, second: str) -> None:
    held = data_integrity.verify_proofs(_chain(first, second), resolve_key=_resolve_both)
    assert [proof.verification_method for proof in held] == [ED25519_ID, NOTARY_ID, ED25519_ID]
    assert [proof.proof.get("previousProof") for proof in held] == [None, FIRST, [FIRST, SECOND]]


def _key_in_name(method_id: str, _purpose: str) -> PublicKey:
    return PublicKey.from_multikey(method_id.partition("#")[2])


@pytest.mark.parametrize("length", range(1, 5))
def test_the_published_set_and_chain_hold(length: int) -> None:
    document = {**VECTOR_DOCUMENT, "proof": CHAIN[:length]}
    held = data_integrity.verify_proofs(document, resolve_key=_key_in_name, policy=CONFORMANCE)
    assert [proof.proof for proof in held] == CHAIN[:length]


@pytest.mark.parametrize("missing", range(3))
def test_the_published_chain_fails_without_one_of_its_links(missing: int) -> None:
    document = {**VECTOR_DOCUMENT, "proof": [proof for number, proof in enumerate(CHAIN) if number != missing]}
    assert _code(document, resolve=_key_in_name, policy=CONFORMANCE) == "malformed_proof"


@SUITE_PAIRS
def test_the_proofs_of_a_set_stand_each_for_itself(first: str, second: str) -> None:
    document = _add(_add(unsigned(), suite=first), suite=second, notary=True)
    assert len(data_integrity.verify_proofs(document, resolve_key=_resolve_both)) == 2
    for proof in document["proof"]:
        alone = {**document, "proof": [proof]}
        assert data_integrity.verify(alone, resolve_key=_resolve_both).proof == proof
    document["proof"].reverse()
    assert len(data_integrity.verify_proofs(document, resolve_key=_resolve_both)) == 2


@SUITE_PAIRS
def test_the_order_of_a_chain_in_the_document_is_free_where_each_rests_on_one(first: str, second: str) -> None:
    document = _chain(first, second)
    del document["proof"][2]
    document["proof"].reverse()
    assert len(data_integrity.verify_proofs(document, resolve_key=_resolve_both)) == 2


def test_one_broken_proof_of_a_set_leaves_the_other_standing_where_one_is_enough() -> None:
    document = _add(_add(unsigned()), notary=True)
    document["proof"][0]["proofValue"] = document["proof"][1]["proofValue"]
    assert data_integrity.verify(document, resolve_key=_resolve_both).verification_method == NOTARY_ID
    one = data_integrity.verify_proofs(document, resolve_key=_resolve_both, required="one")
    assert [proof.verification_method for proof in one] == [NOTARY_ID]
    assert _code(document) == "bad_signature"
    with pytest.raises(ProofInvalid):
        data_integrity.verify(document, resolve_key=_resolve_both, required="every")


def test_a_proof_of_an_unknown_kind_in_a_set_fails_where_every_proof_must_hold() -> None:
    document = _add(unsigned())
    document["proof"].append({"type": "SomeOtherProof"})
    assert _code(document) == "unsupported_suite"
    assert data_integrity.verify(document, resolve_key=_resolve_both)


def _break_value(document: dict[str, Any]) -> None:
    document["proof"][0]["proofValue"] = document["proof"][1]["proofValue"]


def _change_date(document: dict[str, Any]) -> None:
    document["proof"][0]["created"] = "2025-03-02T01:00:01Z"


def _drop(document: dict[str, Any]) -> None:
    del document["proof"][0]


def _unknown_kind(document: dict[str, Any]) -> None:
    document["proof"][0]["cryptosuite"] = "bbs-2023"


@SUITE_PAIRS
@pytest.mark.parametrize("change", [_break_value, _change_date, _drop, _unknown_kind])
def test_a_chain_does_not_hold_without_the_proofs_it_rests_on(
    first: str, second: str, change: Callable[[dict[str, Any]], None]
) -> None:
    document = _chain(first, second)
    change(document)
    expected = {"unsupported_suite"} if change is _unknown_kind else {"bad_signature", "malformed_proof"}
    assert _code(document) in expected
    assert _code(document, required="one") in expected


@SUITE_PAIRS
def test_a_proof_is_bound_to_the_very_proof_it_rests_on(first: str, second: str) -> None:
    """Another proof under the same id, by the same key, over the same document: the chain sees the difference."""
    document = _chain(first, second)
    later = data_integrity.add_proof(
        unsigned(), suite=first, signer=ED25519, verification_method=ED25519_ID,
        created=datetime(2025, 3, 2, 1, 0, 1, tzinfo=UTC), extras=Extras(id=FIRST),
    )  # fmt: skip
    document["proof"][0] = later["proof"][0]
    assert _code(document) == "bad_signature"
    one = data_integrity.verify(document, resolve_key=_resolve_both)
    assert one.proof == later["proof"][0]


def test_a_chain_over_a_strangers_proof_needs_the_strangers_key_too() -> None:
    document = _add(unsigned(), notary=True, id=FIRST)
    document = _add(document, previous_proof=FIRST)
    assert _code(document, resolve=resolve_key, required="one") == "key_not_found"
    assert len(data_integrity.verify_proofs(document, resolve_key=_resolve_both)) == 2


@pytest.mark.parametrize(
    "previous", ["urn:x:none", ["urn:x:none"], [FIRST, "urn:x:none"], None, [], [7], 7, [FIRST] * 2]
)
def test_a_previous_proof_that_is_not_there_or_not_named_properly_fails(previous: Any) -> None:
    document = _add(_add(unsigned(), id=FIRST), notary=True, previous_proof=FIRST)
    document["proof"][1]["previousProof"] = previous
    with pytest.raises(ProofInvalid) as caught:
        data_integrity.verify_proofs(document, resolve_key=_resolve_both)
    assert (caught.value.code, caught.value.problem_type) == ("malformed_proof", PROOF_VERIFICATION_ERROR)


def test_two_proofs_under_one_id_can_not_be_rested_on() -> None:
    document = _chain()
    document["proof"].append(copy.deepcopy(document["proof"][0]))
    assert _code(document) == "malformed_proof"


@pytest.mark.parametrize(("first", "second"), [(FIRST, FIRST), (SECOND, FIRST)])
def test_proofs_that_rest_on_each_other_in_a_circle_fail(first: str, second: str) -> None:
    document = _add(_add(unsigned(), id=FIRST), id=SECOND)
    document["proof"][0]["previousProof"] = first
    document["proof"][1]["previousProof"] = second
    with pytest.raises(ProofInvalid, match="circle"):
        data_integrity.verify_proofs(document, resolve_key=_resolve_both)


def test_what_is_not_proved_yet_is_not_built_upon(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many combinations of proofs a stranger invents, the document is canonicalized once."""
    suite, calls = SUITES[RDFC], []
    transformation = suite.transformation
    monkeypatch.setattr(
        suite, "transformation", lambda *given, **named: (calls.append(1), transformation(*given, **named))[1]
    )
    document = _add(unsigned(), id="urn:x:0")
    for number in range(1, 8):
        document["proof"].append({**document["proof"][0], "id": f"urn:x:{number}"})
        document["proof"][number]["previousProof"] = [f"urn:x:{each}" for each in range(number)]
    document["proof"][0]["created"] = "2024-03-02T01:00:00Z"
    calls.clear()
    assert _code(document) == "bad_signature"
    assert len(calls) == 1


def test_more_proofs_than_the_bound_are_neither_made_nor_read() -> None:
    document = unsigned()
    for _ in range(data_integrity.MAX_PROOFS):
        document = _add(document)
    assert len(data_integrity.verify_proofs(document, resolve_key=_resolve_both)) == data_integrity.MAX_PROOFS
    with pytest.raises(ProofInvalid) as caught:
        _add(document)
    assert (caught.value.code, caught.value.problem_type) == ("proof_not_added", PROOF_GENERATION_ERROR)
    document["proof"].append(document["proof"][0])
    assert _code(document) == "malformed_proof"


def test_adding_a_proof_refuses_what_could_never_hold() -> None:
    document = _add(unsigned(), id=FIRST)
    for extras in ({"id": FIRST}, {"previous_proof": SECOND}, {"previous_proof": (FIRST, FIRST)}):
        with pytest.raises(ProofInvalid) as caught:
            _add(document, **extras)
        assert caught.value.code == "proof_not_added"
    with pytest.raises(ProofInvalid) as caught:
        _add(document, proof_purpose="keyAgreement")
    assert caught.value.code == "wrong_proof_purpose"
    for proof in ([], None, "text"):
        with pytest.raises(ModelError):
            _add({**unsigned(), "proof": proof})


def test_a_proof_written_without_its_array_can_be_added_to() -> None:
    document = data_integrity.proof_as_object(_add(unsigned(), id=FIRST))
    assert isinstance(document["proof"], dict)
    assert data_integrity.verify(document, resolve_key=_resolve_both)
    chained = _add(document, notary=True, previous_proof=FIRST)
    assert len(data_integrity.verify_proofs(chained, resolve_key=_resolve_both)) == 2
    assert data_integrity.proof_as_object(chained) == chained


def test_nothing_that_was_given_is_changed() -> None:
    document = _add(unsigned(), id=FIRST)
    before = copy.deepcopy(document)
    _add(document, previous_proof=FIRST)
    data_integrity.verify_proofs(document, resolve_key=_resolve_both)
    assert document == before


EVERYTHING: dict[str, Any] = {
    "id": FIRST,
    "expires": datetime(2026, 1, 1, tzinfo=UTC),
    "domain": ("b.example", "a.example"),
    "challenge": "1f44d55f",
    "nonce": "zCwLYg4j",
}


@pytest.mark.parametrize("suite", [RDFC, JCS])
@pytest.mark.parametrize("member", ["id", "expires", "domain", "challenge", "nonce", "proofPurpose"])
def test_all_that_a_proof_says_is_signed(suite: str, member: str) -> None:
    document = _add(unsigned(), suite=suite, **EVERYTHING)
    proof = data_integrity.verify(document, resolve_key=_resolve_both)
    assert proof.expires == "2026-01-01T00:00:00Z"
    assert proof.proof["domain"] == ["b.example", "a.example"]
    del document["proof"][0][member]
    assert _code(document) in {"bad_signature", "wrong_proof_purpose"}


def _presented(purpose: str = AUTHENTICATION, **extras: Any) -> dict[str, Any]:
    """A presentation of a signed badge."""
    document = {
        "@context": unsigned()["@context"],
        "type": ["VerifiablePresentation"],
        "holder": {"id": "did:web:notary.example.au"},
        "verifiableCredential": [_add(unsigned())],
    }
    return _add(document, notary=True, proof_purpose=purpose, **extras)


def test_a_presentation_holds_for_its_place_its_challenge_and_its_purpose() -> None:
    document = _presented(domain="verifier.example", challenge="1f44d55f")
    asked: list[tuple[str, str]] = []

    def resolve(method_id: str, purpose: str) -> PublicKey:
        asked.append((method_id, purpose))
        return NOTARY.public_key

    for domain in ("verifier.example", ["verifier.example"], {"verifier.example"}):
        proof = data_integrity.verify(
            document, resolve_key=resolve, purpose=AUTHENTICATION,
            expected_domain=domain, expected_challenge="1f44d55f",
        )  # fmt: skip
        assert proof.verification_method == NOTARY_ID
    assert set(asked) == {(NOTARY_ID, "authentication")}
    assert _code(document) == "wrong_proof_purpose"


@pytest.mark.parametrize(
    ("given", "expected", "code", "problem"),
    [
        ({"domain": "a.example"}, {"expected_domain": "b.example"}, "invalid_domain", INVALID_DOMAIN_ERROR),
        ({}, {"expected_domain": "a.example"}, "invalid_domain", INVALID_DOMAIN_ERROR),
        ({"domain": ("a.example", "b")}, {"expected_domain": "b"}, "invalid_domain", INVALID_DOMAIN_ERROR),
        ({"domain": "a.example"}, {"expected_domain": []}, "invalid_domain", INVALID_DOMAIN_ERROR),
        ({"challenge": "x"}, {"expected_challenge": "y"}, "invalid_challenge", INVALID_CHALLENGE_ERROR),
        ({}, {"expected_challenge": "y"}, "invalid_challenge", INVALID_CHALLENGE_ERROR),
        ({"challenge": "x"}, {"expected_challenge": ""}, "invalid_challenge", INVALID_CHALLENGE_ERROR),
    ],
)  # fmt: skip
def test_another_place_or_another_challenge_than_expected_fails(
    given: dict[str, Any], expected: dict[str, Any], code: str, problem: str
) -> None:
    with pytest.raises(ProofInvalid) as caught:
        data_integrity.verify(_presented(**given), resolve_key=_resolve_both, purpose=AUTHENTICATION, **expected)
    assert (caught.value.code, caught.value.problem_type) == (code, problem)


def test_the_order_of_several_places_does_not_matter() -> None:
    document = _presented(domain=("a.example", "b.example"))
    domains = ["b.example", "a.example"]
    assert data_integrity.verify(
        document, resolve_key=_resolve_both, purpose=AUTHENTICATION, expected_domain=domains
    ).proof["domain"] == ["a.example", "b.example"]


def test_a_place_nobody_asked_about_is_told_and_does_not_fail() -> None:
    """The standard compares only what the verifier states; the signature holds either way."""
    document = _add(unsigned(), domain="elsewhere.example", challenge="1f44d55f")
    proof = data_integrity.verify(document, resolve_key=_resolve_both)
    assert (proof.proof["domain"], proof.proof["challenge"]) == ("elsewhere.example", "1f44d55f")


def test_a_resolver_that_refuses_the_relationship_decides() -> None:
    def resolve(_method_id: str, purpose: str) -> PublicKey:
        if purpose != "assertionMethod":
            raise DidError("key_not_authorised", "not for this purpose")
        return NOTARY.public_key

    with pytest.raises(DidError):
        data_integrity.verify(_presented(), resolve_key=resolve, purpose=AUTHENTICATION)
