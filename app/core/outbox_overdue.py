"""Whether anybody works on the outbox: how long work has been due that nobody took in hand.

That is another question than how old the oldest delivery is. One that is tried again and again because an LMS is down
grows old although every worker does its part.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession
from app.core.outbox import OutboxDelivery, OutboxEvent


def overdue_seconds(session: ReadSession) -> float:
    """For how many seconds the oldest piece of work has been due and in nobody's hands; 0 if there is none."""
    moment = now()
    free = sa.or_(col(OutboxDelivery.leased_until).is_(None), col(OutboxDelivery.leased_until) < moment)
    # A lease that has run out was work in somebody's hands until then.
    waits_since = sa.case(
        (col(OutboxDelivery.leased_until) > col(OutboxDelivery.due_at), OutboxDelivery.leased_until),
        else_=OutboxDelivery.due_at,
    )
    event = session.exec(
        select(sa.func.min(OutboxEvent.created_at)).where(col(OutboxEvent.dispatched_at).is_(None))
    ).one()
    delivery = session.exec(select(sa.func.min(waits_since)).where(OutboxDelivery.state == "waiting", free)).one()
    oldest = min((each for each in (event, delivery) if each is not None), default=moment)
    return max((moment - oldest).total_seconds(), 0.0)
