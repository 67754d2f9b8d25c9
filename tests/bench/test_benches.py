"""Each bench runs, and hands back what the report needs. No figure is looked at: that is what benches are for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from bench import batch as batches
from bench.__main__ import BENCHES
from bench.bulk import bulk
from bench.launch import ALONE, CACHED, FETCHED, ONE, OURS, launch
from bench.page import page
from bench.proofs import FULL, sign, verify
from bench.report import as_dict, tables
from bench.shape import PLANS, Plan, Result
from bench.strangers import EMPTY, PROOF, TOKEN, strangers
from bench.tokens import tokens

TINY = PLANS["tiny"]


def _run(bench: Callable[[Plan], Result]) -> dict[str, list[str]]:
    """Names of rows and figures, after everything that is the same for all benches was looked at."""
    result = bench(TINY)
    assert result.what.endswith(".") is False
    for row in result.rows:
        assert row.operations > 0
        assert 0 < row.p50_ms <= row.p99_ms
        assert row.ops_per_second > 0
    for figure in result.figures:
        assert figure.value > 0, asdict(figure)
    run = as_dict([result], TINY, 0.0)
    assert json.loads(json.dumps(run)) == run
    shown = tables({**run, "benches": {name: {"date": run["date"], **each} for name, each in run["benches"].items()}})
    assert all(f"| {row.name} |" in shown for row in result.rows)
    return {"rows": [row.name for row in result.rows], "figures": [figure.name for figure in result.figures]}


def test_every_bench_has_its_name_on_the_command_line() -> None:
    assert list(BENCHES) == ["sign", "verify", "vc-jwt", "launch", "page", "strangers", "bulk", "batch"]


def test_signing_is_measured_beside_the_python_peers_and_the_limit() -> None:
    found = _run(sign)
    assert found["rows"] == ["Waymark", "PyLD + cryptography", "openbadgeslib", "limit"]
    assert found["figures"] == ["times PyLD + cryptography", "times openbadgeslib", "of the limit"]


def test_verifying_is_measured_beside_the_python_peers_and_the_limit_and_in_full() -> None:
    found = _run(verify)
    assert found["rows"] == ["Waymark", FULL, "PyLD + cryptography", "openbadgeslib", "limit"]
    assert found["figures"][-1] == "full verifications per second"


def test_tokens_are_measured_in_both_directions() -> None:
    found = _run(tokens)
    assert len(found["rows"]) == 6
    assert found["figures"] == [
        "sign: times PyJWT",
        "sign: of the limit",
        "verify: times PyJWT",
        "verify: of the limit",
    ]


@pytest.mark.slow
def test_launches_go_into_a_server_of_ours_and_into_both_peers() -> None:
    pytest.importorskip("flask", reason="the peer of this bench is a Flask tool")
    found = _run(launch)
    assert found["rows"] == [OURS, ONE, ALONE, FETCHED, CACHED]
    assert found["figures"][-1] == "server CPU, ms for each launch"


@pytest.mark.slow
def test_the_badge_page_is_measured_with_few_rows_and_with_many() -> None:
    found = _run(page)
    assert found["rows"][0] == "/healthz"
    assert "/credentials/{id}.json, 30 rows" in found["rows"]
    assert len(found["figures"]) == 4


@pytest.mark.slow
def test_issuing_in_bulk_is_measured_beside_the_limit() -> None:
    found = _run(bulk)
    assert found["rows"] == ["Waymark, both securings, stored", "limit"]
    assert found["figures"] == ["of the limit", "minutes for 100,000 badges"]


@pytest.mark.slow
def test_a_batch_is_measured_with_the_api_meanwhile_and_the_memory() -> None:
    found = _run(batches.batch)
    assert found["rows"] == [batches.OURS, batches.MEANWHILE]
    assert found["figures"] == ["badges per second", "API call meanwhile, p95 ms", "largest process, MB"]


def test_badges_of_strangers_are_measured_in_both_forms_beside_an_empty_route() -> None:
    found = _run(strangers)
    assert found["rows"] == [EMPTY, PROOF, TOKEN]
    assert found["figures"] == [f"{PROOF}, p95 ms", f"{TOKEN}, p95 ms"]
