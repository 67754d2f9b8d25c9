"""What the programme declares for a badge: by the version of the rule that it was awarded by."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from app.core.db import ReadSession
from app.issuer.grounds import FamilyBadge
from app.programme import stacks
from app.programme.errors import PathwayUnknown
from app.programme.pathway_rules import needed_badges
from app.programme.pathways import Pathway

_RULE: Final = re.compile(r"/programme/pathways/([a-z][a-z0-9-]*)/([0-9]{1,9})\.json")


def tops(session: ReadSession) -> frozenset[str]:
    """Keys of the achievements that rest on others by a pathway."""
    return frozenset(pathway.ends_in for pathway in stacks.pathways(session))


def rule_behind(session: ReadSession, badge: FamilyBadge) -> Pathway | None:
    """The pathway whose rule a badge was awarded by: the version that it names; else a stack's own, or today's.

    Args:
        session: for reading.
        badge: any badge.

    Returns:
        None where no pathway leads to it: then nothing follows from anything.
    """
    for path in badge.related:
        named = _RULE.fullmatch(path)
        if named is not None:
            with suppress(PathwayUnknown):
                return stacks.pathway_version(session, named[1], int(named[2]))
    if stacks.is_pathway_key(badge.achievement_key):
        with suppress(PathwayUnknown):
            return stacks.pathway_version(session, badge.achievement_key, badge.achievement_version)
    return next((each for each in stacks.pathways(session) if each.ends_in == badge.achievement_key), None)


def groups_of(pathway: Pathway) -> tuple[tuple[str, ...], ...]:
    """The badges that a rule cannot do without, in groups of which one is needed."""
    return needed_badges(pathway.rule)
