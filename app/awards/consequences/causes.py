"""Which grounds of a badge have ended. Pure functions of badges and a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from app.issuer.grounds import FamilyBadge
from app.programme.pathways import Ending

Groups = Collection[tuple[str, ...]]


@dataclass(frozen=True)
class Cause:
    """A ground that has ended: which badge, how, and since when."""

    credential_id: str
    ending: Ending
    since: datetime


def end_of(badge: FamilyBadge, at: datetime) -> tuple[Ending, datetime] | None:
    """How a badge has ended and when, or None while it is in force. Revoked says more than suspended, that more than
    expired."""
    if badge.revoked:
        return "revoked", badge.revoked_at or badge.reserved_at
    if badge.suspended_at is not None:
        return "suspended", badge.suspended_at
    if badge.valid_until is not None and badge.valid_until <= at:
        return "expired", badge.valid_until
    return None


def causes(badge: FamilyBadge, family: Iterable[FamilyBadge], groups: Groups, at: datetime) -> frozenset[Cause]:
    """The grounds of a badge that have ended and that nothing has taken the place of.

    A badge rests on those that it names. One that names none rests on what its rule asks for: then an end counts only
    if it came after the award, because whoever decided that award knew what there was.

    Args:
        badge: the one that rests on others.
        family: all badges that matter, this one among them or not.
        groups: keys of the achievements that its rule cannot do without; one of each group is needed.
        at: the moment that decides.
    """
    others = [each for each in family if each.id != badge.id]
    theirs = [each for each in others if each.person_id == badge.person_id]
    named = badge.rests_on
    found = set()
    for ground in [each for each in others if each.id in named] if named else _by_rule(badge, theirs, groups, at):
        end = end_of(ground, at)
        if end is not None and not _replaced(ground, theirs, groups, at):
            found.add(Cause(ground.id, *end))
    return frozenset(found)


def _by_rule(badge: FamilyBadge, theirs: list[FamilyBadge], groups: Groups, at: datetime) -> list[FamilyBadge]:
    """Of each group the badge that ended last, if it ended after the award."""
    found = []
    for group in groups:
        ended = [
            (end[1], each.id, each) for each in theirs if each.achievement_key in group and (end := end_of(each, at))
        ]
        if ended and max(ended)[0] > badge.reserved_at:
            found.append(max(ended)[2])
    return found


def _replaced(ground: FamilyBadge, theirs: list[FamilyBadge], groups: Groups, at: datetime) -> bool:
    """Whether the holder has another badge in force that does what this one did: the same, or one of its group."""
    keys = {ground.achievement_key}.union(*(group for group in groups if ground.achievement_key in group))
    return any(each.id != ground.id and each.achievement_key in keys and end_of(each, at) is None for each in theirs)
