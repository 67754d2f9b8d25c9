"""The scan: what it finds, what it leaves alone, and that no text makes it slow."""

from __future__ import annotations

import importlib
import sys
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.learning.evidence import KIND_WORDS, scan
from app.learning.evidence.findings import EXCERPT_LENGTH, REASONS
from app.learning.evidence.numbers import medicare_digit_fits, tax_digits_fit
from app.learning.evidence.scanning import MOST_FINDINGS, PATTERNS
from tests.learning.sentences import FOUND, LEFT_ALONE

TODAY = date(2026, 11, 22)
ALLOWED = ("Mia", "Tess Nguyen")
PIECES = (
    "0", "4", "04", "+61", " ", "-", "(", ")", ".", "/", "@", " at ", " dot ", "com", "a", "A", "Street", "born",
    "DOB ",
    "Medicare", "Sarah", "Mr ", "client ", "\u200b", "é", "①", "\ufdfa", "\n", "'s", "1/", "2008", "[at]",
    "facebook.com/",
)  # fmt: skip
_parser: Any = importlib.import_module("re._parser")


def found(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in scan(text, allowed_names=ALLOWED, today=TODAY)]


@pytest.mark.parametrize(("kind", "words", "sentence"), FOUND)
def test_what_points_at_a_person_is_found_in_its_place(kind: str, words: str, sentence: str) -> None:
    assert (kind, words) in found(sentence)


@pytest.mark.parametrize("sentence", LEFT_ALONE)
def test_what_points_at_nobody_is_left_alone(sentence: str) -> None:
    assert found(sentence) == []


def test_the_table_is_as_long_as_the_documents_say() -> None:
    assert (len(FOUND), len(LEFT_ALONE)) == (93, 100)
    assert len({sentence for _, _, sentence in FOUND}) == len(FOUND)
    assert {kind for kind, _, _ in FOUND} == set(KIND_WORDS) == set(REASONS)


def test_a_sentence_with_several_is_told_in_order_and_without_overlap() -> None:
    text = "Sarah, DOB 12/03/2008, of 12 Wattle Street: 0412 345 678, sarah@example.org."
    findings = scan(text, today=TODAY)
    assert [one.kind for one in findings] == ["name", "birth_date", "address", "phone", "email"]
    assert all(one.end <= after.start for one, after in pairwise(findings))


def test_a_known_name_is_certain_whatever_else_it_means() -> None:
    [finding] = scan("I asked hope about it.", ("Hope",), today=TODAY)
    assert (finding.kind, finding.sure) == ("name", "certain")


def test_the_excerpt_is_short_and_the_reason_is_words() -> None:
    [finding] = scan("x" * 20 + " " + "a" * 60 + "@" + "b" * 60 + ".example.org", today=TODAY)
    assert len(finding.excerpt) == EXCERPT_LENGTH
    assert finding.end - finding.start > EXCERPT_LENGTH
    assert finding.reason.endswith(".")


def test_a_year_of_birth_is_judged_by_the_day_of_the_scan() -> None:
    text = "The form said 1/2/2007 so she could not pour beer."
    assert [one.sure for one in scan(text, today=TODAY)] == ["likely"]
    assert scan(text, today=date(2045, 1, 1)) == ()


@pytest.mark.parametrize("digit", range(10))
def test_one_check_digit_in_ten_fits(digit: int) -> None:
    assert medicare_digit_fits(f"2123 4567{digit} 1") == (digit == 0)
    assert tax_digits_fit(f"123 456 78{digit}") == (digit == 2)


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=60).map("".join))
def test_any_text_gives_places_within_it(text: str) -> None:
    findings = scan(text, ("Somebody",), allowed_names=ALLOWED, today=TODAY)
    assert len(findings) <= MOST_FINDINGS
    assert all(0 <= one.start < one.end <= len(text) for one in findings)
    assert all(text[one.start : one.end].startswith(one.excerpt) for one in findings)
    assert all(one.end <= after.start for one, after in pairwise(findings))


@given(st.sampled_from([entry for entry in FOUND if entry[1].isascii()]), st.data())
def test_invisible_characters_hide_nothing(entry: tuple[str, str, str], data: st.DataObject) -> None:
    kind, words, sentence = entry
    at = data.draw(st.integers(1, len(words) - 1))
    hidden = words[:at] + data.draw(st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad")) + words[at:]
    assert (kind, hidden) in found(sentence.replace(words, hidden, 1))


def test_no_pattern_repeats_without_a_bound_or_a_repetition_that_varies() -> None:
    """What a pattern does at one character has a limit, so a text takes time in proportion to its length."""
    for pattern in PATTERNS:
        assert _parser.parse(pattern.pattern, pattern.flags & ~32).getwidth()[1] < 500, pattern.pattern
        _assert_bounded(list(_parser.parse(pattern.pattern)), inside=False)


def _assert_bounded(nodes: list[Any], *, inside: bool) -> None:
    for node in nodes:
        if isinstance(node, tuple) and str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, body = node[1]
            assert high <= 80, node
            many = high > low and high > 2
            assert not (inside and many and _has_repeat(list(body))), node
            _assert_bounded(list(body), inside=inside or many)
        elif isinstance(node, (tuple, list)) or type(node).__name__ == "SubPattern":
            _assert_bounded(list(node), inside=inside)


def _has_repeat(nodes: list[Any]) -> bool:
    return any("REPEAT" in str(node) for node in nodes)


@pytest.mark.parametrize(
    "piece", ["a", "0", "04 ", "a.", "a@", "(", "1/", "A ", "Sarah ", "born ", "12 A", "a at ", "\ufdfa", "é1 "]
)
def test_twice_the_text_is_at_most_twice_the_work(piece: str) -> None:
    """Counted in calls of functions, which no busy machine changes."""
    text = piece * (10_000 // len(piece))
    once, twice = _calls(text), _calls(text + text)
    assert twice <= 2.1 * once + 500


def _calls(text: str) -> int:
    count = 0

    def step(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        scan(text, today=TODAY)
    finally:
        sys.setprofile(before)
    return count
