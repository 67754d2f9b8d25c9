"""What renewing a badge asks for: the module made small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.programme.frameworks import Programme
from app.programme.renewals import update_of, ways
from app.programme.schemas import Module


@pytest.fixture
def by_key(ips: Programme) -> dict[str, Module]:
    return {module.key: module for module in ips.modules}


def test_the_badge_of_every_module_can_be_renewed_and_something_is_judged_or_checked(ips: Programme) -> None:
    for module in ips.modules:
        found = ways(module)
        assert found, module.key
        for way in found:
            small = update_of(module, way)
            assert [activity.key for activity in small.activities] == list(way), module.key
            judged = any(activity.kind != "knowledge_check" for activity in small.activities)
            assert bool(small.rubric.criteria) == judged, (module.key, way)
            assert not small.award_rule.supervisor_talk
            assert small.award_rule.panel == module.award_rule.panel


def test_one_of_several_steps_is_enough_where_the_words_say_either_or(by_key: dict[str, Module]) -> None:
    assert ways(by_key["M05"]) == (("knowledge-check", "clock"), ("knowledge-check", "planning-meeting"))
    assert ways(by_key["M02"]) == (("knowledge-check", "handover"),)


def test_each_step_is_judged_by_the_criteria_it_speaks_to(by_key: dict[str, Module]) -> None:
    small = [update_of(by_key["M05"], way) for way in ways(by_key["M05"])]
    assert [[each.key for each in one.rubric.criteria] for one in small] == [
        ["speed-with-reasons"],
        ["plan-fits-one-person"],
    ]
    assert [one.award_rule.observations_meet for one in small] == [False, True]


def test_the_update_check_asks_half_as_much_and_never_fewer_than_five(by_key: dict[str, Module]) -> None:
    asked = {
        key: update_of(by_key[key], ways(by_key[key])[0]).activity("knowledge-check").draw
        for key in ("M01", "M02", "M07")
    }
    assert asked == {"M01": 5, "M02": 5, "M07": 6}  # of eight, ten and twelve


def test_what_a_module_leaves_open_is_asked_for_where_it_is_what_is_done_again(by_key: dict[str, Module]) -> None:
    module = by_key["M04"]
    assert not module.activity("profile-conversation").required
    small = update_of(module, ("knowledge-check", "profile-conversation"))
    assert small.activity("profile-conversation").required


def test_a_module_that_does_not_say_how_is_not_renewed(by_key: dict[str, Module]) -> None:
    assert ways(replace(by_key["M05"], renewal_activities=(), renewal_any=())) == ()
