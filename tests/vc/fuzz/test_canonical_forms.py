"""Two paths, one result: whatever the document, both give the same text or both refuse it for the same reason."""

from __future__ import annotations

import copy
import hashlib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vc import walker
from app.vc.canonicalization import canonicalize, canonicalize_generally, canonicalize_to_issue, check_issuable
from app.vc.compiled_context import Unusual
from app.vc.contexts import CREDENTIAL_CONTEXTS, VC_V2
from app.vc.walker import walk

from .documents import CONTEXTS, SEEDS, at, changed, credentials, places, rows
from .effort import outcome, tried


def issued_generally(document: dict[str, Any]) -> str:
    check_issuable(document)
    return canonicalize_generally(document)


def assert_same(document: dict[str, Any]) -> tuple[str, Any]:
    expected = outcome(canonicalize_generally, document)
    for turn in ("at first sight", "with templates"):
        found = outcome(canonicalize, document)
        if found != expected:
            ours, theirs = (set(str(text).split("\n")) for _, text in (found, expected))
            pytest.fail(f"{turn}: {found[0]} {sorted(ours - theirs)[:5]} for {expected[0]} {sorted(theirs - ours)[:5]}")
    assert outcome(canonicalize_to_issue, document) == outcome(issued_generally, document)
    return expected


@tried(150)
@given(changed())
def test_real_badges_with_arbitrary_changes(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    assert_same(document)
    assert repr(document) == repr(before), "reading changed the document"


@tried(60)
@given(credentials())
def test_credentials_from_a_grammar(document: dict[str, Any]) -> None:
    kind, _ = assert_same(document)
    assert kind == "value", "the grammar makes only what can be signed"


@tried(40)
@given(st.lists(st.lists(st.sampled_from(CONTEXTS), max_size=4, unique=True), min_size=2, max_size=4), changed(most=1))
def test_one_badge_under_several_lists_of_contexts(lists: list[list[str]], document: dict[str, Any]) -> None:
    """The same achievement means something else under other contexts: no template may serve for both."""
    for urls in lists:
        read = document | {"@context": [VC_V2, *urls]}
        assert outcome(canonicalize, read) == outcome(canonicalize_generally, read)


@pytest.mark.parametrize("turned", [False, True])
def test_a_template_serves_the_contexts_it_was_made_under(turned: bool) -> None:
    """The same part, kept once, under two lists of contexts of which only one defines its words as they stand."""
    part = {"id": "urn:x:a", "type": ["Profile"], "name": f"Only here {turned}", "additionalName": "x"}
    lists = [[*CREDENTIAL_CONTEXTS], [VC_V2]]
    found = []
    for urls in reversed(lists) if turned else lists:
        read = {"@context": urls, "id": "urn:x:1", "type": ["VerifiableCredential"], "issuer": part}
        found.append(outcome(canonicalize, read))
        assert found[-1] == outcome(canonicalize_generally, read)
    assert {kind for kind, _ in found} == {"value", "refused"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_every_row_of_the_corpus_by_walker_and_by_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a template applies (an achievement or an issuer with an id) it must have been used, not just be equal.

    tests/vc/test_canonicalization.py takes every row by the general path.
    """
    corpus = rows()
    assert len(corpus) == 1200
    assert len({row["sha256"] for row in corpus}) > 1100, "so many different texts"
    templated = 0
    for row in corpus:
        document, digest = row["document"], row["sha256"]
        first = walk(document)  # Unusual would fail the test: nothing is left to the general path
        with monkeypatch.context() as patch:
            patch.setattr(walker, "TEMPLATED", frozenset())
            plain = walk(document)
            assert len(plain.parts) == 1
            assert _digest(canonicalize(document)) == digest
        again = walk(document)
        assert first == again
        assert _digest(canonicalize(document)) == digest
        parts = [document.get("issuer"), *_achievements(document)]
        due = sum(isinstance(part, dict) and "id" in part and len(part) > 1 for part in parts)
        assert len(again.parts) == 1 + due
        assert all(any(a is b for b in first.parts) for a in again.parts[1:]), "made once, then taken again"
        templated += due
    assert templated > 1200


def _achievements(document: dict[str, Any]) -> list[Any]:
    subjects = document["credentialSubject"]
    found = [subject.get("achievement") for subject in (subjects if isinstance(subjects, list) else [subjects])]
    return [part for each in found for part in (each if isinstance(each, list) else [each])]


def test_the_quick_path_takes_most_of_what_the_grammar_makes() -> None:
    """Else the tests above would compare the general path with itself."""
    taken = []

    @tried(40)
    @given(credentials())
    def count(document: dict[str, Any]) -> None:
        try:
            walk(document)
        except Unusual:
            taken.append(False)
        else:
            taken.append(True)

    count()
    assert sum(taken) > len(taken) / 6


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + ".x" if isinstance(value, str) else value + 1


@tried(250)
@given(changed(most=3), st.randoms(use_true_random=False))
def test_nothing_that_is_shown_is_left_unsigned(document: dict[str, Any], chosen: random.Random) -> None:
    """Any text, number or flag of a document that is accepted, changed alone, changes what is signed or is refused.

    Each statement is made of such a value, so what a processor drops in silence is found by changing it.
    """
    kind, text = outcome(canonicalize, document)
    leaves = [path for path in places(document) if isinstance(at(document, path), str | int | float)]
    if kind == "refused" or not leaves:
        return
    for path in chosen.sample(leaves, min(len(leaves), 8)):
        other = copy.deepcopy(document)
        at(other, path[:-1])[path[-1]] = _other(at(document, path))
        assert outcome(canonicalize, other) != ("value", text), path


@pytest.mark.parametrize("value", ["text", {"@value": "text", "@language": "en"}, {"@value": "text"}])
def test_each_value_in_turn_is_left_out_of_nothing(value: Any) -> None:
    document = {**SEEDS[0], "name": value}
    text = canonicalize(document)
    for path in places(document):
        if isinstance(at(document, path), str | int | float):
            other = copy.deepcopy(document)
            at(other, path[:-1])[path[-1]] = _other(at(document, path))
            assert outcome(canonicalize, other) != ("value", text), path
