"""Which tests a run makes on PostgreSQL too: drawn by the seed, never the same for long, and SQLite has them all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.conftest import ONE_IN, OUTER_ROOMS, SECOND_OPINIONS, sampled

INNER = "tests/learning/test_rules.py::test_a_rule"


def _item(function: str, parameters: str, maker: str) -> Any:
    return SimpleNamespace(
        nodeid=f"{function}[{maker}-{parameters}]", callspec=SimpleNamespace(params={"maker": maker})
    )


def _items(*functions: str) -> list[Any]:
    return [_item(name, str(n), maker) for name in functions for n in range(7) for maker in ("sqlite", "postgres")]


def _on_postgres(items: list[Any]) -> list[str]:
    return [item.nodeid for item in items if "postgres" in item.nodeid]


def test_sqlite_has_every_test_in_every_run() -> None:
    items = _items(INNER, *(f"{room}test_x.py::test_y" for room in OUTER_ROOMS))
    for seed in range(5):
        kept = sampled(items, seed)
        assert [item for item in items if "sqlite" in item.nodeid] == [item for item in kept if "sqlite" in item.nodeid]


def test_postgres_has_every_test_of_an_inner_room_with_some_of_its_parameters() -> None:
    runs = [_on_postgres(sampled(_items(INNER), seed)) for seed in range(60)]
    assert {len(run) for run in runs} == {SECOND_OPINIONS}
    assert len({name for run in runs for name in run}) == 7, "each gets its turn"


def test_postgres_has_a_part_of_the_outer_rooms_and_over_the_runs_all_of_it() -> None:
    functions = [f"tests/web/test_page.py::test_{n}" for n in range(90)]
    runs = [_on_postgres(sampled(_items(*functions), seed)) for seed in range(60)]
    assert all(len(run) == len({name.partition("[")[0] for name in run}) for run in runs), "one set of parameters each"
    assert all(0 < len(run) < 2 * len(functions) / ONE_IN for run in runs)
    assert {name.partition("[")[0] for run in runs for name in run} == set(functions)


def test_what_touches_no_database_is_run_once() -> None:
    plain: Any = SimpleNamespace(nodeid="tests/vc/test_a.py::test_b")
    assert sampled([plain], 1) == [plain]
