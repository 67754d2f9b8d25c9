"""Whose service was reviewed: asked for beside the work, compared with the staff lists, and looked at by the award."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import Database
from app.learning import independence
from app.learning import service as learning
from app.learning.errors import ActivityNotFound, EnrolmentNotFound, WorkLocked
from app.learning.fidelity_reviews import name_reviewed, reviewed_services
from app.learning.models import EnrolmentRecord, ReviewedServiceRecord, SubmissionRecord
from app.learning.review_errors import ReviewInConflict, ReviewNotUsable
from app.people import service as people
from app.people.models import MembershipRecord
from app.programme.schemas import AwardRule
from tests.learning.factories import House, furnish, module, publish
from tests.learning.observing import WATCHED, observation_activity

RULE = AwardRule(0.8, 3, supervisor_talk=False, conflict_years=3)
YESTERDAY = now().date() - timedelta(days=1)


@pytest.fixture
def house(database: Database) -> House:
    """Tess works on a module with an observation of a review, which an award does not wait for otherwise."""
    plain = module()
    review = replace(observation_activity(required=False), of_review=True)
    with database.write() as session:
        publish(session, replace(plain, activities=(*plain.activities, review), award_rule=RULE))
    return furnish(database)


def agency(house: House, key: str) -> str:
    with house.database.write() as session:
        return people.ensure_organisation(session, key=key, name=key.title()).id


def staff(house: House, person_id: str, agency_id: str, *, left: date | None = None) -> None:
    """Make somebody staff of a centre of the agency, or say that they were until a day."""
    with house.database.write() as session:
        known = {each.key: each for each in people.centres(session, agency_id)}
        centre = known.get("only") or people.add_centre(
            session, organisation_id=agency_id, key="only", name="Only", actor=OPERATOR
        )
        session.add(
            MembershipRecord(
                centre_id=centre.id,
                person_id=person_id,
                function="specialist",
                begun_at=now() - timedelta(days=3000),
                begun_by_kind="operator",
                begun_by_id="operator",
                ended_at=now() - (now().date() - left) if left else None,
            )
        )


def name(house: House, agency_id: str | None, on: date = YESTERDAY, *, declared: bool = True) -> None:
    with house.database.write() as session:
        name_reviewed(
            session, **house.at, activity_key=WATCHED, organisation_id=agency_id, reviewed_on=on, declared=declared
        )


def codes(house: House) -> set[str]:
    with house.database.read() as session:
        return {item.code for item in learning.progress(session, house.enrolment.id).missing}


def test_work_is_not_handed_in_before_it_is_said_whose_service_was_reviewed(house: House) -> None:
    house.complete_everything()
    assert codes(house) == {"review_unnamed"}
    name(house, agency(house, "northern"))
    assert codes(house) == set()


def test_an_agency_that_is_not_in_the_list_is_declared_without_a_name(house: House) -> None:
    name(house, None)
    with house.database.read() as session:
        found = reviewed_services(session, house.enrolment.id, learning.module_of(session, house.enrolment))[WATCHED]
    assert (found.agency, found.in_conflict) == (None, False)


@pytest.mark.parametrize("left", [None, timedelta(days=30), timedelta(days=3 * 365 - 30)])
def test_a_review_of_ones_own_agency_within_three_years_is_refused_by_name(
    house: House, left: timedelta | None
) -> None:
    own = agency(house, "northern")
    staff(house, house.tess, own, left=now().date() - left if left else None)
    with pytest.raises(ReviewInConflict, match=r"Northern.*3 years before"):
        name(house, own)
    assert "review_unnamed" in codes(house)


def test_what_one_left_more_than_three_years_before_the_review_counts(house: House) -> None:
    own = agency(house, "northern")
    staff(house, house.tess, own, left=now().date() - timedelta(days=3 * 366 + 2))
    name(house, own)
    assert "review_unnamed" not in codes(house)


def test_the_agency_through_whose_lms_one_learns_is_ones_own(house: House) -> None:
    own = agency(house, "northern")
    with house.database.write() as session:
        session.exec(
            sa.update(EnrolmentRecord).where(col(EnrolmentRecord.id) == house.enrolment.id).values(organisation_id=own)
        )
    with pytest.raises(ReviewInConflict, match="belong to Northern"):
        name(house, own)


@pytest.mark.parametrize(
    ("on", "declared", "field"),
    [
        (now().date() + timedelta(days=2), True, "reviewed-on"),
        (date(2015, 12, 31), True, "reviewed-on"),
        (YESTERDAY, False, "declared"),
    ],
)
def test_a_day_ahead_or_no_declaration_changes_nothing(house: House, on: date, declared: bool, field: str) -> None:
    with pytest.raises(ReviewNotUsable) as refused:
        name(house, None, on, declared=declared)
    assert refused.value.field_key == field
    assert "review_unnamed" in codes(house)


def test_an_agency_that_nobody_knows_is_refused(house: House) -> None:
    with pytest.raises(ReviewNotUsable, match="one of the list"):
        name(house, "0" * 32)


def test_somebody_elses_work_and_other_activities_have_no_review(house: House) -> None:
    with house.database.write() as session, pytest.raises(EnrolmentNotFound):
        name_reviewed(
            session, enrolment_id=house.enrolment.id, person_id=house.paul, activity_key=WATCHED,
            organisation_id=None, reviewed_on=YESTERDAY, declared=True,
        )  # fmt: skip
    with house.database.write() as session, pytest.raises(ActivityNotFound):
        name_reviewed(
            session, **house.at, activity_key="exercise", organisation_id=None, reviewed_on=YESTERDAY, declared=True
        )


def test_a_tie_that_is_entered_after_handing_in_stands_in_the_way_of_the_award(house: House) -> None:
    own = agency(house, "northern")
    house.complete_everything()
    name(house, own)
    with house.database.write() as session:
        work = learning.submit(session, **house.at, declared=True)
    with house.database.read() as session:
        before = {item.code for item in learning.proposal(session, work.id).missing}
    staff(house, house.tess, own)
    with house.database.read() as session:
        after = {item.code for item in learning.proposal(session, work.id).missing}
    assert after - before == {"review_conflict"}
    with pytest.raises(WorkLocked):
        name(house, None)


def test_naming_another_agency_replaces_the_first_and_both_are_in_the_audit_without_a_name(house: House) -> None:
    name(house, agency(house, "northern"))
    name(house, agency(house, "southern"))
    with house.database.read() as session:
        rows = session.exec(select(ReviewedServiceRecord)).all()
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.reviewed_service_named")).all()
    assert len(rows) == 1
    assert len(entries) == 2
    assert not any("orthern" in str(entry.ids) for entry in entries)


def test_who_worked_for_the_learners_agency_does_not_decide(house: House) -> None:
    own = agency(house, "northern")
    house.complete_everything()
    name(house, None)
    with house.database.write() as session:
        work = learning.submit(session, **house.at, declared=True)
    staff(house, house.tess, own, left=now().date() - timedelta(days=400))
    staff(house, house.priya, own)
    staff(house, house.paul, own, left=now().date() - timedelta(days=1200))
    with house.database.read() as session:
        row = session.get_one(SubmissionRecord, work.id)
        assert [bar.code for bar in independence.bars(session, row, house.priya)] == ["same_agency"]
        assert independence.bars(session, row, house.paul) == ()
