"""Timing for benches: several subjects take turns in one run, so that whatever slows the machine slows them alike.

Absolute figures of a shared machine say little; ratios of neighbouring rounds do. Nothing here asserts anything.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

Run = Callable[[int], Sequence[float]]
"""Do an operation so many times and return the seconds each took."""

WARM_UP_ROUNDS = 2
MOST_OPERATIONS = 5_000


@dataclass(frozen=True)
class Subject:
    """Something that is measured, by the name it has in the table."""

    name: str
    run: Run


@dataclass(frozen=True)
class Effort:
    """How long to measure: `rounds` turns of about `slice_seconds` seconds for each subject."""

    rounds: int
    slice_seconds: float


@dataclass(frozen=True)
class Ratio:
    """A ratio over the rounds: its median, and the 10th and 90th percentile as a sign of how noisy the run was."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """The seconds that a subject's operations took, round by round."""

    name: str
    rounds: tuple[tuple[float, ...], ...]

    @property
    def operations(self) -> int:
        """How many operations were timed."""
        return sum(map(len, self.rounds))

    @property
    def ops_per_second(self) -> float:
        """Operations per second of time spent in them."""
        return self.operations / sum(map(sum, self.rounds))

    def percentile_ms(self, share: float) -> float:
        """Milliseconds within which this share (0 to 1) of the operations was done."""
        return percentile(sorted(second for seconds in self.rounds for second in seconds), share) * 1000

    def speed_over(self, other: Measured) -> Ratio:
        """How many times as fast as `other` this was: medians of the same round compared, then their median."""
        ratios = sorted(
            statistics.median(theirs) / statistics.median(ours)
            for ours, theirs in zip(self.rounds, other.rounds, strict=True)
        )
        return Ratio(statistics.median(ratios), percentile(ratios, 0.1), percentile(ratios, 0.9))


def timed(operate: Callable[[T], object], prepare: Callable[[], T]) -> Run:
    """A run of `operate`, each time on what `prepare` makes outside the measured time."""

    def run(count: int) -> Sequence[float]:
        seconds = []
        for _ in range(count):
            item = prepare()
            started = time.perf_counter()
            operate(item)
            seconds.append(time.perf_counter() - started)
        return seconds

    return run


def interleave(subjects: Sequence[Subject], effort: Effort, *, operations: int | None = None) -> Mapping[str, Measured]:
    """Measure the subjects in turns, each round in another order; answers are by name.

    Each subject does as many operations in a round as fit its slice of time, so that a slow peer does not get the whole
    run; two rounds before the first are not counted, as caches fill and compilers warm up there. With `operations` each
    does that many in a round, and the caller has warmed them up.
    """
    counts = {each.name: operations or _operations(each, effort.slice_seconds) for each in subjects}
    rounds: dict[str, list[tuple[float, ...]]] = {subject.name: [] for subject in subjects}
    for number in range(-WARM_UP_ROUNDS if effort.slice_seconds and not operations else 0, effort.rounds):
        shift = number % len(subjects)
        for subject in (*subjects[shift:], *subjects[:shift]):
            seconds = tuple(subject.run(counts[subject.name]))
            if number >= 0:
                rounds[subject.name].append(seconds)
    return {name: Measured(name, tuple(taken)) for name, taken in rounds.items()}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) of the ordered values lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _operations(subject: Subject, slice_seconds: float) -> int:
    subject.run(1)  # the first one loads and compiles
    cost = max(statistics.median(subject.run(2)), 1e-7)
    return max(1, min(MOST_OPERATIONS, int(slice_seconds / cost)))
