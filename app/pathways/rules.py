"""What the leaves of a rule take from the evidence: which of it counts for which step, from when, and why no longer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.pathways.errors import RuleImpossible, RuleNamesItself
from app.pathways.schemas import (
    BadgeHeld,
    BadgeVersion,
    ConversationHeld,
    Evidence,
    LeafKind,
    Reason,
    Recognition,
)
from app.pathways.spans import Line, Span, months_after, months_full, together
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
    leaves,
)

Leaf = HeldRule | ExternalBadgeRule | TimeInRoleRule | ConfirmationRule | ConversationRule
# Of what has ended for several reasons the first counts: mending a later one would not mend it.
_GRAVEST: tuple[Reason, ...] = ("replaced", "revoked", "withdrawn", "expired", "too_old", "suspended")


@dataclass(frozen=True)
class Claim:
    """One piece of evidence for one leaf.

    Attributes:
        start: from when on it counts.
        ends: why it stops counting and when, each reason once.
        badge: the badge version it is.
        decision_id: of the recognition it is.
    """

    start: datetime
    ends: tuple[tuple[Reason, datetime], ...] = ()
    badge: BadgeVersion | None = None
    decision_id: str | None = None

    @property
    def span(self) -> Span:
        """When it counts; empty where it ended before it began."""
        return Span(self.start, min((on for _reason, on in self.ends), default=None))

    def ended(self, at: datetime) -> tuple[Reason, datetime] | None:
        """The gravest reason for which it no longer counts, and since when; None while it does or has yet to begin."""
        found = [(reason, on) for reason, on in self.ends if on <= at]
        return min(found, key=lambda each: _GRAVEST.index(each[0]), default=None)

    @property
    def moments(self) -> Iterator[datetime]:
        """Every moment at which it can begin or stop to count, or stop for a graver reason."""
        yield self.start
        yield from (on for _reason, on in self.ends)


def step_key(rule: Leaf) -> str:
    """The key by which a recognition names a step of this kind; empty for time in a role, asked for once at most."""
    if isinstance(rule, HeldRule):
        return rule.achievement
    if isinstance(rule, ExternalBadgeRule):
        return rule.achievement or rule.name
    return "" if isinstance(rule, TimeInRoleRule) else rule.key


def claims(rule: Leaf, pathway: str, evidence: Evidence) -> tuple[Claim, ...]:
    """The evidence that counts, counted or will count for a leaf.

    Args:
        rule: the leaf.
        pathway: key of the pathway it belongs to.
        evidence: all that is known of a person.
    """
    return (*_shown(rule, pathway, evidence), *_recognised(rule, pathway, evidence.recognitions))


def line(found: Iterable[Claim]) -> Line:
    """When at least one of several claims counts."""
    return together(claim.span for claim in found)


def longest_gap(rule: TimeInRoleRule) -> timedelta | None:
    """The longest gap that does not begin the count anew; None where none does."""
    return None if rule.longest_gap_days is None else timedelta(days=rule.longest_gap_days)


def work(evidence: Evidence) -> tuple[Span, ...]:
    """The periods of work, whichever the agency."""
    return tuple(Span(period.began_at, period.ended_at) for period in evidence.roles)


def below_level(rule: ConversationRule, held: ConversationHeld) -> tuple[str, ...]:
    """The criteria that a conversation left below the level, those it says nothing of among them."""
    reached = dict(held.levels)
    return tuple(each.key for each in rule.rubric.criteria if reached.get(each.key, 0) < rule.minimum_level)


def conversations(rule: ConversationRule, pathway: str, evidence: Evidence) -> tuple[ConversationHeld, ...]:
    """The conversations that were held for this rule."""
    return tuple(held for held in evidence.conversations if (held.pathway, held.key) == (pathway, rule.key))


def check(pathway: Pathway) -> None:
    """See that a pathway's rule is one that can be met.

    Raises:
        RuleNamesItself: the rule is part of itself, or asks for the badge it leads to.
        RuleImpossible: a group needs more parts than it has, or none.
    """
    _check_tree(pathway.rule, pathway.ends_in, ())
    if any(isinstance(leaf, HeldRule) and leaf.achievement == pathway.ends_in for leaf in leaves(pathway.rule)):
        raise RuleNamesItself((pathway.ends_in, pathway.ends_in))


def check_together(pathways: Iterable[Pathway]) -> None:
    """See that each pathway's rule can be met and that none of them waits for itself by way of others.

    Raises:
        RuleNamesItself: with the way round.
        RuleImpossible: as in `check`.
    """
    by_end: dict[str, Pathway] = {}
    for pathway in pathways:
        check(pathway)
        by_end[pathway.ends_in] = pathway
    done: set[str] = set()
    for end in sorted(by_end):
        _follow(end, by_end, (), done)


def _follow(key: str, by_end: dict[str, Pathway], above: tuple[str, ...], done: set[str]) -> None:
    if key in above:
        raise RuleNamesItself((*above[above.index(key) :], key))
    if key in done or key not in by_end:
        return
    for leaf in leaves(by_end[key].rule):
        if isinstance(leaf, HeldRule):
            _follow(leaf.achievement, by_end, (*above, key), done)
    done.add(key)


def _check_tree(rule: Rule, end: str, above: tuple[int, ...]) -> None:
    if not isinstance(rule, GroupRule):
        return
    if id(rule) in above:
        raise RuleNamesItself((end, end))
    if not 1 <= rule.needed <= len(rule.of):
        raise RuleImpossible(f"The rule for {end} asks for {rule.needed} of {len(rule.of)}.")
    for each in rule.of:
        _check_tree(each, end, (*above, id(rule)))


def _shown(rule: Leaf, pathway: str, evidence: Evidence) -> Iterator[Claim]:
    if isinstance(rule, HeldRule | ExternalBadgeRule):
        months = rule.awarded_within_months if isinstance(rule, HeldRule) else None
        of_rule = [badge for badge in evidence.badges if is_of(badge, rule)]
        yield from (_badge(badge, of_rule, months) for badge in of_rule)
    elif isinstance(rule, TimeInRoleRule):
        full = months_full(work(evidence), rule.months, longest_gap(rule))
        if full is not None:
            yield Claim(full)
    elif isinstance(rule, ConfirmationRule):
        for word in evidence.confirmations:
            if (word.pathway, word.key, word.by) == (pathway, rule.key, rule.by):
                yield Claim(word.given_at, _ends({"withdrawn": word.withdrawn_at}))
    else:
        for held in conversations(rule, pathway, evidence):
            if not below_level(rule, held):
                yield Claim(held.held_at)


def is_of(badge: BadgeHeld, rule: HeldRule | ExternalBadgeRule) -> bool:
    """Whether a badge is the one a rule asks for, in force or not.

    Of another issuer's badge the issuer decides first: anybody can write somebody else's achievement into a badge.
    """
    if isinstance(rule, HeldRule):
        return badge.issuer is None and badge.achievement == rule.achievement
    if badge.issuer != rule.issuer:
        return False
    return badge.achievement == rule.achievement if rule.achievement else badge.name.strip() == rule.name


def _badge(badge: BadgeHeld, of_rule: list[BadgeHeld], months: int | None) -> Claim:
    versions = [each for each in of_rule if each.credential_id == badge.credential_id]
    ends = _ends(
        {
            "replaced": _first(each.valid_from for each in versions if each.version > badge.version),
            "revoked": _first(each.revoked_at for each in versions),
            "too_old": None if months is None else months_after(badge.shown_at, months),
            "expired": badge.valid_until,
            "suspended": _first(each.suspended_at for each in versions),
        }
    )
    return Claim(
        max(badge.awarded_at, badge.valid_from),
        ends,
        badge=BadgeVersion(badge.achievement, badge.credential_id, badge.version),
    )


def _recognised(rule: Leaf, pathway: str, recognitions: Iterable[Recognition]) -> Iterator[Claim]:
    kind: LeafKind = rule.kind
    months = rule.awarded_within_months if isinstance(rule, HeldRule) else None
    for each in recognitions:
        if (each.kind, each.key) == (kind, step_key(rule)) and each.pathway in (None, pathway):
            too_old = None if months is None else months_after(each.granted_at, months)
            ends = _ends({"withdrawn": each.withdrawn_at, "too_old": too_old})
            yield Claim(each.granted_at, ends, decision_id=each.decision_id)


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _ends(moments: Mapping[Reason, datetime | None]) -> tuple[tuple[Reason, datetime], ...]:
    return tuple((reason, moment) for reason, moment in moments.items() if moment is not None)
