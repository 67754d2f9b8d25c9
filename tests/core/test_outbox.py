"""Nothing emitted is lost, nothing is done twice by two workers, one failure hinders no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
import time_machine
from sqlmodel import select

from app.core import outbox
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import (
    Delivery,
    GiveUp,
    OutboxDelivery,
    OutboxEvent,
    RetryLater,
    Subscription,
    Worker,
    decode,
    emit,
)


@dataclass(frozen=True)
class Happened:
    KIND: ClassVar[str] = "test.happened"
    thing_id: str


def emit_one(database: Database, thing_id: str = "1") -> None:
    with database.write() as session:
        emit(session, Happened(thing_id))


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
    class Killed(BaseException):
        """Stands for kill -9: nothing below catches it."""

    def die(_delivery: Delivery) -> None:
        raise Killed

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
