"""`python -m bench [NAME ...]`: run the benches, write the results down."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.core import garbage
from app.core.logging import configure
from bench import report
from bench.batch import batch
from bench.bulk import bulk
from bench.launch import launch
from bench.page import page
from bench.proofs import sign, verify
from bench.shape import PLANS, Plan, Result
from bench.strangers import strangers
from bench.tokens import tokens

BENCHES: Mapping[str, Callable[[Plan], Result]] = {
    "sign": sign,
    "verify": verify,
    "vc-jwt": tokens,
    "launch": launch,
    "page": page,
    "strangers": strangers,
    "bulk": bulk,
    "batch": batch,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 when everything ran, whatever the figures say."""
    asked = _parser().parse_args(arguments)
    configure(level="ERROR", json=False)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    plan = PLANS["tiny" if asked.tiny else "small" if asked.small else "full"]
    plan = replace(plan, node=plan.node and not asked.no_node)
    load, results = os.getloadavg()[0], []
    for name in asked.names or BENCHES:
        sys.stderr.write(f"bench {name} …\n")
        results.append(BENCHES[name](plan))
    run = report.as_dict(results, plan, load)
    if plan.size == "full" and not asked.no_write:
        report.write(run)
    shown = {**run, "benches": {name: {"date": run["date"], **bench} for name, bench in run["benches"].items()}}
    sys.stdout.write((json.dumps(run, indent=1, ensure_ascii=False) if asked.json else report.tables(shown)) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Waymark beside its peers and the limit, as ratios.")
    parser.add_argument("names", nargs="*", type=_known, metavar="NAME", help=f"of: {', '.join(BENCHES)}")
    parser.add_argument("--small", action="store_true", help="a glance; nothing is written down")
    parser.add_argument(
        "--tiny", action="store_true", help="only to see that everything runs; no figure means anything"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--no-node", action="store_true", help="leave out the peers that run on Node")
    parser.add_argument("--no-write", action="store_true", help="print only")
    return parser


def _known(name: str) -> str:
    if name not in BENCHES:
        raise argparse.ArgumentTypeError(f"there is no bench {name}; there are {', '.join(BENCHES)}")
    return name


if __name__ == "__main__":
    garbage.settle()  # as server and worker do
    raise SystemExit(main())
