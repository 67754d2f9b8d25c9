"""Canonical labels for blank nodes that their own statements tell apart, and the canonical text that follows.

That is RDFC-1.0 up to its step 4: hash each blank node's statements, and label in the order of the hashes. Where two
hashes are equal the standard goes on with paths between nodes; that is left to the general path, whose work is bounded.
https://www.w3.org/TR/rdf-canon/#canon-algorithm
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

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

Link = tuple[str, int]
"""The middle of a line, ` <predicate> `, and the number of the blank node that is its object."""


class Block(NamedTuple):
    """What is said of one subject, cut where labels go in.

    Lines with the same subject stand together in a canonical text, and subjects that are no beginnings of each other
    sort as their lines do. So whole blocks are sorted, not lines, and what no label changes is put together once.

    Attributes:
        rests: the lines without their subject, ` <predicate> value .` with line feed, that name no other blank node;
            sorted, each once.
        links: to blank nodes, each once.
    """

    rests: Sequence[str]
    links: Sequence[Link]

    def text(self, subject: str, names: Sequence[str]) -> str:
        """The block's lines in order, with a label for each number."""
        if not self.links:
            return subject + subject.join(self.rests) if self.rests else ""
        lines = [*self.rests, *[f"{middle}{names[value]} .\n" for middle, value in self.links]]
        return subject + subject.join(sorted(lines))


class Part(NamedTuple):
    """Statements ready to be put into a canonical text.

    Attributes:
        ready: (subject, its lines), where none of them names a blank node.
        linking: (subject, its block), where some do.
        nodes: the blocks of the blank nodes, by number.
        hashes: first-degree hashes of the blank nodes (RDFC-1.0 §4.6), by number.
    """

    ready: Sequence[tuple[str, str]]
    linking: Sequence[tuple[str, Block]]
    nodes: Sequence[Block]
    hashes: Sequence[str]

    @classmethod
    def of(cls, rests: Mapping[Node, Sequence[str]], links: Sequence[tuple[Node, str, int]], blank_nodes: int) -> Part:
        """Cut and hash statements.

        `rests` are those without a blank node as object, by subject, and have every subject; `links` the others:
        subject, middle of the line, object. What is said twice counts once.
        """
        linked: dict[Node, list[Link]] = {}
        for subject, middle, value in links:
            linked.setdefault(subject, []).append((middle, value))
        ready, linking = [], []
        nodes = [_NOTHING] * blank_nodes
        for subject, lines in rests.items():
            ordered = sorted(set(lines))
            named = linked.get(subject)
            if type(subject) is int:
                nodes[subject] = Block(ordered, tuple(dict.fromkeys(named)) if named else ())
            elif named and type(subject) is str:
                linking.append((subject, Block(ordered, tuple(dict.fromkeys(named)))))
            elif ordered and type(subject) is str:
                ready.append((subject, subject + subject.join(ordered)))
        first_degree = _first_degree(linking, nodes)
        hashes = [hashlib.sha256("".join(sorted(lines)).encode()).hexdigest() for lines in first_degree]
        return cls(ready, linking, nodes, hashes)

    def first_degree(self) -> list[list[str]]:
        """Each blank node's own statements as RDFC-1.0 §4.6 writes them, by number, in no order."""
        return _first_degree(self.linking, self.nodes)

    def blocks(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """(subject, its lines in order), with a label for each number."""
        found = list(self.ready)
        found += [(subject, block.text(subject, names)) for subject, block in self.linking]
        found += [(name, block.text(name, names)) for name, block in zip(names, self.nodes, strict=True)]
        return found


_NOTHING: Final = Block((), ())
_LABELS: Final = tuple(f"_:c14n{number}" for number in range(100))
_LINE: Final = re.compile("[^\n]*\n")  # splitlines() would also break lines at U+2028, inside a text


def canonical_text(parts: Sequence[Part]) -> str:
    """The canonical N-Quads of the parts of a document.

    Raises:
        Alike: two blank nodes have the same first-degree hash.
        Unusual: nothing is said at all.
    """
    every = [value for part in parts for value in part.hashes]
    labels = dict(zip(sorted(every), _label_names(len(every)), strict=True))
    if len(labels) < len(every):
        raise Alike(_with_labels_of_no_meaning(parts))
    blocks = [block for part in parts for block in part.blocks([labels[value] for value in part.hashes])]
    by_subject = dict(blocks)
    if len(by_subject) < len(blocks):  # two parts speak of the same, and may say the same
        text = "".join(sorted({line for _, lines in blocks for line in _LINE.findall(lines)}))
    else:
        text = "".join([by_subject[subject] for subject in sorted(by_subject)])
    if not text:
        raise Unusual
    return text


def _label_names(count: int) -> Sequence[str]:
    return _LABELS[:count] if count <= len(_LABELS) else [f"_:c14n{number}" for number in range(count)]


def _first_degree(linking: Sequence[tuple[str, Block]], nodes: Sequence[Block]) -> list[list[str]]:
    """Equal lines that stand for different statements all count."""
    lines = [["_:a" + rest for rest in block.rests] for block in nodes]
    for subject, block in linking:
        for middle, value in block.links:
            lines[value].append(f"{subject}{middle}_:a .\n")
    for number, block in enumerate(nodes):
        for middle, value in block.links:
            if value == number:
                lines[number].append(f"_:a{middle}_:a .\n")
            else:
                lines[number].append(f"_:a{middle}_:z .\n")
                lines[value].append(f"_:z{middle}_:a .\n")
    return lines


def _with_labels_of_no_meaning(parts: Sequence[Part]) -> str:
    return "".join(
        lines
        for number, part in enumerate(parts)
        for _, lines in part.blocks([f"_:p{number}n{node}" for node in range(len(part.hashes))])
    )
