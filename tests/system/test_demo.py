"""`waymark demo`, as a stranger starts it: twice, beside itself, after a kill, and when one of its programs dies.

From nothing it is started once; the other times its programs are forked (`preloaded.py`).
"""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.system.house import PATIENCE, House, Process, eventually
from tests.system.test_stopping import children_of, expect_a_clean_end


def started(house: House) -> tuple[Process, dict[str, Any]]:
    """A demo that is up, and the addresses it printed."""
    (house.folder / "demo.log").unlink(missing_ok=True)
    process = house.start("demo", "app", "demo", "--json")

    def printed() -> str:
        assert process.poll() is None, house.log_of("demo")
        return house.log_of("demo") if house.log_of("demo").rstrip().endswith("}") else ""

    return process, json.loads(eventually(printed, "the demo prints its addresses"))


def kill_all(process: Process) -> None:
    """The demo, and then whatever it had started."""
    orphans = children_of(process)
    process.kill()
    process.wait()
    for orphan in orphans:
        with suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)


def test_it_runs_once_goes_on_where_it_stopped_and_survives_a_kill(house: House) -> None:
    house.extra = {"WAYMARK_SECRET_KEY": ""}
    house.is_afresh = True
    process, first = started(house)
    house.is_afresh = False
    answer = house.waymark("verify", first["badge"], "--json")
    assert json.loads(answer.stdout)["verdict"] == "valid"

    second = house.waymark("demo")
    assert (second.returncode, second.stdout) == (1, "")
    assert re.fullmatch(r"waymark: A demo is running in .* already \(process \d+\)\..*\n", second.stderr)

    expect_a_clean_end(process, signal.SIGTERM, house.log_of("demo"))
    process, again = started(house)
    assert again == first

    kill_all(process)
    process, after_a_kill = started(house)
    assert after_a_kill == first
    assert house.count("credential") == 1
    expect_a_clean_end(process, signal.SIGINT, house.log_of("demo"))


def test_killed_while_it_tells_its_story_it_tells_it_to_the_end_next_time(house: House) -> None:
    house.extra = {"WAYMARK_SECRET_KEY": ""}
    process = house.start("demo", "app", "demo")
    path = house.folder / "waymark.sqlite3"
    eventually(lambda: path.exists() and "3/4" in house.log_of("demo"), "the story begins")
    eventually(lambda: house.count("decision"), "the decision is made", pause=0.002)
    kill_all(process)
    process, addresses = started(house)
    assert json.loads(house.waymark("verify", addresses["badge"], "--json").stdout)["verdict"] == "valid"
    assert house.count("credential") == 1
    expect_a_clean_end(process, signal.SIGINT, house.log_of("demo"))


def test_when_one_of_its_programs_dies_it_says_which_and_shows_its_last_lines(house: House) -> None:
    process, _addresses = started(house)
    log = house.folder / "logs" / "worker.log"
    worker = next(pid for pid in children_of(process) if Path(f"/proc/{pid}/fd/1").resolve() == log)
    os.kill(worker, signal.SIGKILL)
    assert process.wait(PATIENCE) == 1
    said = house.log_of("demo")
    assert f"The worker ended by itself (exit code -9). The end of its log, {log}:\n  Worker running" in said
    assert "Traceback" not in said
    assert not children_of(process)


def test_another_port_with_the_same_badges_is_refused_before_anything_is_changed(house: House) -> None:
    process, _addresses = started(house)
    expect_a_clean_end(process, signal.SIGINT, house.log_of("demo"))
    before = (house.folder / "waymark.env").read_bytes()
    elsewhere = House(house.folder)
    elsewhere.extra = {"WAYMARK_BASE_URL": ""}
    answer = elsewhere.waymark("demo")
    assert answer.returncode == 1
    assert "were made for another address" in answer.stderr
    assert (house.folder / "waymark.env").read_bytes() == before
