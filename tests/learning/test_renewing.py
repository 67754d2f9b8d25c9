"""Renewing a badge: a short check and fresh work, beside the work that led to the badge and never in its place."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select

from app.core import migrations
from app.core.audit import AuditEntry
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import decode
from app.core.outbox_models import OutboxEvent
from app.learning import overview, prerequisites, renewing
from app.learning import service as learning
from app.learning.errors import NotReady, WorkLocked
from app.learning.events import AwardDecided, RenewalDecided
from app.learning.files import store
from app.learning.files.models import EvidenceFileRecord
from app.learning.models import SecondMarkRecord, SubmissionRecord
from app.learning.person_merge import LearningMerge
from app.learning.personal_data import LearningPersonalData
from app.learning.renewal_errors import NoSuchRenewal, RenewalOver
from app.learning.schemas import Enrolment
from app.programme import service as programme
from app.programme.renewals import update_of
from app.programme.schemas import Activity, Module
from tests.learning.factories import EXERCISE, REFLECTION, House, module, new_person, publish, question

BADGE = "0b0c3f6e-6f0e-4c1e-9a38-4e1d3a0f7c11"
STEPS = ("check", "exercise")
OTHER = ("check", "reflection")
BANK = tuple(question(number) for number in range(1, 13))


def renewable(version: int = 2, **changes: object) -> Module:
    """A newer version that says how its badge is renewed: by the check, and by the exercise or the reflection."""
    made = module(version)
    activities = tuple(
        replace(each, questions=BANK, draw=12) if each.kind == "knowledge_check" else each for each in made.activities
    )
    values: dict[str, object] = {
        "activities": activities,
        "renewal": "Do it once more.",
        "renewal_activities": ("check", "exercise", "reflection"),
        "renewal_any": (("exercise", "reflection"),),
        "renewal_criteria": (("exercise", ("gates",)), ("reflection", ("principles",))),
    }
    return replace(made, **(values | changes))  # type: ignore[arg-type]


def begin(house: House, steps: tuple[str, ...] = STEPS, *, days: float = 90) -> Enrolment:
    with house.database.write() as session:
        return renewing.begin(
            session, person_id=house.tess, credential_id=BADGE, module=programme.current_module(session, "M01"),
            steps=steps, renew_by=now() + timedelta(days=days), organisation_id=None,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def badge_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps badges says that it can be renewed: what they say otherwise is tested where they are."""
    monkeypatch.setattr(prerequisites._Bound, "renewals", staticmethod(lambda _session, _credential_id: True))


@pytest.fixture
def awarded(house: House) -> House:
    """Tess has the badge of version 1; version 2 is out."""
    house.award(house.ready_to_award().id)
    with house.database.write() as session:
        publish(session, renewable())
    return house


@pytest.fixture
def renewal(awarded: House) -> House:
    """The same house, at work on the renewal."""
    return replace(awarded, enrolment=begin(awarded))


def fresh_work(house: House) -> str:
    house.answer()
    house.save("exercise", EXERCISE | {"test": "We asked again, three years on."}, 0)
    return house.submit().id


def mark(house: House, submission_id: str, key: str = "gates", level: int = 4) -> None:
    with house.database.write() as session:
        learning.mark(session, submission_id=submission_id, assessor_id=house.priya, criterion_key=key, level=level)


def events(house: House, kind: str) -> list[OutboxEvent]:
    with house.database.read() as session:
        return list(session.exec(select(OutboxEvent).where(OutboxEvent.kind == kind)).all())


def test_a_renewal_asks_in_the_newest_version_for_half_the_questions_and_what_is_done_again(renewal: House) -> None:
    found = renewal.progress()
    assert [activity.key for activity in found.activities] == list(STEPS)
    assert found.enrolment.module_version == 2
    assert found.knowledge_check is not None
    assert (found.knowledge_check.total, found.knowledge_check.pass_count) == (6, 5)
    assert found.state == "working"


def test_the_work_that_led_to_the_badge_stays_as_it_was(awarded: House) -> None:
    before = awarded.progress()
    renewal = replace(awarded, enrolment=begin(awarded))
    fresh_work(renewal)
    assert awarded.progress() == before
    with awarded.database.read() as session:
        first = learning.enrolment_of(session, person_id=awarded.tess, module_key="M01")
        (known,) = overview.outcomes(session, [awarded.tess])
        draft = learning.draft(session, **awarded.at, activity_key="exercise")
    assert first == awarded.enrolment
    assert known.state == "awarded"
    assert draft.content["test"] == EXERCISE["test"]


def test_an_award_of_a_renewal_needs_the_fresh_marks_only_and_is_told_as_a_renewal(renewal: House) -> None:
    before = len(events(renewal, AwardDecided.KIND))
    submission_id = fresh_work(renewal)
    with pytest.raises(NotReady) as refused:
        renewal.award(submission_id)
    assert [(item.code, item.criterion_key) for item in refused.value.missing] == [("criterion_unmarked", "gates")]
    mark(renewal, submission_id)
    decision = renewal.award(submission_id)
    (event,) = events(renewal, RenewalDecided.KIND)
    assert decode(RenewalDecided, event.payload) == RenewalDecided(
        decision.id, submission_id, renewal.enrolment.id, renewal.tess, BADGE
    )
    assert len(events(renewal, AwardDecided.KIND)) == before
    with renewal.database.read() as session:
        outcome = learning.decision_outcome(session, decision.id)
    assert (outcome.results, outcome.module_version, outcome.is_renewal) == ((("gates", 4),), 2, True)


def test_a_renewal_is_returned_and_handed_in_again_like_any_work(renewal: House) -> None:
    first = fresh_work(renewal)
    renewal.give_back(first)
    second = renewal.submit()
    assert second.number == 2
    mark(renewal, second.id)
    assert renewal.award(second.id).outcome == "awarded"


def test_begun_again_it_goes_on_and_another_badge_or_a_later_time_begins_another(renewal: House) -> None:
    assert begin(renewal) == renewal.enrolment
    submission_id = fresh_work(renewal)
    mark(renewal, submission_id)
    renewal.award(submission_id)
    later = begin(renewal)
    assert (later.number, renewal.enrolment.number) == (2, 1)
    with renewal.database.read() as session:
        assert renewing.current(session, person_id=renewal.tess, module_key="M01") == later
        states = [(each.enrolment.number, each.state) for each in renewing.renewals_of(session, renewal.tess)]
        begun = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.renewal_begun")).all()
    assert states == [(2, "working"), (1, "awarded")]
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


def test_the_other_way_can_be_chosen_and_what_was_written_is_there_when_one_comes_back(renewal: House) -> None:
    renewal.save("exercise", EXERCISE, 0)
    assert begin(renewal, OTHER).id == renewal.enrolment.id
    other = renewal.progress()
    assert [activity.key for activity in other.activities] == list(OTHER)
    begin(renewal)
    with renewal.database.read() as session:
        assert learning.draft(session, **renewal.at, activity_key="exercise").content["test"] == EXERCISE["test"]


def test_a_file_of_a_step_that_was_left_out_for_another_is_not_handed_in(renewal: House) -> None:
    kept = {}
    with renewal.database.write() as session:
        for key in ("exercise", "reflection"):
            row = EvidenceFileRecord(
                enrolment_id=renewal.enrolment.id, activity_key=key, field_key="page", name=f"{key}.txt",
                media_type="text/plain", size=4, sha256=key, kept_findings={key: 1},
            )  # fmt: skip
            session.add(row)
            kept[key] = row.id
    submission_id = fresh_work(renewal)
    with renewal.database.read() as session:
        handed_in = store.files_of_submission(session, submission_id)
        work = learning.submission(session, submission_id=submission_id, person_id=renewal.tess)
        assert [each.id for each in handed_in] == [kept["exercise"]]
        assert work.kept_findings == {"exercise": 1}
        assert len(store.files_of(session, renewal.enrolment.id)) == 2, "what was left out is not lost"


def test_the_check_is_introduced_by_its_own_number_of_questions() -> None:
    (check,) = [each for each in update_of(renewable(), STEPS).activities if each.kind == "knowledge_check"]
    assert f"{check.draw} questions" in check.body_markdown


def test_the_reflection_is_judged_by_its_own_criterion(renewal: House) -> None:
    begin(renewal, OTHER)
    renewal.answer()
    renewal.save("reflection", {"text": REFLECTION}, 0)
    submission_id = renewal.submit().id
    mark(renewal, submission_id, "principles", 3)
    assert renewal.award(submission_id).outcome == "awarded"


def test_no_other_way_can_be_chosen_while_the_work_is_with_an_assessor(renewal: House) -> None:
    fresh_work(renewal)
    with pytest.raises(WorkLocked):
        begin(renewal, OTHER)
    with pytest.raises(NoSuchRenewal):
        begin(replace(renewal, tess=new(renewal)), ("exercise",))


def new(house: House) -> str:
    with house.database.write() as session:
        return new_person(session, "Tom")


def test_a_renewal_is_handed_in_in_time_but_what_came_back_may_take_longer(awarded: House) -> None:
    renewal = replace(awarded, enrolment=begin(awarded, days=2))
    renewal.answer()
    renewal.save("exercise", EXERCISE, 0)
    with time_machine.travel(now() + timedelta(days=3), tick=True), pytest.raises(RenewalOver):
        renewal.submit()
    first = renewal.submit().id
    renewal.give_back(first)
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        assert renewal.submit().number == 2


def test_the_queue_says_that_it_is_a_renewal_and_how_many_criteria_it_has(renewal: House) -> None:
    fresh_work(renewal)
    with renewal.database.read() as session:
        (item,) = learning.queue(session, assessor_person_id=renewal.priya)
    assert (item.is_renewal, item.criteria, item.number) == (True, 1, 1)


def test_a_check_alone_is_decided_by_a_person_too_and_leaves_nothing_to_mark_a_second_time(awarded: House) -> None:
    with awarded.database.write() as session:
        publish(session, renewable(3, renewal_activities=("check",), renewal_any=(), renewal_criteria=()))
    renewal = replace(awarded, enrolment=begin(awarded, ("check",)))
    with renewal.database.read() as session:
        chosen = len(session.exec(select(SecondMarkRecord)).all())
    renewal.answer(wrong=1)
    decision = renewal.award(renewal.submit().id)
    assert decision.outcome == "awarded"
    with renewal.database.read() as session:
        assert learning.decision_outcome(session, decision.id).results == ()
        assert len(session.exec(select(SecondMarkRecord)).all()) == chosen


def test_when_two_records_are_joined_a_renewal_goes_along_beside_the_work_that_stays(renewal: House) -> None:
    fresh_work(renewal)
    with renewal.database.write() as session:
        tom = new_person(session, "Tom")
        theirs = learning.enrol(
            session, person_id=tom, module=programme.module_version(session, "M01", 1), organisation_id=None
        )
        LearningMerge().absorb(session, renewal.tess, tom)
    with renewal.database.read() as session:
        first = learning.enrolment_of(session, person_id=tom, module_key="M01")
        assert first is not None
        assert first.id != theirs.id  # Tess's was awarded
        moved = renewing.current(session, person_id=tom, module_key="M01")
        assert moved is not None
        assert moved.id == renewal.enrolment.id
        assert renewing.renewals_of(session, renewal.tess) == ()


def test_of_a_badge_that_is_erased_a_renewal_keeps_no_trace(renewal: House) -> None:
    with renewal.database.write() as session:
        renewing.forget(session, [BADGE])
    with pytest.raises(NotReady) as refused:
        fresh_work(renewal)
    assert [each.code for each in refused.value.missing] == ["badge_gone"]
    assert events(renewal, RenewalDecided.KIND) == []
    with renewal.database.read() as session:
        assert [each.enrolment.renews for each in renewing.renewals_of(session, renewal.tess)] == [None]


def test_erasing_a_person_takes_an_undecided_renewal_and_the_badge_from_a_decided_one(renewal: House) -> None:
    submission_id = fresh_work(renewal)
    mark(renewal, submission_id)
    renewal.award(submission_id)
    begin(renewal)
    with renewal.database.write() as session:
        LearningPersonalData().erase(session, renewal.tess)
    with renewal.database.read() as session:
        left = [(each.enrolment.number, each.enrolment.renews) for each in renewing.renewals_of(session, renewal.tess)]
    assert left == [(1, None)]


def test_an_observation_that_the_module_leaves_open_is_asked_for_where_it_is_what_is_done_again(
    database: Database, house: House
) -> None:
    watched = Activity("watched", "observation", "Watched", 30, "Watch.", observers=("supervisor",), required=False)
    with database.write() as session:
        whole = renewable(
            2, activities=(*renewable().activities, watched), renewal_activities=("watched",), renewal_any=(),
            renewal_criteria=(),
        )  # fmt: skip
        publish(session, whole)
    renewal = replace(house, enrolment=begin(house, ("watched",)))
    assert [item.code for item in renewal.progress().missing] == ["observation_missing"]


def test_a_way_back_takes_renewals_with_all_that_hangs_on_them_and_nothing_else(renewal: House) -> None:
    first = replace(renewal, enrolment=first_of(renewal))
    before = first.progress()
    returned = fresh_work(renewal)
    renewal.give_back(returned)
    again = renewal.submit()
    mark(renewal, again.id)
    renewal.award(again.id)
    migrations.migrate(renewal.database, "2026_11_24_consequences", may_lose_data=True)
    migrations.migrate(renewal.database)
    assert first.progress() == before
    with renewal.database.read() as session:
        assert renewing.renewals_of(session, renewal.tess) == ()
        assert [row.enrolment_id for row in session.exec(select(SubmissionRecord)).all()] == [first.enrolment.id]
    assert begin(renewal).number == 1


def first_of(house: House) -> Enrolment:
    with house.database.read() as session:
        found = learning.enrolment_of(session, person_id=house.tess, module_key="M01")
    assert found is not None
    return found
