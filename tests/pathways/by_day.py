"""Whether a rule is met on a day, worked out a second time by counting days and nothing else: slow and plain."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from functools import cache

from app.pathways.schemas import BadgeHeld, Evidence, RolePeriod
from app.programme.pathways import (
    ConfirmationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Rule,
    TimeInRoleRule,
)
from tests.pathways.people import HORIZON, day

FAR = HORIZON + 400


def later(moment: datetime, months: int) -> datetime:
    """So many months later, or that month's last day."""
    first = moment.replace(day=1)
    for _ in range(months):
        first = (first + timedelta(days=32)).replace(day=1)
    return first.replace(day=min(moment.day, calendar.monthrange(first.year, first.month)[1]))


def met(rule: Rule, evidence: Evidence, at: datetime) -> bool:
    """Whether a rule of the pathway `way` is met at a moment."""
    if isinstance(rule, GroupRule):
        return sum(met(each, evidence, at) for each in rule.of) >= rule.needed
    return _recognised(rule, evidence, at) or _shown(rule, evidence, at)


def _recognised(rule: Rule, evidence: Evidence, at: datetime) -> bool:
    if isinstance(rule, HeldRule):
        key = rule.achievement
    elif isinstance(rule, ExternalBadgeRule):
        key = rule.achievement or rule.name
    else:
        key = getattr(rule, "key", "")
    months = getattr(rule, "awarded_within_months", None)
    return any(
        each.kind == rule.kind
        and each.key == key
        and each.pathway != "another"
        and each.granted_at <= at
        and not (each.withdrawn_at and each.withdrawn_at <= at)
        and not (months and later(each.granted_at, months) <= at)
        for each in evidence.recognitions
    )


def _shown(rule: Rule, evidence: Evidence, at: datetime) -> bool:
    if isinstance(rule, HeldRule):
        ours = [each for each in evidence.badges if each.issuer is None and each.achievement == rule.achievement]
        return any(_in_force(each, ours, rule.awarded_within_months, at) for each in ours)
    if isinstance(rule, ExternalBadgeRule):
        theirs = [each for each in evidence.badges if each.issuer == rule.issuer and each.name == rule.name]
        return any(_in_force(each, theirs, None, at) for each in theirs)
    if isinstance(rule, TimeInRoleRule):
        full = day_full(evidence.roles, rule.months, rule.longest_gap_days)
        return full is not None and day(full) <= at
    if isinstance(rule, ConfirmationRule):
        words = [each for each in evidence.confirmations if each.given_at <= at]
        return any(each.withdrawn_at is None or each.withdrawn_at > at for each in words)
    talks = [each for each in evidence.conversations if each.held_at <= at]
    return any(min(level for _key, level in each.levels) >= 3 for each in talks)


def _in_force(one: BadgeHeld, others: list[BadgeHeld], months: int | None, at: datetime) -> bool:
    same = [each for each in others if each.credential_id == one.credential_id]
    if any(
        (each.revoked_at and each.revoked_at <= at) or (each.suspended_at and each.suspended_at <= at) for each in same
    ):
        return False
    if any(each.version > one.version and each.valid_from <= at for each in same):
        return False
    if (months and later(one.renewed_at or one.awarded_at, months) <= at) or (
        one.valid_until and one.valid_until <= at
    ):
        return False
    return one.awarded_at <= at and one.valid_from <= at


@cache
def day_full(periods: tuple[RolePeriod, ...], months: int, longest_gap: int | None) -> int | None:
    """The number of the day on which so many months of work are full, tried from every day of work."""
    worked: set[int] = set()
    for period in periods:
        end = FAR if period.ended_at is None else (period.ended_at - day(0)).days
        worked.update(range((period.began_at - day(0)).days, end))
    days = sorted(worked)
    found = []
    for first, start in enumerate(days):
        last = first + (later(day(start), months) - day(start)).days - 1
        if last < len(days) and (
            longest_gap is None or all(days[each + 1] - days[each] - 1 <= longest_gap for each in range(first, last))
        ):
            found.append(days[last] + 1)
    return min(found, default=None)
