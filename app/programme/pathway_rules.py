"""What can be said of a rule without knowing anybody's progress: what is certain, and what is least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations, product

from app.programme.pathways import ConversationRule, GroupRule, HeldRule, Rule


def certain(rule: Rule, of: Callable[[str], frozenset[str]]) -> frozenset[str]:
    """What comes with a rule whichever way it is met.

    Args:
        rule: the rule.
        of: what comes with the badge of a key.
    """
    if isinstance(rule, HeldRule):
        return of(rule.achievement)
    if not isinstance(rule, GroupRule):
        return frozenset()
    counts = Counter(item for each in rule.of for item in certain(each, of))
    # Of five rules of which three are needed, two may be left out: what comes with three of them cannot be avoided.
    needed = len(rule.of) - rule.needed + 1
    return frozenset(item for item, count in counts.items() if count >= needed)


def least_minutes(rule: Rule, of: Callable[[str], int]) -> int:
    """The effort of the shortest way to meet a rule; time in a role counts nothing, it is worked anyway.

    Args:
        rule: the rule.
        of: the minutes of the badge of a key.
    """
    if isinstance(rule, HeldRule):
        return of(rule.achievement)
    if isinstance(rule, ConversationRule):
        return rule.minutes
    if not isinstance(rule, GroupRule):
        return 0
    return sum(sorted(least_minutes(each, of) for each in rule.of)[: rule.needed])


def needed_badges(rule: Rule) -> tuple[tuple[str, ...], ...]:
    """The badges without which a rule cannot be met, in groups: one of each group is needed.

    What is not shown by a badge counts as met, because a person answers for it when they decide. So does the age of an
    award.
    """
    return tuple(sorted(tuple(sorted(group)) for group in _groups(rule)))


def _groups(rule: Rule) -> frozenset[frozenset[str]]:
    if isinstance(rule, HeldRule):
        return frozenset({frozenset({rule.achievement})})
    if not isinstance(rule, GroupRule):
        return frozenset()
    # If `needed` of n must hold, then of any n - needed + 1 of them one holds.
    chosen = combinations([_groups(each) for each in rule.of], len(rule.of) - rule.needed + 1)
    return _shortest(group for few in chosen for group in (frozenset().union(*one_each) for one_each in product(*few)))


def _shortest(groups: Iterable[frozenset[str]]) -> frozenset[frozenset[str]]:
    """Without the groups that another one, being smaller, already asks for."""
    found = set(groups)
    return frozenset(group for group in found if not any(other < group for other in found))
