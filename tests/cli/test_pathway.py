"""`waymark pathway`: where somebody stands is seen, and worked out anew, at the terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from app.cli import app
from app.config import Settings
from app.pathways import standing
from app.pathways.models import PathwayStanding
from app.wiring import Services
from tests.pathways.house import BASIC, Place, badge, place

NOBODY = "00000000-0000-4000-8000-000000000000"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["pathway", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def told(*arguments: str) -> Any:
    code, output = run(*arguments, "--json")
    assert code == 0, output
    return json.loads(output)


@pytest.fixture(autouse=True)
def north(settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Commands open this test's database, in which Tess has her first badge."""
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)
    found = place(services)
    badge(services, found.tess, "M01")
    return found


def test_where_somebody_stands_is_told_for_now_and_for_another_moment(north: Place) -> None:
    basic = next(each for each in told("show", north.tess)["pathways"] if each["pathway"] == BASIC)
    assert basic["state"] == "on_the_way"
    assert {"kind": "held", "key": "M02", "reason": "missing"} in basic["open_steps"]
    before = told("show", north.tess, "--at", "2020-01-01")
    assert before["at"] == "2020-01-01T00:00:00Z"
    assert {each["state"] for each in before["pathways"]} == {"not_begun"}
    assert "practitioner" in run("show", north.tess)[1]
    assert "open: held M02 (missing)" in run("show", north.tess)[1]


def test_it_is_worked_out_anew_for_one_and_for_everybody(north: Place, services: Services) -> None:
    database = services.runtime.database
    assert told("recompute", north.tess) == {"id": north.tess}
    with database.write() as session:
        assert len(standing.standings(session, pathway_key=BASIC)) == 1
        session.execute(sa.delete(PathwayStanding))
    assert told("recompute", "--all") == {"changed": 1}
    assert told("recompute", "--all") == {"changed": 0}


def test_nobody_and_misuse_are_told() -> None:
    assert run("show", NOBODY)[0] == 1
    assert run("recompute", NOBODY)[0] == 1
    assert run("recompute")[0] == 2
    assert run("recompute", NOBODY, "--all")[0] == 2
