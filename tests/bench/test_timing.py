from __future__ import annotations

import pytest

from app.cli.bench_timing import Effort, Measured, Subject, interleave, percentile, timed


def test_a_speed_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    ours = Measured("ours", ((1.0, 1.0, 9.0), (2.0,), (1.0,)))
    peer = Measured("peer", ((4.0,), (8.0,), (30.0,)))
    ratio = ours.speed_over(peer)
    assert (ratio.median, ratio.low, ratio.high) == (4.0, 4.0, 30.0)


def test_throughput_counts_every_operation_and_percentiles_pool_the_rounds() -> None:
    measured = Measured("x", ((0.1, 0.3), (0.2, 0.4)))
    assert measured.operations == 4
    assert measured.ops_per_second == pytest.approx(4.0)
    assert measured.percentile_ms(0.5) == pytest.approx(300.0)


def test_rounds_of_different_runs_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        Measured("a", ((1.0,),)).speed_over(Measured("b", ((1.0,), (1.0,))))


def test_the_highest_percentile_is_the_last_value() -> None:
    assert percentile([1.0, 2.0], 1.0) == 2.0


def test_subjects_take_turns_and_none_always_goes_first() -> None:
    order: list[str] = []

    def subject(name: str) -> Subject:
        def run(count: int) -> list[float]:
            order.append(name)
            return [0.5] * count

        return Subject(name, run)

    measured = interleave([subject("a"), subject("b"), subject("c")], Effort(3, 1.0), operations=2)
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert {name: each.rounds for name, each in measured.items()} == dict.fromkeys("abc", ((0.5, 0.5),) * 3)


def test_a_slow_subject_does_fewer_operations_in_its_turn() -> None:
    def taking(seconds: float) -> Subject:
        return Subject(str(seconds), lambda count: [seconds] * count)

    measured = interleave([taking(0.25), taking(0.5)], Effort(2, 1.0))
    assert {name: each.operations for name, each in measured.items()} == {"0.25": 8, "0.5": 4}


def test_preparing_is_done_for_each_operation() -> None:
    seen: list[int] = []
    numbers = iter(range(10))
    assert len(timed(seen.append, lambda: next(numbers))(3)) == 3
    assert seen == [0, 1, 2]
