"""The assessor's side: who may, the queue, marks, the talk, and what the machine proposes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from app.core.audit import OPERATOR
from app.core.db import WriteSession
from app.learning import service as learning
from app.learning.errors import SubmissionNotFound
from app.learning.marking_errors import (
    AlreadyDecided,
    CommentTooLong,
    LevelOutOfRange,
    NotAnAssessor,
    OwnWork,
    SupervisorRoleUnusable,
    TalkInFuture,
    UnknownCriterion,
)
from app.learning.waiting import working_days
from app.people import service as people
from tests.learning.factories import CRITERIA, House, module, new_person, publish

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def every_assessor_action(submission_id: str, person_id: str) -> dict[str, Callable[[WriteSession], object]]:
    return {
        "open": lambda s: learning.open_submission(s, submission_id=submission_id, assessor_person_id=person_id),
        "mark": lambda s: learning.mark(
            s, submission_id=submission_id, assessor_id=person_id, criterion_key="gates", level=3
        ),
        "talk": lambda s: learning.record_supervisor_talk(
            s,
            submission_id=submission_id,
            recorded_by=person_id,
            held_on=date(2025, 1, 6),
            supervisor_role="manager",
        ),
        "return": lambda s: learning.return_work(s, submission_id=submission_id, assessor_id=person_id, comment="Why"),
        "award": lambda s: learning.award(s, submission_id=submission_id, assessor_id=person_id),
    }


ACTIONS = ["open", "mark", "talk", "return", "award"]


@pytest.mark.parametrize("action", ACTIONS)
def test_an_instructor_without_the_grant_may_do_nothing(house: House, action: str) -> None:
    submission = house.ready_to_award()
    with house.database.write() as session, pytest.raises(NotAnAssessor):
        every_assessor_action(submission.id, house.ines)[action](session)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_assessor_does_nothing_with_their_own_work(house: House, action: str) -> None:
    submission = house.ready_to_award()
    with house.database.write() as session:
        people.grant_role(session, person_id=house.tess, role="assessor", actor=OPERATOR)
    with house.database.write() as session, pytest.raises(OwnWork):
        every_assessor_action(submission.id, house.tess)[action](session)


@pytest.mark.parametrize("action", ACTIONS)
def test_work_that_does_not_exist_is_not_found(house: House, action: str) -> None:
    with house.database.write() as session, pytest.raises(SubmissionNotFound):
        every_assessor_action("none", house.priya)[action](session)


@pytest.mark.parametrize("action", ACTIONS[1:])
def test_decided_work_is_not_touched_again(house: House, action: str) -> None:
    submission = house.handed_in()
    house.give_back(submission.id)
    with house.database.write() as session, pytest.raises(AlreadyDecided):
        every_assessor_action(submission.id, house.priya)[action](session)


def test_a_grant_that_was_taken_away_no_longer_counts(house: House) -> None:
    submission = house.ready_to_award()
    with house.database.write() as session:
        people.revoke_role(session, person_id=house.priya, role="assessor", actor=OPERATOR)
    with pytest.raises(NotAnAssessor):
        house.award(submission.id)


def test_the_queue_is_for_assessors(house: House) -> None:
    with house.database.read() as session, pytest.raises(NotAnAssessor):
        learning.queue(session, assessor_person_id=house.ines)


def hand_in_as(house: House, person_id: str) -> str:
    with house.database.write() as session:
        enrolment = learning.enrol(session, person_id=person_id, module=module(), organisation_id=None)
    other = House(house.database, enrolment, person_id, house.priya, house.paul, house.ines)
    return other.handed_in().id


def test_the_queue_shows_the_oldest_first_and_leaves_out_ones_own(house: House) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        first = house.handed_in()
        traveller.shift(timedelta(days=1))
        with house.database.write() as session:
            nia = new_person(session, "Nia")
        second = hand_in_as(house, nia)
        traveller.shift(timedelta(days=1))
        hand_in_as(house, house.priya)
        with house.database.write() as session:
            learning.mark(session, submission_id=second, assessor_id=house.priya, criterion_key="gates", level=2)
            learning.mark(
                session, submission_id=second, assessor_id=house.priya, criterion_key="principles", level=None
            )
        with house.database.read() as session:
            items = learning.queue(session, assessor_person_id=house.priya)
    assert [(item.submission_id, item.learner_name, item.age.days) for item in items] == [
        (first.id, "Tess", 2),
        (second, "Nia", 1),
    ]
    assert [(item.marked, item.criteria) for item in items] == [(0, 2), (1, 2)]
    assert items[0].module_title == "What Makes IPS, IPS"


def test_work_is_overdue_after_ten_working_days(house: House) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        house.handed_in()
        for days, overdue in ((14, False), (15, True)):
            traveller.move_to(MONDAY + timedelta(days=days), tick=False)
            with house.database.read() as session:
                (item,) = learning.queue(session, assessor_person_id=house.priya)
            assert item.overdue is overdue


@pytest.mark.parametrize(("days", "counted"), [(0, 0), (4, 4), (5, 4), (7, 5), (8, 6), (14, 10)])
def test_working_days_leave_out_weekends(days: int, counted: int) -> None:
    assert working_days(MONDAY, MONDAY + timedelta(days=days)) == counted


def test_decided_work_leaves_the_queue(house: House) -> None:
    house.give_back(house.handed_in().id)
    with house.database.read() as session:
        assert learning.queue(session, assessor_person_id=house.priya) == ()


def test_a_mark_is_kept_as_one_goes_and_the_last_word_counts(house: House) -> None:
    submission = house.handed_in()
    for level, comment in ((None, "Looks thin"), (2, "Looks thin"), (3, "")):
        with house.database.write() as session:
            learning.mark(
                session,
                submission_id=submission.id,
                assessor_id=house.priya,
                criterion_key="gates",
                level=level,
                comment=comment,
            )
    with house.database.read() as session:
        work = learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.paul)
    assert (work.marks["gates"].level, work.marks["gates"].comment, work.marks["gates"].marked_by) == (
        3,
        "",
        house.priya,
    )


@pytest.mark.parametrize("level", [0, 5, -1])
def test_a_level_the_criterion_does_not_have_is_refused(house: House, level: int) -> None:
    submission = house.handed_in()
    with house.database.write() as session, pytest.raises(LevelOutOfRange):
        learning.mark(session, submission_id=submission.id, assessor_id=house.priya, criterion_key="gates", level=level)


def test_a_criterion_the_rubric_does_not_have_is_refused(house: House) -> None:
    submission = house.handed_in()
    with house.database.write() as session, pytest.raises(UnknownCriterion):
        learning.mark(session, submission_id=submission.id, assessor_id=house.priya, criterion_key="looks", level=3)


def test_a_comment_that_is_too_long_is_refused_and_the_mark_before_it_stays(house: House) -> None:
    submission = house.handed_in()
    house.mark_all(submission.id, level=4)
    with house.database.write() as session, pytest.raises(CommentTooLong):
        learning.mark(
            session,
            submission_id=submission.id,
            assessor_id=house.priya,
            criterion_key="gates",
            level=1,
            comment="x" * 5_001,
        )
    with house.database.read() as session:
        work = learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.priya)
    assert work.marks["gates"].level == 4


def test_a_talk_cannot_lie_in_the_future_wherever_it_was_held(house: House) -> None:
    submission = house.handed_in()
    with time_machine.travel(MONDAY.replace(hour=23), tick=False), house.database.write() as session:
        for held_on, fine in ((date(2026, 3, 2), True), (date(2026, 3, 3), True), (date(2026, 3, 4), False)):
            talk = {"submission_id": submission.id, "recorded_by": house.priya, "supervisor_role": "centre manager"}
            if fine:
                assert learning.record_supervisor_talk(session, **talk, held_on=held_on).held_on == held_on
            else:
                with pytest.raises(TalkInFuture):
                    learning.record_supervisor_talk(session, **talk, held_on=held_on)


@pytest.mark.parametrize("role", ["", "   ", "two\nlines", "x" * 101])
def test_a_talk_needs_the_supervisors_role(house: House, role: str) -> None:
    submission = house.handed_in()
    with house.database.write() as session, pytest.raises(SupervisorRoleUnusable):
        learning.record_supervisor_talk(
            session,
            submission_id=submission.id,
            recorded_by=house.priya,
            held_on=date(2025, 1, 6),
            supervisor_role=role,
        )


def test_the_machine_names_what_is_missing_and_then_proposes(house: House) -> None:
    submission = house.handed_in()
    with house.database.read() as session:
        before = learning.proposal(session, submission.id)
    assert [(item.code, item.criterion_key) for item in before.missing] == [
        ("criterion_unmarked", "principles"),
        ("criterion_unmarked", "gates"),
        ("talk_missing", None),
    ]
    house.mark_all(submission.id)
    house.record_talk(submission.id)
    with house.database.read() as session:
        after = learning.proposal(session, submission.id)
        still = learning.submission(session, submission_id=submission.id, person_id=house.tess)
    assert (after.ready, after.missing) == (True, ())
    assert still.state == "submitted"


def test_the_machine_says_nothing_about_unknown_work(house: House) -> None:
    with house.database.read() as session, pytest.raises(SubmissionNotFound):
        learning.proposal(session, "none")


def test_an_assessor_sees_earlier_rounds_with_their_marks_and_the_old_rubric(house: House) -> None:
    first = house.handed_in()
    house.mark_all(first.id, level=2)
    house.record_talk(first.id)
    house.give_back(first.id, "More numbers.")
    house.save("reflection", {"text": "Second round"}, 1)
    second = house.submit()
    with house.database.write() as session:
        publish(session, module(version=2))
    with house.database.read() as session:
        work = learning.open_submission(session, submission_id=second.id, assessor_person_id=house.priya)
    assert (work.module.version, work.rubric.version, work.learner_name) == (1, 1, "Tess")
    assert work.marks == {}
    assert work.talk is not None
    (earlier,) = work.earlier
    assert earlier.submission.texts["reflection"]["text"] != work.submission.texts["reflection"]["text"]
    assert earlier.decision.comment == "More numbers."
    assert {key: mark.level for key, mark in earlier.marks.items()} == dict.fromkeys(CRITERIA, 2)


def test_decided_work_can_still_be_read(house: House) -> None:
    submission = house.ready_to_award()
    decision = house.award(submission.id)
    with house.database.read() as session:
        work = learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.priya)
    assert work.decision == decision
    assert not work.proposal.ready
