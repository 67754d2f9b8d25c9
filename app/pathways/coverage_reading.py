"""What a centre covers, read from the database; and once a month what is told of all centres."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from app.core.clock import now
from app.core.db import ReadSession
from app.issuer.judged import JudgedBadge, judged
from app.pathways import competence
from app.pathways.coverage import FEWEST_CENTRES, Chosen, Coverage, Everywhere, coverage, everywhere, holding, member
from app.people.posts import specialists_at
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
    badges = _by_person(judged(session, person_ids))
    catalogue = competence.catalogue(session, [each for theirs in badges.values() for each in theirs])
    members = [member(catalogue, each, badges[each], moment) for each in person_ids]
    return coverage(catalogue, programme.current_programme(session).scales, members, chosen, told, moment)


def of_all(session: ReadSession, own_centres: Collection[str], at: datetime | None = None) -> Everywhere | None:
    """What may be told of all centres to whoever manages some of them; None where there are too few others.

    It is told of the beginning of the month: whoever could look each day would see one more appear with the one badge
    that was awarded meanwhile.

    Args:
        session: for reading.
        own_centres: ids of the reader's centres; whoever works there, or did at that moment, is known to them.
        at: a moment in the month; now if left out.

    Raises:
        NoProgramme: none has been loaded.
    """
    moment = at or now()
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    then = specialists_at(session, start)
    known = {each.person_id for each in (*then, *specialists_at(session, moment)) if each.centre_id in own_centres}
    if len({each.centre_id for each in then if each.person_id not in known} - set(own_centres)) < FEWEST_CENTRES:
        return None
    in_post = sorted({each.person_id for each in then})
    badges = _by_person(judged(session, in_post))
    catalogue = competence.catalogue(session, [each for theirs in badges.values() for each in theirs])
    return everywhere(
        catalogue,
        programme.current_programme(session).scales,
        [holding(badges[each], start) for each in in_post if each in known],
        [holding(badges[each], start) for each in in_post if each not in known],
        start,
    )


def _by_person(badges: Sequence[JudgedBadge]) -> defaultdict[str, list[JudgedBadge]]:
    found: defaultdict[str, list[JudgedBadge]] = defaultdict(list)
    for each in badges:
        found[each.person_id].append(each)
    return found
