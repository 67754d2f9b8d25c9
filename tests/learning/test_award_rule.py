"""The award rule as data: never ready while something is missing, and nothing that is added ever stands in the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import prerequisites
from app.learning import service as learning
from app.learning.errors import NotReady
from app.learning.observation import ObservationState
from app.learning.readiness import missing_for_award, missing_for_submission
from app.learning.schemas import CriterionMark, Draft, KnowledgeCheckState, Missing, Submission, SupervisorTalk
from app.learning.standing import Judgement, Standing
from app.programme.schemas import Activity, ChecklistLine
from tests.learning.factories import CRITERIA, EXERCISE, REFLECTION, House, module, publish

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LAST_DAY = date(2026, 3, 2)
MODULE = module(
    key="M07",
    activities=(
        *module().activities,
        Activity("seen", "observation", "A visit", 60, "", checklist=(ChecklistLine("opens", "Opens"),)),
        Activity("day", "attendance", "A day", 60, "", confirmed_by=("roster",)),
    ),
    award_rule=replace(module().award_rule, observations_meet=True),
    prerequisites=("M01",),
    prerequisites_any=(("M05", "M06"),),
    issue_until=LAST_DAY,
)
PARTS = (
    "lesson", "check", "exercise", "reflection", "seen", "day", *(f"mark-{key}" for key in CRITERIA), "talk", "M01",
    "M05", "M06", "in time",
)  # fmt: skip
THERE = st.sets(st.sampled_from(PARTS))


def standing(there: Collection[str]) -> Standing:
    """What there is of a learner's work."""
    texts = {"exercise": EXERCISE, "reflection": {"text": REFLECTION}}
    passed = KnowledgeCheckState("check", "check" in there, None, None, 1, 0, None, 0.8, 4, 5)
    seen = ObservationState("seen", required=True, must_meet=True, state="asked", lines=1)
    if "seen" in there:
        seen = replace(seen, state="met", meets=1, observed_on=LAST_DAY)
    return Standing(
        lessons=frozenset({"lesson"} & set(there)),
        checks=(passed,),
        drafts={key: Draft(key, text if key in there else {}, 1, MOMENT) for key, text in texts.items()},
        observations={"seen": seen},
        attended=frozenset({"day"} & set(there)),
    )


def judgement(there: Collection[str]) -> Judgement:
    """What an assessor and the calendar add."""
    return Judgement(
        marks={key: CriterionMark(key, 3 if f"mark-{key}" in there else 2, "", "priya", MOMENT) for key in CRITERIA},
        talk=SupervisorTalk(LAST_DAY, "manager", "priya", MOMENT) if "talk" in there else None,
        held=frozenset({"M01", "M05", "M06"} & set(there)),
        today=LAST_DAY if "in time" in there else LAST_DAY + timedelta(days=1),
        issue_until=LAST_DAY,
    )


def for_award(there: Collection[str]) -> tuple[Missing, ...]:
    return missing_for_award(MODULE, standing(there), judgement(there))


@given(there=THERE)
def test_an_award_is_ready_exactly_when_every_part_of_the_rule_is_there(there: set[str]) -> None:
    needed = set(PARTS) - {"lesson", "exercise", "reflection", "M05", "M06"}
    assert (not for_award(there)) == (needed <= there and bool({"M05", "M06"} & there))


@given(there=THERE, more=st.sampled_from(PARTS))
def test_whatever_is_added_never_stands_in_the_way(there: set[str], more: str) -> None:
    assert set(for_award(there | {more})) <= set(for_award(there))
    before = missing_for_submission(MODULE, standing(there))
    assert set(missing_for_submission(MODULE, standing(there | {more}))) <= set(before)


@given(there=THERE)
def test_work_is_handed_in_without_the_parts_that_are_not_the_learners(there: set[str]) -> None:
    own = {"lesson", "check", "exercise", "reflection", "seen", "day"}
    assert (not missing_for_submission(MODULE, standing(there))) == (own <= there)
    by_recognition = replace(standing(there), lessons_left_out=True)
    assert (not missing_for_submission(MODULE, by_recognition)) == (own - {"lesson"} <= there)


def test_each_part_that_is_missing_is_named_once_and_in_words() -> None:
    missing = for_award(())
    assert [item.code for item in missing] == [
        "knowledge_check_open", "criterion_below", "criterion_below", "observation_missing", "attendance_missing",
        "talk_missing", "prerequisite_missing", "prerequisite_missing", "issue_over",
    ]  # fmt: skip
    assert "M05 or M06" in missing[7].detail
    assert "2 March 2026" in missing[8].detail
    assert "kept" in missing[8].detail


@dataclass
class Holds:
    """Who answers for badges, in place of the issuer."""

    keys: frozenset[str] = frozenset()

    def __call__(self, session: ReadSession, person_id: str, module_keys: Collection[str]) -> frozenset[str]:
        return self.keys & frozenset(module_keys)


@pytest.fixture
def holds() -> Iterator[Holds]:
    before = prerequisites._Bound.check
    answers = Holds()
    prerequisites.use(answers)
    yield answers
    prerequisites.use(before)


def handed_in(house: House, **changes: object) -> Submission:
    """Tess's work on a module that says something more, marked and talked about."""
    with house.database.write() as session:
        made = publish(session, module(key="M02", activities=module().activities[:1], **changes))
        enrolment = learning.enrol(session, person_id=house.tess, module=made, organisation_id=None)
        own = {"enrolment_id": enrolment.id, "person_id": house.tess}
        learning.complete_lesson(session, activity_key="lesson", **own)
        work = learning.submit(session, declared=True, **own)
    house.mark_all(work.id)
    house.record_talk(work.id)
    return work


def test_without_the_badge_needed_before_work_is_handed_in_and_not_awarded(house: House, holds: Holds) -> None:
    work = handed_in(house, prerequisites=("M01",))
    with house.database.read() as session:
        waiting = learning.progress(session, work.enrolment_id)
        assert [item.code for item in waiting.needed_first] == ["prerequisite_missing"]
        assert "M01" in learning.proposal(session, work.id).statement
    with pytest.raises(NotReady, match="badge for M01"):
        house.award(work.id)
    holds.keys = frozenset({"M01"})
    house.award(work.id)
    with house.database.read() as session:
        assert learning.progress(session, work.enrolment_id).needed_first == ()


def test_after_its_last_day_a_module_is_not_awarded_until_a_review_moves_that_day(house: House) -> None:
    today = now().date()
    work = handed_in(house, issue_until=today - timedelta(days=1))
    with pytest.raises(NotReady, match="review is overdue"):
        house.award(work.id)
    with house.database.read() as session:
        assert [item.code for item in learning.progress(session, work.enrolment_id).needed_first] == ["issue_over"]
    with house.database.write() as session:
        publish(session, module(2, key="M02", issue_until=today + timedelta(days=100)))
    house.award(work.id)


def test_on_its_last_day_a_module_is_still_awarded(house: House) -> None:
    with time_machine.travel(MOMENT, tick=False):
        house.award(handed_in(house, issue_until=LAST_DAY).id)
