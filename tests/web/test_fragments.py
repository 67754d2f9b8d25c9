"""Fragments of pages that are made once: the same as if they were made each time, and never too many."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from app.web import pages
from app.web.pages import LONGEST_KEPT, Fragments, environment

MACRO = "{% macro greet(name) %}<p>{{ name }}</p>{% endmacro %}{{ kept(greet, name) }}"


@pytest.fixture
def counted() -> tuple[Fragments, list[str]]:
    """Fragments, and what they were made of so far."""
    made: list[str] = []
    return Fragments(), made


def test_what_is_put_into_a_fragment_is_escaped_and_the_fragment_is_not() -> None:
    env = Environment(autoescape=True)
    env.globals["kept"] = Fragments()
    for _ in range(2):
        assert env.from_string(MACRO).render(name="<b>") == "<p>&lt;b&gt;</p>"


def test_a_fragment_is_made_once_for_the_same_values_and_again_for_others(
    counted: tuple[Fragments, list[str]],
) -> None:
    kept, made = counted

    def macro(name: str) -> str:
        made.append(name)
        return name.upper()

    assert [str(kept(macro, name)) for name in ("a", "b", "a", "a", "b")] == ["A", "B", "A", "A", "B"]
    assert made == ["a", "b"]


def test_long_fragments_are_not_kept_and_of_short_ones_only_so_many(
    counted: tuple[Fragments, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, made = counted
    monkeypatch.setattr(pages, "MOST_FRAGMENTS", 2)

    def macro(name: str) -> str:
        made.append(name[:1])
        return name

    for name in ("a", "b", "c", "c", "a", "x" * (LONGEST_KEPT + 1), "x" * (LONGEST_KEPT + 1)):
        kept(macro, name)
    assert "".join(made) == "abcaxx"


def test_templates_are_read_again_only_where_they_are_written() -> None:
    assert environment(reload=True).auto_reload
    assert not environment().auto_reload
