"""What the worker does about badges whose ground has ended: when it hears of it, and once a minute for what time does.

New badges are not listened to one by one, because a batch has thousands of them: those that take the place of one that
ended are found within a minute. New versions of a badge, as by a renewal, are heard of at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.awards.consequences import declared, following
from app.awards.consequences.models import GRACE, PROPOSED, SUSPENDED, WAITING, AwardFlag
from app.core import metrics, server_facts
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.outbox import Delivery, Handler
from app.issuer import grounds
from app.issuer.models import Credential

LOOKED_UNTIL: Final = "awards.consequences_looked_until"
BATCH: Final = 500
LATE_FOR: Final = timedelta(days=1)
MOST_BATCHES: Final = 20  # in one go, so that the worker gets back to its work
WAITS_FOR: Final = ("flag", "grace", "suspension", "reinstatement")


def follow(database: Database) -> Handler:
    """Listens to badges that are revoked, suspended and reinstated: looks at what rests on them."""

    def handle(delivery: Delivery) -> None:
        with database.write() as session:
            following.look_at(session, str(delivery.payload["credential_id"]), now())

    return handle


def is_later_version(payload: Mapping[str, object]) -> bool:
    """Whether what was issued is a new version of a badge: only that can put its own end right."""
    version = payload.get("version")
    return isinstance(version, int) and version > 1


def follow_time(database: Database, at: datetime | None = None) -> int:
    """What time has done: badges that have ended, grace that is over, and what is in force again.

    Any number of workers may do it at once, and as often as they like.

    Args:
        database: the database.
        at: the moment to look from; the present if it is left out.

    Returns:
        How much changed of what is noted.
    """
    moment = at or now()
    return _ends(database, moment) + _late(database, moment) + _mended(database, moment) + _grace_over(database, moment)


def tell(session: ReadSession, at: datetime | None = None) -> None:
    """Set the gauges: how much waits for whom, and how much grace is over that no worker has seen to."""
    mended = col(AwardFlag.mended_at).is_not(None)
    counts = dict.fromkeys(WAITS_FOR, 0)
    rows = session.exec(
        select(AwardFlag.state, mended, sa.func.count()).where(_is_live()).group_by(AwardFlag.state, mended)
    ).all()
    names = {"open": "flag", GRACE: "grace", PROPOSED: "suspension"}
    for state, is_mended, number in rows:
        name = names.get(state, "reinstatement" if is_mended else None)
        if name is not None:
            counts[name] += number
    for name, number in counts.items():
        metrics.CONSEQUENCES.labels(name).set(number)
    over = (col(AwardFlag.state) == GRACE, col(AwardFlag.due_at) <= (at or now()))
    metrics.CONSEQUENCES_OVERDUE.set(session.exec(select(sa.func.count()).select_from(AwardFlag).where(*over)).one())


def _ends(database: Database, at: datetime) -> int:
    """Badges whose end has come since the last look."""
    changed = 0
    with database.read() as session:
        place = _place(session)
        tops = declared.tops(session)
    if place is not None and place[0] > at:
        place = None  # some clock was ahead: what it passed by is looked at again, which changes nothing that was noted
    for _ in range(MOST_BATCHES):
        with database.read() as session:
            found = grounds.ended(session, after=place, until=at, limit=BATCH)
            below = grounds.with_dependents(session, [badge.id for badge in found], tops) if tops else frozenset()
        changed += _look_at_each(database, (badge.id for badge in found if badge.id in below), at)
        if found:
            place = (found[-1].valid_until, found[-1].id)
            with database.write() as writing:
                server_facts.note(writing, LOOKED_UNTIL, f"{place[0].isoformat()} {place[1]}")
        if len(found) < BATCH:
            break
    return changed


def _place(session: ReadSession) -> tuple[datetime, str] | None:
    """Up to where ends were looked at."""
    known = server_facts.recall(session, LOOKED_UNTIL)
    if known is None:
        return None
    moment, _, last = known.partition(" ")
    return datetime.fromisoformat(moment), last


def _late(database: Database, at: datetime) -> int:
    """Badges whose ground ended while they were being made: when that was heard of, they were not there yet."""
    with database.read() as session:
        tops = declared.tops(session)
        found = (
            grounds.ended_on_the_way(session, issued_since=at - LATE_FOR, until=at, tops=tops, limit=BATCH)
            if tops
            else ()
        )
        noted = set(
            session.exec(
                select(AwardFlag.credential_id, AwardFlag.because_credential_id).where(
                    col(AwardFlag.credential_id).in_({badge_id for badge_id, _ground_id in found})
                )
            ).all()
        )
    return _look_at_each(database, sorted({pair[0] for pair in found if pair not in noted}), at)


def _mended(database: Database, at: datetime) -> int:
    """What is noted of badges that are in force again, or that something has taken the place of, or that ended."""
    ground, badge, other = aliased(Credential), aliased(Credential), aliased(Credential)
    another = (
        sa.select(col(other.id))
        .where(
            col(other.person_id) == col(AwardFlag.person_id),
            col(other.achievement_key) == col(ground.achievement_key),
            col(other.current_version) > 0,
            *_in_force(other, at),
        )
        .exists()
    )
    # Of a suspended badge that has ended as well nothing changes by that: a person ends its suspension, or lets it be.
    gone = col(badge.state) != "issued"
    ended = sa.and_(col(badge.valid_until) <= at, col(badge.suspended_at).is_(None))
    unseen = sa.or_(
        col(AwardFlag.state).in_(WAITING),
        sa.and_(col(AwardFlag.state) == SUSPENDED, col(AwardFlag.mended_at).is_(None)),
    )
    wanted = (
        select(AwardFlag.credential_id)
        .join(ground, col(ground.id) == col(AwardFlag.because_credential_id))
        .join(badge, col(badge.id) == col(AwardFlag.credential_id))
        .where(
            sa.or_(
                sa.and_(unseen, sa.or_(sa.and_(*_in_force(ground, at)), another)),
                sa.and_(_is_live(), sa.or_(gone, ended)),
            )
        )
        .distinct()
        .order_by(col(AwardFlag.credential_id))
        .limit(BATCH)
    )
    changed, after = 0, ""
    for _ in range(MOST_BATCHES):  # what is found and stays as it is must not hide what comes behind it
        with database.read() as session:
            found = session.exec(wanted.where(col(AwardFlag.credential_id) > after)).all()
        changed += _look_at_each(database, found, at)
        if len(found) < BATCH:
            break
        after = found[-1]
    return changed


def _grace_over(database: Database, at: datetime) -> int:
    with database.read() as session:
        found = session.exec(
            select(AwardFlag.id, AwardFlag.credential_id)
            .where(AwardFlag.state == GRACE, col(AwardFlag.due_at) <= at)
            .order_by(col(AwardFlag.due_at), col(AwardFlag.id))
            .limit(BATCH)
        ).all()
    changed = 0
    for flag_id, credential_id in found:
        with database.write() as writing:
            changed += following.look_at(writing, credential_id, at)  # nobody is asked about what was put right
            writing.flush()
            changed += following.propose(writing, flag_id, at)
    return changed


def _look_at_each(database: Database, ids: Iterable[str], at: datetime) -> int:
    changed = 0
    for credential_id in ids:
        with database.write() as writing:
            changed += following.look_at(writing, credential_id, at)
    return changed


def _is_live() -> sa.ColumnElement[bool]:
    return col(AwardFlag.state).in_((*WAITING, SUSPENDED))


def _in_force(model: type[Credential], at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(model.state) == "issued",
        col(model.suspended_at).is_(None),
        sa.or_(col(model.valid_until).is_(None), col(model.valid_until) > at),
    )
