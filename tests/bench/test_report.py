from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.report import BEGIN, END, PAGE, PageUnmarked, as_dict, write
from bench.shape import PLANS, Figure, Result, Row

RESULT = Result(
    "sign",
    "From document to signed JSON bytes",
    [Row("Waymark", 10, 1234.5678, 0.5, 0.9), Row("peer", 2, 10.0, 100.0, 120.0)],
    [Figure("times peer", 123.4, 120.0, 130.0, at_least=50, aim=200), Figure("ms", 9.0, at_most=8)],
    {"@scope/vc": "there is no Node with npm on this machine"},
)


def _run(*results: Result) -> dict[str, Any]:
    return as_dict(results, PLANS["small"], 0.25)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "performance.md"
    path.write_text(f"# Before\n\n{BEGIN}\nold table\n{END}\n\nAfter\n", encoding="utf-8")
    return path


def test_the_table_replaces_what_stood_between_the_markers_and_nothing_else(page: Path, tmp_path: Path) -> None:
    write(_run(RESULT), results=tmp_path / "results.json", page=page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Before\n\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\n\nAfter\n")
    assert "old table" not in text
    assert "| times peer | 123 | 120 to 130 | ≥ 50 | 200 | met |" in text
    assert "| ms | 9 |  | ≤ 8 |  | not met |" in text
    assert "Left out: @scope/vc (there is no Node with npm on this machine)." in text


def test_a_second_run_writes_the_same_page_again(page: Path, tmp_path: Path) -> None:
    run = _run(RESULT)
    write(run, results=tmp_path / "results.json", page=page)
    first = page.read_text(encoding="utf-8")
    write(run, results=tmp_path / "results.json", page=page)
    assert page.read_text(encoding="utf-8") == first


def test_a_bench_that_was_not_run_keeps_its_figures_and_its_date(page: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    write({**_run(RESULT), "date": "2026-01-01T00:00:00Z"}, results=results, page=page)
    other = Result("verify", "From bytes to verdict", RESULT.rows, RESULT.figures)
    write({**_run(other), "date": "2026-02-02T00:00:00Z"}, results=results, page=page)
    kept = json.loads(results.read_text(encoding="utf-8"))["benches"]
    assert {name: bench["date"][:10] for name, bench in kept.items()} == {"sign": "2026-01-01", "verify": "2026-02-02"}


def test_a_page_without_its_markers_is_left_alone(tmp_path: Path) -> None:
    page, results = tmp_path / "performance.md", tmp_path / "results.json"
    page.write_text("# No markers\n", encoding="utf-8")
    with pytest.raises(PageUnmarked):
        write(_run(RESULT), results=results, page=page)
    assert page.read_text(encoding="utf-8") == "# No markers\n"
    assert not results.exists()


def test_the_real_page_has_both_markers_once() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)


def test_a_run_names_machine_versions_and_date() -> None:
    run = _run(RESULT)
    assert run["date"].endswith("Z")
    assert run["machine"]["load_before"] == 0.25
    assert {"processor", "cores", "memory_gib", "system"} <= run["machine"].keys()
    assert {"waymark", "python", "cryptography", "pyoxigraph"} <= run["versions"].keys()
    assert run["benches"]["sign"]["figures"][0]["met"] is True
