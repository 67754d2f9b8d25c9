"""Several processes on one port are one server: one may die, their counters are sums, none outlives the first."""

from __future__ import annotations

import os
import signal

from app.core import processes
from tests import loopback
from tests.system.house import House, eventually
from tests.system.test_stopping import children_of, is_there
from tests.system.walker import Walker

REQUESTS = 'waymark_http_requests_total{method="GET",status="404"}'


def figures(house: House) -> dict[str, float]:
    """What `/metrics` tells, each time over a new connection."""
    answer = loopback.get(f"http://127.0.0.1:{house.ports[0]}/metrics")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def serving(house: House) -> set[int]:
    """The numbers of those that answer, for a number of questions."""
    return {int(figures(house)["waymark_process_id"]) for _ in range(20)}


def expect_counted(house: House, number: int) -> None:
    """So many requests that found nothing; each is counted a moment after it was answered."""
    eventually(lambda: figures(house).get(REQUESTS, 0) >= number, "all are counted")
    assert figures(house)[REQUESTS] == number


def get_lost(house: House, times: int) -> None:
    for _ in range(times):
        loopback.get(f"http://127.0.0.1:{house.ports[0]}/nowhere")


def test_one_that_dies_is_replaced_and_what_it_counted_is_kept(house: House) -> None:
    house.connect()
    house.start_lms()
    house.start_app("--workers", "2")
    eventually(lambda: len(serving(house)) == 2, "both answer")
    get_lost(house, 20)
    expect_counted(house, 20)
    doomed = max(serving(house))
    os.kill(doomed, signal.SIGKILL)
    eventually(lambda: not is_there(doomed), "it has ended, and takes no connection any more")
    eventually(lambda: len(serving(house) - {doomed}) == 2, "another has taken its place")
    get_lost(house, 5)
    expect_counted(house, 25)
    Walker(house).launch("tess")


def test_none_is_left_behind_when_the_first_is_killed(house: House) -> None:
    house.connect()
    app = house.start_app("--workers", "2")
    eventually(lambda: len(serving(house)) == 2, "both answer")
    children = children_of(app)
    app.kill()
    app.wait(60)
    eventually(lambda: not any(map(is_there, children)), "the others have ended")


def test_in_production_there_is_one_for_each_processor(house: House) -> None:
    house.extra["WAYMARK_ENV"] = "production"
    house.is_afresh = True
    house.connect()
    house.start_app()
    eventually(lambda: len(serving(house)) == processes.fitting(), "all answer")


def test_elsewhere_there_is_one(house: House) -> None:
    house.is_afresh = True
    house.connect()
    app = house.start_app()
    assert children_of(app) == []
