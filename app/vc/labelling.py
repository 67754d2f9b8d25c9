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
class Fragment:
    """Part of a document, ready to be put into a canonical text.

    Attributes:
        root: the term by which the rest of the document refers to it.
        plain: its lines without blank nodes, sorted.
        linked: its statements with blank nodes, numbered from 0.
        hashes: of its blank nodes, by number.
        ids: identifiers that its nodes describe.
        values: how many values it holds.
        has_repeated_list_values: whether an ordered list in it holds a value twice.
        has_empty: whether an array or object in it is empty.
    """

    root: str
    plain: tuple[str, ...]
    linked: tuple[Statement, ...]
    hashes: tuple[str, ...]
    ids: frozenset[str]
    values: int
    has_repeated_list_values: bool
    has_empty: bool


def canonical_text(statements: Iterable[Statement], fragments: Sequence[Fragment], blank_nodes: int) -> str:
    """The canonical N-Quads of a document's statements and fragments.

    Args:
        statements: as walked; one that comes twice counts once.
        fragments: parts from templates.
        blank_nodes: how many numbers of blank nodes `statements` uses, from 0.

    Raises:
        Alike: two blank nodes have the same first-degree hash.
        Unusual: nothing is said at all.
    """
    plain, linked = split(statements)
    hashes = first_degree_hashes(linked, blank_nodes)
    groups: list[tuple[Sequence[Statement], Sequence[str]]] = [(linked, hashes)]
    for fragment in fragments:
        plain.update(fragment.plain)
        groups.append((fragment.linked, fragment.hashes))
    every = [value for _, own in groups for value in own]
    labels = {value: f"_:c14n{number}" for number, value in enumerate(sorted(every))}
    lines = list(plain)
    if len(labels) < len(every):
        for number, (some, own) in enumerate(groups):
            _write(lines, some, [f"_:f{number}n{node}" for node in range(len(own))])
        raise Alike("".join(lines))
    for some, own in groups:
        _write(lines, some, [labels[value] for value in own])
    if not lines:
        raise Unusual
    lines.sort()
    return "".join(lines)


def _write(lines: list[str], linked: Sequence[Statement], names: Sequence[str]) -> None:
    for subject, predicate, value in linked:
        start = subject if type(subject) is str else names[subject]  # type: ignore[index]
        end = value if type(value) is str else names[value]  # type: ignore[index]
        lines.append(f"{start} {predicate} {end} .\n")


def split(statements: Iterable[Statement]) -> tuple[set[str], list[Statement]]:
    """The lines without blank nodes, each once, and the statements with them, each once."""
    plain: set[str] = set()
    linked: list[Statement] = []
    for statement in dict.fromkeys(statements):
        subject, predicate, value = statement
        if type(subject) is str and type(value) is str:
            plain.add(f"{subject} {predicate} {value} .\n")
        else:
            linked.append(statement)
    return plain, linked


def first_degree_hashes(linked: Sequence[Statement], blank_nodes: int) -> list[str]:
    """The hash of each blank node's own statements (RDFC-1.0 §4.6), by number.

    Equal lines that stand for different statements all count: `linked` holds each statement once, not each line.
    """
    lines = first_degree_lines(linked, blank_nodes)
    return [hashlib.sha256("".join(sorted(own)).encode()).hexdigest() for own in lines]


def first_degree_lines(linked: Sequence[Statement], blank_nodes: int) -> list[list[str]]:
    """Each blank node's own statements as RDFC-1.0 §4.6 writes them, by number, in no order."""
    lines: list[list[str]] = [[] for _ in range(blank_nodes)]
    for subject, predicate, value in linked:
        if type(subject) is int:
            if type(value) is int:
                lines[subject].append(f"_:a {predicate} {'_:a' if value == subject else '_:z'} .\n")
                if value != subject:
                    lines[value].append(f"_:z {predicate} _:a .\n")
            else:
                lines[subject].append(f"_:a {predicate} {value} .\n")
        else:
            lines[value].append(f"{subject} {predicate} _:a .\n")  # type: ignore[index]
    return lines
