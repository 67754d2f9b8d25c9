"""A worker may die at any moment on PostgreSQL as well, where a dead worker's locks end with its connection."""

from __future__ import annotations

from tests.system.house import House
from tests.system.test_killed_worker import kill_again_and_again
from tests.system.test_two_of_each_on_postgres import house as house
from tests.system.test_two_of_each_on_postgres import postgres as postgres

KILLS = 3


def test_killed_again_and_again_nothing_is_lost_or_doubled(house: House) -> None:
    kill_again_and_again(house, KILLS)
