"""No byte of a signed badge can be changed and leave it valid."""

from __future__ import annotations

import json
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.field import AT, DAY, Stranger, contain


@lru_cache(maxsize=8)
def _signed(securing: str, container: str) -> tuple[Stranger, bytes]:
    issuer = Stranger()
    return issuer, contain(issuer.secure(issuer.credential(), securing), container)


@pytest.mark.parametrize("securing", ["di", "jwt"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_badge_with_one_changed_byte_is_never_valid(securing: str, data: st.DataObject) -> None:
    issuer, badge = _signed(securing, "bare")
    place = data.draw(st.integers(0, len(badge) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != badge[place]))
    changed = badge[:place] + bytes([byte]) + badge[place + 1 :]
    assert not issuer.judge(changed).is_valid


@pytest.mark.parametrize("securing", ["di", "jwt"])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_badge_that_is_cut_off_is_never_valid(securing: str, data: st.DataObject) -> None:
    issuer, badge = _signed(securing, "bare")
    assert not issuer.judge(badge[: data.draw(st.integers(0, len(badge) - 1))]).is_valid


@given(garbage=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_get_a_verdict_and_never_an_error(garbage: bytes) -> None:
    issuer, _ = _signed("di", "bare")
    for prefix in (b"", b"{", b"\x89PNG\r\n\x1a\n", b"<svg"):
        assert not issuer.judge(prefix + garbage).is_valid


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_a_signed_document_of_any_shape_gets_a_verdict_and_never_an_error(data: st.DataObject) -> None:
    """An issuer may sign anything in a token: odd shapes anywhere must come out as a verdict."""
    issuer, _ = _signed("jwt", "bare")
    document = issuer.credential()
    node, path = document, []
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        path.append(key)
        child = node[key]
        child = child[0] if isinstance(child, list) and child and isinstance(child[0], dict) else child
        if not isinstance(child, dict) or not child or data.draw(st.booleans()):
            node[key] = data.draw(_json_values)
            break
        node = child
    subject = document.get("credentialSubject")
    claims = {"iss": issuer.name, "jti": document.get("id"), "nbf": int((AT - 30 * DAY).timestamp())}
    if isinstance(subject, dict):  # so that most of these signatures pass, and the checks behind them meet the shape
        claims["sub"] = subject.get("id")
    report = issuer.judge(issuer.raw_jwt(json.dumps({**document, **claims}).encode()).encode())
    assert report.verdict
