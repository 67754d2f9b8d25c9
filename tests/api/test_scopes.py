"""What a token carries: never more than the client has, and nothing by guesswork."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.errors import ScopeRefused
from app.api.scopes import SCOPES, granted, joined, parse

some_scopes = st.frozensets(st.sampled_from(SCOPES))


@given(held=some_scopes, asked=some_scopes)
def test_a_token_carries_exactly_what_was_asked_for_or_there_is_none(
    held: frozenset[str], asked: frozenset[str]
) -> None:
    if asked <= held:
        assert granted(joined(asked), held) == (asked or held)
    else:
        with pytest.raises(ScopeRefused):
            granted(joined(asked), held)


@given(held=some_scopes, asked=st.one_of(st.none(), st.text(max_size=60)))
def test_no_text_whatever_gives_more_than_the_client_has(held: frozenset[str], asked: str | None) -> None:
    try:
        assert granted(asked, held) <= held
    except ScopeRefused:
        assert asked


@given(scopes=st.lists(st.sampled_from(SCOPES), min_size=1, max_size=20))
def test_order_and_repetition_mean_nothing(scopes: list[str]) -> None:
    assert parse(" ".join(scopes)) == frozenset(scopes)
    assert parse(joined(scopes)) == frozenset(scopes)


@pytest.mark.parametrize("asked", [None, ""])
def test_who_names_none_gets_all(asked: str | None) -> None:
    held = frozenset({"audit:read", "people:read"})
    assert granted(asked, held) == held


HALF: Collection[str] = [
    " credentials:read", "credentials:read ", "credentials:read  audit:read", "credentials:read\taudit:read",
    "credentials:read\naudit:read", "credentials:", "CREDENTIALS:READ", "credentials:issue:", "*", "\x00", "\ud800",
    "credentials:read,audit:read", '"credentials:read"', "credentials:re\u0430d",
]  # fmt: skip


@pytest.mark.parametrize("asked", HALF)
def test_what_only_looks_like_a_scope_is_refused(asked: str) -> None:
    with pytest.raises(ScopeRefused):
        granted(asked, frozenset(SCOPES))
