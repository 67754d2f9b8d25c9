"""What is told of all centres in a month: worked out once when it begins, and kept as it may be published.

Whoever could look each day, at numbers that follow what happens, would see one more appear with the one badge that was
renewed or reinstated meanwhile. So nothing that happens in a month, and nothing that a reader does, changes them: what
is kept is all that is looked at. Every reader has a table that leaves out what they know: there is one for each centre,
and one for each set of centres that somebody manages. Who comes to manage another set waits for the next month.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import metrics, rows
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.issuer.judged import judged
from app.pathways import competence
from app.pathways.coverage import FEWEST_CENTRES, Everywhere, everywhere, holding
from app.pathways.coverage_reading import by_person
from app.pathways.models import CoverageMonth
from app.pathways.suppression import Band
from app.people import service as people
from app.people.posts import managed_together, specialists_at
from app.programme import service as programme
from app.programme.errors import NoProgramme

MONTHS_KEPT: Final = 13

LONGEST_ROUND_SECONDS: Final = 10.0  # of a chore, so that the worker's other chores get their turn

PATIENCE: Final = timedelta(hours=1)
_MONTH_ITSELF: Final = ""  # in the place of centres: the month's own row, which one worker alone can write
_TABLE = rows.table(CoverageMonth)
_ROW = sa.select(_TABLE.c.told).where(
    _TABLE.c.month == sa.bindparam("at_month"), _TABLE.c.centres == sa.bindparam("of_centres")
)
_WAITING = sa.select(_TABLE.c.centres).where(_TABLE.c.month == sa.bindparam("at_month"), _TABLE.c.told.is_(None))
_OLD = sa.delete(_TABLE).where(_TABLE.c.month < sa.bindparam("before"))


def of_all(session: ReadSession, own_centres: Collection[str], at: datetime | None = None) -> Everywhere | None:
    """What is told of all centres to whoever manages some of them.

    Args:
        session: for reading.
        own_centres: ids of the reader's centres.
        at: a moment in the month; now if left out.

    Returns:
        None where there were too few others, and where nothing was worked out for these centres.
    """
    start = _start(at or now())
    found = session.run(_ROW, {"at_month": start.date(), "of_centres": _digest(own_centres)})
    return next((_read(start, row.told) for row in found if row.told), None)


def publish_month(database: Database, at: datetime | None = None) -> int:
    """Work out what is told in this month, as far as that is not done, and forget what is older than thirteen months.

    Who reads what is settled at once, when the month begins; each table is then worked out once. Where several do it
    the first one's table stands. It takes a while, so a round ends after ten seconds and the next goes on.

    Args:
        database: where.
        at: a moment in the month; now if left out.

    Returns:
        How many tables were written.
    """
    moment = at or now()
    month = _start(moment).date()
    try:
        with database.read() as session:
            programme.current_programme(session)
            has_begun = any(session.run(_ROW, {"at_month": month, "of_centres": _MONTH_ITSELF}))
        if not has_begun:
            _begin(database, month)
        with database.read() as session:
            waiting = {row.centres for row in session.run(_WAITING, {"at_month": month})}
            tables = _tables(session, waiting, moment) if waiting else {}
    except NoProgramme:
        return 0
    if not tables:
        return 0
    with database.write() as session:
        return sum(_write(session, month, centres, told) for centres, told in sorted(tables.items()))


def tell_due(session: ReadSession, at: datetime | None = None) -> None:
    """Set the gauge of the month's tables that are not worked out an hour after the month began."""
    moment = at or now()
    month = _start(moment).date()
    due = 0
    if moment >= _start(moment) + PATIENCE and _has_programme(session):
        has_begun = any(session.run(_ROW, {"at_month": month, "of_centres": _MONTH_ITSELF}))
        due = sum(1 for _ in session.run(_WAITING, {"at_month": month})) if has_begun else 1
    metrics.COVERAGE_DUE.set(due)


def _has_programme(session: ReadSession) -> bool:
    with suppress(NoProgramme):
        programme.current_programme(session)
        return True
    return False


def _begin(database: Database, month: date) -> None:
    """Settle for which centres there are tables; nothing if another worker was quicker."""
    with database.read() as session:
        readers = sorted({_MONTH_ITSELF, *map(_digest, _readers(session))})
    made: list[dict[str, Any]] = [{"month": month, "centres": each, "told": None if each else {}} for each in readers]
    with suppress(IntegrityError), database.write() as session:
        insert_rows(session, _TABLE, made)
        session.run(_OLD, {"before": _months_before(month, MONTHS_KEPT)})


def _write(session: WriteSession, month: date, centres: str, told: dict[str, Any]) -> int:
    this = (_TABLE.c.month == month, _TABLE.c.centres == centres, _TABLE.c.told.is_(None))
    return int(session.execute(sa.update(_TABLE).where(*this).values(told=told)).rowcount)  # type: ignore[attr-defined]


def _tables(session: ReadSession, waiting: Collection[str], moment: datetime) -> dict[str, dict[str, Any]]:
    """Tables by the digest of the reader's centres, as many as there is time for; at least one."""
    start, ends = _start(moment), monotonic() + LONGEST_ROUND_SECONDS
    readers = {_digest(each): each for each in _readers(session)}
    then = specialists_at(session, start)
    in_post = sorted({each.person_id for each in then})
    badges = by_person(judged(session, in_post))
    catalogue = competence.catalogue(session, [each for theirs in badges.values() for each in theirs])
    scales = programme.current_programme(session).scales
    held = {each: holding(badges[each], start) for each in in_post}
    posts = (*then, *specialists_at(session, moment))
    found: dict[str, dict[str, Any]] = {}
    for digest in sorted(waiting):
        own = readers.get(digest)
        known = {each.person_id for each in posts if own and each.centre_id in own}
        told = None
        # Nobody manages a set any more that is not among the readers now.
        if own and len({each.centre_id for each in then if each.person_id not in known} - own) >= FEWEST_CENTRES:
            mine = [held[each] for each in in_post if each in known]
            others = [held[each] for each in in_post if each not in known]
            told = everywhere(catalogue, scales, mine, others, start)
        found[digest] = _written(told)
        if monotonic() > ends:
            break
    return found


def _readers(session: ReadSession) -> frozenset[frozenset[str]]:
    """The sets of centres that somebody may manage: each centre alone, and those that somebody manages together."""
    return managed_together(session) | {frozenset([each.id]) for each in people.centres(session)}


def _digest(centres: Collection[str]) -> str:
    return sha256(" ".join(sorted(centres)).encode()).hexdigest()


def _written(told: Everywhere | None) -> dict[str, Any]:
    if told is None:
        return {}
    bands = {name: [band.low, band.high] for name, band in sorted(told.bands.items())}
    return {"staff": [told.staff.low, told.staff.high], "bands": bands}


def _read(start: datetime, told: Mapping[str, Any]) -> Everywhere:
    return Everywhere(start, Band(*told["staff"]), {name: Band(*band) for name, band in told["bands"].items()})


def _start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _months_before(month: date, number: int) -> date:
    years, place = divmod(month.year * 12 + month.month - 1 - number, 12)
    return date(years, place + 1, 1)
