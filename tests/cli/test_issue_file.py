"""`waymark issue --file`: somebody without a program of their own issues what stands in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.system.house import ROOT

EXAMPLE = ROOT / "examples" / "batch.csv"
HEADER = "achievement,email,decided_by_name,decided_by_role,idempotency_key\n"
GOOD = "M01,tess@example.org,Priya Raman,programme lead,tess-m01\n"


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    terminal.house.connect()
    return terminal


def table(terminal: Terminal, *rows: str, name: str = "awards.csv") -> str:
    path: Path = terminal.house.folder / name
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return str(path)


def test_a_table_is_issued_once_however_often_it_is_sent(ready: Terminal) -> None:
    first = ready.json("issue", "--file", str(EXAMPLE))
    assert (first["state"], first["total"], first["issued"], first["failed"]) == ("done", 3, 3, 0)
    assert ready.json("issue", "--file", str(EXAMPLE)) == first
    assert ready.house.count("credential") == 3
    assert ready.house.count("audit_entry", "actor_id = 'command-line' AND action = 'awards.batch_received'") == 1


def test_a_row_that_cannot_be_issued_is_named_by_its_line_and_hinders_no_other(ready: Terminal) -> None:
    file = table(ready, GOOD, "M99,sam@example.org,Priya Raman,programme lead,sam\n", "M01,nobody,P,lead,x\n")
    answer = ready.waymark("issue", "--file", file)
    assert answer.exit_code == 1
    assert "Issued: 1 of 3" in answer.stdout
    assert "line 3: achievement: " in answer.stdout
    assert "line 4: email: must be one e-mail address" in answer.stdout
    assert "nobody" not in answer.output
    mended = table(ready, GOOD, "M01,sam@example.org,Priya Raman,programme lead,sam\n")
    assert ready.json("issue", "--file", mended)["issued"] == 2
    assert ready.house.count("credential") == 2


def test_nobody_is_told_by_mail_of_what_is_not_issued(ready: Terminal) -> None:
    answer = ready.waymark("issue", "--file", table(ready, "m01,sam@example.org,P,lead,sam\n", "M01,nobody,P,lead,x\n"))
    assert (answer.exit_code, answer.stdout.splitlines()[0]) == (1, "Issued: 0 of 2.")
    assert "There is M01: capitals count." in answer.stdout
    assert "mail, by" not in answer.stdout
    assert "stays" not in answer.stdout


def test_all_or_nothing_issues_nothing_if_one_row_is_wrong(ready: Terminal) -> None:
    answer = ready.waymark("issue", "--file", table(ready, GOOD, "M01,nobody,P,lead,x\n"), "--all-or-nothing")
    assert answer.exit_code == 1
    assert "Nothing was issued" in answer.stdout
    assert ready.house.count("credential") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--file", "no-such-file.csv"), ("--file", "awards.xlsx"), ("--file", "a.csv", "--email", "tess@example.org"),
        ("--all-or-nothing", "--achievement", "M01", "--email", "tess@example.org", "--idempotency-key", "k",
         "--decided-by", "P", "--role", "lead"),
    ],
)  # fmt: skip
def test_misuse_is_said(ready: Terminal, arguments: tuple[str, ...]) -> None:
    answer = ready.waymark("issue", *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.strip()


def test_a_file_that_is_no_table_of_awards_is_refused_whole(ready: Terminal) -> None:
    path = ready.house.folder / "odd.csv"
    path.write_bytes(b"\xff\xfea\x00")
    answer = ready.waymark("issue", "--file", str(path))
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "UTF-16" in answer.stderr
