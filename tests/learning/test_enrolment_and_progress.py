"""Enrolment, lessons, progress and where a launch lands."""

from __future__ import annotations

import pytest

from app.core.db import Database
from app.learning import service as learning
from app.learning.errors import ActivityNotFound, EnrolmentNotFound
from tests.learning.factories import EXERCISE, REFLECTION, House, module, new_person, publish


def test_enrolling_twice_gives_the_same_enrolment(house: House) -> None:
    with house.database.write() as session:
        again = learning.enrol(session, person_id=house.tess, module=module(), organisation_id=None)
    assert again == house.enrolment


def test_a_newer_version_does_not_move_begun_work(house: House) -> None:
    with house.database.write() as session:
        newer = publish(session, module(version=2, title="Rewritten"))
        again = learning.enrol(session, person_id=house.tess, module=newer, organisation_id=None)
        newcomer = learning.enrol(session, person_id=new_person(session, "Nia"), module=newer, organisation_id=None)
        assert learning.module_of(session, again).title == "What Makes IPS, IPS"
        assert learning.module_of(session, newcomer).title == "Rewritten"


def test_somebody_elses_enrolment_looks_like_none(house: House) -> None:
    with house.database.read() as session, pytest.raises(EnrolmentNotFound):
        learning.own_enrolment(session, enrolment_id=house.enrolment.id, person_id=house.ines)


def test_a_newcomer_lands_on_the_lesson(house: House) -> None:
    progress = house.progress()
    assert (progress.state, progress.landing, progress.next_activity) == ("working", "activity", "lesson")
    assert [activity.state for activity in progress.activities] == ["not_started"] * 4
    assert (progress.done, progress.total) == (0, 4)


def test_reading_the_lesson_twice_moves_on_once(house: House) -> None:
    for _ in range(2):
        with house.database.write() as session:
            learning.complete_lesson(session, **house.at, activity_key="lesson")
    progress = house.progress()
    assert progress.next_activity == "check"
    assert progress.done == 1


@pytest.mark.parametrize("key", ["exercise", "check", "nothing"])
def test_only_a_lesson_can_be_read(house: House, key: str) -> None:
    with house.database.write() as session, pytest.raises(ActivityNotFound):
        learning.complete_lesson(session, **house.at, activity_key=key)


def test_progress_tells_how_far_each_activity_is(house: House) -> None:
    house.answer(wrong=3)
    house.save("exercise", {"mentioned": "20"}, 0)
    house.save("reflection", {"text": "Three short words"}, 0)
    lesson, check, exercise, reflection = house.progress().activities
    assert (lesson.state, lesson.detail) == ("not_started", None)
    assert (check.state, check.detail) == ("in_progress", "2 of 5 right")
    assert (exercise.state, exercise.detail) == ("in_progress", "1 of 5 filled in")
    assert (reflection.state, reflection.detail) == ("done", "3 words")


def test_when_all_is_done_only_handing_in_is_left(house: House) -> None:
    house.complete_everything()
    progress = house.progress()
    assert (progress.landing, progress.next_activity, progress.missing) == ("submit", None, ())


def test_a_launch_lands_where_the_work_stands(house: House) -> None:
    submission = house.handed_in()
    assert house.progress().landing == "wait"
    house.give_back(submission.id)
    assert house.progress().landing == "revise"
    second = house.submit()
    assert house.progress().landing == "wait"
    house.mark_all(second.id)
    house.record_talk(second.id)
    decision = house.award(second.id)
    progress = house.progress()
    assert (progress.state, progress.landing, progress.decision_id) == ("awarded", "done", decision.id)
    assert progress.awarded is not None
    assert progress.returned is None


def test_returned_work_shows_what_was_said_and_about_which_criterion(house: House) -> None:
    submission = house.handed_in()
    with house.database.write() as session:
        learning.return_work(
            session,
            submission_id=submission.id,
            assessor_id=house.priya,
            comment="Nearly.",
            criterion_comments={"gates": "Which gate?"},
        )
    returned = house.progress().returned
    assert returned is not None
    assert returned.comment == "Nearly."
    assert [(one.criterion_key, one.level, one.comment) for one in returned.criteria] == [
        ("gates", None, "Which gate?")
    ]


def test_progress_of_an_unknown_enrolment_is_refused(database: Database) -> None:
    with database.read() as session, pytest.raises(EnrolmentNotFound):
        learning.progress(session, "nobody")


def test_optional_fields_do_not_hold_anybody_up(house: House) -> None:
    house.save("exercise", {**EXERCISE, "remark": ""}, 0)
    house.save("reflection", {"text": REFLECTION}, 0)
    assert [activity.state for activity in house.progress().activities[2:]] == ["done", "done"]
