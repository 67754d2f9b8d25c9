import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.vc import jcs
from app.vc.errors import CanonicalizationRefused

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_both_ways_write_what_the_standard_says(value: Any) -> None:
    assert jcs.canonicalize(value) == rfc8785.dumps(value)


@given(st.dictionaries(TEXTS, VALUES, max_size=6), st.randoms())
def test_the_order_of_members_does_not_matter(value: dict[str, Any], chance: Any) -> None:
    members = list(value.items())
    chance.shuffle(members)
    assert jcs.canonicalize(dict(members)) == jcs.canonicalize(value)


# Numbers of RFC 8785 appendix B, by the doubles they stand for.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0"),
        (1.0, "1"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (1e21, "1e+21"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (333333333.3333333, "333333333.3333333"),
        (True, "true"),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(value: float, text: str) -> None:
    assert jcs.canonicalize([value]) == f"[{text}]".encode()


def test_keys_are_sorted_by_utf_16_and_not_by_code_points() -> None:
    assert jcs.canonicalize({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_control_characters_and_others_are_written_once_only() -> None:
    text = '\x00\x1f\x7f\b\t\n\f\r"\\/ \u2028é\U0001f331'
    written = jcs.canonicalize({"a": text})
    assert written == rfc8785.dumps({"a": text})
    assert json.loads(written) == {"a": text}


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        1 << 70,
        float("nan"),
        float("inf"),
        "\ud800",
        {"\udfff": 1},
        {"é": 2**53},
        object(),
        {1: 2},
        b"x",
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalizationRefused) as caught:
        jcs.canonicalize([value])
    assert caught.value.code == "canonicalization_refused"


@pytest.mark.parametrize(
    "wrap", [lambda inner: [inner], lambda inner: {"é": inner}, lambda inner: {"a": 1.5, "b": inner}]
)
def test_deep_nesting_is_refused_by_name(wrap: Any) -> None:
    value: Any = "leaf"
    for _ in range(10_000):
        value = wrap(value)
    with pytest.raises(CanonicalizationRefused) as caught:
        jcs.canonicalize(value)
    assert caught.value.code == "too_complex"
