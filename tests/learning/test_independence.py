"""Who decides: never who stands above the learner by a line or at their centre, also if entered after marking began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import col, select

from app.core.audit import OPERATOR, Actor, AuditEntry
from app.core.db import WriteSession
from app.learning import appeals, independence, second_marking
from app.learning import service as learning
from app.learning.marking_errors import NotIndependent
from app.learning.models import AttendanceRecord, SubmissionRecord
from app.learning.person_merge import LearningMerge
from app.people import service as people
from app.people.schemas import Relation, StaffFunction
from tests.learning.factories import House, new_person


def line(house: House, relation: Relation, other: str) -> None:
    with house.database.write() as session:
        people.set_line(session, person_id=house.tess, other_id=other, relation=relation, actor=OPERATOR)


def centre_of_tess(house: House, key: str = "footscray") -> tuple[str, str]:
    """A centre where Tess works as a specialist: its id, and her membership's."""
    with house.database.write() as session:
        agency = people.ensure_organisation(session, key="an-agency", name="An agency")
        centre = people.add_centre(session, organisation_id=agency.id, key=key, name=key, actor=OPERATOR)
    return centre.id, joined(house, house.tess, centre.id, "specialist")


def joined(house: House, person_id: str, centre_id: str, function: StaffFunction) -> str:
    with house.database.write() as session:
        return people.join_centre(
            session, person_id=person_id, centre_id=centre_id, function=function, actor=OPERATOR
        ).membership_id


def ended(house: House, membership_id: str) -> None:
    with house.database.write() as session:
        people.end_membership(session, membership_id=membership_id, actor=OPERATOR)


def manages(house: House, person_id: str) -> None:
    with house.database.write() as session:
        people.grant_role(session, person_id=person_id, role="manager", actor=OPERATOR)


def codes(house: House, submission_id: str, assessor: str) -> list[str]:
    with house.database.read() as session:
        row = session.get_one(SubmissionRecord, submission_id)
        return [bar.code for bar in independence.bars(session, row, assessor)]


def actions(submission_id: str, assessor: str) -> dict[str, Callable[[WriteSession], object]]:
    own = {"submission_id": submission_id, "assessor_id": assessor}
    return {
        "mark": lambda session: learning.mark(session, criterion_key="gates", level=3, **own),
        "talk": lambda session: learning.record_supervisor_talk(
            session, submission_id=submission_id, recorded_by=assessor, held_on=date(2025, 1, 6), supervisor_role="lead"
        ),
        "return": lambda session: learning.return_work(session, comment="Why?", **own),
        "award": lambda session: learning.award(session, **own),
    }


@pytest.mark.parametrize("relation", ["line_manager", "mentor"])
@pytest.mark.parametrize("action", ["mark", "talk", "return", "award"])
def test_who_is_near_the_learner_marks_and_decides_nothing(house: House, action: str, relation: Relation) -> None:
    submission = house.ready_to_award()
    line(house, relation, house.priya)  # entered after Priya has marked everything
    with house.database.write() as session, pytest.raises(NotIndependent) as refused:
        actions(submission.id, house.priya)[action](session)
    assert len(refused.value.reasons) == 1
    assert house.progress().state == "submitted"
    with house.database.read() as session, pytest.raises(NotIndependent):
        learning.open_submission(session, submission_id=submission.id, assessor_person_id=house.priya)
    assert house.award(submission.id, by=house.paul).outcome == "awarded"


def test_a_line_that_has_ended_bars_nobody(house: House) -> None:
    submission = house.ready_to_award()
    line(house, "line_manager", house.priya)
    with house.database.write() as session:
        people.end_line(session, person_id=house.tess, other_id=house.priya, relation="line_manager", actor=OPERATOR)
    assert house.award(submission.id).outcome == "awarded"


def test_who_ends_their_own_line_after_the_work_was_handed_in_stays_barred_from_it(house: House) -> None:
    """An assessor who manages a centre too could else end the line, decide, and enter it again."""
    line(house, "line_manager", house.paul)
    line(house, "mentor", house.priya)
    with house.database.write() as session:
        own = Actor(kind="person", id=house.paul)
        people.end_line(session, person_id=house.tess, other_id=house.paul, relation="line_manager", actor=own)
    submission = house.handed_in()
    with house.database.write() as session:
        own = Actor(kind="person", id=house.priya)
        people.end_line(session, person_id=house.tess, other_id=house.priya, relation="mentor", actor=own)
    with pytest.raises(NotIndependent):
        house.mark_all(submission.id)
    with house.database.read() as session:
        assert independence.who_may(session, submission.id) == ("Paul",), "who ended theirs before may"


@pytest.mark.parametrize("action", ["mark", "talk", "return", "award"])
@pytest.mark.parametrize("function", ["supervisor", "mentor"])
def test_who_is_above_the_learner_at_their_centre_decides_nothing_although_no_line_is_entered(
    house: House, function: StaffFunction, action: str
) -> None:
    submission = house.ready_to_award()
    here, _ = centre_of_tess(house)
    joined(house, house.priya, here, function)
    with house.database.write() as session, pytest.raises(NotIndependent) as refused:
        actions(submission.id, house.priya)[action](session)
    assert "at a centre where this learner works" in refused.value.reasons[0]
    assert house.progress().state == "submitted"
    with house.database.read() as session:
        assert independence.who_may(session, submission.id) == ("Paul",)


@pytest.mark.parametrize("function", ["supervisor", "clinician", "specialist"])
def test_who_has_the_manager_role_and_works_at_the_learners_centre_decides_nothing(
    house: House, function: StaffFunction
) -> None:
    submission = house.ready_to_award()
    here, _ = centre_of_tess(house)
    joined(house, house.priya, here, function)
    manages(house, house.priya)
    assert codes(house, submission.id, house.priya) == ["centre_manager"]
    with pytest.raises(NotIndependent):
        house.award(submission.id)


@pytest.mark.parametrize("function", ["specialist", "clinician"])
def test_a_colleague_at_the_learners_centre_who_is_above_nobody_may_decide(
    house: House, function: StaffFunction
) -> None:
    submission = house.ready_to_award()
    here, _ = centre_of_tess(house)
    joined(house, house.priya, here, function)
    assert house.award(submission.id).outcome == "awarded"


def test_who_is_above_others_at_another_centre_may_decide(house: House) -> None:
    submission = house.ready_to_award()
    centre_of_tess(house)
    with house.database.write() as session:
        agency = people.ensure_organisation(session, key="an-agency", name="An agency")
        other = people.add_centre(session, organisation_id=agency.id, key="east", name="East", actor=OPERATOR)
    joined(house, house.priya, other.id, "supervisor")
    manages(house, house.priya)
    assert house.award(submission.id).outcome == "awarded"


@pytest.mark.parametrize("who", ["the assessor", "the learner"])
def test_leaving_the_centre_after_the_work_was_handed_in_changes_nothing_for_it(house: House, who: str) -> None:
    here, hers = centre_of_tess(house)
    theirs = joined(house, house.priya, here, "supervisor")
    submission = house.handed_in()
    ended(house, theirs if who == "the assessor" else hers)
    with pytest.raises(NotIndependent):
        house.mark_all(submission.id)


@pytest.mark.parametrize("who", ["the assessor", "the learner"])
def test_who_left_the_centre_before_the_work_was_handed_in_may_decide(house: House, who: str) -> None:
    here, hers = centre_of_tess(house)
    theirs = joined(house, house.priya, here, "supervisor")
    ended(house, theirs if who == "the assessor" else hers)
    submission = house.ready_to_award()
    assert house.award(submission.id).outcome == "awarded"


def test_giving_up_the_manager_role_after_the_work_was_handed_in_changes_nothing_for_it(house: House) -> None:
    here, _ = centre_of_tess(house)
    joined(house, house.priya, here, "specialist")
    manages(house, house.priya)
    submission = house.handed_in()
    with house.database.write() as session:
        people.revoke_role(session, person_id=house.priya, role="manager", actor=OPERATOR)
    assert codes(house, submission.id, house.priya) == ["centre_manager"]


def test_a_supervisor_of_the_learners_centre_answers_no_appeal_and_gives_no_second_mark(house: House) -> None:
    first = house.handed_in()
    decision = house.give_back(first.id)
    with house.database.write() as session:
        appeal = appeals.make(session, **house.at, decision_id=decision.id, reason="It names the gate.")
    here, _ = centre_of_tess(house)
    with house.database.read() as session:
        assert len(second_marking.second_queue(session, assessor_id=house.paul).items) == 1
    joined(house, house.paul, here, "supervisor")
    with house.database.write() as session, pytest.raises(NotIndependent):
        appeals.uphold(session, appeal_id=appeal.id, assessor_id=house.paul)
    with house.database.read() as session:
        assert second_marking.second_queue(session, assessor_id=house.paul).items == ()


def test_the_learners_own_reports_may_decide_about_them(house: House) -> None:
    """It is the learner's manager who is barred, not whoever the learner manages: the rule says no more."""
    submission = house.ready_to_award()
    with house.database.write() as session:
        people.set_line(session, person_id=house.priya, other_id=house.tess, relation="line_manager", actor=OPERATOR)
    assert house.award(submission.id).outcome == "awarded"


def test_who_may_decide_is_named(house: House) -> None:
    submission = house.handed_in()
    line(house, "mentor", house.priya)
    with house.database.read() as session:
        assert independence.who_may(session, submission.id) == ("Paul",)
        assert independence.who_may(session, "none") == ()


def test_what_turns_out_to_be_ones_own_when_two_records_are_one_persons_is_in_the_audit_once(house: House) -> None:
    first = house.handed_in()
    house.mark_all(first.id)
    house.record_talk(first.id)
    decision = house.give_back(first.id)
    with house.database.write() as session:
        appeal = appeals.make(session, **house.at, decision_id=decision.id, reason="It names the gate.")
        second = appeals.uphold(session, appeal_id=appeal.id, assessor_id=house.paul).new_submission_id
        assert second is not None
        learning.return_work(session, submission_id=second, assessor_id=house.paul, comment="Why?")
        session.add(
            AttendanceRecord(
                enrolment_id=house.enrolment.id, activity_key="day", deployment_id="d", context_id="c", how="roster",
                held_on=date(2025, 1, 6), confirmed_by=house.priya,
            )
        )  # fmt: skip
    for from_id, to_id in ((house.paul, house.priya), (house.priya, house.tess), (house.priya, house.tess)):
        with house.database.write() as session:
            LearningMerge().absorb(session, from_id, to_id)
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry).where(col(AuditEntry.action).startswith("learning.own_"))).all()
        noted = sorted((entry.action.removeprefix("learning.own_"), entry.subject_id) for entry in entries)
    assert noted == sorted(
        [
            ("appeal_answered", first.id),
            ("attendance_confirmed", house.enrolment.id),
            ("decision_decided_again", second),
            ("talk_recorded", house.enrolment.id),
            ("work_decided", first.id),
            ("work_decided", second),
            ("work_marked", first.id),
        ]
    )


def test_the_next_to_mark_leaves_out_what_somebody_else_decides(house: House) -> None:
    first = house.handed_in()
    with house.database.write() as session:
        nia = new_person(session, "Nia")
        module = learning.module_of(session, house.enrolment)
        enrolment = learning.enrol(session, person_id=nia, module=module, organisation_id=None)
    second = replace(house, enrolment=enrolment, tess=nia).handed_in()
    line(house, "line_manager", house.priya)
    with house.database.read() as session:
        assert learning.next_waiting(session, assessor_person_id=house.priya) == second.id
        assert learning.next_waiting(session, assessor_person_id=house.paul) == first.id
        page = learning.waiting_page(session, assessor_person_id=house.priya)
    assert [[bar.code for bar in each.bars] for each in page.items] == [["line_manager"], []]
    assert page.oldest == second.id
