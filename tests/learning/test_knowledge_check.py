"""The knowledge check: tries, feedback, the pause, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.learning import service as learning
from app.learning.check_errors import (
    AttemptAlreadyAnswered,
    AttemptNotFound,
    KnowledgeCheckPassed,
    KnowledgeCheckWaits,
    Unanswered,
    UnknownAnswer,
)
from app.learning.enrolments import activity_of
from app.learning.knowledge_check import pass_count
from app.learning.schemas import KnowledgeCheckState
from app.learning.shuffling import asked, drawn_questions
from app.programme.schemas import Activity, AwardRule, Option, Question
from tests.learning.factories import House, module, publish, question

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def state(house: House) -> KnowledgeCheckState:
    with house.database.read() as session:
        return learning.knowledge_check(session, **house.at, activity_key="check")


def test_eighty_per_cent_passes_and_less_does_not(house: House) -> None:
    failed = house.answer(wrong=2)
    passed = house.answer(wrong=1)
    assert (failed.correct, failed.total, failed.passed) == (3, 5, False)
    assert (passed.correct, passed.total, passed.passed) == (4, 5, True)
    assert state(house).passed


def test_feedback_says_for_each_question_whether_it_was_right_and_why(house: House) -> None:
    result = house.answer(wrong=1)
    wrong = [one for one in result.questions if not one.right]
    assert [one.chosen for one in wrong] == ["a"]
    assert wrong[0].feedback == f"Because {wrong[0].key[1:]}."
    assert {one.feedback for one in result.questions} == {f"Because {n}." for n in range(1, 6)}


def test_where_each_option_has_words_of_its_own_those_of_the_chosen_one_are_said_and_of_the_right_one(
    house: House,
) -> None:
    told = {key: f"Said to {key}." for key in "abcd"}
    options = tuple(Option(key, f"Answer {key}", correct=key == "b", feedback=told[key]) for key in "abcd")
    check = Activity("check", "knowledge_check", "Check", 30, "", (Question("q1", "Which?", options, ""),), 1, 2, 60)
    with house.database.write() as session:
        made = publish(session, module(key="M02", activities=(check,)))
        own = {"person_id": house.tess, "activity_key": "check"}
        own["enrolment_id"] = learning.enrol(session, person_id=house.tess, module=made, organisation_id=None).id
        answered = []
        for chosen in "ab":
            attempt = learning.start_attempt(session, **own)
            (one,) = learning.answer_attempt(
                session, attempt_id=attempt.id, person_id=house.tess, answers={"q1": chosen}
            ).questions
            answered.append((one.right, one.feedback, one.right_text, one.right_feedback))
    assert answered == [(False, "Said to a.", "Answer b", "Said to b."), (True, "Said to b.", None, None)]


def test_an_open_try_goes_on_instead_of_a_second_one(house: House) -> None:
    with house.database.write() as session:
        first = learning.start_attempt(session, **house.at, activity_key="check")
        second = learning.start_attempt(session, **house.at, activity_key="check")
    assert first == second
    assert state(house).open == first


def test_after_the_second_failed_try_an_hour_passes_and_the_time_is_told(house: House) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        house.answer(wrong=5)
        assert state(house).opens_at is None
        house.answer(wrong=5)
        assert state(house).opens_at == START + timedelta(hours=1)
        traveller.shift(timedelta(minutes=59))
        with pytest.raises(KnowledgeCheckWaits) as refused:
            house.answer()
        assert refused.value.opens_at == START + timedelta(hours=1)
        traveller.shift(timedelta(minutes=1))
        assert state(house).opens_at is None
        house.answer(wrong=5)
        assert state(house).opens_at == START + timedelta(hours=2)


def test_tries_have_no_limit(house: House) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        for _ in range(6):
            house.answer(wrong=5)
            traveller.shift(timedelta(hours=1))
        assert house.answer().number == 7
        assert state(house).failed == 6


def test_a_passed_check_is_not_tried_again(house: House) -> None:
    house.answer()
    with pytest.raises(KnowledgeCheckPassed):
        house.answer()


def test_a_question_without_an_answer_is_named_and_the_try_does_not_count(house: House) -> None:
    with house.database.write() as session:
        attempt = learning.start_attempt(session, **house.at, activity_key="check")
    with house.database.write() as session, pytest.raises(Unanswered) as refused:
        learning.answer_attempt(
            session, attempt_id=attempt.id, person_id=house.tess, answers={f"q{n}": "b" for n in (1, 2, 4)}
        )
    assert set(refused.value.question_keys) == {"q3", "q5"}
    assert state(house).tries == 0


@pytest.mark.parametrize("answers", [{"q9": "a"}, {"q1": "z"}])
def test_answers_of_another_page_are_refused(house: House, answers: dict[str, str]) -> None:
    with house.database.write() as session:
        attempt = learning.start_attempt(session, **house.at, activity_key="check")
        with pytest.raises(UnknownAnswer):
            learning.answer_attempt(session, attempt_id=attempt.id, person_id=house.tess, answers=answers)


def test_the_same_answers_sent_twice_give_the_same_result_and_others_are_refused(house: House) -> None:
    with house.database.write() as session:
        attempt = learning.start_attempt(session, **house.at, activity_key="check")
        answers = {one.key: "b" for one in attempt.questions}
        first = learning.answer_attempt(session, attempt_id=attempt.id, person_id=house.tess, answers=answers)
        second = learning.answer_attempt(session, attempt_id=attempt.id, person_id=house.tess, answers=answers)
        assert first == second
        with pytest.raises(AttemptAlreadyAnswered):
            learning.answer_attempt(
                session, attempt_id=attempt.id, person_id=house.tess, answers={**answers, "q1": "a"}
            )
    assert state(house).tries == 1


def test_somebody_elses_try_looks_like_none(house: House) -> None:
    with house.database.write() as session:
        attempt = learning.start_attempt(session, **house.at, activity_key="check")
        for person_id, attempt_id in ((house.ines, attempt.id), (house.tess, "none")):
            with pytest.raises(AttemptNotFound):
                learning.answer_attempt(session, attempt_id=attempt_id, person_id=person_id, answers={})


def test_the_next_try_asks_in_another_order(house: House) -> None:
    orders = set()
    with time_machine.travel(START, tick=False) as traveller:
        for _ in range(6):
            orders.add(tuple((one.key, one.options) for one in house.answer(wrong=5).questions))
            traveller.shift(timedelta(hours=1))
    assert len(orders) > 1


@pytest.mark.parametrize(("total", "needed"), [(5, 4), (8, 7), (10, 8), (12, 10), (1, 1)])
def test_the_pass_mark_is_exact(total: int, needed: int) -> None:
    assert pass_count(AwardRule(0.8, 3, supervisor_talk=True), total) == needed


@given(attempt_id=st.uuids().map(str), bank=st.integers(1, 12), draw=st.integers(0, 12))
def test_a_draw_is_the_same_each_time_and_loses_or_doubles_nothing(attempt_id: str, bank: int, draw: int) -> None:
    questions = tuple(question(number) for number in range(bank))
    activity = Activity("check", "knowledge_check", "Check", 30, "", questions, min(draw, bank))
    drawn = drawn_questions(activity, attempt_id)
    assert drawn == drawn_questions(activity, attempt_id)
    assert len(drawn) == len(set(drawn)) == (min(draw, bank) or bank)
    assert set(drawn) <= set(questions)
    for one in drawn:
        shown = asked(one, attempt_id)
        assert {option.key: option.text for option in shown.options} == {o.key: o.text for o in one.options}


@given(
    attempt_id=st.uuids().map(str),
    groups=st.lists(st.sampled_from([None, "gates", "money", "study", "team"]), min_size=1, max_size=24),
    draw=st.integers(0, 24),
    each=st.integers(1, 5),
)
def test_a_draw_by_groups_asks_enough_of_every_group_or_of_as_many_as_it_has_room_for(
    attempt_id: str, groups: list[str | None], draw: int, each: int
) -> None:
    questions = tuple(replace(question(number), group=group) for number, group in enumerate(groups))
    activity = Activity("check", "knowledge_check", "Check", 30, "", questions, min(draw, len(questions)))
    activity = replace(activity, draw_from_each_group=each)
    drawn = drawn_questions(activity, attempt_id)
    assert drawn == drawn_questions(activity, attempt_id)
    assert len(drawn) == len(set(drawn)) == (activity.draw or len(questions))
    assert set(drawn) <= set(questions)
    in_bank, in_draw = Counter(groups), Counter(one.group for one in drawn)
    named = in_bank.keys() - {None}
    served = [group for group in named if in_draw[group] >= min(each, in_bank[group])]
    assert len(served) >= min(len(named), len(drawn) // each)


@given(attempt_id=st.uuids().map(str), draw=st.integers(0, 24))
def test_groups_that_no_activity_asks_for_change_no_draw(attempt_id: str, draw: int) -> None:
    """An attempt is drawn anew for each look at it, so what was drawn before there were groups must stay as it was."""
    plain = Activity("check", "knowledge_check", "Check", 30, "", tuple(question(n) for n in range(24)), draw)
    grouped = replace(plain, questions=tuple(replace(one, group="gates") for one in plain.questions))
    keys = [one.key for one in drawn_questions(plain, attempt_id)]
    assert [one.key for one in drawn_questions(grouped, attempt_id)] == keys


def test_a_short_draw_serves_other_groups_in_another_attempt_and_fills_up_from_all_that_is_left() -> None:
    groups = ["gates", "money", "study", "team"] * 3
    questions = tuple(replace(question(number), group=group) for number, group in enumerate(groups))
    activity = Activity("check", "knowledge_check", "Check", 30, "", questions, 3)
    served, left_over = set(), set()
    for number in range(60):
        drawn = drawn_questions(replace(activity, draw_from_each_group=2), f"attempt {number}")
        counts = Counter(one.group for one in drawn)
        served.add(counts.most_common(1)[0][0])
        left_over.add(min(counts.values()))
    assert served == set(groups)
    assert left_over == {1, 3}, "the third question is now another group's, now one more of the same"


@given(attempt_ids=st.sets(st.uuids().map(str), min_size=40, max_size=60))
def test_no_place_gives_the_answer_away(attempt_ids: set[str]) -> None:
    places = {
        [option.key for option in asked(question(1), attempt_id).options].index("b") for attempt_id in attempt_ids
    }
    assert len(places) > 1


def test_the_order_of_a_known_attempt_never_changes() -> None:
    activity = activity_of(module(), "check", "knowledge_check")
    drawn = drawn_questions(activity, "00000000-0000-4000-8000-000000000001")
    assert [one.key for one in drawn] == ["q3", "q2", "q4", "q1", "q5"]
