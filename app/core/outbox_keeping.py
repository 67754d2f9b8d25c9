"""Keeping the outbox: what became of its deliveries, sending again what was given up, clearing what is long done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.audit import Actor, record
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.errors import Conflict, NotFound
from app.core.logging import get_logger
from app.core.outbox import GIVE_UP_AFTER
from app.core.outbox_models import DEAD, DISCARDED, DONE, WAITING, OutboxDelivery, OutboxEvent

log = get_logger()

KEEP_DONE = timedelta(days=30)
NOBODY_LISTENS = "no listener has this name any more"
BATCH = 200
_WHAT_IT_DOES = {
    WAITING: "waits for its next try: it was not given up",
    DONE: "was made: it was not given up",
    DISCARDED: "was discarded: another one does its work, or somebody let it go",
}
MOST_BATCHES = 50  # in one go, so that the worker gets back to its work


class DeliveryUnknown(NotFound):
    """There is no delivery of this id."""

    slug = "delivery-unknown"
    title = "There is no such delivery"


class DeliveryNotDead(Conflict):
    """Only what was given up can be sent again or discarded: everything else is on its way, or settled."""

    slug = "delivery-not-dead"
    title = "That delivery was not given up"


@dataclass(frozen=True)
class DeliveryStatus:
    """One event on its way to one listener, as an operator sees it.

    Attributes:
        id: of the delivery.
        event_id: of what happened.
        kind: of what happened.
        handler: the listener's name.
        state: waiting, done, dead or discarded.
        attempts: tries so far, since it was last sent again.
        created_at: when it happened.
        due_at: when a delivery that waits is tried next, at the earliest.
        leased_until: until when a worker has it in hand, or had it when the worker ended.
        resent_at: when an operator last sent it again.
        finished_at: when it was made or given up.
        last_error: why the last try failed; holds no personal data.
    """

    id: str
    event_id: str
    kind: str
    handler: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    leased_until: datetime | None
    resent_at: datetime | None
    finished_at: datetime | None
    last_error: str | None


def deliveries(
    session: ReadSession, *, state: str, handler: str | None = None, limit: int = BATCH
) -> tuple[DeliveryStatus, ...]:
    """Deliveries in one state: what happened first comes first, but of those done the last.

    Args:
        session: for reading.
        state: waiting, dead, done or discarded.
        handler: only to this listener.
        limit: at most so many.
    """
    newest_first = state in (DONE, DISCARDED)
    moment, number = col(OutboxEvent.created_at), col(OutboxDelivery.id)
    rows = session.exec(
        select(OutboxDelivery, OutboxEvent)
        .join(OutboxEvent, col(OutboxEvent.id) == OutboxDelivery.event_id)
        .where(*_those(state, handler))
        .order_by(moment.desc() if newest_first else moment, number)
        .limit(limit)
    ).all()
    return tuple(_status(row, event) for row, event in rows)


def dead_letters(session: ReadSession, *, handler: str | None = None, limit: int = BATCH) -> tuple[DeliveryStatus, ...]:
    """Deliveries that were given up, oldest event first; parameters as for `deliveries`."""
    return deliveries(session, state=DEAD, handler=handler, limit=limit)


def count(session: ReadSession, *, state: str, handler: str | None = None) -> int:
    """How many deliveries are in a state."""
    return session.exec(select(sa.func.count()).select_from(OutboxDelivery).where(*_those(state, handler))).one()


def handlers(session: ReadSession) -> frozenset[str]:
    """The names of all listeners that deliveries are there for, also those that no version knows any more."""
    return frozenset(session.exec(select(OutboxDelivery.handler).distinct()).all())


def not_handed_out(session: ReadSession) -> int:
    """How many events no worker has turned into deliveries yet."""
    undispatched = col(OutboxEvent.dispatched_at).is_(None)
    return session.exec(select(sa.func.count()).select_from(OutboxEvent).where(undispatched)).one()


def resend(database: Database, delivery_ids: Sequence[str], *, actor: Actor) -> tuple[str, ...]:
    """Have deliveries that were given up made again: due now, with days of tries before them. All of them or none.

    Args:
        database: where the outbox is.
        delivery_ids: which; one named twice is sent once.
        actor: who wants it; audited.

    Returns:
        The ids, each once.

    Raises:
        DeliveryUnknown: there is none of one of these ids.
        DeliveryNotDead: one of them was not given up, or somebody else has just sent it again.
    """
    wanted = tuple(dict.fromkeys(delivery_ids))
    with database.write() as session:
        rows = session.exec(
            select(OutboxDelivery)
            .where(col(OutboxDelivery.id).in_(wanted))
            .order_by(col(OutboxDelivery.id))  # two who send the same ones again wait for each other, in one order
            .with_for_update()
        ).all()
        _require_dead({row.id: row.state for row in rows}, wanted)
        _begin_again(session, rows, actor)
    _tell(rows)
    return wanted


def resend_all(database: Database, *, actor: Actor, handler: str | None = None) -> tuple[str, ...]:
    """Have everything that was given up by now made again; parameters and audit as for `resend`.

    Args:
        database: where the outbox is.
        actor: who wants it.
        handler: only deliveries to this listener.

    Returns:
        The ids of those sent again. What is given up anew meanwhile is left.
    """
    began_at, done = now(), list[str]()
    while True:
        with database.write() as session:
            rows = session.exec(
                select(OutboxDelivery)
                .where(
                    *_those(DEAD, handler),
                    sa.or_(col(OutboxDelivery.resent_at).is_(None), col(OutboxDelivery.resent_at) < began_at),
                )
                .order_by(col(OutboxDelivery.finished_at), col(OutboxDelivery.id))
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            _begin_again(session, rows, actor)
        if not rows:
            return tuple(done)
        _tell(rows)
        done += [row.id for row in rows]


def discard(database: Database, delivery_ids: Sequence[str], *, actor: Actor) -> tuple[str, ...]:
    """Let go of deliveries that were given up and that nobody will make any more. All of them or none.

    Args:
        database: where the outbox is.
        delivery_ids: which; one named twice is let go once.
        actor: who wants it; audited.

    Returns:
        The ids, each once.

    Raises:
        DeliveryUnknown: there is none of one of these ids.
        DeliveryNotDead: one of them was not given up.
    """
    wanted = tuple(dict.fromkeys(delivery_ids))
    with database.write() as session:
        rows = session.exec(
            select(OutboxDelivery)
            .where(col(OutboxDelivery.id).in_(wanted))
            .order_by(col(OutboxDelivery.id))
            .with_for_update()
        ).all()
        _require_dead({row.id: row.state for row in rows}, wanted, kept="Nothing was discarded.")
        for row in rows:
            row.state, row.finished_at = DISCARDED, now()
            _record(session, row, "outbox.discarded", actor)
    for row in rows:
        log.info("outbox.discarded", handler=row.handler, delivery_id=row.id)
    return wanted


def replace(session: WriteSession, delivery_id: str) -> None:
    """Another delivery does the work of this one, which was given up: nobody need look at it any more.

    Args:
        session: the transaction in which the other one was asked for.
        delivery_id: of the old one; if it was not given up it is left as it is.
    """
    session.exec(
        sa.update(OutboxDelivery)
        .where(col(OutboxDelivery.id) == delivery_id, col(OutboxDelivery.state) == DEAD)
        .values(state=DISCARDED, finished_at=now())
        .execution_options(synchronize_session="fetch")
    )


def clear_delivered(database: Database) -> int:
    """Delete events that were settled with every listener more than 30 days ago, with their deliveries.

    What was done stays in the audit; what waits or was given up stays here.

    Returns:
        How many events were deleted.
    """
    before = now() - KEEP_DONE
    deleted = 0
    for _ in range(MOST_BATCHES):
        found = _clear_some(database, before)
        deleted += found
        if found < BATCH:
            break
    return deleted


def bury_unheard(database: Database, listeners: Collection[str]) -> int:
    """Give up what has waited for days for a listener that nobody knows: of a version that was taken back, say.

    It would wait for ever otherwise, and be taken for work that no worker does. As a dead letter it can be sent again
    when its listener is back.

    Args:
        database: where the outbox is.
        listeners: the names that this version knows.

    Returns:
        How many.
    """
    moment = now()
    with database.write() as session:
        buried = session.exec(
            sa.update(OutboxDelivery)
            .where(
                col(OutboxDelivery.state) == WAITING,
                col(OutboxDelivery.due_at) < moment - GIVE_UP_AFTER,
                col(OutboxDelivery.handler).not_in(listeners),
                sa.or_(col(OutboxDelivery.leased_until).is_(None), col(OutboxDelivery.leased_until) < moment),
            )
            .values(state=DEAD, finished_at=moment, leased_until=None, last_error=NOBODY_LISTENS)
            .execution_options(synchronize_session=False)
        ).rowcount
    if buried:
        log.error("outbox.nobody_listens_any_more", count=buried)
    return int(buried)


def _those(state: str, handler: str | None) -> list[Any]:
    return [OutboxDelivery.state == state, *([OutboxDelivery.handler == handler] if handler else [])]


def _status(row: OutboxDelivery, event: OutboxEvent) -> DeliveryStatus:
    return DeliveryStatus(
        id=row.id,
        event_id=event.id,
        kind=event.kind,
        handler=row.handler,
        state=row.state,
        attempts=row.attempt,
        created_at=event.created_at,
        due_at=row.due_at,
        leased_until=row.leased_until,
        resent_at=row.resent_at,
        finished_at=row.finished_at,
        last_error=row.last_error,
    )


def _require_dead(states: dict[str, str], wanted: Sequence[str], kept: str = "Nothing was sent again.") -> None:
    for each in wanted:
        state = states.get(each)
        if state is None:
            raise DeliveryUnknown(f"There is no delivery {each}.", kept=kept)
        if state != DEAD:
            raise DeliveryNotDead(f"Delivery {each} {_WHAT_IT_DOES[state]}.", kept=kept)


def _begin_again(session: WriteSession, rows: Sequence[OutboxDelivery], actor: Actor) -> None:
    for row in rows:
        row.state, row.attempt, row.leased_until, row.finished_at = WAITING, 0, None, None
        row.due_at = row.resent_at = now()
        row.last_error = None
        _record(session, row, "outbox.resent", actor)


def _record(session: WriteSession, row: OutboxDelivery, action: str, actor: Actor) -> None:
    record(session, actor=actor, action=action, subject="outbox_delivery", subject_id=row.id, event_id=row.event_id)


def _tell(rows: Sequence[OutboxDelivery]) -> None:
    for row in rows:
        log.info("outbox.resent", handler=row.handler, delivery_id=row.id)


def _clear_some(database: Database, before: datetime) -> int:
    unsettled = (
        sa.select(col(OutboxDelivery.id))
        .where(
            col(OutboxDelivery.event_id) == col(OutboxEvent.id),
            sa.or_(col(OutboxDelivery.state).not_in((DONE, DISCARDED)), col(OutboxDelivery.finished_at) >= before),
        )
        .exists()
    )
    old = (
        select(OutboxEvent.id)
        .where(col(OutboxEvent.dispatched_at) < before, ~unsettled)
        .order_by(col(OutboxEvent.dispatched_at))
        .limit(BATCH)
    )
    with database.read() as reading:
        if reading.exec(old).first() is None:
            return 0
    with database.write() as session:
        found = session.exec(old.with_for_update(skip_locked=True)).all()
        session.exec(sa.delete(OutboxDelivery).where(col(OutboxDelivery.event_id).in_(found)))
        session.exec(sa.delete(OutboxEvent).where(col(OutboxEvent.id).in_(found)))
    return len(found)
