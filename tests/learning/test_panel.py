"""A panel of two: judged apart, seen by both only when both are given, and decided only where both agree."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import Database
from app.core.errors import AppError
from app.core.outbox_models import OutboxEvent
from app.learning import appeals, panel_marks
from app.learning import service as learning
from app.learning.errors import NotReady
from app.learning.marking_errors import (
    AlreadyDecided,
    CommentMissing,
    NotIndependent,
    PanelDecides,
    PanelMarkGiven,
    PanelMarkNotGiven,
)
from app.learning.models import DecisionRecord, PanelMarkRecord, SecondMarkRecord
from app.learning.panel import PanelStep
from app.learning.person_merge import LearningMerge
from app.learning.personal_data import LearningPersonalData
from app.learning.schemas import Outcome
from app.people import service as people
from app.programme.schemas import AwardRule
from tests.learning.factories import CRITERIA, House, furnish, module, new_person, publish

PANEL = AwardRule(0.8, 3, supervisor_talk=False, panel=2)
WORDS = "She names both gates and shows the counts."


@pytest.fixture
def house(database: Database) -> House:
    """Tess works on a module whose award takes two assessors."""
    with database.write() as session:
        publish(session, module(award_rule=PANEL))
    return furnish(database)


def another(house: House, name: str = "Nina") -> str:
    with house.database.write() as session:
        return new_person(session, name, assessor=True)


def give(
    house: House,
    submission_id: str,
    by: str,
    outcome: Outcome = "awarded",
    levels: Mapping[str, int] | int = 3,
    comment: str = WORDS,
) -> PanelStep:
    """Mark every criterion and give the mark, as the page does: the marks first, in a transaction of their own."""
    each = dict.fromkeys(CRITERIA, levels) if isinstance(levels, int) else levels
    for key, level in each.items():
        with house.database.write() as session:
            learning.mark(session, submission_id=submission_id, assessor_id=by, criterion_key=key, level=level)
    with house.database.write() as session:
        return learning.give_panel_mark(
            session, submission_id=submission_id, assessor_id=by, outcome=outcome, comment=comment
        )


def queued(house: House, assessor_id: str) -> list[tuple[str | None, bool]]:
    """How the panel of each line of the queue stands, and whether the assessor may do something about it."""
    with house.database.read() as session:
        page = learning.waiting_page(session, assessor_person_id=assessor_id)
    return [(line.panel, not line.bars) for line in page.items]


def opened(house: House, submission_id: str, by: str) -> learning.SubmissionForMarking:
    with house.database.read() as session:
        return learning.open_submission(session, submission_id=submission_id, assessor_person_id=by)


def audited(house: House, action: str) -> list[AuditEntry]:
    with house.database.read() as session:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()
        session.expunge_all()
    return list(rows)


def test_the_first_mark_decides_nothing_and_the_second_sees_none_of_it(house: House) -> None:
    submission = house.handed_in()
    assert give(house, submission.id, house.priya, levels=4).state == "waiting"
    work = opened(house, submission.id, house.paul)
    assert work.panel is not None
    assert (work.panel.state, work.panel.mine, work.panel.others) == ("second", None, ())
    assert work.marks == {}
    assert house.priya not in repr(work)
    assert WORDS not in repr(work)
    assert house.progress().state == "submitted"


def test_what_one_member_is_writing_is_not_shown_to_the_other(house: House) -> None:
    submission = house.handed_in()
    with house.database.write() as session:
        learning.mark(
            session, submission_id=submission.id, assessor_id=house.priya, criterion_key="gates", level=2,
            comment="Which gate?",
        )  # fmt: skip
    assert opened(house, submission.id, house.paul).marks == {}
    assert opened(house, submission.id, house.priya).marks["gates"].comment == "Which gate?"


def test_work_with_one_mark_leaves_the_first_ones_queue_and_stays_in_the_others(house: House) -> None:
    submission = house.handed_in()
    assert queued(house, house.priya) == [("open", True)]
    give(house, submission.id, house.priya)
    assert queued(house, house.priya) == []
    assert queued(house, house.paul) == [("second", True)]
    with house.database.read() as session:
        assert learning.next_waiting(session, assessor_person_id=house.priya) is None
        assert learning.next_waiting(session, assessor_person_id=house.paul) == submission.id


def test_two_awards_award_once_with_the_lower_level_of_each_criterion_and_name_both(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya, levels={"principles": 4, "gates": 3})
    step = give(house, submission.id, house.paul, levels={"principles": 3, "gates": 4}, comment="I agree.")
    assert step.state == "decided"
    assert step.decision is not None
    with house.database.read() as session:
        outcome = learning.decision_outcome(session, step.decision.id)
        events = session.exec(select(OutboxEvent.kind).where(OutboxEvent.kind == "learning.award_decided")).all()
        assert session.exec(select(SecondMarkRecord.id)).all() == []
    assert dict(outcome.results) == {"principles": 3, "gates": 3}
    assert len(events) == 1
    (entry,) = audited(house, "learning.awarded")
    assert {entry.actor_id, entry.ids["panel_with"]} == {house.priya, house.paul}
    assert step.decision.comment == f"Assessor 1: {WORDS}\n\nAssessor 2: I agree."


def test_two_returns_return_with_both_texts(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya, "returned", {"gates": 2}, "Name the gate.")
    give(house, submission.id, house.paul, "returned", {"gates": 1}, "Give the counts.")
    feedback = house.progress().returned
    assert feedback is not None
    assert feedback.comment == "Assessor 1: Name the gate.\n\nAssessor 2: Give the counts."
    assert [(one.criterion_key, one.level) for one in feedback.criteria] == [("gates", 1)]


def test_where_they_differ_both_see_both_and_nothing_is_decided_until_one_changes_their_own(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya, levels=4)
    assert give(house, submission.id, house.paul, "returned", 2, "The test has no end.").state == "differ"
    for member, other in ((house.priya, house.paul), (house.paul, house.priya)):
        seen = opened(house, submission.id, member).panel
        assert seen is not None
        assert seen.state == "differ"
        assert [mark.person_id for mark in seen.marks] == [member, other]
        assert queued(house, member) == [("differ", True)]
    assert house.progress().returned is None
    step = give(house, submission.id, house.paul, "awarded", 3, "Talked over: the end is in the last line.")
    assert step.decision is not None
    assert step.decision.outcome == "awarded"
    assert [entry.actor_id for entry in audited(house, "learning.panel_mark_changed")] == [house.paul]


def test_levels_saved_while_the_two_differ_change_nothing_that_was_given(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya, levels=4)
    give(house, submission.id, house.paul, "returned", 2)
    with house.database.write() as session:
        learning.mark(session, submission_id=submission.id, assessor_id=house.priya, criterion_key="gates", level=1)
    seen = opened(house, submission.id, house.paul).panel
    assert seen is not None
    assert seen.others[0].levels["gates"] == 4
    step = give(house, submission.id, house.paul, levels=3)
    assert step.decision is not None
    with house.database.read() as session:
        assert dict(learning.decision_outcome(session, step.decision.id).results)["gates"] == 3


def test_nobody_decides_alone_changes_a_mark_that_waits_or_joins_as_a_third(house: House) -> None:
    nina = another(house)
    submission = house.handed_in()
    with pytest.raises(PanelDecides):
        house.award(submission.id)
    with pytest.raises(PanelDecides):
        house.give_back(submission.id)
    give(house, submission.id, house.priya)
    with pytest.raises(PanelMarkGiven):
        give(house, submission.id, house.priya, "returned")
    give(house, submission.id, house.paul, "returned")
    with pytest.raises(NotIndependent, match="form the panel") as refused:
        give(house, submission.id, nina)
    assert refused.value.reasons == ("Two other assessors form the panel that decides it.",)
    assert queued(house, nina) == [("second", False)]
    with house.database.read() as session:
        assert panel_marks.who_may(session, submission.id) == ("Paul", "Priya")


def test_an_award_needs_the_whole_rule_and_each_mark_its_reasons(house: House) -> None:
    submission = house.handed_in()
    with pytest.raises(NotReady) as refused:
        give(house, submission.id, house.priya, levels={"principles": 2})
    assert [item.code for item in refused.value.missing] == ["criterion_below", "criterion_unmarked"]
    with pytest.raises(CommentMissing):
        give(house, submission.id, house.priya, comment=" ")
    assert queued(house, house.priya) == [("open", True)]


@pytest.mark.parametrize("how", ["line_manager", "no_assessor"])
def test_a_member_who_may_no_longer_decide_takes_no_part_and_somebody_else_does(house: House, how: str) -> None:
    nina = another(house)
    submission = house.handed_in()
    give(house, submission.id, house.priya)
    with house.database.write() as session:
        if how == "no_assessor":
            people.revoke_role(session, person_id=house.priya, role="assessor", actor=OPERATOR)
        else:
            people.set_line(
                session, person_id=house.tess, other_id=house.priya, relation="line_manager", actor=OPERATOR
            )
    assert give(house, submission.id, house.paul).state == "waiting"
    assert give(house, submission.id, nina).state == "decided"
    (entry,) = audited(house, "learning.awarded")
    assert {entry.actor_id, entry.ids["panel_with"]} == {house.paul, nina}
    assert [entry.ids["member_id"] for entry in audited(house, "learning.panel_mark_set_aside")] == [house.priya]


def test_a_mentor_is_no_member(house: House) -> None:
    submission = house.handed_in()
    with house.database.write() as session:
        people.set_line(session, person_id=house.tess, other_id=house.paul, relation="mentor", actor=OPERATOR)
    give(house, submission.id, house.priya)
    with pytest.raises(NotIndependent):
        give(house, submission.id, house.paul)


def test_who_steps_back_leaves_the_seat_and_keeps_what_they_wrote(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya)
    with house.database.write() as session:
        learning.step_back(session, submission_id=submission.id, assessor_id=house.priya)
    with house.database.write() as session, pytest.raises(PanelMarkNotGiven):
        learning.step_back(session, submission_id=submission.id, assessor_id=house.paul)
    assert opened(house, submission.id, house.priya).marks["gates"].level == 3
    assert give(house, submission.id, house.paul).state == "waiting"


def test_a_returned_piece_begins_a_new_round_with_a_new_panel(house: House) -> None:
    submission = house.handed_in()
    for member in (house.priya, house.paul):
        give(house, submission.id, member, "returned", 2)
    again = house.submit()
    assert queued(house, house.priya) == [("open", True)]
    assert give(house, again.id, house.paul).state == "waiting"
    work = opened(house, again.id, house.priya)
    assert len(work.earlier) == 1
    assert give(house, again.id, house.priya).state == "decided"


def test_after_an_upheld_appeal_neither_member_decides_again(house: House) -> None:
    nina, omar = another(house), another(house, "Omar")
    submission = house.handed_in()
    for member in (house.priya, house.paul):
        give(house, submission.id, member, "returned", 2)
    feedback = house.progress().returned
    assert feedback is not None
    with house.database.write() as session:
        appeal = appeals.make(session, **house.at, decision_id=feedback.decision_id, reason="The counts are there.")
    for member in (house.priya, house.paul):
        with house.database.write() as session, pytest.raises(NotIndependent):
            appeals.uphold(session, appeal_id=appeal.id, assessor_id=member)
    with house.database.write() as session:
        again = appeals.uphold(session, appeal_id=appeal.id, assessor_id=nina).new_submission_id
    assert again is not None
    for member in (house.priya, house.paul):
        with pytest.raises(NotIndependent):
            give(house, again, member)
    give(house, again, nina)
    assert give(house, again, omar).state == "decided"


def test_quarantine_stops_a_panel_at_once_and_taking_it_back_brings_it_back(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya)
    with house.database.write() as session:
        learning.quarantine(session, submission_id=submission.id, assessor_id=house.paul)
    with pytest.raises(AlreadyDecided):
        give(house, submission.id, house.paul)
    with house.database.write() as session:
        learning.undo(session, submission_id=submission.id, assessor_id=house.paul)
    assert give(house, submission.id, house.paul).state == "decided"


def test_work_begun_under_a_version_without_a_panel_is_decided_by_one(database: Database) -> None:
    house = furnish(database)
    submission = house.ready_to_award()
    with database.write() as session:
        publish(session, module(2, award_rule=PANEL))
    assert opened(house, submission.id, house.priya).panel is None
    assert house.award(submission.id).outcome == "awarded"


def test_decisions_of_panels_are_not_drawn_for_second_marks_nor_counted_among_the_first_five(house: House) -> None:
    submission = house.handed_in()
    for number in range(6):
        for member in (house.paul, house.priya):  # she decides, as the second
            give(house, submission.id, member, "returned", 2)
        if number < 5:
            submission = house.submit()
    with house.database.write() as session:
        alone = publish(session, module(key="M02"))
        enrolment = learning.enrol(session, person_id=house.tess, module=alone, organisation_id=None)
    other = House(house.database, enrolment, house.tess, house.priya, house.paul, house.ines)
    other.give_back(other.handed_in().id)
    with house.database.read() as session:
        drawn = session.exec(select(SecondMarkRecord)).all()
        assert [(row.decided_by, row.why) for row in drawn] == [(house.priya, "first_five")]


def test_two_who_give_their_marks_at_the_same_moment_decide_once(house: House) -> None:
    nina = another(house)
    submission = house.handed_in()
    for member in (house.priya, house.paul, nina):
        with house.database.write() as session:
            for key in CRITERIA:
                learning.mark(session, submission_id=submission.id, assessor_id=member, criterion_key=key, level=3)
    ready, results = threading.Barrier(3), []

    def member_gives(member: str) -> None:
        ready.wait()
        try:
            with house.database.write() as session:
                results.append(
                    learning.give_panel_mark(
                        session, submission_id=submission.id, assessor_id=member, outcome="awarded", comment=WORDS
                    ).state
                )
        except AppError as error:
            results.append(error.slug)

    threads = [threading.Thread(target=member_gives, args=(one,)) for one in (house.priya, house.paul, nina)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["already-decided", "decided", "waiting"]
    with house.database.read() as session:
        assert len(session.exec(select(DecisionRecord)).all()) == 1
        seats = session.exec(select(PanelMarkRecord.seat).where(PanelMarkRecord.seat != None)).all()  # noqa: E711
    assert sorted(seats) == [1, 2]


def test_a_learner_reads_who_thought_what_after_the_decision_only_and_no_names(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya, comment="kookaburra")

    def exported() -> str:
        with house.database.read() as session:
            return repr([part.records for part in LearningPersonalData().export(session, house.tess)])

    assert "kookaburra" not in exported()
    give(house, submission.id, house.paul)
    assert "kookaburra" in exported()
    assert house.priya not in exported()
    assert house.paul not in exported()


def test_erasing_a_learner_takes_the_words_and_keeps_who_decided(house: House) -> None:
    submission = house.handed_in()
    give(house, submission.id, house.priya, "returned", 2, "kookaburra")
    give(house, submission.id, house.paul, "returned", 2, "kookaburra")
    again = house.submit()
    give(house, again.id, house.priya)
    with house.database.write() as session:
        LearningPersonalData().erase(session, house.tess)
    with house.database.read() as session:
        rows = session.exec(select(PanelMarkRecord).order_by(PanelMarkRecord.seat)).all()
        assert [(row.marked_by, row.outcome, row.comment, row.draft) for row in rows] == [
            (house.priya, "returned", "", {}),
            (house.paul, "returned", "", {}),
        ]
        assert {row.submission_id for row in rows} == {submission.id}


def test_two_members_who_turn_out_to_be_one_person_hold_one_seat(house: House) -> None:
    nina = another(house)
    submission = house.handed_in()
    give(house, submission.id, house.priya)
    give(house, submission.id, house.paul, "returned")
    with house.database.write() as session:
        people.revoke_role(session, person_id=house.priya, role="assessor", actor=OPERATOR)
        LearningMerge().absorb(session, house.priya, house.paul)
    assert len(audited(house, "learning.panel_was_one_person")) == 1
    assert give(house, submission.id, nina, "returned").state == "decided"
    (entry,) = audited(house, "learning.returned")
    assert {entry.actor_id, entry.ids["panel_with"]} == {house.paul, nina}
