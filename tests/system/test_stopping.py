"""Told to stop, every program of ours ends by itself, with exit code 0, and leaves nobody behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.system.house import PATIENCE, House, Process, eventually

STOPS = [signal.SIGTERM, signal.SIGINT]


def children_of(process: Process) -> list[int]:
    """The processes that a process has started, and theirs."""
    found: list[int] = []
    waiting = [process.pid]
    while waiting:
        for listing in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            waiting += (started := [int(number) for number in listing.read_text().split()])
            found += started
    return found


def is_there(pid: int) -> bool:
    """Whether a process still lives; one that has ended and waits to be noticed does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def expect_a_clean_end(process: Process, how: signal.Signals, log: str) -> None:
    children = children_of(process)
    process.send_signal(how)
    assert process.wait(PATIENCE) == 0, log
    eventually(lambda: not any(map(is_there, children)), f"the children of {process.args} are gone")


@pytest.mark.parametrize(("workers", "how"), [("1", signal.SIGTERM), ("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_the_web_server(house: House, how: signal.Signals, workers: str) -> None:
    house.is_afresh = True
    house.connect()
    process = house.start_app("--workers", workers)
    expect_a_clean_end(process, how, house.log_of("app"))
    assert "Traceback" not in house.log_of("app")


@pytest.mark.parametrize("how", STOPS)
def test_the_worker(house: House, how: signal.Signals) -> None:
    house.is_afresh = True
    house.connect()
    process = house.start_worker()
    expect_a_clean_end(process, how, house.log_of("worker"))
    assert "Traceback" not in house.log_of("worker")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_the_demo_while_it_starts(house: House, how: signal.Signals) -> None:
    house.is_afresh = True
    process = house.start("demo", "app", "demo")
    eventually(lambda: "2/4" in house.log_of("demo"), "the demo starts its first program")
    expect_a_clean_end(process, how, house.log_of("demo"))
    assert "Traceback" not in house.log_of("demo")
    assert "Stopped." in house.log_of("demo")
