"""What holds of progress whatever the rule and whatever the evidence, seen against counting day by day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.pathways.progress import progress
from app.pathways.schemas import BadgeHeld, Evidence, Step
from app.programme.pathways import GroupRule, HeldRule, Rule, TimeInRoleRule
from tests.pathways.by_day import day_full, met
from tests.pathways.people import (
    CALMLY,
    DAYS,
    EVIDENCE,
    HORIZON,
    LEAVES,
    RULES,
    TALKS,
    WORDS,
    badge,
    badges,
    day,
    pathway,
    role,
    roles,
)

FIVE = tuple(f"M{number:02}" for number in range(1, 6))


def all_steps(step: Step) -> Iterator[Step]:
    yield step
    for part in step.parts:
        yield from all_steps(part)


@CALMLY
@given(rule=RULES, evidence=EVIDENCE, at=DAYS)
def test_it_says_of_a_day_what_counting_day_by_day_says(rule: Rule, evidence: Evidence, at: int) -> None:
    found = progress(pathway(rule), evidence, day(at))
    assert found.is_met == met(rule, evidence, day(at))
    for step in all_steps(found.root):
        assert step.is_met == met(step.rule, evidence, day(at))
        assert (step.need is None) == step.is_met


@CALMLY
@given(rule=RULES, evidence=EVIDENCE, at=DAYS)
def test_met_since_and_until_are_the_ends_of_the_days_on_which_it_is_met(
    rule: Rule, evidence: Evidence, at: int
) -> None:
    found = progress(pathway(rule), evidence, day(at))
    days = {number: met(rule, evidence, day(number)) for number in range(-40, HORIZON + 200)}
    first_other = next((number for number in range(at, HORIZON + 200) if days[number] != days[at]), None)
    last_other = next((number for number in range(at, -41, -1) if days[number] != days[at]), None)
    since = None if last_other is None else day(last_other + 1)
    ahead = None if first_other is None else day(first_other)
    if found.is_met:
        assert found.met_since == since
        assert found.met_until == ahead
        assert (found.root.state == "met") == (ahead is None) or found.root.state == "waived"
    else:
        assert found.met_since is None
        assert found.met_until is None
        assert found.root.meets_at == ahead
        assert found.root.since == since
        assert found.root.state == ("open" if since is None else "lapsed")


@settings(CALMLY, max_examples=60)
@given(rule=RULES, evidence=EVIDENCE, at=DAYS)
def test_until_the_next_change_nothing_changes_and_then_something_does(rule: Rule, evidence: Evidence, at: int) -> None:
    way = pathway(rule)
    now = progress(way, evidence, day(at))
    number = at + 1
    while number < HORIZON + 60 and (now.next_change is None or day(number) < now.next_change):
        then = progress(way, evidence, day(number))
        assert (then.root, then.end) == (now.root, now.end)
        assert then.next_change == now.next_change
        number += 1
    if now.next_change is not None:
        then = progress(way, evidence, now.next_change)
        assert now.next_change > now.at
        assert (then.root, then.end) != (now.root, now.end)


@CALMLY
@given(rule=RULES, evidence=EVIDENCE, at=DAYS, data=st.data())
def test_more_evidence_never_takes_away_what_is_met(
    rule: Rule, evidence: Evidence, at: int, data: st.DataObject
) -> None:
    """Nor moves its end nearer, nor its beginning later."""
    more: dict[str, st.SearchStrategy[Any]] = {
        "badges": badges(standing=True), "roles": roles(), "confirmations": WORDS, "conversations": TALKS,
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(more)))
    richer = replace(evidence, **{name: (*getattr(evidence, name), data.draw(more[name]))})
    before = progress(pathway(rule), evidence, day(at))
    after = progress(pathway(rule), richer, day(at))
    for was, now in zip(all_steps(before.root), all_steps(after.root), strict=True):
        if was.is_met:
            assert now.is_met
            assert was.since is not None
            assert now.since is not None
            assert now.since <= was.since
            assert now.until is None or (was.until is not None and now.until >= was.until)


@CALMLY
@given(rule=RULES, standing=badges(standing=True), at=DAYS, data=st.data())
def test_a_later_version_that_renews_nothing_makes_no_badge_younger(
    rule: Rule, standing: BadgeHeld, at: int, data: st.DataObject
) -> None:
    later = max(standing.awarded_at, standing.valid_from) + timedelta(days=data.draw(st.integers(0, 60)))
    next_one = replace(standing, version=2, valid_from=later)
    before = progress(pathway(rule), Evidence(badges=(standing,)), day(at))
    after = progress(pathway(rule), Evidence(badges=(standing, next_one)), day(at))
    for was, now in zip(all_steps(before.root), all_steps(after.root), strict=True):
        assert (now.state, now.since, now.until) == (was.state, was.since, was.until)


@CALMLY
@given(rule=RULES, standing=badges(standing=True), at=DAYS)
def test_a_renewal_takes_nothing_away(rule: Rule, standing: BadgeHeld, at: int) -> None:
    renewed_at = max(standing.awarded_at, standing.valid_from, standing.renewed_at or day(0))
    until = None if standing.valid_until is None else standing.valid_until + timedelta(days=60)
    renewed = replace(standing, version=2, valid_from=renewed_at, renewed_at=renewed_at, valid_until=until)
    before = progress(pathway(rule), Evidence(badges=(standing,)), day(at))
    after = progress(pathway(rule), Evidence(badges=(standing, renewed)), day(at))
    for was, now in zip(all_steps(before.root), all_steps(after.root), strict=True):
        assert now.is_met or not was.is_met


@CALMLY
@given(rule=RULES, evidence=EVIDENCE, at=DAYS, data=st.data())
def test_the_order_of_the_evidence_means_nothing(rule: Rule, evidence: Evidence, at: int, data: st.DataObject) -> None:
    shuffled = Evidence(
        badges=tuple(data.draw(st.permutations(evidence.badges))),
        recognitions=tuple(data.draw(st.permutations(evidence.recognitions))),
        roles=tuple(data.draw(st.permutations(evidence.roles))),
        confirmations=tuple(data.draw(st.permutations(evidence.confirmations))),
        conversations=tuple(data.draw(st.permutations(evidence.conversations))),
    )
    assert progress(pathway(rule), shuffled, day(at)) == progress(pathway(rule), evidence, day(at))


@CALMLY
@given(
    periods=st.lists(roles(), max_size=5).map(tuple),
    months=st.integers(1, 4),
    gap=st.none() | st.integers(0, 30),
    at=DAYS,
)
def test_days_that_several_agencies_share_count_once(
    periods: tuple[Any, ...], months: int, gap: int | None, at: int
) -> None:
    rule = TimeInRoleRule(months, "an IPS role", gap)
    full = day_full(periods, months, gap)
    once = progress(pathway(rule), Evidence(roles=periods), day(at)).root
    again = tuple(replace(period, agency_id="elsewhere") for period in periods)
    assert progress(pathway(rule), Evidence(roles=periods + again), day(at)).root == once
    if full is not None:
        assert (once.since if once.is_met else once.meets_at) == day(full)
    else:
        assert not once.is_met
        assert once.meets_at is None


@CALMLY
@given(periods=st.lists(roles(), max_size=5).map(tuple), months=st.integers(1, 4), at=DAYS)
def test_the_days_that_are_left_are_those_that_would_fill_the_time(
    periods: tuple[Any, ...], months: int, at: int
) -> None:
    """Whoever works on from here without a break is done after so many days and not a day earlier."""
    rule = TimeInRoleRule(months, "an IPS role")
    past = tuple(
        replace(each, ended_at=min(each.ended_at or day(at), day(at))) for each in periods if each.began_at < day(at)
    )
    step = progress(pathway(rule), Evidence(roles=past), day(at)).root
    if step.is_met:
        assert day_full(past, months, None) is not None
        return
    assert step.need is not None
    left = step.need.days_left
    assert left is not None
    assert left > 0
    assert day_full((*past, role(at, at + left)), months, None) == at + left


@CALMLY
@given(needed=st.integers(1, 5), held=st.frozensets(st.sampled_from(FIVE)), data=st.data())
def test_some_of_several_agrees_with_trying_every_choice(
    needed: int, held: frozenset[str], data: st.DataObject
) -> None:
    effort = {key: data.draw(st.integers(0, 3), label=key) * 60 for key in FIVE}
    rule = GroupRule(needed, tuple(HeldRule(key) for key in FIVE))
    evidence = Evidence(badges=tuple(badge(key, 0, 90) for key in sorted(held)))
    root = progress(pathway(rule), evidence, day(5), effort).root
    choices = list(combinations(FIVE, needed))
    assert root.is_met == any(held.issuperset(choice) for choice in choices)
    assert (root.held, root.needed) == (len(held), needed)
    if root.is_met:
        assert len({each.achievement for each in root.rests_on} & held) == len(root.rests_on) == needed
        return
    assert root.need is not None
    missing = [FIVE[place] for place in root.need.cheapest]
    assert root.need.count == len(missing) == needed - len(held)
    assert not held.intersection(missing)
    least = min(sum(effort[key] for key in set(choice) - held) for choice in choices if held <= set(choice))
    assert sum(effort[key] for key in missing) == least
    assert [effort[key] for key in missing] == sorted(effort[key] for key in missing)


@CALMLY
@given(leaf=LEAVES, evidence=EVIDENCE, at=DAYS)
def test_a_group_of_one_says_what_its_part_says(leaf: Rule, evidence: Evidence, at: int) -> None:
    alone = progress(pathway(leaf), evidence, day(at))
    within = progress(pathway(GroupRule(1, (leaf,))), evidence, day(at))
    assert within.root.parts == (alone.root,)
    assert (within.is_met, within.met_since, within.met_until) == (alone.is_met, alone.met_since, alone.met_until)
    assert (within.rests_on, within.next_change) == (alone.rests_on, alone.next_change)
