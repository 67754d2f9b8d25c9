"""Canonical labels for blank nodes that their own statements tell apart, and the canonical text that follows.

That is RDFC-1.0 up to its step 4: hash each blank node's statements, and label in the order of the hashes. Where two
hashes are equal the standard goes on with paths between nodes; that is left to the general path, whose work is bounded.
https://www.w3.org/TR/rdf-canon/#canon-algorithm
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.vc.compiled_context import Unusual


class Alike(Exception):
    """No error: some blank nodes can only be told apart by what they are linked to.

    Args:
        text: the statements as N-Quads, with labels of no meaning.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


Node = str | int
"""A term as N-Quads writes it, or the number of a blank node."""

Statement = tuple[Node, str, Node]


@dataclass(frozen=True, slots=True)
class Linked:
    """Statements with blank nodes, cut where a label goes in, so that a line is made by joining.

    Attributes:
        from_node: (number of the subject, rest of the line).
        to_node: (beginning of the line, number of the object).
        between: (number of the subject, middle of the line, number of the object).
    """

    from_node: tuple[tuple[int, str], ...]
    to_node: tuple[tuple[str, int], ...]
    between: tuple[tuple[int, str, int], ...]

    @classmethod
    def of(cls, statements: Iterable[Statement]) -> Linked:
        """Cut statements of which each has a blank node."""
        from_node: list[tuple[Node, str]] = []
        to_node: list[tuple[str, Node]] = []
        between: list[tuple[Node, str, Node]] = []
        for subject, predicate, value in statements:
            if type(subject) is str:
                to_node.append((f"{subject} {predicate} ", value))
            elif type(value) is str:
                from_node.append((subject, f" {predicate} {value} .\n"))
            else:
                between.append((subject, f" {predicate} ", value))
        return cls(tuple(from_node), tuple(to_node), tuple(between))  # type: ignore[arg-type]

    def lines(self, names: Sequence[str]) -> list[str]:
        """The lines, with a label for each number."""
        found = [names[subject] + rest for subject, rest in self.from_node]
        found += [f"{start}{names[value]} .\n" for start, value in self.to_node]
        found += [f"{names[subject]}{middle}{names[value]} .\n" for subject, middle, value in self.between]
        return found

    def first_degree(self, blank_nodes: int) -> list[list[str]]:
        """Each blank node's own statements as RDFC-1.0 §4.6 writes them, by number, in no order.

        Equal lines that stand for different statements all count.
        """
        lines: list[list[str]] = [[] for _ in range(blank_nodes)]
        for subject, rest in self.from_node:
            lines[subject].append("_:a" + rest)
        for start, value in self.to_node:
            lines[value].append(start + "_:a .\n")
        for subject, middle, value in self.between:
            if subject == value:
                lines[subject].append(f"_:a{middle}_:a .\n")
            else:
                lines[subject].append(f"_:a{middle}_:z .\n")
                lines[value].append(f"_:z{middle}_:a .\n")
        return lines


@dataclass(frozen=True, slots=True)
class Part:
    """Statements ready to be put into a canonical text.

    Attributes:
        plain: the lines without blank nodes, sorted.
        linked: the statements with blank nodes, numbered from 0.
        hashes: first-degree hashes of the blank nodes (RDFC-1.0 §4.6), by number.
    """

    plain: tuple[str, ...]
    linked: Linked
    hashes: tuple[str, ...]

    @classmethod
    def of(cls, statements: Iterable[Statement], blank_nodes: int) -> Part:
        """Hash and cut statements; one that comes twice counts once."""
        plain, linked = [], []
        for statement in dict.fromkeys(statements):
            subject, predicate, value = statement
            if type(subject) is str and type(value) is str:
                plain.append(f"{subject} {predicate} {value} .\n")
            else:
                linked.append(statement)
        cut = Linked.of(linked)
        own = cut.first_degree(blank_nodes)
        hashes = (hashlib.sha256("".join(sorted(lines)).encode()).hexdigest() for lines in own)
        return cls(tuple(sorted(plain)), cut, tuple(hashes))


def canonical_text(parts: Sequence[Part]) -> str:
    """The canonical N-Quads of the parts of a document.

    Raises:
        Alike: two blank nodes have the same first-degree hash.
        Unusual: nothing is said at all.
    """
    every = [value for part in parts for value in part.hashes]
    labels = {value: f"_:c14n{number}" for number, value in enumerate(sorted(every))}
    if len(labels) < len(every):
        raise Alike(_with_labels_of_no_meaning(parts))
    lines: list[str] = []
    for part in parts:  # sorted runs first: the sort below finds and merges them
        lines += part.plain
    for part in parts:
        lines += part.linked.lines([labels[value] for value in part.hashes])
    if not lines:
        raise Unusual
    lines.sort()
    if len(set(lines)) < len(lines):  # two parts say the same
        lines = list(dict.fromkeys(lines))
    return "".join(lines)


def _with_labels_of_no_meaning(parts: Sequence[Part]) -> str:
    lines: list[str] = []
    for number, part in enumerate(parts):
        lines += part.plain
        lines += part.linked.lines([f"_:p{number}n{node}" for node in range(len(part.hashes))])
    return "".join(lines)
