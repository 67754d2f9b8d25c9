"""So many a minute for each visitor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.core.rate import PerMinute


def test_so_many_a_minute_are_allowed_and_no_more() -> None:
    limit = PerMinute(2, clock=lambda: 30.0)
    assert [limit.allows("one") for _ in range(4)] == [True, True, False, False]


def test_each_visitor_has_a_count_of_their_own() -> None:
    limit = PerMinute(1, clock=lambda: 30.0)
    assert limit.allows("one")
    assert limit.allows("another")
    assert not limit.allows("one")


def test_the_next_minute_begins_anew() -> None:
    seconds = 30.0
    limit = PerMinute(1, clock=lambda: seconds)
    assert limit.allows("one")
    assert not limit.allows("one")
    seconds = 89.0
    assert not limit.allows("one")
    seconds = 90.0
    assert limit.allows("one")


def test_a_minute_does_not_end_with_that_of_the_clock() -> None:
    seconds = 59.9
    limit = PerMinute(1, clock=lambda: seconds)
    assert limit.allows("one")
    seconds = 60.1
    assert not limit.allows("one")


def test_threads_do_not_lose_a_count() -> None:
    limit = PerMinute(100, clock=lambda: 30.0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: limit.allows("one"), range(400)))
    assert answers.count(True) == 100
