"""The outbox: what happened is written in the transaction in which it happened, and told to others afterwards.

A room emits an event; it does not know who listens. The worker turns each event into one delivery per listener and
makes the deliveries, each on its own: one that fails is repeated with growing pauses and hinders no other. A delivery
may be repeated after a crash, so every handler must leave the same result when it runs twice.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa
from sqlmodel import Field, col, select

from app.core import metrics
from app.core.clock import now
from app.core.db import Database, ReadSession, Record, UTCDateTime, WriteSession
from app.core.ids import new_id
from app.core.logging import get_logger

log = get_logger()

LEASE = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(days=3)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=30)
ERROR_LENGTH = 500


class OutboxPayload(Protocol):
    """An event: a frozen dataclass of ids with a stable kind."""

    KIND: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


EventT = TypeVar("EventT", bound=OutboxPayload)


class OutboxEvent(Record, table=True):
    """Something that happened."""

    __tablename__ = "outbox_event"

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(index=True)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    dispatched_at: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)


class OutboxDelivery(Record, table=True):
    """One event on its way to one listener."""

    __tablename__ = "outbox_delivery"
    __table_args__ = (sa.UniqueConstraint("event_id", "handler"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    event_id: str = Field(foreign_key="outbox_event.id", index=True)
    handler: str = Field(index=True)
    state: str = Field(default="waiting", index=True)  # waiting | done | dead
    attempt: int = Field(default=0)
    due_at: datetime = Field(default_factory=now, sa_type=UTCDateTime, index=True)
    leased_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_error: str | None = Field(default=None)


@dataclass(frozen=True)
class Delivery:
    """What a handler is given."""

    id: str
    kind: str
    payload: dict[str, Any]
    attempt: int
    created_at: datetime


Handler = Callable[[Delivery], None]


@dataclass(frozen=True)
class Subscription:
    """Who listens to what.

    Attributes:
        kind: the event's KIND.
        name: the handler's stable name; deliveries in the database refer to it.
        handle: called outside any transaction; opens its own.
    """

    kind: str
    name: str
    handle: Handler


class RetryLater(Exception):
    """A handler cannot do its work yet.

    Args:
        seconds: when to try again at the earliest; None leaves it to the usual pauses.
        reason: why, for the log and the ledger; without personal data.
    """

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class GiveUp(Exception):
    """A handler knows that trying again cannot help; the delivery is dead at once."""


def emit(session: WriteSession, event: OutboxPayload) -> None:
    """Write an event in the caller's transaction.

    Args:
        session: the transaction in which the thing happens.
        event: a frozen dataclass of ids and numbers, without personal data.
    """
    session.add(OutboxEvent(kind=event.KIND, payload=dataclasses.asdict(event)))


def decode(event_type: type[EventT], payload: Mapping[str, Any]) -> EventT:
    """The event back from a delivery's payload; unknown members of a newer version are left out."""
    known = {field.name for field in dataclasses.fields(event_type)}
    return event_type(**{key: value for key, value in payload.items() if key in known})


class Worker:
    """Makes deliveries. Any number of workers may run on one database.

    Args:
        database: where the outbox is.
        subscriptions: who listens to what.
    """

    def __init__(self, database: Database, subscriptions: Sequence[Subscription]) -> None:
        self._database = database
        self._by_name = {subscription.name: subscription for subscription in subscriptions}
        if len(self._by_name) != len(subscriptions):
            raise ValueError("two subscriptions share one name")
        self._by_kind: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            self._by_kind.setdefault(subscription.kind, []).append(subscription)

    def run_once(self) -> bool:
        """Do one piece of work: hand out new events, then make one delivery.

        Returns:
            Whether there was anything to do.
        """
        dispatched = self._dispatch()
        claimed = self._claim()
        if claimed is None:
            return dispatched
        self._deliver(claimed)
        return True

    def run_until_idle(self, limit: int = 10_000) -> int:
        """Work until nothing is due; returns how many pieces of work were done. For tests and the command line."""
        done = 0
        while done < limit and self.run_once():
            done += 1
        return done

    def _dispatch(self) -> bool:
        """Turn undispatched events into one delivery per listener."""
        with self._database.read() as reading:
            waiting = reading.exec(
                select(OutboxEvent.id).where(col(OutboxEvent.dispatched_at).is_(None)).limit(1)
            ).first()
        if waiting is None:
            return False
        with self._database.write() as session:
            events = session.exec(
                select(OutboxEvent)
                .where(col(OutboxEvent.dispatched_at).is_(None))
                .order_by(col(OutboxEvent.created_at))
                .limit(100)
                .with_for_update(skip_locked=True)
            ).all()
            for event in events:
                event.dispatched_at = now()
                for subscription in self._by_kind.get(event.kind, ()):
                    session.add(OutboxDelivery(event_id=event.id, handler=subscription.name))
        return bool(events)

    def _claim(self) -> Delivery | None:
        """Lease the delivery that has been due longest, so that no other worker makes it at the same time."""
        moment = now()
        free = sa.or_(col(OutboxDelivery.leased_until).is_(None), col(OutboxDelivery.leased_until) < moment)
        due = (
            select(OutboxDelivery)
            .where(
                OutboxDelivery.state == "waiting",
                col(OutboxDelivery.due_at) <= moment,
                free,
                col(OutboxDelivery.handler).in_(self._by_name),
            )
            .order_by(col(OutboxDelivery.due_at))
            .limit(1)
        )
        with self._database.read() as reading:
            if reading.exec(due).first() is None:
                return None
        with self._database.write() as session:
            row = session.exec(due.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            event = session.get_one(OutboxEvent, row.event_id)
            row.leased_until = moment + LEASE
            row.attempt += 1
            session.add(row)
            return Delivery(
                id=row.id, kind=event.kind, payload=event.payload, attempt=row.attempt, created_at=event.created_at
            )

    def _deliver(self, delivery: Delivery) -> None:
        with self._database.read() as reading:
            handler_name = reading.get_one(OutboxDelivery, delivery.id).handler
        try:
            self._by_name[handler_name].handle(delivery)
        except GiveUp as error:
            self._finish(delivery, handler_name, "dead", str(error))
        except RetryLater as error:
            self._postpone(delivery, handler_name, str(error), error.seconds)
        except Exception as error:
            # The text of an unexpected error may quote data; its type is enough for the ledger.
            self._postpone(delivery, handler_name, type(error).__name__, None)
            log.warning("outbox.delivery_failed", handler=handler_name, delivery_id=delivery.id, exc_info=True)
        else:
            self._finish(delivery, handler_name, "done", None)

    def _finish(self, delivery: Delivery, handler: str, state: str, error: str | None) -> None:
        with self._database.write() as session:
            row = session.get_one(OutboxDelivery, delivery.id)
            row.state, row.finished_at, row.leased_until = state, now(), None
            row.last_error = error[:ERROR_LENGTH] if error else None
            session.add(row)
        if state == "dead":
            log.error("outbox.given_up", handler=handler, delivery_id=delivery.id, reason=error)
        else:
            log.info("outbox.delivered", handler=handler, delivery_id=delivery.id, attempt=delivery.attempt)

    def _postpone(self, delivery: Delivery, handler: str, reason: str, seconds: float | None) -> None:
        if now() - delivery.created_at >= GIVE_UP_AFTER:
            self._finish(delivery, handler, "dead", reason)
            return
        pause = timedelta(seconds=seconds) if seconds is not None else _pause(delivery.attempt)
        with self._database.write() as session:
            row = session.get_one(OutboxDelivery, delivery.id)
            row.due_at, row.leased_until, row.last_error = now() + pause, None, reason[:ERROR_LENGTH]
            session.add(row)
        log.info("outbox.postponed", handler=handler, delivery_id=delivery.id, attempt=delivery.attempt, reason=reason)


def _pause(attempt: int) -> timedelta:
    """Doubling pauses with jitter, so that many deliveries to one dead server do not all return at once."""
    pause = min(FIRST_PAUSE * 2 ** min(attempt - 1, 20), LONGEST_PAUSE)
    jittered: timedelta = pause * random.uniform(0.8, 1.2)
    return jittered


@dataclass(frozen=True)
class OutboxHealth:
    """How the outbox stands: counts, and the age of the oldest waiting delivery in seconds."""

    waiting: int
    dead: int
    oldest_seconds: float


def health(session: ReadSession) -> OutboxHealth:
    """How the outbox stands; also sets the gauges."""
    undispatched = session.exec(
        select(sa.func.count(), sa.func.min(OutboxEvent.created_at)).where(col(OutboxEvent.dispatched_at).is_(None))
    ).one()
    deliveries = session.exec(
        select(sa.func.count(), sa.func.min(OutboxEvent.created_at))
        .select_from(OutboxDelivery)
        .join(OutboxEvent, col(OutboxEvent.id) == OutboxDelivery.event_id)
        .where(OutboxDelivery.state == "waiting")
    ).one()
    counts = session.exec(
        select(OutboxDelivery.handler, OutboxDelivery.state, sa.func.count()).group_by(
            OutboxDelivery.handler, OutboxDelivery.state
        )
    ).all()
    for handler, state, count in counts:
        metrics.OUTBOX_DELIVERIES.labels(handler, state).set(count)
    dead = sum(count for _handler, state, count in counts if state == "dead")
    oldest = min((moment for moment in (undispatched[1], deliveries[1]) if moment is not None), default=None)
    age = (now() - oldest).total_seconds() if oldest is not None else 0.0
    result = OutboxHealth(waiting=undispatched[0] + deliveries[0], dead=dead, oldest_seconds=max(age, 0.0))
    metrics.OUTBOX_WAITING.set(result.waiting)
    metrics.OUTBOX_DEAD.set(result.dead)
    metrics.OUTBOX_AGE.set(result.oldest_seconds)
    return result
