"""Nothing emitted is lost, nothing is done twice by two workers, one failure hinders no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
import time_machine
from sqlmodel import select

from app.core import metrics, outbox, outbox_keeping
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Delivery, GiveUp, RetryLater, Subscription, Worker, decode, emit, emit_many
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.core.outbox_overdue import overdue_seconds


@dataclass(frozen=True)
class Happened:
    KIND: ClassVar[str] = "test.happened"
    thing_id: str


class Killed(BaseException):
    """Stands for kill -9: nothing below catches it."""


def die(_delivery: Delivery) -> None:
    raise Killed


def emit_one(database: Database, thing_id: str = "1") -> None:
    with database.write() as session:
        emit(session, Happened(thing_id))


def one_delivery(database: Database) -> OutboxDelivery:
    with database.read() as session:
        return session.exec(select(OutboxDelivery)).one()


@contextmanager
def later(**span: float) -> Iterator[None]:
    """So much later, for as long as it takes."""
    with time_machine.travel(now() + timedelta(**span), tick=False):
        yield


def listener(name: str, handle: Callable[[Delivery], None]) -> Subscription:
    return Subscription(Happened.KIND, name, handle)


def test_every_listener_hears_of_an_event_once(database: Database) -> None:
    heard: list[tuple[str, str]] = []

    def note(name: str) -> Callable[[Delivery], None]:
        return lambda delivery: heard.append((name, decode(Happened, delivery.payload).thing_id))

    worker = Worker(database, [listener("one", note("one")), listener("two", note("two"))])
    emit_one(database, "7")
    worker.run_until_idle()
    worker.run_until_idle()
    assert sorted(heard) == [("one", "7"), ("two", "7")]


def test_an_event_of_a_transaction_that_failed_did_not_happen(database: Database) -> None:
    def emit_and_fail() -> None:
        with database.write() as session:
            emit(session, Happened("1"))
            session.flush()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very error raised above
        emit_and_fail()
    with database.read() as session:
        assert session.exec(select(OutboxEvent)).all() == []


def test_one_listener_that_fails_hinders_no_other_and_is_tried_again(database: Database) -> None:
    heard, tries = [], []

    def fail_twice(delivery: Delivery) -> None:
        tries.append(delivery.attempt)
        if len(tries) < 3:
            raise ConnectionError("secret@example.org")

    worker = Worker(database, [listener("weak", fail_twice), listener("strong", lambda d: heard.append(d.id))])
    emit_one(database)
    worker.run_until_idle()
    assert len(heard) == 1
    for minutes in (10, 20):
        with time_machine.travel(now() + timedelta(minutes=minutes), tick=False):
            worker.run_until_idle()
    assert tries == [1, 2, 3]
    with database.read() as session:
        assert {row.state for row in session.exec(select(OutboxDelivery))} == {"done"}


def test_the_text_of_an_unexpected_error_is_not_kept(database: Database) -> None:
    def fail(_delivery: Delivery) -> None:
        raise ConnectionError("tess@example.org could not be reached")

    emit_one(database)
    Worker(database, [listener("weak", fail)]).run_until_idle()
    with database.read() as session:
        assert session.exec(select(OutboxDelivery)).one().last_error == "ConnectionError"


def test_a_delivery_that_was_being_made_when_the_worker_died_is_made_by_another(database: Database) -> None:
    heard: list[str] = []
    emit_one(database)
    with pytest.raises(Killed):
        Worker(database, [listener("only", die)]).run_until_idle()
    survivor = Worker(database, [listener("only", lambda d: heard.append(d.id))])
    survivor.run_until_idle()
    assert heard == [], "while the lease lasts nobody else may take it"
    with time_machine.travel(now() + outbox.LEASE + timedelta(seconds=1), tick=False):
        survivor.run_until_idle()
    assert len(heard) == 1


def test_two_workers_share_the_work_and_double_nothing(database: Database) -> None:
    for number in range(30):
        emit_one(database, str(number))
    heard: list[str] = []
    workers = [
        Worker(database, [listener("only", lambda d: heard.append(decode(Happened, d.payload).thing_id))])
        for _ in range(3)
    ]
    threads = [threading.Thread(target=worker.run_until_idle) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard, key=int) == [str(number) for number in range(30)]


def test_a_listener_that_gives_up_is_kept_as_a_dead_letter(database: Database) -> None:
    def give_up(_delivery: Delivery) -> None:
        raise GiveUp("the line item is gone")

    emit_one(database)
    Worker(database, [listener("only", give_up)]).run_until_idle()
    with database.read() as session:
        row = session.exec(select(OutboxDelivery)).one()
        assert (row.state, row.last_error) == ("dead", "the line item is gone")
        assert outbox.health(session).dead == 1


def test_an_outage_of_two_days_loses_nothing_and_trying_ends_after_three(database: Database) -> None:
    tries: list[int] = []

    def later(delivery: Delivery) -> None:
        tries.append(delivery.attempt)
        raise RetryLater("not now")

    emit_one(database)
    worker = Worker(database, [listener("only", later)])
    began = now()
    for hours in range(74):
        with time_machine.travel(began + timedelta(hours=hours), tick=False):
            worker.run_until_idle()
            with database.read() as session:
                row = session.exec(select(OutboxDelivery)).one()
        assert row.state == ("waiting" if hours < 72 else "dead"), hours
    assert len(tries) > 70, "at least one try an hour"


def test_the_age_of_the_oldest_waiting_event_is_told(database: Database) -> None:
    emit_one(database)
    with time_machine.travel(now() + timedelta(hours=1), tick=False), database.read() as session:
        state = outbox.health(session)
    assert state.waiting == 1
    assert 3500 < state.oldest_seconds < 3700


def nothing(_delivery: Delivery) -> None:
    """A listener that has nothing to complain of."""


def give_up(_delivery: Delivery) -> None:
    raise GiveUp("the line item is gone")


def later_please(_delivery: Delivery) -> None:
    raise RetryLater("the LMS does not answer")


@pytest.mark.parametrize("slow", [nothing, give_up, later_please], ids=["done", "given up", "later"])
@pytest.mark.parametrize(("quick", "state"), [(nothing, "done"), (give_up, "dead"), (later_please, "waiting")])
def test_who_was_slower_than_its_lease_does_not_overwrite_what_another_found(
    database: Database, slow: Callable[[Delivery], None], quick: Callable[[Delivery], None], state: str
) -> None:
    found: list[OutboxDelivery] = []

    def take_longer_than_the_lease(delivery: Delivery) -> None:
        with later(seconds=outbox.LEASE.total_seconds() + 1):
            assert Worker(database, [listener("only", quick)]).run_once()
        found.append(one_delivery(database))
        slow(delivery)

    emit_one(database)
    assert Worker(database, [listener("only", take_longer_than_the_lease)]).run_once()
    assert found[0].state == state
    assert one_delivery(database) == found[0]


def test_who_was_slower_than_its_lease_leaves_alone_what_an_operator_sent_again(database: Database) -> None:
    def take_longer_than_the_lease(delivery: Delivery) -> None:
        with later(seconds=outbox.LEASE.total_seconds() + 1):
            Worker(database, [listener("only", give_up)]).run_once()
            outbox_keeping.resend(database, [delivery.id], actor=OPERATOR)

    emit_one(database)
    Worker(database, [listener("only", take_longer_than_the_lease)]).run_once()
    assert one_delivery(database).state == "waiting"


def test_who_was_slow_while_nobody_else_came_is_believed(database: Database) -> None:
    def take_long(_delivery: Delivery) -> None:
        clock.move_to(now() + outbox.LEASE * 2)

    emit_one(database)
    with time_machine.travel(now(), tick=False) as clock:
        Worker(database, [listener("only", take_long)]).run_once()
    assert one_delivery(database).state == "done"


def test_a_delivery_that_ends_every_worker_is_tried_ever_less_often_and_given_up_in_the_end(database: Database) -> None:
    ended = 0
    emit_one(database)
    worker, began = Worker(database, [listener("only", die)]), now()
    for minutes in range(0, 75 * 60, 5):
        with later(minutes=minutes):
            try:
                worker.run_until_idle()
            except Killed:
                ended += 1
        if one_delivery(database).state == "dead":
            break
    row = one_delivery(database)
    assert (row.state, row.last_error) == ("dead", outbox.VANISHED)
    assert row.finished_at is not None
    assert row.finished_at - began >= outbox.GIVE_UP_AFTER
    assert 72 < ended < 200, "at least one try an hour, and not one every two minutes"


def test_an_outage_of_a_week_that_began_with_a_delivery_in_hand_does_not_end_it(database: Database) -> None:
    emit_one(database)
    with pytest.raises(Killed):
        Worker(database, [listener("only", die)]).run_once()
    with later(days=7):
        Worker(database, [listener("only", nothing)]).run_once()
    assert one_delivery(database).state == "done"


def test_a_delivery_that_ends_every_worker_lets_others_go_first(database: Database) -> None:
    heard: list[str] = []

    def poisonous(delivery: Delivery) -> None:
        thing = decode(Happened, delivery.payload).thing_id
        if thing == "poison":
            raise Killed
        heard.append(thing)

    worker = Worker(database, [listener("only", poisonous)])
    emit_one(database, "poison")
    emit_one(database, "other")
    for minutes in (0, 5, 10):
        with later(minutes=minutes), pytest.raises(Killed):
            worker.run_until_idle()
    assert heard == ["other"]


def test_a_wish_to_be_asked_again_at_once_does_not_keep_the_worker_from_others(database: Database) -> None:
    tries: list[str] = []

    def at_once(delivery: Delivery) -> None:
        tries.append(delivery.id)
        raise RetryLater("not now", 0)

    emit_one(database, "1")
    emit_one(database, "2")
    with later():
        Worker(database, [listener("only", at_once)]).run_until_idle(limit=50)
    assert len(tries) == len(set(tries)) == 2


def test_a_wish_to_be_asked_in_a_year_ends_with_a_last_try_after_three_days(database: Database) -> None:
    def in_a_year(_delivery: Delivery) -> None:
        raise RetryLater("busy", 365 * 86_400)

    emit_one(database)
    worker = Worker(database, [listener("only", in_a_year)])
    worker.run_until_idle()
    with later(days=2.9):
        worker.run_until_idle()
    assert (one_delivery(database).state, one_delivery(database).attempt) == ("waiting", 1)
    with later(days=3.1):
        worker.run_until_idle()
    assert (one_delivery(database).state, one_delivery(database).attempt) == ("dead", 2)


def test_a_wish_is_never_shortened(database: Database) -> None:
    def in_an_hour(_delivery: Delivery) -> None:
        raise RetryLater("busy", 3600)

    emit_one(database)
    Worker(database, [listener("only", in_an_hour)]).run_until_idle()
    assert one_delivery(database).due_at >= now() + timedelta(seconds=3590)


def test_an_event_that_nobody_listens_to_is_put_aside_and_hinders_none(database: Database) -> None:
    emit_one(database)
    Worker(database, [Subscription("test.other", "only", give_up)]).run_until_idle()
    with database.read() as session:
        assert session.exec(select(OutboxEvent)).one().dispatched_at is not None
        assert session.exec(select(OutboxDelivery)).all() == []
        assert outbox.health(session).waiting == 0


def test_a_listener_of_another_version_is_left_to_a_worker_that_knows_it(database: Database) -> None:
    heard: list[str] = []
    emit_one(database)
    newer = Worker(database, [listener("old", lambda _: heard.append("old")), listener("new", later_please)])
    newer.run_until_idle()
    older = Worker(database, [listener("old", lambda _: heard.append("old"))])
    with later(minutes=10):
        emit_one(database)
        older.run_until_idle()
        assert heard == ["old", "old"]
        Worker(database, [listener("new", lambda _: heard.append("new"))]).run_until_idle()
    assert heard == ["old", "old", "new"]


def test_a_listener_is_told_whether_a_try_came_to_an_end_before(database: Database) -> None:
    told: list[tuple[int, bool]] = []

    def note(delivery: Delivery) -> None:
        told.append((delivery.attempt, delivery.untried))
        if delivery.attempt == 1:
            raise Killed
        raise GiveUp("no") if delivery.attempt == 3 else RetryLater("not yet")

    emit_one(database)
    worker = Worker(database, [listener("only", note)])
    for minutes in (0, 10, 20):
        with later(minutes=minutes):
            try:
                worker.run_until_idle()
            except Killed:
                continue
    outbox_keeping.resend(database, [one_delivery(database).id], actor=OPERATOR)
    with pytest.raises(Killed):
        worker.run_until_idle()
    assert told == [(1, True), (2, True), (3, False), (1, True)]


def gauge(handler: str, state: str) -> float:
    return float(metrics.OUTBOX_DELIVERIES.labels(handler, state)._value.get())


def test_the_gauges_forget_what_is_no_longer_so(database: Database) -> None:
    emit_one(database)
    Worker(database, [listener("gauged", give_up)]).run_until_idle()
    with database.read() as session:
        outbox.health(session)
    assert gauge("gauged", "dead") == 1
    outbox_keeping.resend_all(database, actor=OPERATOR)
    Worker(database, [listener("gauged", nothing)]).run_until_idle()
    with database.read() as session:
        assert outbox.health(session).dead == 0
    assert (gauge("gauged", "dead"), gauge("gauged", "done")) == (0, 1)


def test_what_was_sent_again_has_waited_since_then(database: Database) -> None:
    emit_one(database)
    Worker(database, [listener("only", give_up)]).run_until_idle()
    with later(days=9):
        outbox_keeping.resend_all(database, actor=OPERATOR)
    with later(days=9, minutes=1), database.read() as session:
        assert 50 < outbox.health(session).oldest_seconds < 70


def test_what_can_wait_comes_after_everything_else_however_many_there_are(database: Database) -> None:
    heard: list[str] = []
    worker = Worker(database, [listener("one", lambda delivery: heard.append(delivery.payload["thing_id"]))])
    with database.write() as session:
        emit_many(session, [Happened(f"many-{number}") for number in range(150)], background=True)
    worker.run_once()  # some of them are handed out before
    emit_one(database, "at once")
    worker.run_until_idle()
    assert heard.index("at once") == 1
    assert len(heard) == 151


def test_while_others_are_served_what_can_wait_is_left(database: Database) -> None:
    heard: list[str] = []
    worker = Worker(database, [listener("one", lambda delivery: heard.append(delivery.payload["thing_id"]))])
    with database.write() as session:
        emit_many(session, [Happened("many")], background=True)
    emit_one(database, "at once")
    while worker.run_once(background=False):
        pass
    assert heard == ["at once"]
    assert worker.run_once()
    assert heard == ["at once", "many"]


def test_what_can_wait_is_overdue_only_when_it_has_waited_long(database: Database) -> None:
    with database.write() as session:
        emit_many(session, [Happened("many")], background=True)
    for minutes, is_overdue in ((30, False), (70, True)):
        with later(minutes=minutes), database.read() as session:
            assert (overdue_seconds(session) > 0) is is_overdue
