"""libyaml is asked first; whatever it says is what the scanner in Python would say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.programme import quick_yaml
from tests.programmes import IPS

pytestmark = pytest.mark.skipif(quick_yaml.CParser is None, reason="this PyYAML was built without libyaml")

FILES = sorted(IPS.rglob("*.yaml"))
PIECES = [
    *"-:?,[]{}#&*!|>'\"%@`\t \n~0é😀\\\r\x85\xad\u200b\u2028\ufeff\x00\x07",
    *("---\n", "...\n", "\n\n", "<<: ", "!!str ", "? ", "- - ", "|2\n", ">-\n", ">#", "%YAML 1.1\n", "1:2", '""', "''"),
]


def shown(node: yaml.Node | None) -> Any:
    """All of a node that we read."""
    if node is None:
        return None
    children = node.value
    if isinstance(node, yaml.MappingNode):
        children = [(shown(key), shown(value)) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [shown(child) for child in node.value]
    return type(node), node.tag, node.start_mark.line, children


def exactly(text: str) -> Any:
    return shown(yaml.SafeLoader(text).get_single_node())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(IPS).as_posix())
def test_our_files_are_read_the_quick_way_and_alike(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert shown(quick_yaml.compose(text)) == exactly(text)


@pytest.mark.parametrize(
    "text",
    [
        "tags: [a, b?c]",
        "tags: [a,\n  b? c]",
        "text: >#\n  one\n",
        "text: |-#\n  one\n",
        "a: !\n",
        "a: !b c\n",
        "a: &b c\nd: *b\n",
        "a: b\tc\n",
        "a: \ufeffb\n",
        "a: {b: \n}",
        "? a\n: b\n",
        "- ? a\n",
        "a: b\n?",
        "a: [b",
        "",
        "# nothing\n",
        "[" * 100_000,
        "- " * 100_000,
        "a: b\n---\nc: d\n",
    ],
)
def test_where_they_may_differ_the_exact_way_decides(text: str) -> None:
    assert quick_yaml.compose(text) is None


@st.composite
def changed(draw: st.DrawFn) -> str:
    """Some lines of a file, changed at a few places."""
    lines = draw(st.sampled_from(FILES)).read_text(encoding="utf-8").splitlines(keepends=True)
    begin = draw(st.integers(0, len(lines) - 1))
    text = "".join(lines[begin : begin + draw(st.integers(1, 12))])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + draw(st.integers(0, 3)) :]
    return text


@given(changed())
@settings(max_examples=1000)
def test_what_is_read_the_quick_way_is_read_alike_the_exact_way(text: str) -> None:
    quickly = quick_yaml.compose(text)
    if quickly is not None:
        assert shown(quickly) == exactly(text)
