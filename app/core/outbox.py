"""The outbox: what happened is written in the transaction in which it happened, and told to others afterwards.

A room emits an event; it does not know who listens. The worker turns each event into one delivery per listener and
makes the deliveries, each on its own: one that fails is repeated with growing pauses and hinders no other. A delivery
may be repeated after a crash, so every handler must leave the same result when it runs twice.

Its tables are in `outbox_models`; what became of the deliveries, and sending again what was given up, is in
`outbox_keeping`.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import metrics
from app.core import outbox_statements as statements
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.ids import new_id
from app.core.logging import get_logger
from app.core.outbox_models import DEAD, DONE, WAITING, OutboxDelivery, OutboxEvent

log = get_logger()

LEASE = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(days=3)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=30)
ERROR_LENGTH = 500
VANISHED = "each worker that took it ended before it was done"


class OutboxPayload(Protocol):
    """An event: a frozen dataclass of ids with a stable kind."""

    KIND: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


EventT = TypeVar("EventT", bound=OutboxPayload)


@dataclass(frozen=True)
class Delivery:
    """What a handler is given.

    Attributes:
        id: of this delivery, the same at every try.
        kind: of the event.
        payload: the event's ids.
        attempt: which try this is, from 1. A dead letter that is sent again begins at 1 once more.
        created_at: when the event happened.
        untried: no try has come to an end yet since the event, or since it was sent again.
    """

    id: str
    kind: str
    payload: dict[str, Any]
    attempt: int
    created_at: datetime
    untried: bool = False


@dataclass(frozen=True)
class _Claim:
    """A delivery in this worker's hands, as long as nobody else took it after the lease ran out."""

    delivery: Delivery
    handler: str
    gives_up_at: datetime
    leased_until: datetime
    vanished_at: datetime | None  # when the lease of a worker ran out that never came back from it

    @property
    def ids(self) -> dict[str, str]:
        """What the log calls it."""
        return {"handler": self.handler, "delivery_id": self.delivery.id}


Handler = Callable[[Delivery], None]


@dataclass(frozen=True)
class Subscription:
    """Who listens to what.

    Attributes:
        kind: the event's KIND.
        name: the handler's stable name; deliveries in the database refer to it.
        handle: called outside any transaction; opens its own.
        wants: tells by an event's payload whether there is anything to do; None: there always is. Of an event that is
            one of very many, what nobody wants costs nothing.
    """

    kind: str
    name: str
    handle: Handler
    wants: Callable[[Mapping[str, Any]], bool] | None = None


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


def emit_many(session: WriteSession, events: Sequence[OutboxPayload], *, background: bool = False) -> None:
    """Write many events in the caller's transaction, in a few statements.

    Args:
        session: the transaction in which the things happen.
        events: as for `emit`.
        background: they wait until nothing else is due, so that a thousand of them delay nobody else's.
    """
    moment = now()
    made = [
        {
            "id": new_id(),
            "kind": event.KIND,
            "payload": dataclasses.asdict(event),
            "created_at": moment,
            "dispatched_at": None,
            "background": background,
        }
        for event in events
    ]
    if made:
        insert_rows(session, statements.EVENTS, made)


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
        names = tuple(self._by_name)
        self._due = {background: statements.due(names, background) for background in (True, False)}
        self._taking = {background: statements.taking(names, background) for background in (True, False)}

    @property
    def listeners(self) -> frozenset[str]:
        """The names this worker makes deliveries to."""
        return frozenset(self._by_name)

    def run_once(self, *, background: bool = True) -> bool:
        """Do one piece of work: hand out new events, then make one delivery.

        Args:
            background: whether what can wait may be done, if nothing else is due.

        Returns:
            Whether there was anything to do.
        """
        dispatched = self._dispatch(background)
        claimed = self._claim(background)
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

    def _dispatch(self, background: bool) -> bool:
        """Turn undispatched events into one delivery per listener."""
        with self._database.look() as look:
            if look.run(statements.UNDISPATCHED[background]).first() is None:
                return False
        with self._database.write() as session:
            moment = now()
            events = session.run(statements.DISPATCHING[background]).all()
            deliveries = [
                _delivery_values(event, subscription)
                for event in events
                for subscription in self._by_kind.get(event.kind, ())
                if subscription.wants is None or subscription.wants(event.payload)
            ]
            insert_rows(session, statements.DELIVERIES, deliveries)
            for event in events:
                session.run(statements.DISPATCHED, {"event": event.id, "moment": moment})
        for event in events:
            if event.kind not in self._by_kind:
                log.info("outbox.nobody_listens", kind=event.kind, event_id=event.id)
        return bool(events)

    def _claim(self, background: bool) -> _Claim | None:
        """Lease the delivery that has been due longest, so that no other worker makes it at the same time.

        What can wait comes after everything else.
        """
        moment = now()
        with self._database.look() as look:
            if look.run(self._due[background], {"moment": moment}).first() is None:
                return None
        with self._database.write() as session:
            row = session.run(self._taking[background], {"moment": moment}).first()
            return None if row is None else _lease(session, row, moment)

    def _deliver(self, claim: _Claim) -> None:
        if claim.vanished_at is not None and claim.vanished_at >= claim.gives_up_at:
            self._finish(claim, DEAD, VANISHED)
            return
        try:
            self._by_name[claim.handler].handle(claim.delivery)
        except GiveUp as error:
            self._finish(claim, DEAD, str(error))
        except RetryLater as error:
            self._postpone(claim, str(error), error.seconds)
        except Exception as error:
            # The text of an unexpected error may quote data; its type is enough for the ledger.
            log.warning("outbox.delivery_failed", **claim.ids, exc_info=True)
            self._postpone(claim, type(error).__name__, None)
        else:
            self._finish(claim, DONE, None)

    def _finish(self, claim: _Claim, state: str, error: str | None) -> None:
        if not self._settle(claim, state=state, finished_at=now(), last_error=error and error[:ERROR_LENGTH]):
            return
        if state == DEAD:
            log.error("outbox.given_up", **claim.ids, reason=error)
        else:
            log.info("outbox.delivered", **claim.ids, attempt=claim.delivery.attempt)

    def _postpone(self, claim: _Claim, reason: str, seconds: float | None) -> None:
        moment = now()
        if moment >= claim.gives_up_at:
            self._finish(claim, DEAD, reason)
            return
        pause = _pause(claim.delivery.attempt) if seconds is None else _pause_asked_for(seconds)
        due_at = min(moment + pause, claim.gives_up_at)  # however long somebody wants to wait, there is a last try
        if self._settle(claim, due_at=due_at, last_error=reason[:ERROR_LENGTH]):
            log.info("outbox.postponed", **claim.ids, attempt=claim.delivery.attempt, reason=reason)

    def _settle(self, claim: _Claim, **outcome: Any) -> bool:
        """Write down what became of it, unless it is not ours any more: then whoever has it now will tell.

        A worker that was stopped, or slow, for longer than its lease finds that another took the delivery, or that an
        operator sent it again. Its own outcome would overwrite theirs.
        """
        mine = {"delivery": claim.delivery.id, "of_attempt": claim.delivery.attempt, "of_lease": claim.leased_until}
        with self._database.write() as session:
            written = session.run(statements.settling(tuple(outcome)), {**mine, **outcome}).rowcount
        if not written:
            log.warning("outbox.lease_lost", **claim.ids)
        return bool(written)


def _delivery_values(event: sa.Row[Any], subscription: Subscription) -> dict[str, Any]:
    return {
        "id": new_id(),
        "event_id": event.id,
        "handler": subscription.name,
        "state": WAITING,
        "attempt": 0,
        "due_at": now(),
        "background": event.background,
    }


def _lease(session: WriteSession, row: sa.Row[Any], moment: datetime) -> _Claim:
    """Take a delivery in hand for at least as long as it would rest if this try failed.

    A delivery that ends its worker on the way is thus tried ever less often, like any other that fails. From the second
    time on it also goes to the end of the queue, so that others are made before it ends the next worker.
    """
    attempt = row.attempt + 1
    leased_until = moment + max(LEASE, _pause(attempt))
    due_at = row.due_at if row.leased_until is None else leased_until
    session.run(
        statements.LEASED, {"delivery": row.id, "attempt": attempt, "leased_until": leased_until, "due_at": due_at}
    )
    return _Claim(
        delivery=Delivery(row.id, row.kind, row.payload, attempt, row.created_at, untried=row.last_error is None),
        handler=row.handler,
        gives_up_at=(row.resent_at or row.created_at) + GIVE_UP_AFTER,
        leased_until=leased_until,
        vanished_at=row.leased_until,
    )


def _pause(attempt: int) -> timedelta:
    """Doubling pauses with jitter, so that many deliveries to one dead server do not all return at once."""
    pause = min(FIRST_PAUSE * 2 ** min(attempt - 1, 20), LONGEST_PAUSE)
    jittered: timedelta = pause * random.uniform(0.8, 1.2)
    return jittered


def _pause_asked_for(seconds: float) -> timedelta:
    """What somebody asked for, never earlier; a wish of nothing would keep the worker busy with one delivery."""
    wanted = min(max(seconds, FIRST_PAUSE.total_seconds()), GIVE_UP_AFTER.total_seconds())
    return timedelta(seconds=wanted * random.uniform(1.0, 1.2))


@dataclass(frozen=True)
class OutboxHealth:
    """How the outbox stands: counts, and the age of the oldest waiting delivery in seconds."""

    waiting: int
    dead: int
    oldest_seconds: float


def health(session: ReadSession) -> OutboxHealth:
    """How the outbox stands; also sets the gauges. What was sent again has waited since then."""
    undispatched = session.exec(
        select(sa.func.count(), sa.func.min(OutboxEvent.created_at)).where(col(OutboxEvent.dispatched_at).is_(None))
    ).one()
    began_at = sa.func.coalesce(OutboxDelivery.resent_at, OutboxEvent.created_at)
    deliveries = session.exec(
        select(sa.func.count(), sa.func.min(began_at))
        .select_from(OutboxDelivery)
        .join(OutboxEvent, col(OutboxEvent.id) == OutboxDelivery.event_id)
        .where(OutboxDelivery.state == WAITING)
    ).one()
    dead = _count_deliveries(session)
    oldest = min((moment for moment in (undispatched[1], deliveries[1]) if moment is not None), default=None)
    age = (now() - oldest).total_seconds() if oldest is not None else 0.0
    result = OutboxHealth(waiting=undispatched[0] + deliveries[0], dead=dead, oldest_seconds=max(age, 0.0))
    metrics.OUTBOX_WAITING.set(result.waiting)
    metrics.OUTBOX_DEAD.set(result.dead)
    metrics.OUTBOX_AGE.set(result.oldest_seconds)
    return result


_told: set[tuple[str, str]] = set()  # by this process, of listener and state


def _count_deliveries(session: ReadSession) -> int:
    """Set the gauge of deliveries by listener and state; returns how many are dead.

    What this process told once and is no longer there is told as 0: a gauge that is not set keeps its last figure.
    """
    found = session.exec(
        select(OutboxDelivery.handler, OutboxDelivery.state, sa.func.count()).group_by(
            col(OutboxDelivery.handler), col(OutboxDelivery.state)
        )
    ).all()
    counts = {(handler, state): count for handler, state, count in found}
    _told.update(counts)
    for handler, state in tuple(_told):
        metrics.OUTBOX_DELIVERIES.labels(handler, state).set(counts.get((handler, state), 0))
    return sum(count for (_handler, state), count in counts.items() if state == DEAD)
