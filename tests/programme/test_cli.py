"""`waymark programme check` needs no database and names file and line; `load` loads all or nothing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from app.cli.programme import app
from app.core.db import Database
from app.programme import service
from app.programme.models import ProgrammeModuleVersion
from tests.programme.conftest import IPS, Edit
from tests.programme.folders import module_version

run = CliRunner().invoke


@pytest.fixture
def loaded_into(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The database that the command will open."""
    monkeypatch.setenv("WAYMARK_DATABASE_URL", database.url)
    monkeypatch.setenv("WAYMARK_SECRET_KEY", "a-secret-key-for-tests-only-that-everybody-may-read")
    return database


def test_the_programme_of_the_repository_is_clean() -> None:
    result = run(app, ["check", str(IPS)])
    assert result.exit_code == 0, result.output
    assert re.search(r": no problems(, \d+ notices?)?\. ", result.output)
    assert f"ips v2 with M01 v{module_version('M01')}, M02 v{module_version('M02')}, " in result.output
    advanced = ("X1", "X2", "X2a", "X3", "X4", "X5")
    assert ", ".join(f"{key} v{module_version(key)}" for key in advanced) in result.output
    assert "Drafts" not in result.output


def test_check_needs_no_settings_and_no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYMARK_ENV", "production")
    monkeypatch.setenv("WAYMARK_DATABASE_URL", "nonsense://")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYMARK_PROGRAMME_DIR", str(IPS))
    assert run(app, ["check"]).exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_check_prints_file_line_and_message_and_exits_1(folder: Path, edit: Edit) -> None:
    line = edit("modules/M01/module.yaml", "hours: 6", "hours: six")
    result = run(app, ["check", str(folder)])
    assert result.exit_code == 1
    assert f"{folder}/modules/M01/module.yaml:{line}: `hours` must be a whole number" in result.output
    assert "1 problem. Nothing was loaded." in result.output


def test_check_tells_notices_from_errors_in_words_and_as_json(folder: Path, edit: Edit) -> None:
    for path in (folder / "modules").iterdir():
        if path.name != "M01":
            shutil.rmtree(path)
    edit("programme.yaml", "timeCritical: [M07]\n", "")
    edit("programme.yaml", "knowledgeChecks: [M02, M06, M07]", "knowledgeChecks: [M01]")
    late = edit("modules/M01/module.yaml", "reviewBy: 2027-11-30", "reviewBy: 2026-01-31")
    overdue = f"{folder}/modules/M01/module.yaml:{late}: notice: the review of this module is overdue"
    clean = run(app, ["check", str(folder)])
    assert clean.exit_code == 0, clean.output
    assert overdue in clean.output
    line = edit("modules/M01/module.yaml", "IPSV-A2, IPSV-A4]", "IPSV-Z9, IPSV-A4]")
    bad = run(app, ["check", str(folder)])
    assert bad.exit_code == 1
    assert overdue in bad.output
    assert f"modules/M01/module.yaml:{line}: there is no competency `IPSV-Z9`" in bad.output
    answer = json.loads(run(app, ["check", str(folder), "--json"]).output)
    assert {problem["severity"] for problem in answer["problems"]} == {"error"}
    assert {notice["severity"] for notice in answer["notices"]} == {"notice"}
    assert ("modules/M01/module.yaml", late) in [(notice["file"], notice["line"]) for notice in answer["notices"]]
    assert "2 problems, " in bad.output


def test_check_prints_problems_as_json(folder: Path, edit: Edit) -> None:
    line = edit("modules/M01/knowledge-check.yaml", "answer: c", "answer: e")
    result = run(app, ["check", str(folder), "--json"])
    assert result.exit_code == 1
    answer = json.loads(result.output)
    assert answer["ok"] is False
    assert [(p["file"], p["line"]) for p in answer["problems"]] == [("modules/M01/knowledge-check.yaml", line)]


@pytest.mark.parametrize("command", ["check", "load"])
def test_a_folder_that_is_not_there_is_misuse(command: str, tmp_path: Path) -> None:
    result = run(app, [command, str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "There is no folder" in result.output


def test_load_says_what_was_loaded_and_then_what_is_unchanged(loaded_into: Database, folder: Path) -> None:
    first = run(app, ["load", str(folder), "--json"])
    assert first.exit_code == 0, first.output
    answer = json.loads(first.output)
    assert (answer["loaded"], answer["unchanged"]) == (["ips v2", "M01 v1"], [])
    second = run(app, ["load", str(folder)])
    assert second.output.splitlines()[:2] == ["ips v2: unchanged", "M01 v1: unchanged"]
    with loaded_into.read() as session:
        assert service.current_module(session, "M01").version == 1


def test_load_leaves_drafts_out_and_says_so(loaded_into: Database, folder: Path) -> None:
    said = run(app, ["load", str(folder)]).output.splitlines()
    assert "M02: a draft, left out" in said
    assert "X2a: a draft, left out" in said
    assert "M02" in json.loads(run(app, ["load", str(folder), "--json"]).output)["drafts"]
    with loaded_into.read() as session:
        assert [module.key for module in service.modules(session)] == ["M01"]


def test_load_refuses_a_bad_folder_and_loads_nothing(folder: Path, edit: Edit, loaded_into: Database) -> None:
    edit("modules/M01/knowledge-check.yaml", "answer: c", "answer: e")
    assert run(app, ["load", str(folder)]).exit_code == 1
    with loaded_into.read() as session:
        assert session.exec(select(ProgrammeModuleVersion)).all() == []


def test_load_refuses_changed_content_and_says_to_raise_the_version(
    folder: Path, edit: Edit, loaded_into: Database
) -> None:
    assert run(app, ["load", str(folder)]).exit_code == 0
    edit("modules/M01/reflection.md", "300 to 500 words", "300 to 600 words")
    result = run(app, ["load", str(folder)])
    assert result.exit_code == 1
    assert "Raise the version to 2" in result.output


def test_the_schemas_of_the_files_can_be_written(tmp_path: Path) -> None:
    result = run(app, ["schemas", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert "module.schema.json" in {path.name for path in (tmp_path / "out").iterdir()}
