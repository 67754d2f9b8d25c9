"""What a centre covers, read from the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from app.core.clock import now
from app.core.db import ReadSession
from app.issuer.judged import JudgedBadge, judged
from app.pathways import competence
from app.pathways.coverage import Chosen, Coverage, Everywhere, coverage, member
from app.programme import service as programme


def of_centre(
    session: ReadSession, person_ids: Sequence[str], chosen: Chosen, *, told: Everywhere | None,
    at: datetime | None = None,
) -> Coverage:  # fmt: skip
    """What the specialists of a centre cover.

    Args:
        session: for reading.
        person_ids: the specialists in post, in the order in which they are to be named.
        chosen: what is looked at.
        told: what stands beside it of all centres.
        at: the moment; now if left out.

    Raises:
        NoProgramme: none has been loaded.
    """
    moment = at or now()
    badges = by_person(judged(session, person_ids))
    catalogue = competence.catalogue(session, [each for theirs in badges.values() for each in theirs])
    members = [member(catalogue, each, badges[each], moment) for each in person_ids]
    return coverage(catalogue, programme.current_programme(session).scales, members, chosen, told, moment)


def by_person(badges: Sequence[JudgedBadge]) -> defaultdict[str, list[JudgedBadge]]:
    """Badges by whose they are."""
    found: defaultdict[str, list[JudgedBadge]] = defaultdict(list)
    for each in badges:
        found[each.person_id].append(each)
    return found
