"""Provisional: worked out from awards and passed checks, with its weeks, and kind when they are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from app.core.db import Database
from app.learning import prerequisites
from app.learning import service as learning
from app.learning.provisional import ProvisionalState
from app.programme import service as programme
from app.programme.frameworks import Programme, ProvisionalRule
from tests.learning.factories import House, furnish, module

IPS = Path(__file__).resolve().parents[2] / "programme" / "ips"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULE = ProvisionalRule(("M01",), ("M01",), 8)


@pytest.fixture(scope="module")
def ips() -> Programme:
    return programme.load_programme(IPS)


def begun(database: Database, ips: Programme, rule: ProvisionalRule | None) -> House:
    with database.write() as session:
        programme.store(session, replace(ips, provisional=rule, modules=()))
    return furnish(database)


def state(house: House, person_id: str | None = None) -> ProvisionalState:
    with house.database.read() as session:
        found = learning.provisional_state(session, person_id or house.tess)
    assert found is not None
    return found


def test_the_programme_of_the_house_has_the_rule(ips: Programme) -> None:
    assert ips.provisional == ProvisionalRule(("M01",), ("M02", "M06", "M07"), 8)


def test_a_programme_without_a_rule_has_no_such_status(database: Database, ips: Programme) -> None:
    house = begun(database, ips, None)
    with database.read() as session:
        assert learning.provisional_state(session, house.tess) is None


def test_it_is_reached_by_the_award_and_the_check_and_not_by_one_of_them(database: Database, ips: Programme) -> None:
    house = begun(database, ips, RULE)
    assert state(house).state == "on_the_way"
    assert [(part.kind, part.title) for part in state(house).left] == [
        ("award", module().title),
        ("knowledge_check", module().title),
    ]
    house.answer(wrong=5)
    assert len(state(house).left) == 2, "a failed try is no pass"
    work = house.handed_in()
    assert [part.kind for part in state(house).left] == ["award"]
    house.mark_all(work.id)
    house.record_talk(work.id)
    house.award(work.id)
    assert (state(house).state, state(house).left) == ("reached", ())
    assert state(house, house.paul).state == "not_begun", "what Tess reached is hers"


def test_the_weeks_count_from_the_first_module_begun_and_take_nothing_away(database: Database, ips: Programme) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        house = begun(database, ips, RULE)
        assert (state(house).begun_at, state(house).due_at) == (START, START + timedelta(weeks=8))
        traveller.shift(timedelta(weeks=8))
        assert state(house).state == "on_the_way"
        traveller.shift(timedelta(seconds=1))
        assert state(house).state == "late"
        work = house.ready_to_award()
        house.award(work.id)
        assert state(house).state == "reached"


def test_a_rule_that_names_drafts_cannot_be_reached_yet_and_nobody_is_late(database: Database, ips: Programme) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        house = begun(database, ips, ProvisionalRule(("M01",), ("M02",), 8))
        traveller.shift(timedelta(weeks=20))
        now = state(house)
    assert now.state == "not_offered"
    assert [(part.module_key, part.is_offered) for part in now.parts] == [("M01", True), ("M02", False)]
    assert [part.module_key for part in now.left] == ["M01"]


def test_a_badge_in_force_counts_however_it_was_awarded(
    database: Database, ips: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = begun(database, ips, RULE)
    held = {house.tess: frozenset({"M01"})}
    monkeypatch.setattr(
        prerequisites._Bound, "check", lambda _session, person_id, keys: held.get(person_id, frozenset()) & set(keys)
    )
    assert (state(house).state, state(house).left) == ("reached", ())
    assert state(house, house.paul).state == "not_begun"
    held.clear()
    assert state(house).state == "on_the_way", "it is no longer in force"
