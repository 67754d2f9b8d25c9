"""The handful of statements that each round of a worker runs; built once, they cost a tenth (decision 0013)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.core import rows
from app.core.db import UTCDateTime
from app.core.outbox_models import WAITING, OutboxDelivery, OutboxEvent

EVENTS = rows.table(OutboxEvent)
DELIVERIES = rows.table(OutboxDelivery)
AT_ONCE = 100  # events
DISPATCHED = sa.update(EVENTS).where(EVENTS.c.id == sa.bindparam("event")).values(dispatched_at=sa.bindparam("moment"))
LEASED = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == sa.bindparam("delivery"))
    .values({name: sa.bindparam(name) for name in ("attempt", "leased_until", "due_at")})
)


def _undispatched(columns: Sequence[sa.Column[Any]], background: bool) -> sa.Select[Any]:
    asked = sa.select(*columns).where(EVENTS.c.dispatched_at.is_(None))
    return asked if background else asked.where(EVENTS.c.background.is_(False))


UNDISPATCHED = {background: _undispatched([EVENTS.c.id], background).limit(1) for background in (True, False)}
DISPATCHING = {
    background: _undispatched([EVENTS.c.id, EVENTS.c.kind, EVENTS.c.payload, EVENTS.c.background], background)
    .order_by(EVENTS.c.background, EVENTS.c.created_at)
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
    for background in (True, False)
}


@lru_cache
def due(handlers: tuple[str, ...], background: bool) -> sa.Select[Any]:
    """The delivery that has been due longest at `moment` and that nobody holds.

    Args:
        handlers: names of the listeners whose deliveries count.
        background: whether those that can wait count too; they come last.
    """
    row, moment = DELIVERIES.c, sa.bindparam("moment", type_=UTCDateTime)
    asked = sa.select(row.id).where(
        row.state == WAITING,
        row.due_at <= moment,
        sa.or_(row.leased_until.is_(None), row.leased_until < moment),
        # one by one: a list would be written into the statement anew each time it runs
        row.handler.in_([sa.literal(name) for name in handlers]),
    )
    if not background:
        asked = asked.where(row.background.is_(False))
    return asked.order_by(row.background, row.due_at).limit(1)


@lru_cache
def taking(handlers: tuple[str, ...], background: bool) -> sa.Select[Any]:
    """The same, locked against every other worker, with all that is needed to make it; arguments as for `due`."""
    row, event = DELIVERIES.c, EVENTS.c
    return (
        due(handlers, background)
        .join(EVENTS, event.id == row.event_id)
        .add_columns(
            *(row.handler, row.attempt, row.due_at, row.leased_until, row.resent_at, row.last_error),
            *(event.kind, event.payload, event.created_at),
        )
        .with_for_update(skip_locked=True, of=DELIVERIES)
    )


@lru_cache
def settling(changed: tuple[str, ...]) -> sa.Update:
    """Write some columns of a delivery and let go of it, if it is still held by this attempt's lease.

    Args:
        changed: the names of the columns; their values come with `delivery`, `of_attempt` and `of_lease`.
    """
    row = DELIVERIES.c
    return (
        sa.update(DELIVERIES)
        .where(
            row.id == sa.bindparam("delivery"),
            row.attempt == sa.bindparam("of_attempt"),
            row.leased_until == sa.bindparam("of_lease"),
        )
        .values({"leased_until": None, **{name: sa.bindparam(name) for name in changed}})
    )
