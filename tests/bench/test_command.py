from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import bench as command

pytestmark = pytest.mark.slow

runner = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)
    return app


@pytest.mark.parametrize("direction", ["sign", "verify"])
def test_signing_and_verifying_print_four_figures(
    app: typer.Typer, direction: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "SLICE_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["bench", direction, "--rounds", "1", "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert list(figures) == ["ops_per_second", "p50_ms", "vs_pyld", "of_limit"]
    assert all(isinstance(value, float) and value > 0 for value in figures.values())
    assert list(tmp_path.iterdir()) == []


def test_without_pyld_its_figure_is_null_and_the_others_stand(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SLICE_SECONDS", 0.0)
    monkeypatch.setitem(sys.modules, "pyld", None)
    figures = json.loads(runner.invoke(app, ["bench", "sign", "--rounds", "1", "--json"]).stdout)
    assert figures["vs_pyld"] is None
    assert figures["of_limit"] > 0
    assert "PyLD is not installed" in runner.invoke(app, ["bench", "sign", "--rounds", "1"]).stdout


@pytest.mark.parametrize("name", ["bulk", "launch", "page"])
def test_the_larger_benches_say_so_when_the_source_is_not_there(
    app: typer.Typer, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    result = runner.invoke(app, ["bench", name, "--json"])
    assert result.exit_code == 2
    assert "comes with Waymark's source" in result.stderr


def test_no_rounds_at_all_is_misuse(app: typer.Typer) -> None:
    assert runner.invoke(app, ["bench", "sign", "--rounds", "0"]).exit_code == 2
