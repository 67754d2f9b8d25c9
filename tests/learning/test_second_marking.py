"""Double marking: drawn unpredictably, given blind and once, compared, and never changing what was decided."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.errors import AppError
from app.core.outbox_models import OutboxEvent
from app.learning import agreement, second_marking
from app.learning import service as learning
from app.learning.errors import WorkPutAway
from app.learning.marking_errors import (
    AlreadyConcluded,
    SecondMarkGiven,
    SecondMarkIncomplete,
    SecondMarkNotFound,
    WaitsForSecondMark,
)
from app.learning.models import DecisionRecord, SecondMarkRecord
from app.people import service as people
from tests.learning.factories import CRITERIA, House, module, new_person, publish

LEVEL = st.none() | st.integers(1, 4)


def chosen(house: House) -> list[SecondMarkRecord]:
    with house.database.read() as session:
        rows = session.exec(select(SecondMarkRecord).order_by(SecondMarkRecord.chosen_at)).all()
        session.expunge_all()
    return list(rows)


def the_one(house: House) -> str:
    (row,) = chosen(house)
    return row.id


def give(house: House, second_mark_id: str, *, by: str | None = None, level: int = 3, outcome: str = "awarded") -> None:
    with house.database.write() as session:
        second_marking.give(
            session, second_mark_id=second_mark_id, assessor_id=by or house.paul, outcome=outcome,
            levels=dict.fromkeys(CRITERIA, level), reason="Both gates are named.",
        )  # fmt: skip


def returned_rounds(house: House) -> Iterator[str]:
    submission = house.handed_in()
    while True:
        house.give_back(submission.id)
        yield submission.id
        submission = house.submit()


def test_the_first_five_decisions_are_drawn_and_later_ones_only_by_lot(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lots = iter([10, 99, 9])
    monkeypatch.setattr(second_marking.secrets, "randbelow", lambda _most: next(lots))
    rounds = returned_rounds(house)
    decided = [next(rounds) for _ in range(8)]
    assert [row.submission_id for row in chosen(house)] == [*decided[:5], decided[7]]
    assert [row.why for row in chosen(house)] == ["first_five"] * 5 + ["sample"]
    assert {row.decided_by for row in chosen(house)} == {house.priya}


@given(earlier=st.integers(0, 10_000), lot=st.integers(0, 99))
def test_a_lot_below_ten_of_a_hundred_draws_and_no_other(earlier: int, lot: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(second_marking.secrets, "randbelow", lambda _most: lot)
        why = second_marking.drawn(earlier)
    assert why == ("first_five" if earlier < 5 else "sample" if lot < 10 else None)


def test_about_one_in_ten_is_drawn_of_many() -> None:
    """Of 5,000 the number lies between 380 and 620 but once in many millions of runs: five and a half deviations."""
    assert 380 < sum(second_marking.drawn(5) is not None for _ in range(5_000)) < 620


@given(pairs=st.lists(st.tuples(LEVEL, LEVEL), max_size=12), same=st.booleans())
def test_agreement_counts_only_what_both_gave_a_level_to(
    pairs: list[tuple[int | None, int | None]], same: bool
) -> None:
    first = {str(number): one for number, (one, _) in enumerate(pairs)}
    second = {str(number): other for number, (_, other) in enumerate(pairs)}
    found = agreement.compare(first, second, same_outcome=same)
    turned = agreement.compare(second, first, same_outcome=same)
    assert found == turned
    assert 0 <= found.exact <= found.within_one <= found.criteria <= len(pairs)
    assert found.criteria == sum(None not in pair for pair in pairs)
    far = any(one is not None and other is not None and abs(one - other) > 1 for one, other in pairs)
    assert found.disagrees is (far or not same)


def test_the_work_is_shown_without_a_trace_of_the_decision(house: House) -> None:
    submission = house.handed_in()
    house.mark_all(submission.id, level=2)
    house.give_back(submission.id, "Say which gate.")
    with house.database.read() as session:
        work = second_marking.open_blind(session, second_mark_id=the_one(house), assessor_id=house.paul)
        with pytest.raises(WaitsForSecondMark):
            learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.paul)
    assert work.submission.texts == submission.texts
    assert house.priya not in repr(work)
    assert "Say which gate." not in repr(work)


def test_nobody_gives_a_second_mark_to_their_own_decision_to_what_they_have_seen_or_to_somebody_near(
    house: House,
) -> None:
    with house.database.write() as session:
        nina, omar = (new_person(session, name, assessor=True) for name in ("Nina", "Omar"))
        people.set_line(session, person_id=house.tess, other_id=omar, relation="mentor", actor=OPERATOR)
    submission = house.handed_in()
    with house.database.write() as session:  # Nina begins, Priya decides
        learning.mark(session, submission_id=submission.id, assessor_id=nina, criterion_key="gates", level=2)
    house.give_back(submission.id)
    for assessor in (house.priya, nina, omar):
        with house.database.read() as session, pytest.raises(SecondMarkNotFound):
            second_marking.open_blind(session, second_mark_id=the_one(house), assessor_id=assessor)
        with house.database.read() as session:
            queue = second_marking.second_queue(session, assessor_id=assessor)
        assert (queue.items, queue.not_for_you) == ((), 1)
    with house.database.read() as session:
        assert len(second_marking.second_queue(session, assessor_id=house.paul).items) == 1


def test_who_marks_a_later_round_has_seen_the_earlier_decision(house: House) -> None:
    submission = house.handed_in()
    house.give_back(submission.id)
    again = house.submit()
    with house.database.write() as session:
        learning.mark(session, submission_id=again.id, assessor_id=house.paul, criterion_key="gates", level=2)
    with house.database.read() as session, pytest.raises(SecondMarkNotFound):
        second_marking.open_blind(session, second_mark_id=the_one(house), assessor_id=house.paul)


def test_a_later_round_keeps_back_a_decision_that_its_reader_may_still_judge_blind(house: House) -> None:
    house.give_back(house.handed_in().id, "Say which gate.")
    again = house.submit()

    def opened(by: str) -> learning.SubmissionForMarking:
        with house.database.read() as session:
            return learning.open_submission(session, submission_id=again.id, assessor_person_id=by)

    assert (opened(house.paul).earlier, opened(house.paul).kept_back) == ((), 1)
    assert [each.decision.comment for each in opened(house.priya).earlier] == ["Say which gate."]
    give(house, the_one(house))
    assert [each.decision.comment for each in opened(house.paul).earlier] == ["Say which gate."]


def test_whoever_was_shown_the_decision_gives_no_second_mark(house: House) -> None:
    submission = house.handed_in()
    house.give_back(submission.id)
    with house.database.write() as session:
        nina = new_person(session, "Nina", assessor=True)
    for _ in range(2):
        with house.database.write() as session:
            second_marking.note_seen(session, submission_id=submission.id, assessor_id=house.paul)
    with house.database.read() as session:
        with pytest.raises(SecondMarkNotFound):
            second_marking.open_blind(session, second_mark_id=the_one(house), assessor_id=house.paul)
        assert second_marking.open_blind(session, second_mark_id=the_one(house), assessor_id=nina)
        seen = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.decision_seen")).all()
    assert [(entry.actor_id, entry.subject_id) for entry in seen] == [(house.paul, submission.id)]


def test_marks_that_another_only_kept_stay_those_of_who_gave_them(house: House) -> None:
    """A page sends all marks again: whoever saves it must not blot out that the work was judged by somebody else."""
    submission = house.handed_in()
    with house.database.write() as session:
        for key in CRITERIA:
            learning.mark(session, submission_id=submission.id, assessor_id=house.paul, criterion_key=key, level=2)
    house.mark_all(submission.id, level=2)
    house.give_back(submission.id)
    with house.database.read() as session, pytest.raises(SecondMarkNotFound):
        second_marking.open_blind(session, second_mark_id=the_one(house), assessor_id=house.paul)


def test_a_second_mark_is_whole_and_does_not_contradict_itself(house: House) -> None:
    house.give_back(house.handed_in().id)
    wrong: list[tuple[dict[str, int | None], str, str, set[str]]] = [
        ({}, "", " ", {"level-principles", "level-gates", "outcome", "reason"}),
        ({"principles": 9, "gates": 0}, "awarded", "Why", {"level-principles", "level-gates"}),
        ({"principles": 3, "gates": 2}, "awarded", "Why", {"outcome"}),
        ({"principles": 3, "gates": 3}, "maybe", "Why", {"outcome"}),
    ]
    for levels, outcome, reason, named in wrong:
        with house.database.write() as session, pytest.raises(SecondMarkIncomplete) as refused:
            second_marking.give(
                session, second_mark_id=the_one(house), assessor_id=house.paul, outcome=outcome, levels=levels,
                reason=reason,
            )  # fmt: skip
        assert set(refused.value.fields) == named
    assert chosen(house)[0].marked_at is None


def test_another_outcome_is_flagged_for_both_and_changes_nothing(house: House) -> None:
    submission = house.handed_in()
    house.mark_all(submission.id, level=2)
    decision = house.give_back(submission.id)
    second = the_one(house)
    with house.database.read() as session:
        assert agreement.pairs_to_talk_over(session, house.priya) == ()
    give(house, second)
    with house.database.read() as session:
        (mine,) = agreement.pairs_to_talk_over(session, house.priya)
        (theirs,) = agreement.pairs_to_talk_over(session, house.paul)
        kept = session.exec(select(DecisionRecord)).one()
        kinds = [event.kind for event in session.exec(select(OutboxEvent)).all()]
        noted = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.second_marked")).one()
    assert (mine.mine, theirs.mine) == ("first", "second")
    assert (mine.comparison.same_outcome, mine.comparison.within_one) == (False, 2)
    assert (kept.outcome, kept.decided_at) == ("returned", decision.decided_at)
    assert house.progress().state == "returned"
    assert not [kind for kind in kinds if "award" in kind]
    assert (noted.actor_id, noted.ids["rubric_version"]) == (house.paul, 1)


def test_levels_one_apart_and_the_same_outcome_are_agreement(house: House) -> None:
    submission = house.ready_to_award()
    house.award(submission.id)
    give(house, the_one(house), level=4)
    with house.database.read() as session:
        assert agreement.pairs_to_talk_over(session, house.priya) == ()
        found = agreement.agreement_of(session, house.priya)
    assert (found.pairs, found.same_outcome, found.criteria, found.exact, found.within_one) == (1, 1, 2, 0, 2)
    assert not found.enough


def test_a_conclusion_is_written_once_and_only_by_the_two(house: House) -> None:
    house.give_back(house.handed_in().id)
    second = the_one(house)
    give(house, second)
    with house.database.write() as session:
        nina = new_person(session, "Nina", assessor=True)
        with pytest.raises(SecondMarkNotFound):
            agreement.conclude(session, second_mark_id=second, person_id=nina, conclusion="Hm.")
        agreement.conclude(session, second_mark_id=second, person_id=house.paul, conclusion="Name the gate.")
        with pytest.raises(AlreadyConcluded):
            agreement.conclude(session, second_mark_id=second, person_id=house.priya, conclusion="Or not.")
    with house.database.read() as session:
        (pair,) = agreement.pairs_to_talk_over(session, house.priya)
    assert pair.conclusion == "Name the gate."


def test_work_in_quarantine_leaves_the_queue_with_a_reason(house: House) -> None:
    submission = house.handed_in()
    house.give_back(submission.id)
    with house.database.write() as session:
        learning.quarantine(session, submission_id=submission.id, assessor_id=house.priya)
    with house.database.read() as session:
        queue = second_marking.second_queue(session, assessor_id=house.paul)
    assert (queue.items, queue.put_away) == ((), 1)
    with pytest.raises(WorkPutAway):
        give(house, the_one(house))


def test_of_two_who_give_it_at_once_exactly_one_does(house: House) -> None:
    with house.database.write() as session:
        nina = new_person(session, "Nina", assessor=True)
    house.give_back(house.handed_in().id)
    second = the_one(house)
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def hand_over(by: str) -> None:
        barrier.wait()
        try:
            give(house, second, by=by)
            outcomes.append("given")
        except AppError as error:
            outcomes.append(type(error).__name__)

    markers = [threading.Thread(target=hand_over, args=(by,)) for by in (house.paul, nina) * 2]
    for marker in markers:
        marker.start()
    for marker in markers:
        marker.join()
    assert sorted(outcomes) == [SecondMarkGiven.__name__] * 3 + ["given"]


def test_work_begun_under_version_one_is_judged_under_version_one_also_the_second_time(house: House) -> None:
    submission = house.handed_in()
    with house.database.write() as session:
        later = module(version=2)
        publish(session, replace(later, rubric=replace(later.rubric, criteria=later.rubric.criteria[:1])))
    house.mark_all(submission.id)
    house.record_talk(submission.id)
    decision = house.award(submission.id)
    give(house, the_one(house))
    with house.database.read() as session:
        levels = session.exec(select(SecondMarkRecord.levels)).one()
        outcome = learning.decision_outcome(session, decision.id)
    assert (decision.rubric_version, outcome.module_version) == (1, 1)
    assert set(levels) == set(CRITERIA)
