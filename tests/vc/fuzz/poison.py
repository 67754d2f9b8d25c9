"""Documents made to hold a processor or fill the memory; judged in a process with hard limits on both.

`python -m tests.vc.fuzz.poison` judges them all and prints what came of each as JSON. The limits are the kernel's:
native code that runs away is ended, whatever Python could do about it.
"""

from __future__ import annotations

import json
import random
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, NamedNode, Quad

from app.vc import json_text, work_bound
from app.vc.canonicalization import canonicalize, canonicalize_generally
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.errors import VcError

CPU_SECONDS = 90
MEMORY = 1_500_000_000

Edge = tuple[int, int, int]
"""From, to, predicate."""


def badge(**members: Any) -> dict[str, Any]:
    """A small credential."""
    return {
        "@context": list(CREDENTIAL_CONTEXTS),
        "id": "urn:x:1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        **members,
    }


def _subject(**achievement: Any) -> dict[str, Any]:
    return {"type": ["AchievementSubject"], "achievement": {"id": "urn:a:1", "type": ["Achievement"], **achievement}}


def _chain(length: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": ["Profile"]}
    for _ in range(length):
        found = {"type": ["Profile"], "parentOrg": found}
    return found


def _tree(children: int, depth: int) -> dict[str, Any]:
    if not depth:
        return {"type": ["Achievement"], "name": "leaf"}
    return {"type": ["Achievement"], "related": [_tree(children, depth - 1) for _ in range(children)]}


def _nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"id": "urn:e:0", "type": ["VerifiableCredential"]}
    for level in range(levels):
        inner = badge(id=f"urn:e:{level}", endorsement=[inner | {"@context": list(CREDENTIAL_CONTEXTS)}])
    return inner


ALIGNMENT = {"type": ["Alignment"], "targetName": "x", "targetUrl": "https://example.org/x"}
EVERYTHING = [
    "Achievement", "AchievementSubject", "Address", "Alignment", "BitstringStatusList", "DataIntegrityProof",
    "Evidence", "GeoCoordinates", "IdentifierEntry", "IdentityObject", "Image", "Profile", "Related", "Result",
    "ResultDescription", "RubricCriterionLevel",
]  # fmt: skip


def documents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is thrown: a name, what must come of it ("text" or a code; "either" where only the limits matter), it."""
    leaf = [{"type": ["Evidence"], "name": "same"} for _ in range(12)]
    twin = {"type": ["Achievement"], "related": leaf}
    linked = [{"type": ["AchievementSubject"], "achievement": dict(twin)} for _ in range(6)]
    yield "twelve look-alikes in each of six", "too_complex", badge(credentialSubject=linked)
    for size, expected in ((100, "text"), (3_000, "too_complex")):
        same = badge(credentialSubject=_subject(alignment=[ALIGNMENT] * size))
        yield f"{size} look-alikes that are not linked", expected, same
    yield "a tree of nine times nine", "too_complex", badge(credentialSubject=_subject(related=[_tree(9, 2)] * 9))
    yield "a tree of three by six", "either", badge(credentialSubject=_subject(related=[_tree(3, 6)] * 3))
    for length in (5, 30, 60):
        twins = [{"type": ["AchievementSubject"], "source": _chain(length)} for _ in range(2)]
        yield f"two chains of {length}", "text", badge(credentialSubject=twins)
        many = [{"type": ["AchievementSubject"], "source": _chain(length)} for _ in range(60)]
        yield f"sixty chains of {length}", "too_complex" if length == 60 else "either", badge(credentialSubject=many)
    for size in (64, 4_000):
        described = {"id": "urn:r:1", "type": ["ResultDescription"], "allowedValue": ["A", "B"] * size}
        yield (
            f"a list of two values {size} times",
            "too_complex",
            badge(credentialSubject=_subject(resultDescription=[described])),
        )
    yield (
        "sixty-four embedded credentials",
        "text",
        badge(endorsement=[badge(id=f"urn:e:{number}") for number in range(64)]),
    )
    yield (
        "sixty-five embedded credentials",
        "too_complex",
        badge(endorsement=[badge(id=f"urn:e:{number}") for number in range(65)]),
    )
    yield "twenty credentials one in the other", "either", _nested(20)
    yield "a hundred and fifty credentials one in the other", "too_complex", _nested(150)
    yield (
        "many types at many nodes",
        "either",
        badge(evidence=[{"id": f"urn:e:{number}", "type": EVERYTHING} for number in range(300)]),
    )
    yield (
        "one node told a thousand times",
        "either",
        badge(evidence=[{"id": "urn:e:1", "type": ["Evidence"], "name": f"{number}"} for number in range(4_000)]),
    )
    yield "a text of a megabyte", "text", badge(name="x" * 1_000_000)
    yield "a text of quotes", "text", badge(name='"\\\n' * 300_000)
    yield (
        "twenty thousand tags",
        "too_complex",
        badge(credentialSubject=_subject(tag=[f"{number}" for number in range(20_001)])),
    )


def graphs() -> Iterator[tuple[str, list[Edge]]]:
    """Linked blank nodes of every shape that is known to be hard, and random ones from a fixed seed."""
    for size in (7, 9, 20, 60):
        yield f"clique {size}", [(a, b, 0) for a in range(size) for b in range(size) if a != b]
    for size in (3, 20, 60, 300):
        yield f"cycle {size}", [(number, (number + 1) % size, 0) for number in range(size)]
    for left in (2, 5, 8, 9):
        for right in (2, 5, 8, 9):
            yield f"{left} to {right}", [(a, left + b, 0) for a in range(left) for b in range(right)]
    for width in (2, 3, 6):
        for layers in (2, 8, 30):
            yield (
                f"{layers} layers of {width}",
                [
                    (layer * width + a, (layer + 1) % layers * width + b, 0)
                    for layer in range(layers) for a in range(width) for b in range(width)
                ],
            )  # fmt: skip
    for dimension in (3, 4, 5):
        corners = 2**dimension
        yield f"cube {dimension}", [(a, a ^ (1 << bit), 0) for a in range(corners) for bit in range(dimension)]
    ring = [(a, (a + 1) % 5, 0) for a in range(5)] + [(a, a + 5, 0) for a in range(5)]
    star = [(5 + a, 5 + (a + 2) % 5, 0) for a in range(5)]
    yield "Petersen", ring + star + [(b, a, 0) for a, b, _ in ring + star]
    chosen = random.Random(7)
    for number in range(400):
        nodes = chosen.randint(2, 14)
        count = chosen.randint(nodes, 3 * nodes)
        yield (
            f"random {number}",
            [(chosen.randrange(nodes), chosen.randrange(nodes), chosen.randrange(2)) for _ in range(count)],
        )
    for number in range(150):
        nodes = chosen.randint(4, 40)
        steps = chosen.sample(range(1, nodes), min(nodes - 1, chosen.randint(1, 3)))
        yield f"circle {number}", [(a, (a + step) % nodes, 0) for a in range(nodes) for step in steps]


def quads(edges: list[Edge]) -> list[Quad]:
    """The statements of a graph."""
    return [
        Quad(BlankNode(f"n{a}"), NamedNode(f"https://example.org/{predicate}"), BlankNode(f"n{b}"))
        for a, b, predicate in edges
    ]


def texts() -> Iterator[tuple[str, bytes]]:
    """JSON that is large, deep or wide."""
    for name, opening, closing in (
        ("arrays", b"[", b"]"), ("objects", b'{"a":', b"}"), ("both", b'[{"a":', b"}]"),
    ):  # fmt: skip
        yield f"10,000 {name} deep", b'{"a":' + opening * 10_000 + b"1" + closing * 10_000 + b"}"
    yield "arrays that never close", b'{"a":' + b"[" * 900_000
    yield "100,000 arrays beside each other at depth 62", b'{"a":' + b"[" * 62 + b"[]," * 100_000 + b"[]" + b"]" * 62
    yield "a hundred thousand members", b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}"
    yield "a member a hundred thousand times", b"{" + b'"a":1,' * 100_000 + b'"a":1}'
    yield "a number of 900,000 digits", b'{"a":' + b"9" * 900_000 + b"}"
    yield "a fraction of 900,000 digits", b'{"a":0.' + b"9" * 900_000 + b"}"
    yield "an exponent of 900,000 digits", b'{"a":1e' + b"9" * 900_000 + b"}"
    yield "a text of a megabyte", b'{"a":"' + b"x" * 999_000 + b'"}'
    yield "half characters", b'{"a":["' + b"\\ud83d\\udf31" * 80_000 + b'"]}'


def _outcome(act: Callable[[Any], Any], argument: Any) -> str:
    try:
        act(argument)
    except VcError as refused:
        return refused.code
    return "text"


def _label(edges: list[Edge]) -> None:
    statements = quads(edges)
    work_bound.check(statements)
    Dataset(statements).canonicalize(CanonicalizationAlgorithm.RDFC_1_0)


def main() -> None:
    """Judge everything under the limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    found: dict[str, str] = {}
    for name, _, document in documents():
        found[f"{name}, quickly"] = _outcome(canonicalize, document)
        found[f"{name}, generally"] = _outcome(canonicalize_generally, document)
    for name, edges in graphs():
        found[f"graph {name}"] = _outcome(_label, edges)
    for name, data in texts():
        found[f"JSON {name}"] = _outcome(json_text.loads, data)
    found["memory in MB"] = str(_most_memory())
    json.dump(found, sys.stdout)


def _most_memory() -> int:
    """The most megabytes this program held. What getrusage tells begins with the memory of whoever started it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("the kernel does not say how much memory this program held")


if __name__ == "__main__":
    main()
