"""What was given up can be seen and sent again, once; what is long done goes; what waits for nobody is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event
from sqlmodel import select

from app.core import outbox, outbox_keeping
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.outbox import Delivery, Worker
from app.core.outbox_keeping import DeliveryNotDead, DeliveryStatus, DeliveryUnknown
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from tests.core.test_outbox import emit_one, give_up, later, later_please, listener, nothing


def given_up(database: Database, count: int = 1, name: str = "only") -> list[str]:
    """So many dead letters; their ids."""
    for number in range(count):
        emit_one(database, str(number))
    Worker(database, [listener(name, give_up)]).run_until_idle()
    return [letter.id for letter in letters(database, handler=name)]


def letters(database: Database, *, handler: str | None = None, limit: int = 100) -> tuple[DeliveryStatus, ...]:
    with database.read() as session:
        return outbox_keeping.dead_letters(session, handler=handler, limit=limit)


def states(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {row.id: row.state for row in session.exec(select(OutboxDelivery))}


def audited(database: Database) -> list[AuditEntry]:
    with database.read() as session:
        return list(session.exec(select(AuditEntry).where(AuditEntry.action == "outbox.resent")))


def at_once(*acts: Callable[[], None]) -> None:
    """Do all of it in the same moment, each in a thread of its own."""
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> None:
        ready.wait()
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_dead_letter_is_told_with_its_listener_its_tries_and_its_reason(database: Database) -> None:
    (wanted,) = given_up(database)
    (letter,) = letters(database)
    assert (letter.id, letter.handler, letter.kind) == (wanted, "only", "test.happened")
    assert (letter.state, letter.attempts, letter.last_error) == ("dead", 1, "the line item is gone")
    assert letter.finished_at is not None
    assert letter.created_at <= letter.finished_at <= now()


def test_oldest_letters_come_first_and_only_those_of_the_listener_and_so_many(database: Database) -> None:
    ids = given_up(database, 3) + given_up(database, 2, "another")
    assert [letter.id for letter in letters(database)] == ids
    assert [letter.id for letter in letters(database, handler="another")] == ids[3:]
    assert [letter.id for letter in letters(database, limit=2)] == ids[:2]
    with database.read() as session:
        assert outbox_keeping.count(session, state="dead") == 5
        assert outbox_keeping.count(session, state="dead", handler="only") == 3
        assert outbox_keeping.handlers(session) == {"only", "another"}


def test_of_those_done_the_latest_comes_first(database: Database) -> None:
    for thing in ("1", "2"):
        emit_one(database, thing)
    Worker(database, [listener("only", nothing)]).run_until_idle()
    with database.read() as session:
        first, second = outbox_keeping.deliveries(session, state="done")
    assert first.created_at > second.created_at


def test_events_that_no_worker_handed_out_are_counted(database: Database) -> None:
    emit_one(database)
    with database.read() as session:
        assert outbox_keeping.not_handed_out(session) == 1
    Worker(database, []).run_until_idle()
    with database.read() as session:
        assert outbox_keeping.not_handed_out(session) == 0


def test_a_letter_that_is_sent_again_is_made_once(database: Database) -> None:
    (wanted,) = given_up(database)
    heard: list[str] = []
    assert outbox_keeping.resend(database, [wanted, wanted], actor=OPERATOR) == (wanted,)
    Worker(database, [listener("only", lambda delivery: heard.append(delivery.id))]).run_until_idle()
    assert heard == [wanted]
    assert states(database) == {wanted: "done"}


def test_a_letter_that_is_sent_again_has_three_days_of_tries_before_it_whatever_its_age(database: Database) -> None:
    (wanted,) = given_up(database)
    worker = Worker(database, [listener("only", later_please)])
    began = now()
    with time_machine.travel(began + timedelta(days=10), tick=False):
        outbox_keeping.resend(database, [wanted], actor=OPERATOR)
    for hours in range(74):
        with time_machine.travel(began + timedelta(days=10, hours=hours), tick=False):
            worker.run_until_idle()
        assert states(database)[wanted] == ("waiting" if hours < 72 else "dead"), hours


def test_sending_again_is_audited_by_ids_alone(database: Database) -> None:
    first, second = given_up(database, 2)
    outbox_keeping.resend(database, [first], actor=OPERATOR)
    outbox_keeping.resend_all(database, actor=OPERATOR)
    entries = audited(database)
    assert [entry.subject_id for entry in entries] == [first, second]
    assert {(entry.actor_id, entry.subject) for entry in entries} == {("command-line", "outbox_delivery")}
    with database.read() as session:
        events = {row.id: row.event_id for row in session.exec(select(OutboxDelivery))}
    assert [entry.ids for entry in entries] == [{"event_id": events[first]}, {"event_id": events[second]}]


def test_all_of_the_named_ones_are_sent_again_or_none(database: Database) -> None:
    dead, waiting = given_up(database, 2)
    outbox_keeping.resend(database, [waiting], actor=OPERATOR)
    with pytest.raises(DeliveryNotDead, match="waits"):
        outbox_keeping.resend(database, [dead, waiting], actor=OPERATOR)
    with pytest.raises(DeliveryUnknown):
        outbox_keeping.resend(database, [dead, "nothing-of-that-id"], actor=OPERATOR)
    assert states(database) == {dead: "dead", waiting: "waiting"}
    assert [entry.subject_id for entry in audited(database)] == [waiting]


def test_what_is_done_is_not_sent_again(database: Database) -> None:
    emit_one(database)
    Worker(database, [listener("only", nothing)]).run_until_idle()
    (done,) = states(database)
    with pytest.raises(DeliveryNotDead, match="was made"):
        outbox_keeping.resend(database, [done], actor=OPERATOR)
    assert outbox_keeping.resend_all(database, actor=OPERATOR) == ()


def test_what_a_worker_has_in_hand_is_not_sent_again(database: Database) -> None:
    refused: list[str] = []

    def sent_again_meanwhile(delivery: Delivery) -> None:
        with pytest.raises(DeliveryNotDead):
            outbox_keeping.resend(database, [delivery.id], actor=OPERATOR)
        refused.append(delivery.id)

    emit_one(database)
    Worker(database, [listener("only", sent_again_meanwhile)]).run_until_idle()
    assert list(states(database).items()) == [(refused[0], "done")]


def test_two_operators_who_send_the_same_letter_again_do_it_once(database: Database) -> None:
    (wanted,) = given_up(database)
    answers: list[str] = []

    def send() -> None:
        try:
            outbox_keeping.resend(database, [wanted], actor=OPERATOR)
        except DeliveryNotDead:
            answers.append("no")
        else:
            answers.append("yes")

    at_once(send, send, send)
    assert sorted(answers) == ["no", "no", "yes"]
    assert len(audited(database)) == 1


def test_two_operators_who_send_everything_again_share_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_keeping, "BATCH", 3)
    ids = given_up(database, 10)
    sent: list[str] = []
    at_once(*[lambda: sent.extend(outbox_keeping.resend_all(database, actor=OPERATOR)) for _ in range(2)])
    assert sorted(sent) == sorted(ids)
    assert len(audited(database)) == len(ids)


def test_everything_to_one_listener_is_sent_again_and_nothing_else(database: Database) -> None:
    first = given_up(database, 2, "one")
    second = given_up(database, 2, "two")
    assert set(outbox_keeping.resend_all(database, actor=OPERATOR, handler="two")) == set(second)
    assert [letter.id for letter in letters(database)] == first


def test_a_letter_that_is_given_up_again_meanwhile_is_not_sent_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is quicker than the operator's command, and the cause is still there."""
    monkeypatch.setattr(outbox_keeping, "BATCH", 1)
    ids = given_up(database, 2)
    worker, at_work = Worker(database, [listener("only", give_up)]), threading.Lock()

    def give_up_again(_session: object) -> None:
        if len(audited(database)) < 10 and at_work.acquire(blocking=False):
            worker.run_until_idle()
            at_work.release()

    event.listen(WriteSession, "after_commit", give_up_again)
    try:
        sent = outbox_keeping.resend_all(database, actor=OPERATOR)
    finally:
        event.remove(WriteSession, "after_commit", give_up_again)
    assert sorted(sent) == sorted(ids)
    assert sorted(letter.id for letter in letters(database)) == sorted(ids)


def grow_old(database: Database, **span: float) -> None:
    """As if everything that is there now had happened so much earlier."""
    with database.write() as session:
        for happened in session.exec(select(OutboxEvent)).all():
            happened.created_at -= timedelta(**span)
            happened.dispatched_at = happened.dispatched_at and happened.dispatched_at - timedelta(**span)
        for row in session.exec(select(OutboxDelivery)).all():
            row.due_at -= timedelta(**span)
            row.finished_at = row.finished_at and row.finished_at - timedelta(**span)


def test_what_everybody_heard_of_a_month_ago_is_deleted_in_portions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_keeping, "BATCH", 2)
    for number in range(5):
        emit_one(database, str(number))
    worker = Worker(database, [listener("one", nothing), listener("two", nothing)])
    worker.run_until_idle()
    grow_old(database, days=31)
    emit_one(database, "young")
    worker.run_until_idle()
    assert outbox_keeping.clear_delivered(database) == 5
    assert outbox_keeping.clear_delivered(database) == 0
    with database.read() as session:
        assert session.exec(select(OutboxEvent)).one().payload == {"thing_id": "young"}
    assert list(states(database).values()) == ["done", "done"]


def test_one_round_of_deleting_has_an_end_so_that_deliveries_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_keeping, "BATCH", 1)
    monkeypatch.setattr(outbox_keeping, "MOST_BATCHES", 2)
    for number in range(3):
        emit_one(database, str(number))
    Worker(database, [listener("only", nothing)]).run_until_idle()
    grow_old(database, days=31)
    assert outbox_keeping.clear_delivered(database) == 2
    assert outbox_keeping.clear_delivered(database) == 1


@pytest.mark.parametrize("handle", [give_up, later_please], ids=["dead", "waiting"])
def test_an_event_that_somebody_has_not_heard_of_yet_is_kept_however_old(
    database: Database, handle: Callable[[Delivery], None]
) -> None:
    emit_one(database)
    Worker(database, [listener("done", nothing), listener("not done", handle)]).run_until_idle()
    grow_old(database, days=400)
    assert outbox_keeping.clear_delivered(database) == 0
    assert len(states(database)) == 2


def test_a_letter_that_was_made_yesterday_after_a_year_is_kept_a_month(database: Database) -> None:
    ids = given_up(database)
    grow_old(database, days=365)
    outbox_keeping.resend(database, ids, actor=OPERATOR)
    Worker(database, [listener("only", nothing)]).run_until_idle()
    assert outbox_keeping.clear_delivered(database) == 0
    with later(days=31):
        assert outbox_keeping.clear_delivered(database) == 1


def test_an_event_that_was_never_handed_out_is_kept(database: Database) -> None:
    emit_one(database)
    grow_old(database, days=400)
    assert outbox_keeping.clear_delivered(database) == 0


def test_what_waits_for_a_listener_that_nobody_knows_is_given_up_after_three_days(database: Database) -> None:
    emit_one(database)
    Worker(database, [listener("gone", later_please), listener("known", later_please)]).run_until_idle()
    assert outbox_keeping.bury_unheard(database, {"known"}) == 0
    with later(days=outbox.GIVE_UP_AFTER.days, hours=1):
        assert outbox_keeping.bury_unheard(database, {"known", "gone"}) == 0
        assert outbox_keeping.bury_unheard(database, {"known"}) == 1
        assert outbox_keeping.bury_unheard(database, {"known"}) == 0
    (letter,) = letters(database)
    assert (letter.handler, letter.last_error) == ("gone", outbox_keeping.NOBODY_LISTENS)


def test_what_another_version_has_in_hand_is_not_given_up(database: Database) -> None:
    buried: list[int] = []

    def look(_delivery: Delivery) -> None:
        buried.append(outbox_keeping.bury_unheard(database, {"known"}))

    emit_one(database)
    Worker(database, [listener("gone", later_please)]).run_until_idle()
    with later(days=4):
        Worker(database, [listener("gone", look)]).run_until_idle()
    assert buried == [0]
    assert list(states(database).values()) == ["done"]


def test_a_letter_that_is_discarded_is_neither_counted_nor_sent_again(database: Database) -> None:
    first, second = given_up(database, 2)
    assert outbox_keeping.discard(database, [first, first], actor=OPERATOR) == (first,)
    assert states(database) == {first: "discarded", second: "dead"}
    with database.read() as session:
        assert outbox.health(session).dead == 1
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.action == "outbox.discarded"))
    assert (entry.subject_id, entry.actor_id) == (first, "command-line")
    with pytest.raises(DeliveryNotDead, match="was discarded"):
        outbox_keeping.resend(database, [first], actor=OPERATOR)
    assert outbox_keeping.resend_all(database, actor=OPERATOR) == (second,)


def test_all_are_discarded_or_none(database: Database) -> None:
    (dead,) = given_up(database)
    emit_one(database)
    Worker(database, [listener("only", later_please)]).run_until_idle()
    (waits,) = (delivery for delivery, state in states(database).items() if state == "waiting")
    with pytest.raises(DeliveryNotDead, match="waits for its next try"):
        outbox_keeping.discard(database, [dead, waits], actor=OPERATOR)
    with pytest.raises(DeliveryUnknown):
        outbox_keeping.discard(database, [dead, "nonsense"], actor=OPERATOR)
    assert states(database) == {dead: "dead", waits: "waiting"}


def test_what_was_discarded_is_cleared_away_as_what_was_made(database: Database) -> None:
    (dead,) = given_up(database)
    outbox_keeping.discard(database, [dead], actor=OPERATOR)
    with time_machine.travel(now() + timedelta(days=29), tick=False):
        assert outbox_keeping.clear_delivered(database) == 0
    with time_machine.travel(now() + timedelta(days=31), tick=False):
        assert outbox_keeping.clear_delivered(database) == 1
    assert states(database) == {}
