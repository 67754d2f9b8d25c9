"""eddsa-jcs-2022: the published vectors, our golden files, and what may not change without the proof failing."""

import copy
import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvc.errors import OpenvcError
from openvc.proof.di_jcs import EddsaJcsProofSuite

from app.vc import data_integrity, jcs, json_text, multibase
from app.vc.canonicalization import canonicalize
from app.vc.contexts import CONFORMANCE, PINNED_ONLY, VC_V2
from app.vc.errors import CanonicalizationRefused, VcError
from app.vc.keys import Ed25519Signer
from app.vc.suites import SUITES, proof_config
from app.vc.suites.proof_config import canonical_proof
from tests.vc.samples import CREATED, ED25519, ED25519_ID, P256, resolve_key, unsigned
from tests.vc.vectors import (
    DID_KEY,
    DOCUMENT_HASHES,
    PROOFS,
    VECTOR_CONTEXTS,
    VECTOR_DOCUMENT,
    VECTOR_KEY,
    VECTOR_SECRET,
)

SUITE = "eddsa-jcs-2022"
BOTH = pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "eddsa-rdfc-2022"])
GOLDEN = Path(__file__).parent / "golden"
DATA_INTEGRITY = "https://w3id.org/security/data-integrity/v2"


def _signed(document: dict[str, Any] | None = None, suite: str = SUITE) -> dict[str, Any]:
    return data_integrity.sign(
        document or unsigned(), suite=suite, signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )


def _code(document: dict[str, Any]) -> str:
    with pytest.raises(VcError) as caught:
        data_integrity.verify(document, resolve_key=resolve_key)
    return caught.value.code


def _vector_signer() -> Ed25519Signer:
    return Ed25519Signer.from_private_bytes(multibase.decode(VECTOR_SECRET)[2:])


def _vector_options(suite: str, method: str) -> dict[str, Any]:
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }


@pytest.mark.parametrize(("suite", "method", "configuration_hash", "proof_value"), PROOFS)
def test_the_published_vectors_come_out_of_our_steps(
    suite: str, method: str, configuration_hash: str, proof_value: str
) -> None:
    steps, signer = SUITES[suite], _vector_signer()
    options = steps.options_to_sign(VECTOR_DOCUMENT, _vector_options(suite, method))
    hash_data = steps.hashing(
        steps.transformation(VECTOR_DOCUMENT, options=options, policy=CONFORMANCE),
        steps.proof_configuration(VECTOR_DOCUMENT, options, policy=CONFORMANCE),
    )
    assert hash_data.hex() == configuration_hash + DOCUMENT_HASHES[suite]
    assert signer.public_key.multikey == VECTOR_KEY
    assert steps.proof_serialization(hash_data, signer) == proof_value
    signed = data_integrity.sign(
        VECTOR_DOCUMENT, suite=suite, signer=signer, verification_method=method,
        created=datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC), policy=CONFORMANCE,
    )  # fmt: skip
    assert signed["proof"] == [{**options, "proofValue": proof_value}]
    assert (
        data_integrity.verify(signed, resolve_key=lambda _method, _purpose: signer.public_key, policy=CONFORMANCE).proof
        == signed["proof"][0]
    )


def test_the_vectors_document_is_refused_by_the_product_in_both_directions() -> None:
    """Its second context defines any word at all: what it says depends on nobody's definition."""
    with pytest.raises(CanonicalizationRefused) as caught:
        _signed(VECTOR_DOCUMENT)
    assert caught.value.code == "context_unknown"
    options = {**_vector_options(SUITE, DID_KEY), "@context": VECTOR_CONTEXTS}
    assert _code({**VECTOR_DOCUMENT, "proof": {**options, "proofValue": "z" + "2" * 80}}) == "context_unknown"


def _stages() -> dict[str, bytes]:
    signed = _signed()
    options = {key: value for key, value in signed["proof"][0].items() if key != "proofValue"}
    suite = SUITES[SUITE]
    canonical = suite.transformation(unsigned(), options=options)
    configuration = suite.proof_configuration(unsigned(), options)
    return {
        "jcs-canonical.json": canonical,
        "jcs-proof-config.json": configuration,
        "jcs-hash.txt": suite.hashing(canonical, configuration).hex().encode(),
        "jcs-signed.json": json_text.dumps(signed),
    }


@pytest.mark.parametrize("name", ["jcs-canonical.json", "jcs-proof-config.json", "jcs-hash.txt", "jcs-signed.json"])
def test_every_stage_of_signing_gives_the_golden_bytes(name: str) -> None:
    made = _stages()[name]
    if os.environ.get("WAYMARK_UPDATE_GOLDEN") == "1":
        (GOLDEN / name).write_bytes(made)
    assert made == (GOLDEN / name).read_bytes()


def test_the_golden_badge_verifies_and_its_proof_names_the_contexts() -> None:
    signed = json_text.loads((GOLDEN / "jcs-signed.json").read_bytes())
    assert data_integrity.verify(signed, resolve_key=resolve_key).cryptosuite == SUITE
    assert signed["proof"][0]["@context"] == signed["@context"]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all values that hold no others."""
    steps: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if steps is None:
        yield path
    else:
        for step, member in steps:
            yield from _paths(member, (*path, step))


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


PATHS = [path for path in _paths(_signed()) if "proof" not in path or "@context" not in path]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(PATHS), JSON)
def test_any_other_value_at_any_one_place_fails(path: tuple[str | int, ...], value: Any) -> None:
    signed = _signed()
    if json.dumps(value) == json.dumps(_at(signed, path)):
        return
    _at(signed, path[:-1])[path[-1]] = value
    with pytest.raises(VcError):
        data_integrity.verify(signed, resolve_key=resolve_key)


@BOTH
def test_the_smallest_change_at_each_place_fails(suite: str) -> None:
    once = _signed(suite=suite)
    paths = list(_paths(once))
    assert len(paths) > 60
    for path in paths:
        signed = copy.deepcopy(once)
        old = _at(signed, path)
        _at(signed, path[:-1])[path[-1]] = not old if isinstance(old, bool) else f"{old}x"
        with pytest.raises(VcError):
            data_integrity.verify(signed, resolve_key=resolve_key)


@BOTH
def test_taking_away_any_member_or_item_fails(suite: str) -> None:
    once = _signed(suite=suite)
    for path in list(_paths(once)):
        if suite == "eddsa-rdfc-2022" and {"@context", "caption"} & set(path):
            continue  # it signs what is said: a context that no word needs may go, and a caption that is given twice
        signed = copy.deepcopy(once)
        del _at(signed, path[:-1])[path[-1]]
        with pytest.raises(VcError):
            data_integrity.verify(signed, resolve_key=resolve_key)


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, chance) for item in value]
    if isinstance(value, dict):
        members = [(key, _shuffled(member, chance)) for key, member in value.items()]
        chance.shuffle(members)
        return dict(members)
    return value


@BOTH
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=20)
def test_the_order_of_members_does_not_matter(suite: str, seed: int) -> None:
    shuffled = _shuffled(_signed(suite=suite), random.Random(seed))
    assert data_integrity.verify(shuffled, resolve_key=resolve_key).cryptosuite == suite


@pytest.mark.parametrize("path", [("@context",), ("type",), ("credentialSubject", "achievement", "alignment")])
def test_the_order_of_an_array_does(path: tuple[str, ...]) -> None:
    signed = _signed()
    _at(signed, path).reverse()
    assert _code(signed) in {"bad_signature", "context_order"}


def test_the_json_that_was_signed_is_what_counts_and_not_only_its_meaning() -> None:
    """The other suite reads a list of one and its only item as the same."""
    signed = _signed()
    signed["credentialStatus"] = [signed["credentialStatus"]]
    assert _code(signed) == "bad_signature"


@pytest.mark.parametrize(
    "change",
    [
        {"workload": 6},
        {"@included": []},
        {"id": "relative"},
        {"type": ["VerifiableCredential", "OpenBadgeCredential", "SomeOther"]},
        {"https://www.w3.org/2018/credentials#validUntil": "2999-01-01T00:00:00Z"},
    ],
)
def test_words_that_no_context_defines_are_neither_signed_nor_believed(change: dict[str, Any]) -> None:
    """Somebody signed them; but nobody said what they mean."""
    document = {**unsigned(), **change}
    with pytest.raises(CanonicalizationRefused):
        _signed(document)
    suite = SUITES[SUITE]
    options = {**_signed()["proof"][0]}
    del options["proofValue"]
    hash_data = suite.hashing(jcs.canonicalize(document), jcs.canonicalize(options))
    forged = {**document, "proof": {**options, "proofValue": suite.proof_serialization(hash_data, ED25519)}}
    assert _code(forged) == "unsafe_jsonld"


def test_a_word_in_the_proof_that_no_context_defines_is_refused_though_signed() -> None:
    suite, document = SUITES[SUITE], unsigned()
    options = {**_vector_options(SUITE, ED25519_ID), "@context": document["@context"], "confidence": "high"}
    hash_data = suite.hashing(jcs.canonicalize(document), jcs.canonicalize(options))
    forged = {**document, "proof": {**options, "proofValue": suite.proof_serialization(hash_data, ED25519)}}
    assert _code(forged) == "unsafe_jsonld"


def test_numbers_with_a_fraction_are_signed_as_every_reader_writes_them() -> None:
    subject = unsigned()["credentialSubject"]
    subject["achievement"]["creditsAvailable"] = 6.5
    signed = _signed({**unsigned(), "credentialSubject": subject})
    assert data_integrity.verify(json_text.loads(json_text.dumps(signed)), resolve_key=resolve_key)
    signed["credentialSubject"]["achievement"]["creditsAvailable"] = 6.25
    assert _code(signed) == "bad_signature"


def test_contexts_that_were_added_later_and_change_nothing_leave_the_proof_standing() -> None:
    signed = _signed()
    signed["@context"] = [*signed["@context"], DATA_INTEGRITY]
    assert data_integrity.verify(signed, resolve_key=resolve_key).proof["@context"] == signed["@context"][:-1]


def test_contexts_that_were_added_later_may_define_nothing_that_is_used() -> None:
    """Signed under one context, where the badge's words mean nothing: no later context may give them a meaning."""
    suite, document = SUITES[SUITE], unsigned()
    options = {**_vector_options(SUITE, ED25519_ID), "@context": [VC_V2]}
    hash_data = suite.hashing(jcs.canonicalize({**document, "@context": [VC_V2]}), jcs.canonicalize(options))
    forged = {**document, "proof": {**options, "proofValue": suite.proof_serialization(hash_data, ED25519)}}
    assert _code(forged) == "unsafe_jsonld"


def test_a_context_that_was_added_later_may_not_change_what_is_said() -> None:
    """Where documents may bring contexts of their own; the pinned ones protect their words against each other."""
    meant, other = ({"workload": f"https://badges.example.au/words#{word}"} for word in ("paid", "unpaid"))
    document = {**unsigned(), "workload": "6 hours"}
    document["@context"] = [*document["@context"], meant]
    signed = data_integrity.sign(
        document, suite=SUITE, signer=ED25519, verification_method=ED25519_ID, created=CREATED, policy=CONFORMANCE
    )
    assert data_integrity.verify(signed, resolve_key=resolve_key, policy=CONFORMANCE)
    changed = {**signed, "@context": [*signed["@context"], other]}
    with pytest.raises(CanonicalizationRefused, match="added after signing"):
        data_integrity.verify(changed, resolve_key=resolve_key, policy=CONFORMANCE)
    assert _code(signed) == "unsafe_jsonld"


@pytest.mark.parametrize(
    "contexts", [[], None, 7, {}, VC_V2 + "x", [DATA_INTEGRITY], [VC_V2, DATA_INTEGRITY], [VC_V2] * 9, [[VC_V2]]]
)
def test_the_documents_contexts_must_begin_with_those_of_the_proof(contexts: Any) -> None:
    signed = _signed()
    signed["proof"][0]["@context"] = contexts
    assert _code(signed) == "malformed_proof"


def test_fewer_contexts_in_the_proof_than_were_signed_fail() -> None:
    signed = _signed()
    signed["proof"][0]["@context"] = signed["@context"][:2]
    assert _code(signed) in {"bad_signature", "unsafe_jsonld"}


def test_a_proof_of_the_other_suite_brings_no_context_of_its_own() -> None:
    signed = _signed(suite="eddsa-rdfc-2022")
    signed["proof"][0]["@context"] = signed["@context"]
    assert _code(signed) == "malformed_proof"


def test_a_proof_is_not_taken_for_one_of_the_other_suite() -> None:
    signed = _signed()
    del signed["proof"][0]["@context"]
    signed["proof"][0]["cryptosuite"] = "eddsa-rdfc-2022"
    assert _code(signed) == "bad_signature"


def test_keys_of_another_kind_do_not_sign() -> None:
    with pytest.raises(VcError) as caught:
        data_integrity.sign(unsigned(), suite=SUITE, signer=P256, verification_method=ED25519_ID, created=CREATED)
    assert caught.value.code == "unsupported_suite"


@pytest.mark.parametrize("created", ["2025-03-02T01:00:00.123Z", "2025-03-02t01:00:00z", "2025-03-02T12:00:00+11:00"])
def test_the_kept_statements_of_a_proof_are_those_of_the_canonicalizer(created: str) -> None:
    contexts = unsigned()["@context"]
    options = {**_vector_options("eddsa-rdfc-2022", ED25519_ID), "created": created}
    expected = canonicalize({"@context": contexts, **options})
    assert f'"{created}"' in expected
    assert canonical_proof(contexts, options, PINNED_ONLY) == expected
    assert canonical_proof(contexts, options, PINNED_ONLY) == expected


def test_a_stranger_cannot_fill_the_memory_with_proofs_of_many_keys() -> None:
    contexts = unsigned()["@context"]
    for number in range(600):
        options = _vector_options("eddsa-rdfc-2022", f"did:web:a.example#{number}")
        canonical_proof(contexts, options, PINNED_ONLY)
    kept = proof_config._around_date.cache_info()
    assert kept.currsize <= 256
    long = _vector_options("eddsa-rdfc-2022", "did:web:a.example#" + "x" * 3_000)
    assert canonical_proof(contexts, long, PINNED_ONLY) == canonicalize({"@context": contexts, **long})
    assert proof_config._around_date.cache_info().misses == kept.misses


class _OpenvcKey:
    """Our key as that library asks for one."""

    alg = "EdDSA"
    kid = ED25519_ID

    def public_jwk(self) -> dict[str, str]:
        return ED25519.public_key.to_jwk()

    def sign(self, data: bytes) -> bytes:
        return ED25519.sign(data)


def test_openvc_verifies_our_proof_and_refuses_a_changed_one() -> None:
    signed = data_integrity.proof_as_object(_signed())
    key = ED25519.public_key.to_jwk()
    assert EddsaJcsProofSuite().verify(signed, public_key_jwk=key).proof == signed["proof"]
    for path in _paths(unsigned()):
        changed = copy.deepcopy(signed)
        old = _at(changed, path)
        _at(changed, path[:-1])[path[-1]] = not old if isinstance(old, bool) else f"{old}x"
        with pytest.raises(OpenvcError):
            EddsaJcsProofSuite().verify(changed, public_key_jwk=key)


def test_openvcs_proof_holds_here_once_it_names_its_contexts() -> None:
    """That library signs the contexts with the proof and leaves them out of it; the standard lets the proof name them.

    So as it stands its proof fails here, as it does in every library that takes the proof by its letter.
    """
    theirs = EddsaJcsProofSuite().add_proof(
        unsigned(), signing_key=_OpenvcKey(), verification_method=ED25519_ID, created=CREATED
    )
    assert _code(theirs) == "bad_signature"
    named = {**theirs, "proof": {**theirs["proof"], "@context": theirs["@context"]}}
    assert data_integrity.verify(named, resolve_key=resolve_key).proof == _signed()["proof"][0]
