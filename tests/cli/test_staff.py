"""`waymark centre` and `waymark staff`: also a whole agency from a file, all or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from app.cli import app, demo_story
from app.config import Settings
from app.core.db import Database
from app.people import service as people
from app.people.models import MembershipRecord, PersonRecord, ReportingLineRecord
from tests.people.test_staff import met

MARC = ("--name", "Marc Delaney", "--email", "marc@west.example")
AT = ("--org", "west", "--centre", "footscray")
GOOD = """\
name,Email,centre,function,line_manager,mentor
Tess Nguyen,tess@west.example,footscray,specialist,marc@west.example,olga@west.example
Marc Delaney,Marc@west.example,footscray,supervisor,,
,,,,,
"Doyle, Cleo",cleo@west.example,sunshine,clinician,,
Marc Delaney,marc@west.example,sunshine,supervisor,,
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    return result.exit_code, result.output


def told(*arguments: str) -> Any:
    code, output = run(*arguments, "--json")
    assert code == 0, output
    return json.loads(output)


@pytest.fixture(autouse=True)
def west(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agency with two centres, in the database the commands open."""
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)
    told("centre", "add", "--org", "west", "--org-name", "West agency", "--key", "footscray", "--name", "Footscray")
    told("centre", "add", "--org", "west", "--key", "sunshine", "--name", "Sunshine")


def file_of(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "staff.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_centres_are_entered_and_listed_with_how_many_work_there() -> None:
    told("staff", "add", *AT, *MARC, "--function", "supervisor")
    told("staff", "add", *AT, *MARC, "--function", "mentor")
    listed = [(row["organisation"], row["key"], row["staff"]) for row in told("centre", "list", "--org", "west")]
    assert listed == [("west", "footscray", 1), ("west", "sunshine", 0)]
    assert "Footscray" in run("centre", "list")[1]


def test_staff_are_entered_listed_put_in_line_and_ended(database: Database) -> None:
    tess = met(database, agency="west", name="Tess Nguyen")
    told("staff", "add", *AT, "--person", tess, "--function", "specialist")
    marc = told("staff", "add", *AT, *MARC, "--function", "supervisor")
    line = ("--org", "west", "--person", tess, "--other", "marc@west.example", "--relation", "line_manager")
    assert told("staff", "line", *line)["other_id"] == marc["person_id"]
    rows = told("staff", "list", *AT)
    assert [(row["name"], row["function"]) for row in rows] == [
        ("Marc Delaney", "supervisor"), ("Tess Nguyen", "specialist")
    ]  # fmt: skip
    assert rows[1]["lines"] == [{"other_id": marc["person_id"], "relation": "line_manager"}]
    assert told("staff", "line", *line, "--end")["state"] == "ended"
    assert run("staff", "line", *line, "--end")[0] == 1
    assert told("staff", "end", marc["membership_id"])["state"] == "ended"
    assert run("staff", "end", marc["membership_id"])[0] == 1
    assert [row["name"] for row in told("staff", "list")] == ["Tess Nguyen"]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (1, "centre add --org nobody --key a --name A"),
        (1, "centre add --org west --key footscray --name Again"),
        (1, "centre add --org west --key Foot/scray --name A"),
        (1, "staff add --org west --centre nowhere --name A --email a@b.example --function mentor"),
        (1, "staff add --org west --centre footscray --name A --email nothing --function mentor"),
        (1, "staff add --org west --centre footscray --person nobody --function mentor"),
        (2, "staff add --org west --centre footscray --name A --email a@b.example --function owner"),
        (2, "staff add --org west --centre footscray --name A --function mentor"),
        (2, "staff add --org west --centre footscray --person x --name A --email a@b.example --function mentor"),
        (2, "staff list --centre footscray"),
        (2, "staff line --person a --other b --relation friend"),
        (2, "staff line --person a@b.example --other b --relation mentor"),
        (1, "staff line --org west --person a@b.example --other b --relation mentor"),
        (1, "staff line --person a --other b --relation mentor"),
        (1, "staff end nobody"),
        (2, "staff import no-such-file.csv --org west"),
    ],
)
def test_no_and_misuse_are_told_apart_and_change_nothing(database: Database, code: int, line: str) -> None:
    answer, output = run(*line.split())
    assert (answer, "Traceback" in output) == (code, False), output
    with database.read() as session:
        assert len(people.centres(session)) == 2
        assert session.exec(select(PersonRecord)).all() == []


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD.replace("\n", "\r\n")])
def test_a_whole_agency_comes_from_a_file_and_a_second_time_changes_nothing(
    database: Database, tmp_path: Path, text: str
) -> None:
    told("staff", "add", *AT, "--name", "Olga", "--email", "olga@west.example", "--function", "mentor")
    file = file_of(tmp_path, text)
    for _time in range(2):
        done = told("staff", "import", file, "--org", "west")
        assert (done["rows"], done["persons"], done["lines"]) == (4, 3, 2)
        with database.read() as session:
            assert len(session.exec(select(MembershipRecord)).all()) == 5
            assert len(session.exec(select(PersonRecord)).all()) == 4
            assert len(session.exec(select(ReportingLineRecord)).all()) == 2
    assert "Doyle, Cleo" in run("staff", "list")[1]


HEADER = "centre,name,email,function,line_manager\n"
RIGHT = "footscray,Tess,tess@west.example,specialist,\n"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [(1, "")]),
        ("centre,name,email\nfootscray,Tess,tess@west.example\n", [(1, "")]),
        (HEADER.replace("line_manager", "salary") + RIGHT, [(1, "")]),
        ("centre,centre,name,email,function\n", [(1, "")]),
        (HEADER, [(1, "")]),
        ((HEADER + RIGHT).encode("utf-16"), [(1, "")]),
        (HEADER + RIGHT + "footscray,T\0m,tom@west.example,specialist,\n", [(1, "")]),
        (b"x" * 2_000_001, [(1, "")]),
        (HEADER + RIGHT + "footscray,Tom\n", [(3, "")]),
        (HEADER + RIGHT + 'footscray,"Tom" x,tom@west.example,specialist,\n', [(3, "")]),
        (HEADER + RIGHT + "nowhere,,tom,boss,them\n", [
            (3, "centre"), (3, "email"), (3, "function"), (3, "line_manager"), (3, "name")
        ]),
        (HEADER + RIGHT + RIGHT, [(3, "email")]),
        (HEADER + RIGHT + "sunshine,Terry,tess@west.example,specialist,\n", [(3, "name")]),
        (HEADER + RIGHT + "footscray,Tom,tom@west.example,specialist,ghost@west.example\n", [(3, "line_manager")]),
        (HEADER + RIGHT + "footscray,Tom,tom@west.example,specialist,tom@west.example\n", [(3, "line_manager")]),
        (HEADER + "footscray,Tess,tess@west.example,specialist,tom@west.example\n"
         "footscray,Tom,tom@west.example,supervisor,tess@west.example\n", [(3, "line_manager")]),
    ],
)  # fmt: skip
def test_a_file_with_anything_wrong_enters_nobody_and_names_each_row(
    database: Database, tmp_path: Path, text: str | bytes, problems: list[tuple[int, str]]
) -> None:
    file = file_of(tmp_path, text)
    code, output = run("staff", "import", file, "--org", "west", "--json")
    assert code == 1
    assert [(each["row"], each["column"]) for each in json.loads(output)["errors"]] == problems
    code, output = run("staff", "import", file, "--org", "west")
    assert (code, f"Row {problems[0][0]}" in output) == (1, True)
    assert not any(name in output for name in ("Tess", "Terry", "@west"))
    with database.read() as session:
        assert session.exec(select(PersonRecord)).all() == []
        assert session.exec(select(MembershipRecord)).all() == []


def test_a_files_line_manager_may_not_be_of_another_agency(tmp_path: Path) -> None:
    told("centre", "add", "--org", "east", "--org-name", "East", "--key", "footscray", "--name", "F")
    told("staff", "add", "--org", "east", "--centre", "footscray", *MARC, "--function", "supervisor")
    file = file_of(tmp_path, HEADER + "footscray,Tess,tess@west.example,specialist,marc@west.example\n")
    assert run("staff", "import", file, "--org", "west")[0] == 1


def test_the_demo_has_a_centre_with_a_specialist_her_manager_and_a_clinician(database: Database) -> None:
    for _time in range(2):
        with database.write() as session:
            demo_story.enter_staff(session, "registration-1", {"people": {"tess": "tess-1"}})
    with database.read() as session:
        tess = people.person_by_lms_identity(session, registration_id="registration-1", subject="tess-1")
        assert tess is not None
        observers = people.colleagues(session, tess.id, ("supervisor", "clinician"))
        assert [(each.name, each.function) for each in observers] == [
            ("Cleo Marsh", "clinician"), ("Marc Delaney", "supervisor")
        ]  # fmt: skip
        assert people.reports_of(session, observers[1].person_id) == (tess.id,)
