"""Status lists as they stood: was this badge revoked on the third of March?

Every signed list whose bits differ is kept, and at least one a day. As time passes they are thinned out. A moment whose
list was thinned out has no answer any more: an earlier list would hide a revocation, a later one would invent it.
https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm (the query parameter `timestamp`)
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.logging import get_logger
from app.issuer.errors import StatusMomentUnreadable, StatusNotKept
from app.issuer.models import StatusList, StatusListVersion
from app.vc.errors import ModelError
from app.vc.timestamps import parse_rfc3339, rfc3339

log = get_logger()

KEEP_UNCHANGED_EVERY: Final = timedelta(hours=12)
CLOCK_ALLOWANCE: Final = timedelta(minutes=5)
THINNING: Final = (
    (timedelta(minutes=1), timedelta(seconds=1)),
    (timedelta(days=1), timedelta(minutes=1)),
    (timedelta(days=30), timedelta(hours=1)),
    (timedelta(days=400), timedelta(days=1)),
)
"""What is older than the first keeps only the last list of each span of the second."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DELETED_AT_ONCE: Final = 500


@dataclass(frozen=True)
class SignedList:
    """A status list credential byte for byte as signed, and when that was."""

    document: bytes
    signed_at: datetime


def keep(session: WriteSession, number: int, signed: SignedList, says: str) -> None:
    """Keep a list that is told from now on, unless it says only what the last one kept says, and that one is young.

    The caller's transaction holds the list's own row, so that two never keep at once.

    Args:
        session: the transaction that stores the list.
        number: which list.
        signed: as it was signed.
        says: its bits as they stand in it, and by which key: one signed anew because a key was revoked counts as new.
    """
    digest = hashlib.sha256(says.encode()).hexdigest()
    since = _since(session, number, signed)
    last = _versions(session, number, col(StatusListVersion.since) <= since)
    if last is not None:
        if last.digest == digest and signed.signed_at - last.signed_at < KEEP_UNCHANGED_EVERY:
            return
        since = max(since, last.since + _MICROSECOND)
    session.execute(
        sa.update(StatusListVersion)
        .where(
            col(StatusListVersion.list_number) == number,
            sa.or_(col(StatusListVersion.superseded_at).is_(None), col(StatusListVersion.superseded_at) > since),
        )
        .values(superseded_at=since)
        .execution_options(synchronize_session=False)
    )
    session.add(
        StatusListVersion(
            list_number=number,
            since=since,
            signed_at=signed.signed_at,
            digest=digest,
            document=signed.document,
        )
    )
    session.flush()


def _since(session: WriteSession, number: int, signed: SignedList) -> datetime:
    """From when a list is told. The first one counts from its own beginning: before it, nothing stood in it."""
    moment = now()
    newest = _versions(session, number)
    if newest is None:
        return signed.signed_at - CLOCK_ALLOWANCE
    if newest.since <= moment + CLOCK_ALLOWANCE:
        return max(moment, newest.since)
    # The clock was ahead: what was kept then would be told as the truth about a future that is still to come.
    session.execute(
        sa.delete(StatusListVersion)
        .where(col(StatusListVersion.list_number) == number, col(StatusListVersion.since) > moment + CLOCK_ALLOWANCE)
        .execution_options(synchronize_session="fetch")
    )
    log.warning("issuer.status_lists_of_the_future_dropped", number=number)
    return moment


def _versions(session: ReadSession, number: int, *conditions: sa.ColumnElement[bool]) -> StatusListVersion | None:
    """The newest version kept for which the conditions hold."""
    return session.exec(
        select(StatusListVersion)
        .where(StatusListVersion.list_number == number, *conditions)
        .order_by(col(StatusListVersion.since).desc())
        .limit(1)
    ).first()


def moment_asked(value: str) -> datetime:
    """Read the value of `timestamp`: an xsd:dateTimeStamp, such as 2026-03-03T10:00:00Z.

    https://www.w3.org/TR/xmlschema11-2/#dateTimeStamp

    Raises:
        StatusMomentUnreadable: it is none.
    """
    try:
        return parse_rfc3339(value).astimezone(UTC)
    except ModelError as error:
        raise StatusMomentUnreadable(
            "The timestamp is not a date and time with its time zone.",
            next_step="Write it like 2026-03-03T10:00:00Z; in an address the + of a zone is written as %2B.",
        ) from error


def as_of(session: ReadSession, number: int, at: datetime) -> SignedList:
    """A status list as it stood at a moment.

    Args:
        session: for reading.
        number: which list.
        at: the moment, aware, not in the future.

    Raises:
        StatusNotKept: there is no such list, it had not begun, the moment has not come, or what stood then was thinned
            out.
    """
    if session.get(StatusList, number) is None:
        raise _not_kept("there is no list of that number")
    if at > now():
        raise _not_kept("that moment has not come")
    version = _versions(session, number, col(StatusListVersion.since) <= at)
    if version is not None and (version.superseded_at is None or version.superseded_at > at):
        return SignedList(version.document, version.signed_at)
    following = session.exec(
        select(sa.func.min(StatusListVersion.since)).where(
            StatusListVersion.list_number == number, col(StatusListVersion.since) > at
        )
    ).one()
    raise _not_kept("it begins later, or lists so old are kept at longer intervals", following)


def _not_kept(why: str, following: datetime | None = None) -> StatusNotKept:
    # The next whole second, since that is how moments are written.
    hint = None if following is None else rfc3339(following + timedelta(seconds=1) - _MICROSECOND)
    return StatusNotKept(
        f"The status list of that moment cannot be had: {why}.",
        next_step=f"Ask for {hint}." if hint else "Ask for another moment, or without a timestamp for the list of now.",
    )


def thin_out(database: Database) -> int:
    """Delete of what has grown old all but the last list of each span; returns how many. For the worker's round."""
    return sum(_thin(database, step, age, span) for step, (age, span) in enumerate(THINNING, 1))


def _thin(database: Database, step: int, age: timedelta, span: timedelta) -> int:
    moment = now() - age
    limit = moment - (moment - _EPOCH) % span  # whole spans only: of one that still grows the last is not known
    due = (col(StatusListVersion.thinned) == step - 1, col(StatusListVersion.since) < limit)
    with database.read() as session:
        rows = session.exec(
            select(StatusListVersion.list_number, StatusListVersion.since)
            .where(*due)
            .order_by(col(StatusListVersion.list_number), col(StatusListVersion.since))
        ).all()
    if not rows:
        return 0
    dropped: dict[int, list[datetime]] = defaultdict(list)
    for (number, since), (next_number, next_since) in pairwise(rows):
        if number == next_number and (since - _EPOCH) // span == (next_since - _EPOCH) // span:
            dropped[number].append(since)
    with database.write() as session:
        for number, moments in dropped.items():
            for first in range(0, len(moments), _DELETED_AT_ONCE):
                some = moments[first : first + _DELETED_AT_ONCE]
                session.execute(
                    sa.delete(StatusListVersion)
                    .where(col(StatusListVersion.list_number) == number, col(StatusListVersion.since).in_(some))
                    .execution_options(synchronize_session=False)
                )
        session.execute(
            sa.update(StatusListVersion).where(*due).values(thinned=step).execution_options(synchronize_session=False)
        )
    return sum(map(len, dropped.values()))
