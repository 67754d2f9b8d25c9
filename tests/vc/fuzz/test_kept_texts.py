"""What is kept from one document to the next is short: a stranger's identifiers and lists of types have any length."""

from __future__ import annotations

import gc

import pytest

from app.vc import data_integrity, walker
from app.vc.canonicalization import canonicalize
from app.vc.errors import VcError
from tests.vc.fuzz.effort import outcome
from tests.vc.fuzz.poison import EVERYTHING, badge
from tests.vc.samples import CREATED, ED25519, ED25519_ID, resolve_key, unsigned

NODES = [{"id": f"urn:e:{number}", "type": EVERYTHING} for number in range(1_000)]


def test_a_long_identifier_is_not_kept() -> None:
    canonicalize({**unsigned(), "id": "urn:x:" + "a" * 900_000})
    canonicalize({**unsigned(), "id": "urn:x:short"})
    kept = [each for each in gc.get_referents(walker._is_short_plain_iri) if isinstance(each, str)]
    assert "urn:x:short" in kept
    assert max(map(len, kept)) < 10_000


def test_thousands_of_types_are_refused() -> None:
    assert outcome(canonicalize, badge(evidence=NODES)) == ("refused", "too_complex")


def test_the_options_of_a_proof_are_texts() -> None:
    signed = data_integrity.sign(
        unsigned(), suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )
    heavy = {**signed["proof"][0], "name": NODES}
    with pytest.raises(VcError) as refused:
        data_integrity.verify({**signed, "proof": [heavy] * 8}, resolve_key=resolve_key)
    assert refused.value.code == "malformed_proof"
