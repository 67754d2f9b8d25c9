"""Whether anybody works on the outbox: how long work has been due that nobody took in hand.

That is another question than how old the oldest delivery is. One that is tried again and again because an LMS is down
grows old although every worker does its part. Nor is what can wait overdue at once: it waits for all the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession
from app.core.outbox_models import OutboxDelivery, OutboxEvent

BACKGROUND_MAY_WAIT = timedelta(hours=1)


def overdue_seconds(session: ReadSession) -> float:
    """For how many seconds the oldest piece of work has been due and in nobody's hands; 0 if there is none.

    What can wait counts from an hour after it was due.
    """
    at_once, later = _oldest(session, background=False), _oldest(session, background=True)
    moment = now()
    since = [each for each in (at_once, later and later + BACKGROUND_MAY_WAIT) if each is not None]
    return max((moment - min(since, default=moment)).total_seconds(), 0.0)


def _oldest(session: ReadSession, *, background: bool) -> datetime | None:
    moment = now()
    free = sa.or_(col(OutboxDelivery.leased_until).is_(None), col(OutboxDelivery.leased_until) < moment)
    # A lease that has run out was work in somebody's hands until then.
    waits_since = sa.case(
        (col(OutboxDelivery.leased_until) > col(OutboxDelivery.due_at), OutboxDelivery.leased_until),
        else_=OutboxDelivery.due_at,
    )
    event = session.exec(
        select(sa.func.min(OutboxEvent.created_at)).where(
            col(OutboxEvent.dispatched_at).is_(None), col(OutboxEvent.background).is_(background)
        )
    ).one()
    delivery = session.exec(
        select(sa.func.min(waits_since)).where(
            OutboxDelivery.state == "waiting", col(OutboxDelivery.background).is_(background), free
        )
    ).one()
    return min((each for each in (event, delivery) if each is not None), default=None)
