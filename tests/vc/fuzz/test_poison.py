"""Nothing holds a processor or fills the memory: refused before the work begins, not while it goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from pyoxigraph import Quad

from app.vc import work_bound
from app.vc.errors import CanonicalizationRefused
from tests.conftest import ROOT

from . import poison

WALL_SECONDS = 600
"""Of the clock, for a machine that does ten other things; the limit that counts is the kernel's, in processor time."""


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """What came of everything, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.vc.fuzz.poison"],
        cwd=ROOT, capture_output=True, text=True, timeout=WALL_SECONDS, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, f"ended by the kernel, or failed: {ended.returncode}\n{ended.stderr[-2000:]}"
    return dict(json.loads(ended.stdout))


def test_every_hostile_document_ends_as_it_should_within_the_limits(found: dict[str, str]) -> None:
    for name, expected, _ in poison.documents():
        quickly, generally = found[f"{name}, quickly"], found[f"{name}, generally"]
        assert quickly == generally
        assert quickly in (["text", "too_complex"] if expected == "either" else [expected]), name


def test_every_hostile_graph_is_labelled_or_refused_and_both_occur(found: dict[str, str]) -> None:
    graphs = [found[f"graph {name}"] for name, _ in poison.graphs()]
    assert set(graphs) == {"text", "too_complex"}
    assert graphs.count("text") > 200
    assert graphs.count("too_complex") > 50
    for size in (7, 9, 20, 60):
        assert found[f"graph clique {size}"] == "too_complex"


def test_every_hostile_text_is_read_or_refused(found: dict[str, str]) -> None:
    assert {found[f"JSON {name}"] for name, _ in poison.texts()} == {"text", "parse_error"}


def test_the_memory_stays_small(found: dict[str, str]) -> None:
    assert int(found["memory in MB"]) < 400


def calls(act: Callable[[Any], object], argument: Any) -> int:
    """How many functions were called, Python's and native ones: the same on every machine, however busy."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act(argument)
    except CanonicalizationRefused:
        pass
    finally:
        sys.setprofile(before)
    return count


def _work(statements: list[Quad]) -> float:
    return calls(work_bound.check, statements) / len(statements)


@pytest.mark.parametrize("shape", ["clique", "cycle", "layers", "star", "chains", "alike"])
def test_the_estimate_itself_grows_no_faster_than_the_document(shape: str) -> None:
    """A look at each statement and at each link, a fixed number of times."""
    per_statement = [_work(poison.quads(_shape(shape, size))) for size in (10, 40)]
    assert max(per_statement) < 120
    assert per_statement[1] < 2 * per_statement[0]


def _shape(shape: str, size: int) -> list[poison.Edge]:
    return {
        "clique": [(a, b, 0) for a in range(size) for b in range(size) if a != b],
        "cycle": [(a, (a + 1) % (20 * size), 0) for a in range(20 * size)],
        "layers": [(2 * a + b, 2 * (a + 1) + c, 0) for a in range(10 * size) for b in (0, 1) for c in (0, 1)],
        "star": [(0, a, 0) for a in range(1, 20 * size)],
        "chains": [(50 * a + b, 50 * a + b + 1, 0) for a in range(size) for b in range(49)],
        "alike": [(2 * a, 2 * a + 1, 0) for a in range(20 * size)],
    }[shape]


def test_seven_kilobytes_of_poison_are_refused_for_the_price_of_reading_them() -> None:
    """reference figures: one more node multiplies the time of the algorithm; here the calls grow with the links."""
    cheap, dear = (calls(work_bound.check, poison.quads(_shape("clique", size))) for size in (7, 8))
    assert dear < cheap * 2
    assert dear < 8_000


def test_the_bound_counts_what_it_lets_through() -> None:
    """Removing any part of the estimate lets one of these through."""
    for name, edges in [
        ("more siblings than the bound", [(0, a, 0) for a in range(1, 11)] + [(11, a, 0) for a in range(12, 22)]),
        ("a chain of look-alikes longer than the bound", _shape("cycle", 4)),
        ("many pairs of pairs", _shape("layers", 4)),
        ("few siblings, many times", [(a, 3_000 + 6 * a + b, 0) for a in range(600) for b in range(6)]),
    ]:
        with pytest.raises(CanonicalizationRefused) as caught:
            work_bound.check(poison.quads(edges))
        assert caught.value.code == "too_complex", name
