"""Attendance: confirmed by name or by the code that is shown, in its own course only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core.audit import AuditEntry
from app.learning import attendance
from app.learning import service as learning
from app.learning.attendance import CODE_LIFETIME, Course, OpenCode, Session
from app.learning.attendance_errors import (
    AttendanceByOther,
    AttendanceDateUnusable,
    AttendanceSettled,
    CodeNotKnown,
    OwnAttendance,
    TooManyCodes,
)
from app.learning.errors import ActivityNotFound, EnrolmentNotFound, NotReady
from app.learning.models import AttendanceTryRecord
from app.programme.schemas import Activity, Confirmation
from tests.learning.factories import House, module, new_person, publish

HERE = Session(Course("deployment-a", "course-1"), "M02", "workshop")
MORNING = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # half past nine of the next day in Melbourne


class Workshop:
    """A module with a workshop, and Tess enrolled in it."""

    def __init__(self, house: House, confirmed_by: tuple[Confirmation, ...] = ("roster", "code")) -> None:
        self.house, self.database = house, house.database
        workshop = Activity("workshop", "attendance", "A day together", 60, "Come.", confirmed_by=confirmed_by)
        lesson = module().activities[0]
        with self.database.write() as session:
            made = publish(session, module(key="M02", activities=(lesson, workshop)))
            enrolment = learning.enrol(session, person_id=house.tess, module=made, organisation_id=None)
        self.own = {"enrolment_id": enrolment.id, "person_id": house.tess}

    def confirm(self, *people: str, by: str | None = None, on: date | None = None) -> int:
        with self.database.write() as session:
            day = on or attendance.day_of(datetime.now(UTC))
            return attendance.confirm(
                session, at=HERE, person_ids=people, held_on=day, confirmed_by=by or self.house.ines
            )

    def undo(self, by: str | None = None, at: Session = HERE) -> None:
        with self.database.write() as session:
            attendance.undo(session, at=at, person_id=self.house.tess, undone_by=by or self.house.ines)

    def open(self) -> OpenCode:
        with self.database.write() as session:
            return attendance.open_code(session, at=HERE, opened_by=self.house.ines)

    def type(self, code: str, at: Session = HERE) -> None:
        attendance.use_code(self.database, at=at, code=code, **self.own)

    def kept(self) -> attendance.Attendance | None:
        with self.database.read() as session:
            return attendance.attended(session, self.own["enrolment_id"]).get("workshop")

    def progress(self) -> learning.Progress:
        with self.database.read() as session:
            return learning.progress(session, self.own["enrolment_id"])


@pytest.fixture
def workshop(house: House) -> Workshop:
    return Workshop(house)


def test_who_confirmed_how_and_for_which_day_is_kept(workshop: Workshop) -> None:
    day = date(2026, 2, 20)
    with time_machine.travel(MORNING, tick=False):
        assert workshop.confirm(workshop.house.tess, on=day) == 1
        assert workshop.confirm(workshop.house.tess, by=workshop.house.priya) == 0, "the first one stays"
    assert workshop.kept() == attendance.Attendance(HERE.course, day, "roster", workshop.house.ines, MORNING)
    with workshop.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.attendance_confirmed")).all()
    assert [entry.actor_id for entry in entries] == [workshop.house.ines]


def test_a_session_stands_between_the_learner_and_handing_in_until_it_is_confirmed(workshop: Workshop) -> None:
    with workshop.database.write() as session:
        learning.complete_lesson(session, activity_key="lesson", **workshop.own)
    before = workshop.progress()
    assert [(item.code, item.activity_key) for item in before.missing] == [("attendance_missing", "workshop")]
    assert (before.landing, before.next_activity, before.activities[1].state) == ("activity", "workshop", "waiting")
    with pytest.raises(NotReady), workshop.database.write() as session:
        learning.submit(session, declared=True, **workshop.own)
    workshop.confirm(workshop.house.tess)
    assert (workshop.progress().landing, workshop.progress().missing) == ("submit", ())


def test_a_confirmation_can_be_taken_back_until_the_module_is_awarded(workshop: Workshop) -> None:
    workshop.confirm(workshop.house.tess)
    workshop.undo()
    workshop.undo()
    assert workshop.kept() is None
    workshop.confirm(workshop.house.tess)
    house = workshop.house
    with workshop.database.write() as session:
        learning.complete_lesson(session, activity_key="lesson", **workshop.own)
        work = learning.submit(session, declared=True, **workshop.own)
        for key in ("principles", "gates"):
            learning.mark(session, submission_id=work.id, assessor_id=house.priya, criterion_key=key, level=3)
    house.record_talk(work.id)
    workshop.undo()
    with pytest.raises(NotReady) as refused:
        house.award(work.id)
    assert [item.code for item in refused.value.missing] == ["attendance_missing"]
    workshop.confirm(workshop.house.tess)
    house.award(work.id)
    with pytest.raises(AttendanceSettled):
        workshop.undo()
    assert workshop.kept() is not None


def test_what_an_award_rests_on_is_not_taken_back_while_the_award_is_written(workshop: Workshop) -> None:
    workshop.confirm(workshop.house.tess)
    house = workshop.house
    with workshop.database.write() as session:
        learning.complete_lesson(session, activity_key="lesson", **workshop.own)
        work = learning.submit(session, declared=True, **workshop.own)
        for key in ("principles", "gates"):
            learning.mark(session, submission_id=work.id, assessor_id=house.priya, criterion_key=key, level=3)
    house.record_talk(work.id)

    def take_back() -> None:
        with pytest.raises(AttendanceSettled):
            workshop.undo()

    with ThreadPoolExecutor(1) as beside:
        with workshop.database.write() as session:
            learning.mark(session, submission_id=work.id, assessor_id=house.priya, criterion_key="gates", level=4)
            taking = beside.submit(take_back)
            wait([taking], timeout=0.3)  # it must wait for this transaction, and hold nothing that this one needs
            learning.award(session, submission_id=work.id, assessor_id=house.priya)
        taking.result()
    assert workshop.kept() is not None


def test_what_one_course_confirmed_another_does_not_take_back(workshop: Workshop) -> None:
    workshop.confirm(workshop.house.tess)
    workshop.undo(at=replace(HERE, course=Course("deployment-b", "course-1")))
    assert workshop.kept() is not None


def test_nobody_confirms_or_takes_back_their_own(workshop: Workshop) -> None:
    tess = workshop.house.tess
    with pytest.raises(OwnAttendance):
        workshop.confirm(tess, by=tess)
    workshop.confirm(tess)
    with pytest.raises(OwnAttendance):
        workshop.undo(by=tess)
    assert workshop.kept() is not None


def test_nobody_is_half_confirmed_with_somebody_who_has_not_begun(workshop: Workshop) -> None:
    with workshop.database.write() as session:
        newcomer = new_person(session, "Uma")
    with pytest.raises(EnrolmentNotFound):
        workshop.confirm(workshop.house.tess, newcomer)
    assert workshop.kept() is None


@pytest.mark.parametrize("days", [1, 400, -400])
def test_a_day_to_come_or_long_ago_is_refused(workshop: Workshop, days: int) -> None:
    day = attendance.day_of(datetime.now(UTC)) + timedelta(days=days)
    with pytest.raises(AttendanceDateUnusable):
        workshop.confirm(workshop.house.tess, on=day)


def test_the_code_shown_confirms_however_it_is_typed(workshop: Workshop) -> None:
    with time_machine.travel(MORNING, tick=False):
        code = workshop.open().code
        assert workshop.open().code == code, "a second look shows the same"
        workshop.type(f" {code[:3].lower()}-{code[3:]} ")
        assert workshop.kept() == attendance.Attendance(
            HERE.course, date(2026, 3, 2), "code", workshop.house.ines, MORNING
        )
        workshop.type("something else")  # confirmed already: nothing to be wrong about


def test_a_code_has_six_characters_and_none_that_looks_like_another() -> None:
    assert not set("O0Q1IL2Z5S8B6G") & set(attendance.ALPHABET)
    assert len(set(attendance.ALPHABET)) == len(attendance.ALPHABET)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(HERE, course=Course("deployment-b", "course-1")),
        replace(HERE, course=Course("deployment-a", "course-2")),
    ],
    ids=["another agency", "another course"],
)
def test_a_code_works_in_its_own_course_only(workshop: Workshop, elsewhere: Session) -> None:
    code = workshop.open().code
    with pytest.raises(CodeNotKnown):
        workshop.type(code, at=elsewhere)
    assert workshop.kept() is None


def test_a_code_is_for_its_own_session_only(workshop: Workshop) -> None:
    code = workshop.open().code
    with pytest.raises(EnrolmentNotFound):
        workshop.type(code, at=replace(HERE, module_key="M01"))
    with pytest.raises(ActivityNotFound):
        workshop.type(code, at=replace(HERE, activity_key="lesson"))


def test_a_code_ends_when_it_is_closed_or_after_four_hours(workshop: Workshop) -> None:
    with time_machine.travel(MORNING, tick=False) as traveller:
        first = workshop.open()
        with workshop.database.write() as session:
            attendance.close_code(session, at=HERE)
        with pytest.raises(CodeNotKnown):
            workshop.type(first.code)
        second = workshop.open()
        traveller.shift(CODE_LIFETIME)
        with pytest.raises(CodeNotKnown):
            workshop.type(second.code)
        third = workshop.open()
        assert third.expires_at > second.expires_at
        workshop.type(third.code)
    assert workshop.kept() is not None


def test_codes_cannot_be_guessed_without_end(workshop: Workshop) -> None:
    with time_machine.travel(MORNING, tick=False) as traveller:
        code = workshop.open().code
        for _ in range(10):
            with pytest.raises(CodeNotKnown):
                workshop.type("AAAAAA" if code != "AAAAAA" else "CCCCCC")
        with pytest.raises(TooManyCodes):
            workshop.type(code)
        traveller.shift(timedelta(hours=1, seconds=1))
        workshop.type(code)
    assert workshop.kept() is not None
    with workshop.database.read() as session:
        assert len(session.exec(select(AttendanceTryRecord)).all()) == 1, "what is forgotten is gone"


def test_a_session_is_confirmed_only_in_the_ways_its_module_names(house: House) -> None:
    by_name = Workshop(house, confirmed_by=("roster",))
    with pytest.raises(AttendanceByOther):
        by_name.open()
    with pytest.raises(AttendanceByOther):
        by_name.type("ACDEFH")
    assert by_name.confirm(house.tess) == 1
