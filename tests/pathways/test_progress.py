"""How far somebody has come, case by case: what each step says, since when, until when, and why it is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from app.pathways.errors import RuleImpossible, RuleNamesItself
from app.pathways.progress import progress
from app.pathways.rules import check_together
from app.pathways.schemas import BadgeHeld, BadgeVersion, Evidence, Need, Recognition, RolePeriod, Step
from app.programme.pathways import GroupRule, HeldRule, Pathway, Rule, TimeInRoleRule
from tests.pathways.people import (
    FIRST_AID,
    RUBRIC,
    STATISTICS,
    TALK,
    THEIRS,
    WORD,
    badge,
    day,
    pathway,
    role,
    talk,
    word,
)

A, B, C = HeldRule("M01"), HeldRule("M02"), HeldRule("M03")
YEAR = TimeInRoleRule(12, "an IPS role")


def step(rule: Rule, evidence: Evidence, at: int, effort: dict[str, int] | None = None) -> Step:
    return progress(pathway(rule), evidence, day(at), effort).root


def held(*badges: BadgeHeld) -> Evidence:
    return Evidence(badges=badges)


def test_somebody_new_has_every_step_open_and_each_says_why() -> None:
    rule = GroupRule(6, (A, FIRST_AID, YEAR, WORD, TALK, GroupRule(1, (B, C))))
    found = progress(pathway(rule), Evidence(), day(0))
    assert not found.is_met
    assert (found.met_since, found.met_until, found.next_change, found.rests_on) == (None, None, None, ())
    assert {part.state for part in found.root.parts} == {"open"}
    needs = [part.need for part in found.root.parts]
    assert [need.reason for need in needs if need] == [
        "missing", "missing", "time_short", "missing", "missing", "too_few"
    ]  # fmt: skip
    assert needs[2] is not None
    assert needs[2].days_left == 366
    assert found.root.need is not None
    assert found.root.need.count == 6
    assert (found.pathway, found.version, found.digest, found.at) == ("way", 1, "d", day(0))
    assert found.end.rule == HeldRule("X1")


def test_all_is_met_from_the_moment_at_which_all_hold_together_until_the_first_of_them_ends() -> None:
    rule = GroupRule(3, (A, B, WORD))
    evidence = Evidence(badges=(badge("M01", 0, 80), badge("M02", 20, 60)), confirmations=(word(10),))
    found = progress(pathway(rule), evidence, day(30))
    assert found.is_met
    assert found.root.state == "lapsing"
    assert (found.met_since, found.met_until, found.next_change) == (day(20), day(60), day(60))
    assert [part.state for part in found.root.parts] == ["lapsing", "lapsing", "met"]
    assert [each.achievement for each in found.rests_on] == ["M01", "M02"]
    after = progress(pathway(rule), evidence, day(60))
    assert after.root.state == "lapsed"
    assert (after.root.since, after.met_since, after.rests_on) == (day(60), None, ())


@pytest.mark.parametrize(
    ("of_badge", "at", "reason", "on"),
    [
        (badge(starts=9), 5, "begins", day(9)),
        (badge(until=9), 9, "expired", day(9)),
        (badge(until=9), 30, "expired", day(9)),
        (badge(suspended=4, until=30), 9, "suspended", day(4)),
        (badge(suspended=4, until=30), 30, "expired", day(30)),
        (badge(suspended=4, until=30, revoked=6), 40, "revoked", day(6)),
        (badge(), 31, "too_old", day(31)),
        (badge(renewed=5), 36, "too_old", day(36)),
        (badge(until=9), 40, "expired", day(9)),
        (badge(starts=9, revoked=3), 5, "revoked", day(3)),
    ],
)
def test_a_badge_that_does_not_count_says_the_one_reason_that_must_be_mended(
    of_badge: BadgeHeld, at: int, reason: str, on: datetime
) -> None:
    found = step(HeldRule("M01", awarded_within_months=1), held(of_badge), at)
    assert found.need is not None
    assert (found.need.reason, found.need.on) == (reason, on)
    assert found.need.badge is not None
    assert found.state == ("lapsed" if found.since else "open")


def test_of_several_badges_that_do_not_count_the_one_is_named_that_is_mended_most_easily() -> None:
    evidence = held(
        badge(revoked=3, credential="a"), badge(until=5, credential="b"), badge(suspended=4, credential="c")
    )
    need = step(A, evidence, 9).need
    assert need == Need("suspended", on=day(4), badge=BadgeVersion("M01", "c", 1))


def test_of_several_badges_that_ended_alike_the_latest_is_named_whatever_their_order() -> None:
    early, late, as_late = (
        badge(until=5, credential="a"),
        badge(until=7, credential="c"),
        badge(until=7, credential="b"),
    )
    for order in permutations((early, late, as_late)):
        assert step(A, held(*order), 9).need == Need("expired", on=day(7), badge=BadgeVersion("M01", "b", 1))


def test_a_badge_that_was_revoked_before_it_began_is_not_worth_waiting_for() -> None:
    assert step(A, held(badge(starts=9, revoked=6)), 3).need == Need("missing")


def test_a_renewed_badge_has_held_all_the_time_and_the_step_rests_on_its_new_version() -> None:
    evidence = held(badge(until=30, credential="a"), badge(until=90, credential="a", version=2, starts=25))
    before, after = step(A, evidence, 24), step(A, evidence, 25)
    assert (before.since, before.until, after.since, after.until) == (day(0), day(90), day(0), day(90))
    assert (before.rests_on[0].version, after.rests_on[0].version) == (1, 2)
    assert progress(pathway(A), evidence, day(10)).next_change == day(25)


def test_a_renewal_makes_a_badge_young_again_and_no_other_version_does() -> None:
    aged = HeldRule("M01", awarded_within_months=1)
    first = badge(until=100, credential="a")
    renewed = badge(until=200, credential="a", version=2, starts=80, renewed=80)
    found = step(aged, held(first, renewed), 81)
    assert (found.since, found.until) == (day(80), day(80 + 31))
    corrected = badge(until=200, credential="a", version=3, starts=90, renewed=80)
    for at in (91, 110):
        found = step(aged, held(first, renewed, corrected), at)
        assert (found.since, found.until, found.rests_on) == (day(80), day(80 + 31), (BadgeVersion("M01", "a", 3),))
    found = step(aged, held(first, replace(renewed, renewed_at=None)), 81)
    assert found.need == Need("too_old", on=day(31), badge=BadgeVersion("M01", "a", 2))


def test_whoever_renewed_while_the_badge_was_young_met_it_all_the_time() -> None:
    evidence = held(badge(until=30, credential="a"), badge(until=90, credential="a", version=2, starts=25, renewed=25))
    found = step(HeldRule("M01", awarded_within_months=1), evidence, 40)
    assert (found.since, found.until) == (day(0), day(25 + 31))


def test_a_correction_that_shortens_a_badge_counts_and_the_version_before_it_does_not() -> None:
    evidence = held(badge(until=90, credential="a"), badge(until=30, credential="a", version=2))
    assert step(A, evidence, 20).until == day(30)


def test_a_revocation_ends_every_version_of_the_badge_and_no_other_badge() -> None:
    evidence = held(badge(until=30, credential="a", revoked=10), badge(until=90, credential="a", version=2))
    assert step(A, evidence, 20).need == Need("revoked", on=day(10), badge=BadgeVersion("M01", "a", 2))
    other = held(*evidence.badges, badge(awarded=10, until=40, credential="b"))
    assert (step(A, other, 20).since, step(A, other, 20).until) == (day(0), day(40))


def test_what_lasts_longest_is_what_a_step_rests_on() -> None:
    evidence = held(badge(until=50, credential="a"), badge(until=70, credential="b"), badge(until=60, credential="c"))
    assert step(A, evidence, 9).rests_on == (BadgeVersion("M01", "b", 1),)
    choice = GroupRule(2, (A, B, C))
    three = held(badge("M01", 0, 50), badge("M02", 0, 40), badge("M03", 0, 60))
    found = step(choice, three, 9)
    assert [each.achievement for each in found.rests_on] == ["M01", "M03"]
    assert (found.held, found.needed, found.until) == (3, 2, day(50))


def test_the_missing_parts_with_the_least_effort_come_first_and_unknown_effort_last() -> None:
    rule = GroupRule(3, (A, FIRST_AID, C, GroupRule(2, (B, TALK)), HeldRule("M09")))
    effort = {"M01": 600, "M02": 60, "M03": 300}
    need = step(rule, Evidence(), 0, effort).need
    assert need is not None
    assert need.cheapest == (3, 2, 0)
    lent = step(rule, held(badge("M01", suspended=1)), 5, effort).need
    assert lent is not None
    assert lent.cheapest == (0, 3, 2)


def test_another_issuers_badge_counts_by_its_issuer_and_its_name() -> None:
    theirs = badge("https://college.example/achievements/1", 0, 90, issuer=THEIRS, name="First aid")
    assert step(FIRST_AID, held(theirs), 5).rests_on[0].credential_id == theirs.credential_id
    for other in (replace(theirs, issuer="did:web:elsewhere.example"), replace(theirs, name="Second aid"),
                  replace(theirs, issuer=None)):  # fmt: skip
        assert step(FIRST_AID, held(other), 5).state == "open"


def test_an_achievement_that_a_stranger_claims_as_the_issuers_does_not_count() -> None:
    theirs = badge(str(STATISTICS.achievement), 0, 90, issuer=THEIRS, name="Statistics, then called Numbers")
    assert step(STATISTICS, held(theirs), 5).state == "lapsing"
    assert step(STATISTICS, held(replace(theirs, issuer="did:web:elsewhere.example")), 5).state == "open"


def test_a_badge_of_ours_is_not_met_by_another_issuers_of_the_same_name() -> None:
    assert step(A, held(badge("M01", issuer=THEIRS, name="M01")), 5).state == "open"


def test_what_was_recognised_is_waived_for_the_pathway_it_was_recognised_for() -> None:
    granted = Recognition("held", "M01", day(5), "decision-1", pathway="way")
    found = step(A, Evidence(recognitions=(granted,)), 9)
    assert (found.state, found.since, found.until, found.waived_by) == ("waived", day(5), None, ("decision-1",))
    assert found.rests_on == ()
    whole = step(GroupRule(1, (A,)), Evidence(recognitions=(granted,)), 9)
    assert (whole.state, whole.waived_by) == ("met", ("decision-1",))
    for other in (
        replace(granted, pathway="another"),
        replace(granted, key="M02"),
        replace(granted, kind="confirmation"),
    ):
        assert step(A, Evidence(recognitions=(other,)), 9).state == "open"
    taken_back = step(A, Evidence(recognitions=(replace(granted, withdrawn_at=day(7)),)), 9)
    assert (taken_back.state, taken_back.need) == ("lapsed", Need("withdrawn", on=day(7)))


def test_recognition_holds_a_step_after_its_badge_has_ended() -> None:
    evidence = Evidence((badge(until=20),), (Recognition("held", "M01", day(5), "decision-1"),))
    found = progress(pathway(A), evidence, day(9))
    assert (found.root.state, found.met_until, found.next_change) == ("met", None, day(20))
    assert step(A, evidence, 20).state == "waived"


@pytest.mark.parametrize("kind", ["time_in_role", "external_badge", "confirmation", "conversation"])
def test_every_kind_of_step_can_be_recognised(kind: str) -> None:
    rule = {"time_in_role": YEAR, "external_badge": FIRST_AID, "confirmation": WORD, "conversation": TALK}[kind]
    key = {"time_in_role": "", "external_badge": "First aid", "confirmation": "support", "conversation": "talk"}[kind]
    evidence = Evidence(recognitions=(Recognition(kind, key, day(0), "decision-1"),))  # type: ignore[arg-type]
    assert step(rule, evidence, 1).state == "waived"


def test_a_word_counts_for_its_pathway_and_from_whoever_is_asked_for_it() -> None:
    assert step(WORD, Evidence(confirmations=(word(3),)), 5).since == day(3)
    for other in (replace(word(3), pathway="another"), replace(word(3), by="supervisor"), replace(word(3), key="k")):
        assert step(WORD, Evidence(confirmations=(other,)), 5).need == Need("missing")
    taken_back = step(WORD, Evidence(confirmations=(word(3, withdrawn=4),)), 5)
    assert (taken_back.state, taken_back.need) == ("lapsed", Need("withdrawn", on=day(4)))


def test_a_conversation_below_the_level_says_which_criteria_and_a_later_one_can_reach_it() -> None:
    low = Evidence(conversations=(talk(3, 3, 2),))
    assert step(TALK, low, 5).need == Need("below_level", on=day(3), criteria=("drift",))
    assert step(TALK, low, 2).need == Need("missing")
    assert progress(pathway(TALK), low, day(2)).next_change == day(3)
    both = Evidence(conversations=(talk(3, 3, 2), talk(8, 4, 3)))
    assert step(TALK, both, 9).since == day(8)


def test_a_criterion_that_a_conversation_says_nothing_of_is_not_reached() -> None:
    need = step(TALK, Evidence(conversations=(talk(3, 4),)), 5).need
    assert need is not None
    assert need.criteria == (RUBRIC.criteria[1].key,)


def test_time_in_a_role_goes_on_and_says_when_it_is_full() -> None:
    found = progress(pathway(YEAR), Evidence(roles=(role(10),)), day(40))
    full = day(10).replace(year=day(10).year + 1)
    assert found.root.need == Need("time_short", on=full)
    assert found.root.need is not None
    assert found.root.need.days_left == (full - day(40)).days
    assert (found.root.meets_at, found.next_change) == (full, full)
    done = progress(pathway(YEAR), Evidence(roles=(role(10),)), full)
    assert (done.root.state, done.met_since, done.next_change) == ("met", full, None)


def test_time_at_two_agencies_counts_once_and_a_gap_puts_it_off_by_its_length() -> None:
    month = TimeInRoleRule(1, "an IPS role")
    assert step(month, Evidence(roles=(role(0, 20), role(10, None, "south"))), 40).since == day(31)
    assert step(month, Evidence(roles=(role(0, 20), role(0, 20, "south"))), 40).state == "open"
    assert step(month, Evidence(roles=(role(0, 20), role(24, None, "south"))), 40).since == day(35)


def test_a_gap_longer_than_the_rule_allows_begins_the_count_anew() -> None:
    strict = TimeInRoleRule(1, "an IPS role", longest_gap_days=3)
    assert step(strict, Evidence(roles=(role(0, 20), role(23))), 60).since == day(34)
    anew = step(strict, Evidence(roles=(role(0, 20), role(24))), 30)
    assert anew.meets_at == day(24) + timedelta(days=31)
    unbroken = TimeInRoleRule(1, "an IPS role", longest_gap_days=0)
    assert step(unbroken, Evidence(roles=(role(0, 20), role(20, None, "south"))), 60).since == day(31)


def test_somebody_who_left_the_role_keeps_what_they_worked_and_is_told_what_is_missing() -> None:
    found = step(TimeInRoleRule(1, "an IPS role"), Evidence(roles=(role(0, 20),)), 90)
    assert found.need == Need("time_short")
    assert found.need is not None
    assert (found.need.days_left, found.meets_at) == (11, None)
    strict = step(TimeInRoleRule(1, "an IPS role", 10), Evidence(roles=(role(0, 20),)), 90)
    assert strict.need is not None
    assert strict.need.days_left == 30


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        RolePeriod(day(5), day(4), "north")


def test_the_badge_at_the_end_is_told_apart_from_the_rule() -> None:
    evidence = held(badge("M01", 0, 90), badge("X1", 3, 60))
    found = progress(pathway(A), evidence, day(9))
    assert (found.end.state, found.end.since, found.end.until) == ("lapsing", day(3), day(60))
    assert found.next_change == day(60)
    assert found.met_until == day(90)


def test_an_age_or_a_time_beyond_all_calendars_is_no_age_and_never_full() -> None:
    assert step(HeldRule("M01", awarded_within_months=10**6), held(badge()), 5).state == "met"
    assert step(TimeInRoleRule(10**6, "an IPS role"), Evidence(roles=(role(0),)), 5).meets_at is None


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        progress(pathway(A), Evidence(), day(0).replace(tzinfo=None))


def test_a_badge_that_is_asked_for_before_itself_cannot_be_built() -> None:
    with pytest.raises(RuleNamesItself) as caught:
        progress(pathway(GroupRule(2, (A, GroupRule(1, (B, HeldRule("X1")))))), Evidence(), day(0))
    assert caught.value.way == ("X1", "X1")


def test_a_rule_that_is_part_of_itself_cannot_be_built() -> None:
    inner = GroupRule(1, (A,))
    object.__setattr__(inner, "of", (A, GroupRule(1, (inner,))))
    with pytest.raises(RuleNamesItself):
        progress(pathway(inner), Evidence(), day(0))


def test_pathways_that_wait_for_each_other_cannot_be_built_and_the_way_round_is_told() -> None:
    first = pathway(HeldRule("second"), key="first", leads_to=None)
    second = pathway(GroupRule(2, (A, HeldRule("third"))), key="second", leads_to=None)
    third = pathway(HeldRule("first"), key="third", leads_to=None)
    with pytest.raises(RuleNamesItself) as caught:
        check_together([second, third, first])
    assert caught.value.way == ("first", "second", "third", "first")
    assert "first → second → third → first" in caught.value.detail
    check_together([first, second])
    twice = pathway(GroupRule(2, (HeldRule("first"), HeldRule("second"))), key="fourth", leads_to=None)
    check_together([twice, first, second])


@pytest.mark.parametrize("rule", [GroupRule(0, (A, B)), GroupRule(3, (A, B)), GroupRule(0, ()), GroupRule(-1, (A,))])
def test_a_group_that_needs_more_than_it_has_or_nothing_cannot_be_built(rule: GroupRule) -> None:
    with pytest.raises(RuleImpossible) as caught:
        progress(pathway(GroupRule(1, (rule,))), Evidence(), day(0))
    assert caught.value.slug == "pathway-rule-impossible"


@pytest.fixture(scope="module")
def ours(ips_pathways: tuple[Pathway, ...]) -> Callable[[str], Pathway]:
    """The programme's own pathways by key."""
    return {each.key: each for each in ips_pathways}.__getitem__


def test_the_programmes_own_pathways_can_be_built(ips_pathways: tuple[Pathway, ...]) -> None:
    assert len(ips_pathways) == 6
    check_together(ips_pathways)


def test_a_specialist_goes_the_whole_way_to_mentor(ours: Callable[[str], Pathway]) -> None:
    basic, mentor = ours("practitioner"), ours("mentor")
    ten = tuple(badge(f"M{number:02}", number * 7, number * 7 + 365) for number in range(1, 11))
    criteria = tuple((key, 3) for key in ("principles-used-knowingly", "honest-about-drift", "data-used", "next-step"))
    conversation = replace(talk(90), pathway="practitioner", key="practice-conversation", levels=criteria)
    evidence = Evidence(badges=ten, conversations=(conversation,), roles=(role(0),))
    found = progress(basic, evidence, day(100))
    assert (found.met_since, found.met_until) == (day(90), day(7 + 365))
    assert len(found.rests_on) == 10
    assert found.end.state == "open"
    early = progress(basic, evidence, day(80))
    assert early.root.need is not None
    assert early.root.need.cheapest == (10,)
    support = replace(word(200), pathway="mentor", key="managers-support")
    richer = replace(evidence, badges=(*ten, badge("practitioner", 100, 1100)), confirmations=(support,))
    assert progress(basic, richer, day(100)).end.state == "lapsing"
    on_the_way = progress(mentor, richer, day(250))
    assert [part.state for part in on_the_way.root.parts] == ["lapsing", "open", "met"]
    assert on_the_way.next_change == day(366)
    arrived = progress(mentor, richer, day(366))
    assert (arrived.met_since, arrived.met_until) == (day(366), day(1100))
    assert [each.achievement for each in arrived.rests_on] == ["practitioner"]
