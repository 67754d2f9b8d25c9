"""A text and its language: the general path leaves a text of an ill-formed language out, as if it were unsigned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vc import data_integrity
from app.vc.canonicalization import canonicalize
from app.vc.errors import CanonicalizationRefused
from tests.vc.samples import CREATED, ED25519, ED25519_ID, resolve_key, unsigned

from .effort import outcome, tried


def test_nobody_can_add_a_text_to_a_signed_badge() -> None:
    document = unsigned()
    document.pop("description", None)
    signed = data_integrity.sign(
        document, suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )
    forged = {**signed, "description": {"@value": "The holder is a qualified surgeon.", "@language": "x"}}
    with pytest.raises(CanonicalizationRefused):
        data_integrity.verify(forged, resolve_key=resolve_key)


@pytest.mark.parametrize("tag", ["a", "x", "i", "en-a", "en-x", "a-bb", "de-de-de", "en-12", "ab-c", "en-US-US"])
def test_a_text_whose_language_is_none_is_refused(tag: str) -> None:
    assert outcome(canonicalize, _named("text", tag)) == ("refused", "unsafe_jsonld")


@tried(300)
@given(st.from_regex(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}", fullmatch=True))
def test_a_text_in_any_language_is_signed_or_refused(tag: str) -> None:
    found = [outcome(canonicalize, _named(text, tag)) for text in ("a", "b")]
    assert found[0] != found[1] or found[0] == ("refused", "unsafe_jsonld")


def _named(text: str, tag: str) -> dict[str, object]:
    return {**unsigned(), "name": {"@value": text, "@language": tag}}
