"""Signed documents under attack: a proof holds only over what was signed."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from app.vc import data_integrity
from app.vc.canonicalization import canonicalize_generally
from app.vc.data_integrity import VerifiedProof
from app.vc.errors import CanonicalizationRefused
from tests.vc.samples import CREATED, ED25519, ED25519_ID, P256_ID, resolve_key

from .documents import CONTEXTS, SEEDS, at, changed, names, places, scalars, values
from .effort import outcome, tried

SUITE = "eddsa-rdfc-2022"


def sign(document: dict[str, Any]) -> dict[str, Any]:
    return data_integrity.sign(document, suite=SUITE, signer=ED25519, verification_method=ED25519_ID, created=CREATED)


def _signed() -> list[dict[str, Any]]:
    found = []
    for document in SEEDS:
        try:
            found.append(sign({key: value for key, value in document.items() if key != "proof"}))
        except CanonicalizationRefused:
            continue  # the corpus also holds what is not to be issued
    return found


SIGNED = _signed()
ORIGINALS = {document["id"]: document for document in SIGNED}


def said(document: dict[str, Any], proof: dict[str, Any]) -> tuple[str, str, str]:
    """What a proof covers: the canonical text of the document, that of its own options, and the signature."""
    unsecured = {key: value for key, value in document.items() if key != "proof"}
    options = {key: value for key, value in proof.items() if key != "proofValue"}
    texts = (canonicalize_generally(each) for each in (unsecured, {"@context": document["@context"], **options}))
    return (*texts, proof["proofValue"])  # type: ignore[return-value]


SAID = {said(document, document["proof"][0]) for document in SIGNED}


def judge(document: dict[str, Any]) -> bool:
    """Whether a proof of the document holds; if so, it must be over what was signed."""
    before = repr(document)
    kind, found = outcome(data_integrity.verify, document, resolve_key=resolve_key)
    assert repr(document) == before, "reading changed the document"
    if kind == "refused":
        return False
    assert isinstance(found, VerifiedProof)
    assert found.verification_method == ED25519_ID
    assert said(document, found.proof) in SAID
    return True


def test_there_is_something_to_attack() -> None:
    assert len(SIGNED) >= 3
    assert all(judge(document) for document in SIGNED)


@tried(300)
@given(changed(SIGNED, most=2))
def test_a_changed_document_holds_only_if_it_says_the_same(document: dict[str, Any]) -> None:
    judge(document)


@st.composite
def changed_proofs(draw: st.DrawFn) -> dict[str, Any]:
    """A signed document whose proof is changed, replaced, repeated or that of another one."""
    document = copy.deepcopy(draw(st.sampled_from(SIGNED)))
    proof: Any = document["proof"][0]
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(proof)))
        holder, key = at(proof, path[:-1]), path[-1]
        kind = draw(st.sampled_from(["set", "remove", "add", "character", "character"]))
        if kind == "set":
            holder[key] = draw(st.one_of(scalars, values, st.just(P256_ID), st.sampled_from(CONTEXTS)))
        elif kind == "remove" and len(proof) > 1:
            del holder[key]
        elif kind == "add":
            proof[draw(names)] = draw(values)
        elif kind == "character" and isinstance(holder[key], str) and holder[key]:
            place = draw(st.integers(0, len(holder[key]) - 1))
            holder[key] = holder[key][:place] + draw(st.sampled_from("019azAZ:#. ")) + holder[key][place + 1 :]
    shape = draw(st.sampled_from(["one", "array", "twice", "beside another", "none", "of another", "nested"]))
    other = draw(st.sampled_from(SIGNED))["proof"][0]
    document["proof"] = {
        "one": proof, "array": [proof], "twice": [proof, proof], "beside another": [other, proof, None, 7],
        "none": draw(values), "of another": [other], "nested": [[proof]],
    }[shape]  # fmt: skip
    return document


@tried(350)
@given(changed_proofs())
@example({**SIGNED[0], "proof": [{**SIGNED[0]["proof"][0], "proofValue": "z" + "1" * 64}]})
@example({**SIGNED[0], "proof": [{**SIGNED[0]["proof"][0], "proofValue": "z"}]})
def test_a_changed_proof_holds_only_if_it_says_the_same(document: dict[str, Any]) -> None:
    judge(document)


def test_what_says_the_same_in_other_json_still_holds() -> None:
    """Else the tests above could pass because nothing changed ever holds."""
    for signed in SIGNED:
        other = {key: signed[key] for key in reversed(list(signed))}
        other["proof"] = signed["proof"][0]
        assert judge(other)


def test_every_place_of_a_badge_is_covered() -> None:
    """Each text, number and flag of a signed badge, changed alone: none is left out of the signature."""
    for path in places(SIGNED[0]):
        old = at(SIGNED[0], path)
        if isinstance(old, dict | list):
            continue
        document = copy.deepcopy(SIGNED[0])
        at(document, path[:-1])[path[-1]] = (
            not old if isinstance(old, bool) else old + 1 if isinstance(old, int | float) else old + "x"
        )
        assert not judge(document), path
