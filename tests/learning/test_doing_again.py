"""A whole module done once more, because what it led to is gone: beside the first time, and never in its place."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.clock import now
from app.core.db import WriteSession
from app.core.outbox import decode
from app.core.outbox_models import OutboxEvent
from app.learning import attendance, enrolments, overview, prerequisites, renewing
from app.learning import service as learning
from app.learning.errors import WorkLocked
from app.learning.events import AwardDecided
from app.learning.models import EnrolmentRecord, SubmissionRecord
from app.learning.person_merge import LearningMerge
from app.learning.personal_data import LearningPersonalData
from app.learning.renewal_errors import NotDoneAgain
from app.learning.schemas import Enrolment
from app.programme import service as programme
from tests.learning.factories import House, new_person, publish
from tests.learning.test_attendance import Workshop
from tests.learning.test_renewing import begin as begin_renewal
from tests.learning.test_renewing import renewable


def begin(house: House) -> Enrolment:
    with house.database.write() as session:
        return enrolments.begin_again(
            session, person_id=house.tess, module=programme.current_module(session, "M01"), organisation_id=None
        )


@pytest.fixture(autouse=True)
def badge_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps badges says what can be renewed: what they say otherwise is tested where they are."""
    monkeypatch.setattr(prerequisites._Bound, "renewals", staticmethod(lambda _session, _credential_id: True))


@pytest.fixture
def awarded(house: House) -> House:
    """Tess was awarded version 1; version 2 is out."""
    house.award(house.ready_to_award().id)
    with house.database.write() as session:
        publish(session, renewable())
    return house


@pytest.fixture
def again(awarded: House) -> House:
    """The same house, at the module for the second time."""
    return replace(awarded, enrolment=begin(awarded))


def newest(house: House) -> Enrolment | None:
    with house.database.read() as session:
        return learning.enrolment_of(session, person_id=house.tess, module_key="M01")


def state_of(house: House) -> str:
    with house.database.read() as session:
        (known,) = overview.outcomes(session, [house.tess])
    return known.state


def test_it_begins_empty_in_the_newest_version_and_is_meant_from_then_on(awarded: House) -> None:
    first = awarded.progress()
    again = replace(awarded, enrolment=begin(awarded))
    assert newest(again) == again.enrolment
    assert (again.enrolment.number, again.enrolment.module_version, again.enrolment.is_again) == (1, 2, True)
    found = again.progress()
    assert (found.state, found.done, len(found.activities)) == ("working", 0, len(first.activities))
    assert state_of(again) == "working"
    assert awarded.progress() == first, "what was done the first time stays as it was"


def test_a_launch_finds_it_and_makes_no_third(again: House) -> None:
    with again.database.write() as session:
        module = programme.current_module(session, "M01")
        found = learning.enrol(session, person_id=again.tess, module=module, organisation_id=None)
    assert found == again.enrolment


def test_it_is_handed_in_marked_and_awarded_like_any_work_and_told_as_an_award(again: House) -> None:
    decision = again.award(again.ready_to_award().id)
    assert again.progress().state == "awarded"
    assert state_of(again) == "awarded"
    with again.database.read() as session:
        kind = AwardDecided.KIND
        told = [
            decode(AwardDecided, row.payload) for row in session.exec(select(OutboxEvent)).all() if row.kind == kind
        ]
        outcome = learning.decision_outcome(session, decision.id)
        handed_in = session.exec(
            select(SubmissionRecord.submitted_at).where(SubmissionRecord.enrolment_id == again.enrolment.id)
        ).one()
    assert len({each.decision_id for each in told}) == 2
    assert decision.id in {each.decision_id for each in told}
    assert (outcome.is_renewal, outcome.module_version, outcome.submitted_at) == (False, 2, handed_in)


def test_all_that_an_award_waits_for_is_asked_again(again: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def steps(_session: object, person_id: str, _module: object) -> tuple[()]:
        asked.append(person_id)
        return ()

    monkeypatch.setattr(prerequisites, "steps", steps)
    submission = again.handed_in()
    with again.database.read() as session:
        found = learning.proposal(session, submission.id)
    assert {each.code for each in found.missing} == {"criterion_unmarked", "talk_missing"}, "nothing counts from before"
    assert asked


def test_begun_twice_it_is_one_and_after_an_award_a_third_can_follow(again: House) -> None:
    assert begin(again) == again.enrolment
    again.handed_in()
    assert begin(again) == again.enrolment
    with again.database.read() as session:
        work = session.exec(
            select(SubmissionRecord.id).where(SubmissionRecord.enrolment_id == again.enrolment.id)
        ).one()
    again.mark_all(work)
    again.record_talk(work)
    again.award(work)
    assert begin(again).number == 2
    with again.database.read() as session:
        begun = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.begun_again")).all()
    assert len(begun) == 2


def test_two_who_begin_it_at_the_same_moment_begin_one(awarded: House) -> None:
    barrier = threading.Barrier(4)
    found: list[str] = []

    def press() -> None:
        barrier.wait()
        found.append(begin(awarded).id)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found))) == (4, 1)


def test_whoever_was_never_awarded_the_module_has_nothing_to_do_again(house: House) -> None:
    for person_id in (house.tess, house.paul):
        with pytest.raises(NotDoneAgain), house.database.write() as session:
            enrolments.begin_again(
                session, person_id=person_id, module=programme.current_module(session, "M01"), organisation_id=None
            )
    assert newest(house) == house.enrolment


def test_the_first_time_stays_closed(again: House, awarded: House) -> None:
    with pytest.raises(WorkLocked):
        awarded.save("exercise", {"test": "Another word."}, 1)


def test_renewals_and_whole_modules_are_never_taken_for_each_other(awarded: House) -> None:
    renewal = begin_renewal(awarded)
    again = begin(awarded)
    assert (renewal.number, again.number) == (1, 2)
    with awarded.database.read() as session:
        assert renewing.current(session, person_id=awarded.tess, module_key="M01") == renewal
        assert [each.enrolment for each in renewing.renewals_of(session, awarded.tess)] == [renewal]
    assert newest(awarded) == again
    later = begin_renewal(awarded, ("check", "reflection"))
    assert later.id == renewal.id


def test_a_renewal_after_it_is_of_its_own_badge_and_changes_no_outcome(again: House) -> None:
    again.award(again.ready_to_award().id)
    with again.database.write() as session:
        renewal = renewing.begin(
            session, person_id=again.tess, credential_id="another-badge",
            module=programme.current_module(session, "M01"), steps=("check", "exercise"), renew_by=now(),
            organisation_id=None,
        )  # fmt: skip
    assert renewal.number == 2
    assert newest(again) == again.enrolment
    assert state_of(again) == "awarded"


def test_an_assessor_is_told_that_it_is_done_again(again: House) -> None:
    submission = again.handed_in()
    with again.database.read() as session:
        work = learning.open_submission(session, submission_id=submission.id, assessor_person_id=again.priya)
    assert work.is_again
    assert not work.submission.is_renewal


def test_erasing_a_person_leaves_decided_work_of_both_times(again: House) -> None:
    again.award(again.ready_to_award().id)
    begin(again)
    with again.database.write() as session:
        LearningPersonalData().erase(session, again.tess)
    with again.database.read() as session:
        left = session.exec(select(EnrolmentRecord.number).where(EnrolmentRecord.person_id == again.tess)).all()
    assert sorted(left) == [0, 1]


def enrolments_of(house: House, person_id: str) -> list[tuple[int, str | None, bool]]:
    with house.database.read() as session:
        rows = session.exec(
            select(EnrolmentRecord).where(EnrolmentRecord.person_id == person_id).order_by(EnrolmentRecord.number)  # type: ignore[arg-type]
        ).all()
    return [(row.number, row.id, row.renewal_steps is not None) for row in rows]


@pytest.mark.parametrize("tess_is_absorbed", [True, False], ids=["tess into tom", "tom into tess"])
def test_joined_records_keep_a_renewal_and_a_second_time_of_the_same_number(
    again: House, tess_is_absorbed: bool
) -> None:
    with again.database.write() as session:
        tom = new_person(session, "Tom")
        module = programme.current_module(session, "M01")
        learning.enrol(session, person_id=tom, module=module, organisation_id=None)
        renewal = renewing.begin(
            session, person_id=tom, credential_id="toms-badge", module=module, steps=("check", "exercise"),
            renew_by=now(), organisation_id=None,
        )  # fmt: skip
    assert (renewal.number, again.enrolment.number) == (1, 1)
    from_id, to_id = (again.tess, tom) if tess_is_absorbed else (tom, again.tess)
    with again.database.write() as session:
        LearningMerge().absorb(session, from_id, to_id)
    joined = replace(again, tess=to_id)
    found = newest(joined)
    assert found is not None
    assert found.id == again.enrolment.id
    with again.database.read() as session:
        moved = renewing.current(session, person_id=to_id, module_key="M01")
    assert moved is not None
    assert (moved.id, moved.renews) == (renewal.id, "toms-badge")
    assert [number for number, _, _ in enrolments_of(again, to_id)] == [0, 1, 2]


def one_round(session: WriteSession, enrolment: Enrolment, state: str) -> None:
    session.add(
        SubmissionRecord(
            enrolment_id=enrolment.id, person_id=enrolment.person_id, module_key=enrolment.module_key,
            module_version=enrolment.module_version, number=1, texts={}, texts_digest="x", knowledge_check_correct=1,
            knowledge_check_total=1, declared_at=now(), kept_findings={}, submitted_at=now(), state=state,
            renewal_steps=None if enrolment.renewal_steps is None else list(enrolment.renewal_steps),
        )
    )  # fmt: skip
    session.flush()


def renewal_of(session: WriteSession, person_id: str, badge: str) -> Enrolment:
    return renewing.begin(
        session, person_id=person_id, credential_id=badge, module=programme.current_module(session, "M01"),
        steps=("check", "exercise"), renew_by=now(), organisation_id=None,
    )  # fmt: skip


def test_joined_records_mean_the_renewal_that_was_begun_last(again: House) -> None:
    with again.database.write() as session:
        tom = new_person(session, "Tom")
        module = programme.current_module(session, "M01")
        learning.enrol(session, person_id=tom, module=module, organisation_id=None)
        one_round(session, renewal_of(session, tom, "toms"), "awarded")
    with again.database.write() as session:
        live = renewal_of(session, tom, "toms")
        LearningMerge().absorb(session, again.tess, tom)
    with again.database.read() as session:
        found = renewing.current(session, person_id=tom, module_key="M01")
    assert found is not None
    assert found.id == live.id


@pytest.mark.parametrize("state", ["returned", "submitted"])
@pytest.mark.parametrize("tess_is_absorbed", [True, False], ids=["tess into tom", "tom into tess"])
def test_joined_records_keep_the_second_time_that_is_further_along_whatever_its_number(
    awarded: House, state: str, tess_is_absorbed: bool
) -> None:
    with awarded.database.write() as session:
        renewal_of(session, awarded.tess, "tess-badge")
    empty = begin(awarded)
    with awarded.database.write() as session:
        tom = new_person(session, "Tom")
        module = programme.current_module(session, "M01")
        one_round(session, learning.enrol(session, person_id=tom, module=module, organisation_id=None), "awarded")
        ahead = enrolments.begin_again(session, person_id=tom, module=module, organisation_id=None)
        one_round(session, ahead, state)
    assert (empty.number, ahead.number) == (2, 1)
    from_id, to_id = (awarded.tess, tom) if tess_is_absorbed else (tom, awarded.tess)
    with awarded.database.write() as session:
        assert len(LearningMerge().stays_apart(session, from_id, to_id)) == 2
        LearningMerge().absorb(session, from_id, to_id)
    found = newest(replace(awarded, tess=to_id))
    assert found is not None
    assert (found.id, found.is_again) == (ahead.id, True)
    assert [number for number, _, _ in enrolments_of(awarded, to_id)] == [0, 1, 2]
    assert [number for number, _, _ in enrolments_of(awarded, from_id)] == [0, 1]


def test_joined_records_keep_the_renewals_of_both(again: House) -> None:
    with again.database.write() as session:
        tom = new_person(session, "Tom")
        module = programme.current_module(session, "M01")
        learning.enrol(session, person_id=tom, module=module, organisation_id=None)
        kept = {
            person_id: renewing.begin(
                session, person_id=person_id, credential_id=f"badge of {person_id}", module=module,
                steps=("check", "exercise"), renew_by=now(), organisation_id=None,
            ).id
            for person_id in (tom, again.tess)
        }  # fmt: skip
        LearningMerge().absorb(session, again.tess, tom)
    with again.database.read() as session:
        found = {each.enrolment.id for each in renewing.renewals_of(session, tom)}
    assert found == set(kept.values())


def test_a_session_that_is_attended_then_counts_for_the_second_time(house: House) -> None:
    workshop = Workshop(house)
    tess, at = house.tess, workshop.own
    with house.database.write() as session:
        learning.complete_lesson(session, activity_key="lesson", **at)
    workshop.confirm(tess)
    with house.database.write() as session:
        work = learning.submit(session, declared=True, **at)
    house.mark_all(work.id)
    house.record_talk(work.id)
    house.award(work.id)
    with house.database.write() as session:
        second = enrolments.begin_again(
            session, person_id=tess, module=programme.current_module(session, "M02"), organisation_id=None
        )
    assert workshop.confirm(tess) == 1
    with house.database.read() as session:
        assert "workshop" in attendance.attended(session, second.id)
    workshop.undo()
    with house.database.read() as session:
        assert attendance.attended(session, second.id) == {}
    assert workshop.kept() is not None, "what the first award rests on stays"
