"""Decisions: a named person's, under the rule, once."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.clock import now
from app.core.outbox import decode
from app.core.outbox_models import OutboxEvent
from app.learning import service as learning
from app.learning.decisions import _leave_submitted
from app.learning.errors import DecisionNotFound, NotReady
from app.learning.events import AwardDecided, WorkReturned
from app.learning.marking_errors import AlreadyDecided, CommentMissing, UnknownCriterion
from app.learning.models import DecisionRecord, KnowledgeCheckAttemptRecord, SubmissionRecord
from app.programme.schemas import AwardRule
from tests.learning.factories import House, module, new_person, publish


def missing(house: House, submission_id: str) -> list[tuple[str, str | None]]:
    with pytest.raises(NotReady) as refused:
        house.award(submission_id)
    return [(item.code, item.criterion_key) for item in refused.value.missing]


def test_an_award_names_who_decided_and_under_which_rubric(house: House) -> None:
    submission = house.ready_to_award()
    decision = house.award(submission.id)
    assert (decision.outcome, decision.decided_by, decision.rubric_version) == ("awarded", house.priya, 1)
    with house.database.read() as session:
        outcome = learning.decision_outcome(session, decision.id)
    assert (outcome.person_id, outcome.module_key, outcome.module_version) == (house.tess, "M01", 1)
    assert (outcome.outcome, outcome.decided_by_person_id) == ("awarded", house.priya)
    assert outcome.decided_at == decision.decided_at
    assert outcome.results == (("principles", 3), ("gates", 3))


def test_an_award_is_told_to_others_and_audited_in_the_same_transaction(house: House) -> None:
    submission = house.ready_to_award()
    decision = house.award(submission.id)
    with house.database.read() as session:
        event = session.exec(select(OutboxEvent).where(OutboxEvent.kind == AwardDecided.KIND)).one()
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.awarded")).one()
    assert decode(AwardDecided, event.payload) == AwardDecided(
        decision_id=decision.id,
        submission_id=submission.id,
        enrolment_id=house.enrolment.id,
        person_id=house.tess,
        module_key="M01",
        module_version=1,
    )
    assert (entry.actor_kind, entry.actor_id, entry.subject_id) == ("person", house.priya, submission.id)


def test_when_the_transaction_fails_neither_decision_nor_event_remains(house: House) -> None:
    submission = house.ready_to_award()

    def award_and_fail() -> None:
        with house.database.write() as session:
            learning.award(session, submission_id=submission.id, assessor_id=house.priya)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        award_and_fail()
    with house.database.read() as session:
        assert not session.exec(select(OutboxEvent).where(OutboxEvent.kind == AwardDecided.KIND)).all()
        assert not session.exec(select(DecisionRecord)).all()
    assert house.award(submission.id).outcome == "awarded"


def test_an_award_without_marks_and_talk_names_each(house: House) -> None:
    submission = house.handed_in()
    assert missing(house, submission.id) == [
        ("criterion_unmarked", "principles"),
        ("criterion_unmarked", "gates"),
        ("talk_missing", None),
    ]


def test_one_criterion_below_proficient_blocks_the_award(house: House) -> None:
    submission = house.ready_to_award()
    with house.database.write() as session:
        learning.mark(session, submission_id=submission.id, assessor_id=house.paul, criterion_key="gates", level=2)
    assert missing(house, submission.id) == [("criterion_below", "gates")]


def test_a_knowledge_check_that_is_not_passed_blocks_the_award(house: House) -> None:
    submission = house.ready_to_award()
    with house.database.write() as session:
        attempt = session.exec(select(KnowledgeCheckAttemptRecord)).one()
        attempt.passed = False
        session.add(attempt)
    assert missing(house, submission.id) == [("knowledge_check_open", None)]


def test_a_module_whose_rule_asks_for_no_talk_needs_none(house: House) -> None:
    with house.database.write() as session:
        other = replace(module(), key="M02", award_rule=AwardRule(0.8, 2, supervisor_talk=False))
        publish(session, other)
        nia = new_person(session, "Nia")
        enrolment = learning.enrol(session, person_id=nia, module=other, organisation_id=None)
    second = replace(house, enrolment=enrolment, tess=nia)
    submission = second.handed_in()
    second.mark_all(submission.id, level=2)
    assert second.award(submission.id).outcome == "awarded"


def test_returning_needs_a_comment(house: House) -> None:
    submission = house.handed_in()
    with pytest.raises(CommentMissing):
        house.give_back(submission.id, "  \n ")
    assert house.progress().state == "submitted"


def test_comments_on_criteria_keep_the_levels_already_marked(house: House) -> None:
    submission = house.handed_in()
    house.mark_all(submission.id, level=2)
    with house.database.write() as session:
        learning.return_work(
            session,
            submission_id=submission.id,
            assessor_id=house.priya,
            comment="Nearly",
            criterion_comments={"gates": "Rank them"},
        )
    returned = house.progress().returned
    assert returned is not None
    assert [(one.level, one.comment) for one in returned.criteria] == [(2, ""), (2, "Rank them")]


def test_a_comment_on_an_unknown_criterion_returns_nothing(house: House) -> None:
    submission = house.handed_in()
    with house.database.write() as session, pytest.raises(UnknownCriterion):
        learning.return_work(
            session,
            submission_id=submission.id,
            assessor_id=house.priya,
            comment="Nearly",
            criterion_comments={"looks": "?"},
        )
    assert house.progress().state == "submitted"


def test_a_return_is_told_to_others(house: House) -> None:
    submission = house.handed_in()
    decision = house.give_back(submission.id)
    with house.database.read() as session:
        event = session.exec(select(OutboxEvent).where(OutboxEvent.kind == WorkReturned.KIND)).one()
    assert decode(WorkReturned, event.payload) == WorkReturned(decision.id, submission.id, house.tess)


def test_work_may_come_back_as_often_as_it_takes_and_the_talk_still_counts(house: House) -> None:
    submission = house.handed_in()
    house.record_talk(submission.id)
    for _ in range(3):
        house.give_back(submission.id)
        submission = house.submit()
    assert submission.number == 4
    house.mark_all(submission.id)
    assert house.award(submission.id).outcome == "awarded"


def test_a_decision_is_final_for_what_was_handed_in(house: House) -> None:
    submission = house.ready_to_award()
    house.award(submission.id)
    with pytest.raises(AlreadyDecided):
        house.award(submission.id, by=house.paul)
    with pytest.raises(AlreadyDecided):
        house.give_back(submission.id)


def test_an_unknown_decision_is_not_found(house: House) -> None:
    with house.database.read() as session, pytest.raises(DecisionNotFound):
        learning.decision_outcome(session, "none")


def test_of_two_assessors_who_decide_at_once_exactly_one_does(house: House) -> None:
    submission = house.ready_to_award()
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def decide(index: int) -> None:
        barrier.wait()
        try:
            if index % 2:
                outcomes.append(house.award(submission.id, by=house.paul).outcome)
            else:
                outcomes.append(house.give_back(submission.id).outcome)
        except AlreadyDecided:
            outcomes.append("too late")

    assessors = [threading.Thread(target=decide, args=(index,)) for index in range(4)]
    for assessor in assessors:
        assessor.start()
    for assessor in assessors:
        assessor.join()
    assert outcomes.count("too late") == 3
    with house.database.read() as session:
        (decision,) = session.exec(select(DecisionRecord)).all()
        kinds = [event.kind for event in session.exec(select(OutboxEvent)).all()]
    assert decision.outcome in outcomes
    assert kinds.count(AwardDecided.KIND) + kinds.count(WorkReturned.KIND) == 1
    assert house.progress().state == decision.outcome


def test_the_atomic_step_alone_refuses_a_second_decision(house: House) -> None:
    """Without the row lock, e.g. were it lost in a change, the update's own condition still lets only one through."""
    submission = house.ready_to_award()
    with house.database.write() as session:
        row = session.get_one(SubmissionRecord, submission.id)
        _leave_submitted(session, row, "awarded", now())
        with pytest.raises(AlreadyDecided):
            _leave_submitted(session, row, "returned", now())
