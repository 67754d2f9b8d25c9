"""YAML that remembers its line numbers, so that an author is told where, not only what.

Stricter than YAML itself: a key written twice is refused instead of the first being lost silently, and anchors and
aliases are refused because an author's file needs none and a hostile one could grow without bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from app.programme import quick_yaml
from app.programme.errors import Problem, ProgrammeInvalid

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

Route = tuple[str | int, ...]


@dataclass(frozen=True)
class Located:
    """A parsed file.

    Attributes:
        file: path inside the programme's folder, for messages.
        data: plain Python values.
        lines: 1-based line of every value, by the keys and indexes that lead to it.
    """

    file: str
    data: Any
    lines: dict[Route, int]

    def line(self, *route: str | int) -> int:
        """The line of a value; of the nearest enclosing one where it is missing."""
        found: Route = ()
        for part in route:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found, 1)

    def problem(self, message: str, *route: str | int) -> Problem:
        """A problem at a value of this file."""
        return Problem(self.file, self.line(*route), message)


def read_text(path: Path, file: str) -> str:
    """The text of one of the author's files.

    Raises:
        ProgrammeInvalid: it is missing, too large, or not UTF-8.
    """
    if not path.is_file():
        raise ProgrammeInvalid([Problem(file, 1, "this file is missing")])
    raw = path.read_bytes()
    if len(raw) > MAX_BYTES:
        raise ProgrammeInvalid([Problem(file, 1, f"this file is larger than {MAX_BYTES} bytes")])
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ProgrammeInvalid([Problem(file, line, "this is not UTF-8 text: save the file as UTF-8")]) from error


def read_yaml(path: Path, file: str) -> Located:
    """Parse one YAML file.

    Args:
        path: where it is.
        file: its path inside the programme's folder, for messages.

    Raises:
        ProgrammeInvalid: it cannot be read or is not the YAML we accept.
    """
    text = read_text(path, file)
    try:
        node = quick_yaml.compose(text) or _Loader(text).get_single_node()
        if node is None:
            raise ProgrammeInvalid([Problem(file, 1, "this file is empty")])
        reader = _Reader(file)
        data = reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ProgrammeInvalid([Problem(file, mark.line + 1 if mark else 1, _plain(error))]) from error
    except yaml.YAMLError as error:
        raise ProgrammeInvalid([Problem(file, 1, "this file holds characters that YAML does not allow")]) from error
    except (RecursionError, ValueError) as error:
        raise ProgrammeInvalid([Problem(file, 1, "this file cannot be read as YAML")]) from error
    if reader.problems:
        raise ProgrammeInvalid(reader.problems)
    return Located(file, data, reader.lines)


class _Loader(yaml.SafeLoader):
    """YAML's safe subset without anchors and aliases."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(
                None, None, "write the text out: '&' and '*' names are not used here", event.start_mark
            )
        return super().compose_node(parent, index)


class _Reader:
    """Turns nodes into values and notes the line of each."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._constructor = SafeConstructor()
        self.lines: dict[Route, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node, route: Route) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(route, line)
        if len(route) > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if not isinstance(node, yaml.ScalarNode) and node.tag not in PLAIN_TAGS:
            self.problems.append(Problem(self._file, line, f"`{node.tag}` is not used here: leave out the `!`"))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, route)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*route, index)) for index, child in enumerate(node.value)]
        return self._constructor.construct_object(node, deep=True)

    def _mapping(self, node: yaml.MappingNode, route: Route) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self._file, line, "a name is expected before the colon"))
                continue
            key = key_node.value
            if key in result:
                self.problems.append(Problem(self._file, line, f"`{key}` is written twice in the same place"))
            self.lines[(*route, key)] = line
            result[key] = self.value(value_node, (*route, key))
        return result


def _plain(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unclear"
    hints: Sequence[tuple[str, str]] = (
        ("'\\t' that cannot start", "there is a tab here: indent with spaces"),
        ("mapping values are not allowed", "there is a second colon in this line: put the text in quotes"),
        ("expected <block end>", "the indentation does not fit the lines above"),
        ("could not find expected ':'", "a colon is missing after a name"),
        ("found unexpected end of stream", "a quote that was opened is never closed"),
        ("expected a single document", "this file holds '---' twice: one document a file"),
    )
    return next((text for sign, text in hints if sign in str(error)), f"this is not valid YAML: {problem}")
