"""Writing down a run: results.json for programs, the table in docs/performance.md for people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from app import __version__
from bench import node_peer
from bench.shape import Figure, Plan, Result, Row

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results.json"
PAGE: Final = ROOT / "docs" / "performance.md"
BEGIN: Final = "<!-- bench: begin -->"
END: Final = "<!-- bench: end -->"
LIBRARIES: Final = (
    "cryptography", "fastapi", "flask", "openbadgeslib", "orjson", "pyjwt", "pyld", "pylti1p3next", "pyoxigraph",
    "sqlalchemy", "starlette", "uvicorn", "werkzeug",
)  # fmt: skip


class PageUnmarked(Exception):
    """The page has no place for the table: the two markers are missing."""


def as_dict(results: Sequence[Result], plan: Plan, load: float) -> dict[str, Any]:
    """A run as it is stored, with everything that a figure depends on.

    `load`: the machine's load average over the minute before the run; near 0 on a machine that did nothing else.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "size": plan.size,
        "machine": {**machine(), "load_before": round(load, 2)},
        "versions": versions(),
        "benches": {result.name: result.as_dict() for result in results},
    }


def machine() -> dict[str, Any]:
    """What the run was made on; nothing that names whose it is."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
    }


def versions() -> dict[str, str]:
    """Versions of everything that was compared; what is not installed is left out."""
    found = {"waymark": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {**found, **node_peer.versions()}


def merged(run: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """A run of some benches with those of the last run that it left out; every bench keeps the date it was made on."""
    benches = {name: {"date": run["date"], **bench} for name, bench in run["benches"].items()}
    return {**run, "benches": {**(before or {}).get("benches", {}), **benches}}


def write(run: Mapping[str, Any], *, results: Path = RESULTS, page: Path = PAGE) -> None:
    """Write the run down in both places; benches that it left out stay as they were.

    Raises:
        PageUnmarked: the page has lost its markers; nothing was written.
    """
    before = json.loads(results.read_text(encoding="utf-8")) if results.exists() else None
    whole = merged(run, before)
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise PageUnmarked(f"{page.name} has no {BEGIN} and {END}.")
    page.write_text(f"{head}{BEGIN}\n{tables(whole)}\n{END}{tail}", encoding="utf-8")
    results.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def tables(run: Mapping[str, Any]) -> str:
    """The whole run in Markdown."""
    return "\n\n".join([_about(run), *(_bench(name, bench) for name, bench in run["benches"].items())])


def _about(run: Mapping[str, Any]) -> str:
    box = run["machine"]
    where = f"{box['processor']}, {box['cores']} cores, {box['memory_gib']} GiB, {box['system']}"
    used = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return f"Last run {run['date']} ({run['size']}), on {where}; load before it {box['load_before']}.\n\n{used}."


def _bench(name: str, bench: Mapping[str, Any]) -> str:
    rows = [Row(**each) for each in bench["rows"]]
    figures = [Figure(**{key: value for key, value in each.items() if key != "met"}) for each in bench["figures"]]
    served = any(each.cpu_ms is not None for each in rows)
    lines = [f"### {name}", f"{bench['what']}. Measured {bench['date'][:10]}.", ""]
    lines += ["| | per second | p50 ms | p99 ms |" + (" CPU ms |" if served else ""), "|---|---:|---:|---:|"]
    lines[-1] += "---:|" if served else ""
    lines += [_row(each, served) for each in rows]
    lines += ["", "| Figure | measured | 10 % to 90 % of the rounds | mark | aim | |", "|---|---:|---:|---:|---:|---|"]
    lines += [_figure(each) for each in figures]
    lines += ["", *(f"Left out: {peer} ({why})." for peer, why in bench["absent"].items())]
    return "\n".join(lines).rstrip()


def _row(each: Row, served: bool) -> str:
    cells = [each.name, f"{each.ops_per_second:,.4g}", f"{each.p50_ms:.3g}", f"{each.p99_ms:.3g}"]
    if served:
        cells.append("" if each.cpu_ms is None else f"{each.cpu_ms:.2g}")
    return f"| {' | '.join(cells)} |"


def _figure(each: Figure) -> str:
    spread = "" if each.low is None or each.high is None else f"{each.low:.3g} to {each.high:.3g}"
    mark = f"≥ {each.at_least:g}" if each.at_least is not None else ""
    mark = f"≤ {each.at_most:g}" if each.at_most is not None else mark
    met = {None: "", True: "met", False: "not met"}[each.is_met]
    aim = "" if each.aim is None else f"{each.aim:g}"
    return f"| {each.name} | {each.value:.3g} | {spread} | {mark} | {aim} | {met} |"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
