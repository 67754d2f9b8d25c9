"""Handing in: complete or not, a snapshot that stays, one open round at a time."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.outbox_models import OutboxEvent
from app.learning import service as learning
from app.learning.errors import EnrolmentNotFound, NotReady, SubmissionNotFound, WorkLocked
from app.learning.models import SubmissionRecord
from tests.learning.factories import EXERCISE, REFLECTION, House


def refused(house: House, *, declared: bool = True) -> list[tuple[str, str | None, str | None]]:
    with pytest.raises(NotReady) as error:
        house.submit(declared=declared)
    assert all(item.detail in error.value.detail for item in error.value.missing)
    return [(item.code, item.activity_key, item.field_key) for item in error.value.missing]


def test_a_newcomer_is_told_everything_that_is_missing_in_order(house: House) -> None:
    assert refused(house, declared=False) == [
        ("lesson_unread", "lesson", None),
        ("knowledge_check_open", "check", None),
        ("field_empty", "exercise", "mentioned"),
        ("field_empty", "exercise", "met"),
        ("field_empty", "exercise", "test"),
        ("field_empty", "exercise", "item"),
        ("field_empty", "reflection", "text"),
        ("not_declared", None, None),
    ]


def test_nothing_is_handed_in_without_the_declaration(house: House) -> None:
    house.complete_everything()
    assert refused(house, declared=False) == [("not_declared", None, None)]
    assert house.progress().submission is None


def test_a_failed_check_is_named(house: House) -> None:
    house.complete_everything_but_the_check()
    house.answer(wrong=2)
    assert refused(house) == [("knowledge_check_open", "check", None)]


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("mentioned", "about twenty", "count_unclear"),
        ("item", "FI-99", "option_unknown"),
        ("test", " \n ", "field_empty"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(house: House, field: str, text: str, code: str) -> None:
    house.complete_everything()
    house.save("exercise", {field: text}, 1)
    assert refused(house) == [(code, "exercise", field)]


def test_what_is_handed_in_stays_as_it_was(house: House) -> None:
    first = house.handed_in()
    assert first.number == 1
    assert first.texts["reflection"] == {"text": REFLECTION}
    assert first.texts["exercise"] == {**EXERCISE, "remark": ""}
    assert (first.knowledge_check_correct, first.knowledge_check_total) == (5, 5)
    house.give_back(first.id)
    house.save("reflection", {"text": "Rewritten"}, 1)
    second = house.submit()
    with house.database.read() as session:
        rounds = learning.submissions_of(session, **house.at)
    assert [(one.number, one.state, one.texts["reflection"]["text"]) for one in rounds] == [
        (2, "submitted", "Rewritten"),
        (1, "returned", REFLECTION),
    ]
    assert second.id == rounds[0].id


def test_handing_in_twice_is_refused_while_the_first_waits_and_after_the_award(house: House) -> None:
    submission = house.ready_to_award()
    with pytest.raises(WorkLocked):
        house.submit()
    house.award(submission.id)
    with pytest.raises(WorkLocked):
        house.submit()


def test_nobody_hands_in_for_somebody_else(house: House) -> None:
    house.complete_everything()
    with house.database.write() as session, pytest.raises(EnrolmentNotFound):
        learning.submit(session, enrolment_id=house.enrolment.id, person_id=house.priya, declared=True)


def test_a_submission_is_shown_to_its_learner_only(house: House) -> None:
    submission = house.handed_in()
    with house.database.read() as session:
        assert learning.submission(session, submission_id=submission.id, person_id=house.tess) == submission
        with pytest.raises(SubmissionNotFound):
            learning.submission(session, submission_id=submission.id, person_id=house.priya)
        with pytest.raises(EnrolmentNotFound):
            learning.submissions_of(session, enrolment_id=house.enrolment.id, person_id=house.priya)


def test_handing_in_is_told_to_others_and_audited_by_ids_alone(house: House) -> None:
    submission = house.handed_in()
    with house.database.read() as session:
        event = session.exec(select(OutboxEvent).where(OutboxEvent.kind == "learning.work_submitted")).one()
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.submitted")).one()
        everything = str(session.exec(select(OutboxEvent.payload)).all()) + str(
            session.exec(select(AuditEntry.ids)).all()
        )
    assert event.payload == {"submission_id": submission.id, "person_id": house.tess}
    assert (entry.actor_id, entry.subject_id) == (house.tess, submission.id)
    assert "Tess" not in everything
    assert REFLECTION not in everything


def test_a_refused_submission_leaves_nothing_behind(house: House) -> None:
    refused(house)
    with house.database.read() as session:
        assert session.exec(select(sa.func.count()).select_from(SubmissionRecord)).one() == 0
        assert not session.exec(select(OutboxEvent)).all()


def test_a_form_sent_twice_at_once_hands_in_once(house: House) -> None:
    house.complete_everything()
    barrier = threading.Barrier(3)
    outcomes: list[str] = []

    def send() -> None:
        barrier.wait()
        try:
            house.submit()
            outcomes.append("handed in")
        except WorkLocked:
            outcomes.append("locked")

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(outcomes) == ["handed in", "locked", "locked"]
