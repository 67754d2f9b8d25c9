"""`waymark bench`: how fast this machine signs, verifies, issues, launches and serves, as ratios in one run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli.bench_proofs import Direction, figures
from app.cli.bench_timing import Effort
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail
from app.core import garbage

bench = typer.Typer(
    help="Measure this machine; `make bench` measures longer and beside more peers.", no_args_is_help=True
)

SLICE_SECONDS = 0.05
ROOT = Path(__file__).resolve().parents[2]

Rounds = Annotated[int, typer.Option(min=1, max=1000, help="Turns that each of those compared takes.")]
AsJson = Annotated[bool, JSON_OPTION]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(bench, name="bench")


@bench.command()
def sign(rounds: Rounds = 20, as_json: AsJson = False) -> None:
    """Sign badges, from document to signed JSON. Needs no database."""
    _measure("sign", rounds, as_json)


@bench.command()
def verify(rounds: Rounds = 20, as_json: AsJson = False) -> None:
    """Verify the proofs of badges, from JSON to verdict. Needs no database."""
    _measure("verify", rounds, as_json)


@bench.command()
def bulk(as_json: AsJson = False) -> None:
    """Issue badges one after the other into a database of its own."""
    _small("bulk", as_json)


@bench.command()
def launch(as_json: AsJson = False) -> None:
    """Launch from a stand-in for an LMS into a server of its own."""
    _small("launch", as_json)


@bench.command()
def page(as_json: AsJson = False) -> None:
    """Fetch badges from a server of its own."""
    _small("page", as_json)


def _measure(direction: Direction, rounds: int, as_json: bool) -> None:
    garbage.settle()  # as server and worker do
    found = figures(direction, Effort(rounds=rounds, slice_seconds=SLICE_SECONDS))
    beside = "PyLD is not installed" if found.vs_pyld is None else f"{found.vs_pyld:.1f} × PyLD"
    text = (
        f"{direction}: {found.ops_per_second:,.0f}/s, median {found.p50_ms:.2f} ms; {beside}; "
        f"{found.of_limit:.1%} of the limit of this machine."
    )
    emit(asdict(found), as_json, text)


def _small(name: str, as_json: bool) -> None:
    """Run the small form of a bench that comes with the source only: it starts servers and peers."""
    if not (ROOT / "bench" / "__main__.py").is_file():
        fail("This bench comes with Waymark's source, not with the installed package.", code=EXIT_MISUSE)
    command = [sys.executable, "-m", "bench", name, "--small", *(["--json"] if as_json else [])]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603 - our own program
        fail("The bench could not be run; its last words are above.")
