"""Recognition of prior learning: no lessons, all the evidence, and a way back."""

from __future__ import annotations

import pytest

from app.learning import recognition
from app.learning import service as learning
from app.learning.errors import EnrolmentNotFound, WorkLocked
from tests.learning.factories import EXERCISE, REFLECTION, House


def choose(house: House, chosen: bool = True) -> None:
    with house.database.write() as session:
        recognition.choose(session, **house.at, chosen=chosen)


def codes(house: House) -> set[str]:
    return {item.code for item in house.progress().missing}


def test_lessons_are_not_asked_for_and_everything_else_is(house: House) -> None:
    before = codes(house)
    choose(house)
    assert before - codes(house) == {"lesson_unread"}
    assert codes(house) == {"knowledge_check_open", "field_empty"}
    progress = house.progress()
    assert progress.recognition
    assert progress.next_activity == "check"
    assert (progress.activities[0].state, progress.total) == ("left_out", 3)


def test_work_without_lessons_can_be_handed_in(house: House) -> None:
    choose(house)
    house.answer()
    house.save("exercise", EXERCISE, 0)
    house.save("reflection", {"text": REFLECTION}, 0)
    submission = house.submit()
    with house.database.read() as session:
        opened = learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.priya)
    assert opened.recognition


def test_the_choice_can_be_taken_back_and_lessons_read_meanwhile_count(house: House) -> None:
    choose(house)
    choose(house)
    with house.database.write() as session:
        learning.complete_lesson(session, **house.at, activity_key="lesson")
    assert house.progress().activities[0].state == "done"
    choose(house, chosen=False)
    choose(house, chosen=False)
    assert not house.progress().recognition
    assert "lesson_unread" not in codes(house)


def test_after_handing_in_the_choice_stays_until_the_work_comes_back(house: House) -> None:
    choose(house)
    work = house.handed_in()
    with pytest.raises(WorkLocked):
        choose(house, chosen=False)
    house.give_back(work.id)
    choose(house, chosen=False)
    assert not house.progress().recognition


def test_nobody_chooses_for_somebody_else(house: House) -> None:
    with pytest.raises(EnrolmentNotFound), house.database.write() as session:
        recognition.choose(session, enrolment_id=house.enrolment.id, person_id=house.ines, chosen=True)
