"""What happened to each specialist of the simulation, and what follows from it, worked out in the plainest way.

Nothing here knows the product's rules, tables or functions but the programme's own words: which badges there are, how
long they last, what each pathway asks for. What is there is looked at moment by moment, with lists and loops.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
)

GRACE = timedelta(days=90)


@dataclass
class BadgeFact:
    """A badge that somebody was awarded: for how long it lasts, and what became of it."""

    key: str
    credential_id: str
    awarded_at: datetime
    known_from: datetime
    valid_until: datetime
    decided_by: str
    framework: str
    revoked_at: datetime | None = None
    suspended: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    rests_on: frozenset[str] = frozenset()

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at a moment."""
        if not self.known_from <= at < self.valid_until or (self.revoked_at is not None and self.revoked_at <= at):
            return False
        return not any(begun <= at and (over is None or at < over) for begun, over in self.suspended)


@dataclass
class Specialist:
    """One person of the simulation and all that happened to them."""

    person_id: str
    email: str
    number: int
    badges: list[BadgeFact] = field(default_factory=list)
    work: list[tuple[datetime, datetime | None, str]] = field(default_factory=list)
    confirmed: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=dict)
    talks: list[tuple[datetime, bool]] = field(default_factory=list)

    @property
    def is_in_post(self) -> bool:
        return bool(self.work) and self.work[-1][1] is None

    def holds(self, key: str, at: datetime) -> bool:
        return any(badge.key == key and badge.in_force(at) for badge in self.badges)

    def ever_held(self, key: str) -> bool:
        return any(badge.key == key for badge in self.badges)

    def ever_held_any(self, keys: Iterable[str]) -> bool:
        return any(self.ever_held(key) for key in keys)

    def moments(self) -> set[datetime]:
        """Every moment at which anything began or ended."""
        found: set[datetime] = set()
        for badge in self.badges:
            found |= {badge.known_from, badge.valid_until}
            found |= {moment for each in badge.suspended for moment in each if moment is not None}
            if badge.revoked_at is not None:
                found.add(badge.revoked_at)
        for spans in self.confirmed.values():
            found |= {moment for span in spans for moment in span if moment is not None}
        return found | {on for on, _passed in self.talks}


def met(rule: Rule, of: Specialist, pathway: Pathway, at: datetime) -> bool:
    """Whether a rule holds for somebody at a moment."""
    if isinstance(rule, GroupRule):
        return sum(met(each, of, pathway, at) for each in rule.of) >= rule.needed
    if isinstance(rule, HeldRule):
        return of.holds(rule.achievement, at)
    if isinstance(rule, TimeInRoleRule):
        full = time_is_full(of.work, rule.months, at)
        return full is not None and full <= at
    if isinstance(rule, ConfirmationRule):
        spans = of.confirmed.get(pathway.key, [])
        return any(given <= at and (taken is None or at < taken) for given, taken in spans)
    assert isinstance(rule, ConversationRule), rule
    return any(passed and on <= at for on, passed in of.talks)


def state(pathway: Pathway, of: Specialist, at: datetime) -> str:
    """held, met, lapsed, on_the_way or not_begun."""
    if of.holds(pathway.ends_in, at):
        return "held"
    if met(pathway.rule, of, pathway, at) and not _was_taken(pathway.ends_in, of, at):
        return "met"
    if of.ever_held(pathway.ends_in):
        return "lapsed"
    before = sorted(moment for moment in (*of.moments(), *_full(pathway.rule, of, at)) if moment <= at)
    if any(met(pathway.rule, of, pathway, moment) for moment in before):
        return "lapsed"
    if any(_anything(pathway.rule, of, pathway, moment) for moment in before):
        return "on_the_way"
    if pathway.key == "practitioner" and any(on <= at for on, _passed in of.talks):
        return "on_the_way"
    return "not_begun"


def open_keys(pathway: Pathway, of: Specialist, at: datetime) -> set[str]:
    """What is missing, by the key of the badge, of the confirmation, of the conversation; `time` for time in a role."""
    return {_key(leaf) for leaf in _leaves(pathway.rule) if not met(leaf, of, pathway, at)}


def time_is_full(work: Iterable[tuple[datetime, datetime | None, str]], months: int, at: datetime) -> datetime | None:
    """When so many months of work were full: a clock that runs while somebody works, started at each first day."""
    spans = sorted((begun, over if over is not None else at) for begun, over, _agency in work)
    found: list[datetime] = []
    for first in range(len(spans)):
        left = months_later(spans[first][0], months) - spans[first][0]
        reached = spans[first][0]
        for begun, over in spans[first:]:
            start = max(begun, reached)
            if over - start >= left:
                found.append(start + left)
                break
            if over > start:
                left -= over - start
                reached = over
    return min(found, default=None)


def months_later(moment: datetime, months: int) -> datetime:
    """So many months of the calendar later; the first of the month after where that month is too short."""
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def ended_grounds(of: Specialist, at: datetime) -> dict[tuple[str, str], tuple[str, datetime]]:
    """What follows for somebody's badges: by the badge and the one below it that ended, how that ended and when.

    A badge that has ended itself is past all that, and what was replaced by another badge of its kind never mattered.
    """
    found = {}
    for top in of.badges:
        if top.valid_until <= at or (top.revoked_at is not None and top.revoked_at <= at):
            continue
        for ground in of.badges:
            if ground.credential_id in top.rests_on and not of.holds(ground.key, at):
                found[top.credential_id, ground.credential_id] = _ended(ground, at)
    return found


def _ended(badge: BadgeFact, at: datetime) -> tuple[str, datetime]:
    if badge.revoked_at is not None and badge.revoked_at <= at:
        return "revoked", badge.revoked_at
    for begun, over in badge.suspended:
        if begun <= at and (over is None or at < over):
            return "suspended", begun
    return "expired", badge.valid_until


def _was_taken(key: str, of: Specialist, at: datetime) -> bool:
    """Whether the badge at the end was suspended, or revoked after the last conversation."""
    for badge in of.badges:
        if badge.key != key or badge.in_force(at):
            continue
        if any(begun <= at and (over is None or at < over) for begun, over in badge.suspended):
            return True
        if badge.revoked_at is not None and not any(on > badge.revoked_at for on, _passed in of.talks):
            return True
    return False


def _full(rule: Rule, of: Specialist, at: datetime) -> set[datetime]:
    asked = {leaf.months for leaf in _leaves(rule) if isinstance(leaf, TimeInRoleRule)}
    return {full for months in asked if (full := time_is_full(of.work, months, at)) is not None}


def _anything(rule: Rule, of: Specialist, pathway: Pathway, at: datetime) -> bool:
    return any(met(leaf, of, pathway, at) for leaf in _leaves(rule))


def _leaves(rule: Rule) -> list[Rule]:
    return [leaf for each in rule.of for leaf in _leaves(each)] if isinstance(rule, GroupRule) else [rule]


def _key(leaf: Rule) -> str:
    if isinstance(leaf, HeldRule):
        return leaf.achievement
    if isinstance(leaf, ConfirmationRule | ConversationRule):
        return leaf.key
    return "time"
