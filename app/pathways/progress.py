"""How far somebody has come: a tree that mirrors the rule, at one moment, and when it will be another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.pathways import rules
from app.pathways.rules import Claim, Leaf
from app.pathways.schemas import BadgeVersion, Evidence, Need, Progress, Reason, State, Step
from app.pathways.spans import Line, current, enough, time_left
from app.programme.pathways import (
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
)

# Of several badges that do not count the one is named that is mended most easily.
_EASIEST: tuple[Reason, ...] = ("begins", "suspended", "expired", "too_old", "withdrawn", "revoked", "replaced")
# Waiting costs the person nothing, and lifting a suspension is not theirs to do.
_NO_EFFORT = frozenset({"begins", "suspended"})


def progress(pathway: Pathway, evidence: Evidence, at: datetime, effort: Mapping[str, int] | None = None) -> Progress:
    """How far somebody has come on a pathway.

    It follows from the arguments alone. All of the evidence counts, also what lies ahead of `at`.

    Args:
        pathway: with the rule.
        evidence: all that is known of the person.
        at: the moment asked for, in UTC.
        effort: minutes of learner effort by achievement key, by which a group's missing parts are ordered; a badge that
            is not in it, or another issuer's, comes after those of which the effort is known.

    Raises:
        RuleNamesItself: the rule waits for itself.
        RuleImpossible: the rule cannot be met by anybody.
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    rules.check(pathway)
    known = _Known(pathway.key, evidence, effort or {})
    root, end = known.node(pathway.rule), known.node(HeldRule(pathway.ends_in))
    now = (known.step(root, at), known.step(end, at))
    ahead = sorted({moment for node in (root, end) for moment in node.all_moments() if moment > at})
    change = next((moment for moment in ahead if (known.step(root, moment), known.step(end, moment)) != now), None)
    return Progress(pathway.key, pathway.version, pathway.digest, at, *now, next_change=change)


@dataclass(frozen=True)
class _Node:
    """A rule with what the evidence says of it for all time, so that it can be read at any moment."""

    rule: Rule
    line: Line
    claims: tuple[Claim, ...] = ()
    parts: tuple[_Node, ...] = ()
    moments: tuple[datetime, ...] = ()

    def all_moments(self) -> Iterator[datetime]:
        yield from self.moments
        for part in self.parts:
            yield from part.all_moments()


class _Known:
    """One person's evidence on one pathway."""

    def __init__(self, pathway: str, evidence: Evidence, effort: Mapping[str, int]) -> None:
        self._pathway = pathway
        self._evidence = evidence
        self._effort = effort

    def node(self, rule: Rule) -> _Node:
        """A rule, read against the evidence."""
        if isinstance(rule, GroupRule):
            parts = tuple(self.node(each) for each in rule.of)
            return _Node(rule, enough(rule.needed, [part.line for part in parts]), parts=parts)
        found = rules.claims(rule, self._pathway, self._evidence)
        moments = [moment for claim in found for moment in claim.moments]
        if isinstance(rule, ConversationRule):
            talks = rules.conversations(rule, self._pathway, self._evidence)
            moments.extend(held.held_at for held in talks)
        return _Node(rule, rules.line(found), claims=found, moments=tuple(moments))

    def step(self, node: _Node, at: datetime) -> Step:
        """How it stands with a rule at a moment."""
        if isinstance(node.rule, GroupRule):
            return self._group(node, node.rule, at)
        return self._leaf(node, node.rule, at)

    def _leaf(self, node: _Node, rule: Leaf, at: datetime) -> Step:
        span = current(node.line, at)
        if span is None:
            return _unmet(node, self._need(node, rule, at), at)
        best = max((claim for claim in node.claims if claim.span.holds(at)), key=_preferred)
        waived = (best.decision_id,) if best.decision_id is not None else ()
        state: State = "waived" if waived else "met" if span.end is None else "lapsing"
        rests_on = (best.badge,) if best.badge is not None else ()
        return Step(rule, state, span.start, until=span.end, rests_on=rests_on, waived_by=waived)

    def _group(self, node: _Node, rule: GroupRule, at: datetime) -> Step:
        parts = tuple(self.step(part, at) for part in node.parts)
        met = [place for place, part in enumerate(parts) if part.is_met]
        span = current(node.line, at)
        if span is None:
            need = Need("too_few", count=rule.needed - len(met), cheapest=self._cheapest(rule, parts))
            return _unmet(node, need, at, parts, len(met))
        # What is more than needed is left out, so that a badge never says it rests on what it does not rest on.
        lasting = sorted(met, key=lambda place: (_lasts(node.parts[place].line, at), -place), reverse=True)
        chosen = [parts[place] for place in sorted(lasting[: rule.needed])]
        return Step(
            rule,
            "met" if span.end is None else "lapsing",
            span.start,
            until=span.end,
            rests_on=tuple(dict.fromkeys(badge for part in chosen for badge in part.rests_on)),
            waived_by=tuple(dict.fromkeys(decision for part in chosen for decision in part.waived_by)),
            parts=parts,
            held=len(met),
        )

    def _need(self, node: _Node, rule: Leaf, at: datetime) -> Need:
        if isinstance(rule, TimeInRoleRule) and not node.claims:
            return Need("time_short", days_left=self._days_left(rule, at))
        reasons = [reason for claim in node.claims if (reason := _why_not(claim, at)) is not None]
        if reasons:
            easiest = min(reasons, key=lambda each: (_EASIEST.index(each.reason), _order(each)))
            if isinstance(rule, TimeInRoleRule):
                return Need("time_short", on=easiest.on, days_left=self._days_left(rule, at))
            return easiest
        if isinstance(rule, ConversationRule):
            return self._short_of_level(rule, at)
        return Need("missing")

    def _days_left(self, rule: TimeInRoleRule, at: datetime) -> int:
        left = time_left(rules.work(self._evidence), rule.months, rules.longest_gap(rule), at)
        return -(-left // timedelta(days=1))

    def _short_of_level(self, rule: ConversationRule, at: datetime) -> Need:
        talks = rules.conversations(rule, self._pathway, self._evidence)
        held = [talk for talk in talks if talk.held_at <= at and rules.below_level(rule, talk)]
        if not held:
            return Need("missing")
        last = max(held, key=lambda talk: (talk.held_at, talk.decision_id))
        return Need("below_level", on=last.held_at, criteria=rules.below_level(rule, last))

    def _cheapest(self, rule: GroupRule, parts: tuple[Step, ...]) -> tuple[int, ...]:
        """The missing parts with the least effort, as many as are needed; at the same effort in the rule's order."""
        missing = [place for place, part in enumerate(parts) if not part.is_met]
        missing.sort(key=lambda place: self._left(parts[place]))
        return tuple(missing[: rule.needed - (len(parts) - len(missing))])

    def _left(self, step: Step) -> tuple[int, int]:
        """The effort that is left of a step: how many badges of unknown effort, and the minutes of all others."""
        if step.is_met:
            return 0, 0
        if step.need is not None and step.need.cheapest:
            efforts = [self._left(step.parts[place]) for place in step.need.cheapest]
            return sum(unknown for unknown, _minutes in efforts), sum(minutes for _unknown, minutes in efforts)
        if step.need is not None and step.need.reason in _NO_EFFORT:
            return 0, 0
        if isinstance(step.rule, HeldRule):
            minutes = self._effort.get(step.rule.achievement)
            return (1, 0) if minutes is None else (0, minutes)
        if isinstance(step.rule, ExternalBadgeRule):
            return 1, 0
        return 0, step.rule.minutes if isinstance(step.rule, ConversationRule) else 0


def _unmet(node: _Node, need: Need, at: datetime, parts: tuple[Step, ...] = (), held: int = 0) -> Step:
    ended = [span.end for span in node.line if span.end is not None and span.end <= at]
    return Step(
        node.rule,
        "lapsed" if ended else "open",
        max(ended, default=None),
        meets_at=next((span.start for span in node.line if span.start > at), None),
        need=need,
        parts=parts,
        held=held,
    )


def _why_not(claim: Claim, at: datetime) -> Need | None:
    ended = claim.ended(at)
    if ended is not None:
        return Need(ended[0], on=ended[1], badge=claim.badge)
    # What will have ended before it could begin never counts, so there is nothing to wait for.
    return Need("begins", on=claim.start, badge=claim.badge) if claim.start < claim.span.last else None


def _order(need: Need) -> tuple[float, BadgeVersion]:
    """The latest first; then by the badge's id, so that the order of the evidence never shows."""
    moment = need.on.timestamp() if need.on is not None else 0.0
    return -moment, need.badge or BadgeVersion("", "", 0)


def _preferred(claim: Claim) -> tuple[bool, datetime, datetime, BadgeVersion, str]:
    """What was shown before what was waived, what lasts longest, what began last."""
    badge = claim.badge or BadgeVersion("", "", 0)
    return claim.decision_id is None, claim.span.last, claim.start, badge, claim.decision_id or ""


def _lasts(line: Line, at: datetime) -> datetime:
    span = current(line, at)
    return at if span is None else span.last
