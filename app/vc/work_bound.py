"""Bound the work of RDFC-1.0 before a native canonicalizer is called.

Telling apart blank nodes that look alike takes, at worst, factorial time: seven kilobytes of hostile JSON can hold a
processor for minutes, and native code cannot be interrupted. So the cost is estimated first, from what the algorithm
would branch on. https://www.w3.org/TR/rdf-canon/#dataset-poisoning
"""

from collections import Counter
from collections.abc import Iterable
from math import factorial
from typing import Final

from pyoxigraph import BlankNode, Quad

from app.vc.errors import CanonicalizationRefused

MAX_WORK: Final = 100_000
MAX_LINKED: Final = 64
MAX_SIBLINGS: Final = 8

_Link = tuple[str, str, str]
_SELF: Final = "_:a"
_OTHER: Final = "_:z"


def check(quads: Iterable[Quad]) -> dict[str, list[str]]:
    """Raise CanonicalizationRefused (too_complex) if canonicalizing `quads` could take more than a few milliseconds.

    Returns the first-degree lines of each blank node (RDFC-1.0 §4.6), unsorted, for other checks to reuse.
    """
    lines, links = _first_degree(quads)
    signatures = {node: tuple(sorted(node_lines)) for node, node_lines in lines.items()}
    counts = Counter(signatures.values())
    alike = {node for node, signature in signatures.items() if counts[signature] > 1}
    if alike:
        _check_components(alike, links, signatures)
    return lines


def _first_degree(quads: Iterable[Quad]) -> tuple[dict[str, list[str]], dict[str, list[_Link]]]:
    """Collect each blank node's statements as text, and its links to other blank nodes: (node, position, predicate)."""
    lines: dict[str, list[str]] = {}
    links: dict[str, list[_Link]] = {}
    for quad in quads:
        parts = (quad.subject, quad.object, quad.graph_name)
        nodes = [(part.value, place) for place, part in zip("sog", parts, strict=True) if isinstance(part, BlankNode)]
        for node in {value for value, _ in nodes}:
            subject, target, graph = (_label(part, node) for part in parts)
            lines.setdefault(node, []).append(f"{subject} {quad.predicate} {target} {graph}")
            others = ((other, place, quad.predicate.value) for other, place in nodes if other != node)
            links.setdefault(node, []).extend(others)
    return lines, links


def _label(term: object, node: str) -> str:
    if isinstance(term, BlankNode):
        return _SELF if term.value == node else _OTHER
    return str(term)


def _check_components(alike: set[str], links: dict[str, list[_Link]], signatures: dict[str, tuple[str, ...]]) -> None:
    """Estimate each group of linked look-alikes: permutations of siblings multiply, the walk itself is quadratic."""
    total = 0
    seen: set[str] = set()
    for start in alike:
        if start in seen:
            continue
        members, permutations = [start], 1
        seen.add(start)
        for node in members:
            related = [link for link in links[node] if link[0] in alike]
            groups = Counter((position, predicate, signatures[other]) for other, position, predicate in related)
            for size in groups.values():
                permutations = MAX_WORK if size > MAX_SIBLINGS else min(permutations * factorial(size), MAX_WORK)
            fresh = {other for other, _, _ in related} - seen
            seen |= fresh
            members.extend(fresh)
        total += permutations * (len(members) ** 2 if len(members) > 1 else 1)
        if total > MAX_WORK or len(members) > MAX_LINKED:
            raise CanonicalizationRefused("too_complex", "Too many parts of the document cannot be told apart.")
