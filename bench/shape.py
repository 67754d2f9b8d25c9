"""What a bench hands back: rows of one run, and the figures that somebody set a mark for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from app.cli.bench_timing import Effort, Measured

Size = Literal["tiny", "small", "full"]


@dataclass(frozen=True)
class Plan:
    """How much to do.

    Attributes:
        size: `full` for figures to keep, `small` for a glance, `tiny` only to see that everything runs.
        effort: rounds, and seconds of each subject's turn.
        launches: launches in one turn.
        badges: badges issued in one turn of the bulk bench.
        rows: sizes of the credential table between which the badge page is compared.
        node: whether peers that run on Node may be installed and run.
    """

    size: Size
    effort: Effort
    launches: int
    badges: int
    rows: tuple[int, int]
    node: bool = True


PLANS: Mapping[Size, Plan] = {
    "tiny": Plan("tiny", Effort(1, 0.0), launches=2, badges=1, rows=(10, 30), node=False),
    "small": Plan("small", Effort(5, 0.1), launches=20, badges=5, rows=(100, 2_000)),
    "full": Plan("full", Effort(30, 0.25), launches=64, badges=20, rows=(1_000, 200_000)),
}


@dataclass(frozen=True)
class Row:
    """One of those compared. `cpu_ms`: processor time of the server for each operation, where there is a server."""

    name: str
    operations: int
    ops_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None = None


@dataclass(frozen=True)
class Figure:
    """A ratio or amount that is watched.

    `low` and `high` are the 10th and 90th percentile over the rounds: how noisy it was. `at_least`, `at_most` and `aim`
    are the marks that were set for it.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the mark is reached; None where none was set."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


@dataclass(frozen=True)
class Result:
    """One bench's outcome; `absent` says which peers were left out, and why."""

    name: str
    what: str
    rows: Sequence[Row]
    figures: Sequence[Figure]
    absent: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "what": self.what,
            "rows": [{key: _rounded(value) for key, value in asdict(row).items()} for row in self.rows],
            "figures": [
                {key: _rounded(value) for key, value in asdict(each).items() if value is not None}
                | {"met": each.is_met}
                for each in self.figures
            ],
            "absent": dict(self.absent),
        }


def row(measured: Measured, cpu_ms: float | None = None) -> Row:
    """What was measured, as a row."""
    return Row(
        name=measured.name,
        operations=measured.operations,
        ops_per_second=measured.ops_per_second,
        p50_ms=measured.percentile_ms(0.5),
        p99_ms=measured.percentile_ms(0.99),
        cpu_ms=cpu_ms,
    )


def compared(
    name: str,
    fast: Measured,
    slow: Measured,
    *,
    at_least: float | None = None,
    aim: float | None = None,
) -> Figure:
    """How many times as fast as `slow` is `fast`."""
    ratio = fast.speed_over(slow)
    return Figure(name, ratio.median, ratio.low, ratio.high, at_least=at_least, aim=aim)


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
