"""`waymark person`: a copy of everything for whoever asks, and erasing it, told beforehand."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from app.core import db
from app.people import linking
from app.people import service as people
from app.wiring import person_merge
from tests.cli.conftest import Terminal

NAME, EMAIL = "Quilla Wort", "quilla.wort@example.org"
WHY = ("--reason", "Asked for it by mail")


@pytest.fixture
def learner(terminal: Terminal) -> str:
    """Somebody with work, a decision and a badge; their id."""
    house = terminal.house
    house.connect()
    person_id = house.hand_in("quilla", NAME, EMAIL)
    house.award(person_id)
    house.work()
    return person_id


def stored(terminal: Terminal) -> bytes:
    """Every byte in the data folder."""
    return b"".join(path.read_bytes() for path in sorted(terminal.house.folder.rglob("*")) if path.is_file())


def audited(terminal: Terminal, action: str) -> list[Any]:
    return terminal.house.rows("SELECT actor_kind, subject_id FROM audit_entry WHERE action = :a", a=action)


def test_an_export_goes_to_a_new_file_that_only_its_owner_reads(terminal: Terminal, learner: str) -> None:
    out = terminal.house.folder / "quilla.json"
    told = terminal.json("person", "export", learner, "--out", str(out))
    document = json.loads(out.read_text())
    sections = document["sections"]
    assert told == {
        "person_id": learner,
        "file": str(out),
        "records": sum(len(s["records"]) for s in sections.values()),
    }
    assert document["person_id"] == learner
    assert sections["people.lms_identities"]["records"][0]["email"] == EMAIL
    assert sections["issuer.badge_versions"]["records"][0]["jwt"].count(".") == 2
    assert out.stat().st_mode & 0o777 == 0o600
    assert [tuple(row) for row in audited(terminal, "people.person_exported")] == [("operator", learner)]
    again = terminal.waymark("person", "export", learner, "--out", str(out))
    assert again.exit_code == 2
    assert "not overwritten" in again.stderr


def test_the_address_names_the_person_and_the_export_is_printed(terminal: Terminal, learner: str) -> None:
    assert terminal.json("person", "export", "--email", EMAIL.upper())["person_id"] == learner
    for line in (["export", "--email", "nobody@example.org"], ["export", "no-such-id"]):
        answer = terminal.waymark("person", *line)
        assert (answer.exit_code, answer.stdout) == (1, "")


def test_an_address_of_several_names_their_ids(terminal: Terminal, learner: str) -> None:
    other = terminal.house.hand_in("other", "Somebody Else", EMAIL)
    answer = terminal.waymark("person", "erase", "--email", EMAIL, *WHY, "--yes")
    assert answer.exit_code == 1
    assert learner in answer.stderr
    assert other in answer.stderr
    assert NAME.encode() in stored(terminal)


def test_erasing_leaves_nothing_in_any_file_and_says_what_stays(terminal: Terminal, learner: str) -> None:
    assert NAME.encode() in stored(terminal)
    told = terminal.json("person", "erase", learner, *WHY, "--yes")
    assert (told["person_id"], told["state"], told["erased_before"]) == (learner, "erased", None)
    assert told["file_scrubbed"] is True
    assert {"what": "badges with all their versions", "number": 1} in told["erased"]
    assert any("digest of the texts" in each["what"] for each in told["kept"])
    left = stored(terminal)
    assert NAME.encode() not in left
    assert EMAIL.encode() not in left
    assert [tuple(row) for row in audited(terminal, "people.person_erased")] == [("operator", learner)]
    again = terminal.json("person", "erase", learner, *WHY, "--yes")
    assert again["erased"] == []
    assert again["erased_before"] is not None
    answer = terminal.waymark("person", "export", learner)
    assert answer.exit_code == 1
    assert "was erased on" in answer.stderr


def test_it_asks_first_and_no_changes_nothing(terminal: Terminal, learner: str) -> None:
    answer = terminal.waymark("person", "erase", learner, *WHY)  # nothing is typed
    assert answer.exit_code == 1
    for words in (NAME, "To be erased:", "1 x badges with all their versions", "Stays:", "Backups"):
        assert words in answer.stderr, words
    assert NAME.encode() in stored(terminal)
    with terminal.house.services() as services, services.runtime.database.read() as session:
        assert people.person(session, learner).id == learner


def test_badges_are_revoked_as_well_if_asked(terminal: Terminal, learner: str) -> None:
    assert terminal.json("person", "erase", learner, *WHY, "--yes", "--revoke")["badges_revoked"] is True
    (row,) = terminal.house.rows("SELECT state, revoked_at FROM credential")
    assert row[0] == "erased"
    assert row[1] is not None


def test_while_somebody_reads_an_older_state_it_says_that_the_file_still_holds_it(
    terminal: Terminal, learner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 100)
    with closing(sqlite3.connect(terminal.house.folder / "waymark.sqlite3")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM person").fetchone()
        answer = terminal.waymark("person", "erase", learner, *WHY, "--yes", "--json")
        assert answer.exit_code == 1
        assert json.loads(answer.stdout)["file_scrubbed"] is False
        assert "Run the same command again" in answer.stderr
        assert NAME.encode() in stored(terminal)
        reader.execute("ROLLBACK")
    assert terminal.json("person", "erase", learner, *WHY, "--yes")["file_scrubbed"] is True
    assert NAME.encode() not in stored(terminal)


@pytest.mark.parametrize(
    "line",
    ["export", "erase --reason x --yes", "export a --email b@example.org", "erase a", "erase a --reason x --json",
     "erase a --yes --reason="],
)  # fmt: skip
def test_misuse_is_two(terminal: Terminal, line: str) -> None:
    answer = terminal.waymark("person", *line.split())
    assert answer.exit_code == 2, answer.output
    assert answer.stdout == ""


@pytest.mark.parametrize("killed_at", ["app.people.erasing.audit.record", "app.cli.person.scrub"])
def test_killed_on_the_way_it_is_done_whole_or_not_at_all_and_the_same_command_ends_it(
    terminal: Terminal, learner: str, killed_at: str
) -> None:
    """Once before the one transaction ends, once after it and before the file is written anew."""
    module, _, name = killed_at.rpartition(".")
    program = (
        "import os, signal, sys, importlib\n"
        "from app.cli import app\n"
        f"holder = importlib.import_module({module.removesuffix('.audit')!r})\n"
        f"holder = getattr(holder, 'audit') if {module.endswith('.audit')!r} else holder\n"
        f"setattr(holder, {name!r}, lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))\n"
        "app(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", program, "person", "erase", learner, *WHY, "--yes", "--json"]
    died = subprocess.run(command, env=terminal.house.environment, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    is_whole = bool(terminal.house.rows("SELECT id FROM person WHERE erased_at IS NOT NULL"))
    assert is_whole == killed_at.endswith("scrub")
    assert bool(terminal.house.rows("SELECT id FROM lms_identity WHERE email = :e", e=EMAIL)) != is_whole
    terminal.json("person", "erase", learner, *WHY, "--yes")
    assert NAME.encode() not in stored(terminal)
    terminal.house.expect_consistent()


def test_records_that_were_joined_are_listed_for_one_person_or_for_all(terminal: Terminal, learner: str) -> None:
    assert terminal.json("person", "links") == {"links": []}
    today = terminal.house.hand_in("quilla-today", "Quilla Today", "today@agency.example")
    terminal.house.award(today)
    terminal.house.work()
    with terminal.house.services() as services:
        box, database = services.runtime.secret_box, services.runtime.database
        with database.write() as session:
            asked = people.request_email_confirmation(session, box, person_id=learner, email=EMAIL)
            code = people.confirmation_mail(session, box, asked.id).code
        people.confirm_email(database, box, person_id=learner, code=code)
        with database.write() as session:
            wanted = linking.request_link(session, person_id=today, email=EMAIL, asked_in="t", organisation_id=None)
            mailed = linking.link_code_mail(session, box, wanted.id)
        assert mailed is not None
        linking.prove_link(database, box, person_id=today, asked_in="t", code=mailed.code)
        linking.link_persons(database, person_merge(), person_id=today, asked_in="t")
    for line in ([], [learner], [today], ["--email", EMAIL], ["--email", "today@agency.example"]):
        (link,) = terminal.json("person", "links", *line)["links"]
        assert (link["linked_id"], link["joined_into"], link["person_id"]) == (today, learner, learner)
    assert "was joined into" in terminal.waymark("person", "links").stdout
    assert terminal.json("person", "links", "nobody") == {"links": []}
    assert terminal.waymark("person", "links", learner, "--email", EMAIL).exit_code == 2
    for line in (["export", today], ["erase", today, *WHY, "--yes"]):
        refused = terminal.waymark("person", *line)
        assert (refused.exit_code, learner in refused.stderr) == (1, True), line
