"""Whose service a learner took part in reviewing, and whether they stood too near to it.

Nobody reviews a lead agency for which they worked within the years that the module says. It is asked for before work is
handed in and looked at again before the award, for who works where may be entered later. The agency stands beside the
work and never in it: evidence names no service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.enrolments import activity_of, lock, module_of, refuse_if_locked
from app.learning.errors import ActivityNotFound
from app.learning.models import EnrolmentRecord, ReviewedServiceRecord
from app.learning.review_errors import ReviewInConflict, ReviewNotUsable
from app.people import service as people
from app.people.errors import OrganisationNotFound
from app.programme.schemas import Module

EARLIEST = date(2016, 1, 1)


@dataclass(frozen=True)
class ReviewedService:
    """What is on record of one review.

    Attributes:
        agency: the lead agency's name; None where Waymark knows no such agency.
        in_conflict: whether the learner worked for it within the years of the module.
        left_on: when they left it, if they did.
    """

    activity_key: str
    organisation_id: str | None
    agency: str | None
    reviewed_on: date
    in_conflict: bool
    left_on: date | None


def name_reviewed(
    session: WriteSession,
    *,
    enrolment_id: str,
    person_id: str,
    activity_key: str,
    organisation_id: str | None,
    reviewed_on: date,
    declared: bool,
) -> None:
    """Put on record whose service was reviewed, in place of what was said before.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: the learner.
        activity_key: an observation that is of a review.
        organisation_id: the lead agency; None where it is none that Waymark knows.
        reviewed_on: the last day of the review.
        declared: that the learner did not work for it within the years that the module says.

    Raises:
        EnrolmentNotFound, ActivityNotFound: it is not this person's, or no such observation.
        WorkLocked: the work is with an assessor or awarded.
        ReviewNotUsable: the day, the agency or the declaration cannot be used.
        ReviewInConflict: they worked for this agency within those years.
    """
    own = lock(session, enrolment_id=enrolment_id, person_id=person_id)
    refuse_if_locked(session, enrolment_id)
    module = module_of(session, own)
    if not activity_of(module, activity_key, "observation").of_review:
        raise ActivityNotFound
    _check_day(reviewed_on)
    if not declared:
        raise ReviewNotUsable("declared", "Please confirm that you did not work for this agency.")
    if organisation_id is not None:
        _check_agency(session, module, person_id, organisation_id, reviewed_on, own.organisation_id)
    row = session.exec(
        select(ReviewedServiceRecord).where(
            ReviewedServiceRecord.enrolment_id == enrolment_id, ReviewedServiceRecord.activity_key == activity_key
        )
    ).first() or ReviewedServiceRecord(enrolment_id=enrolment_id, activity_key=activity_key, reviewed_on=reviewed_on)
    row.organisation_id, row.reviewed_on, row.declared_at = organisation_id, reviewed_on, now()
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action="learning.reviewed_service_named",
        subject="enrolment",
        subject_id=enrolment_id,
        activity=activity_key,
        organisation_id=organisation_id,
    )


def reviewed_services(session: ReadSession, enrolment_id: str, module: Module) -> Mapping[str, ReviewedService]:
    """What is on record of the reviews of an enrolment, by activity; nothing where the module has none."""
    if not any(activity.of_review for activity in module.activities):
        return {}
    own = session.get_one(EnrolmentRecord, enrolment_id)
    rows = session.exec(
        select(ReviewedServiceRecord)
        .where(ReviewedServiceRecord.enrolment_id == enrolment_id)
        .execution_options(populate_existing=True)
    ).all()
    return {
        row.activity_key: _reviewed(session, row, own.person_id, own.organisation_id, module.award_rule.conflict_years)
        for row in rows
    }


def share_an_agency(session: ReadSession, one: str, other: str, years: int) -> bool:
    """Whether two persons worked for the same lead agency within so many years, at the same time or not."""
    since = _years_before(now().date(), years)
    return (
        not people.agencies_since(session, one, since).keys().isdisjoint(people.agencies_since(session, other, since))
    )


def _reviewed(
    session: ReadSession, row: ReviewedServiceRecord, person_id: str, own_agency: str | None, years: int
) -> ReviewedService:
    near = _worked_for(session, person_id, row.organisation_id, row.reviewed_on, years, own_agency)
    return ReviewedService(
        activity_key=row.activity_key,
        organisation_id=row.organisation_id,
        agency=people.organisation(session, row.organisation_id).name if row.organisation_id else None,
        reviewed_on=row.reviewed_on,
        in_conflict=near is not None,
        left_on=near.left_on if near is not None else None,
    )


@dataclass(frozen=True)
class _Near:
    left_on: date | None


def _worked_for(
    session: ReadSession, person_id: str, agency: str | None, on: date, years: int, own_agency: str | None
) -> _Near | None:
    """How the person stood to an agency: they learn through its LMS, or were on the staff of one of its centres."""
    if agency is None:
        return None
    found = people.agencies_since(session, person_id, _years_before(on, years))
    if agency in found:
        left = found[agency]
        return _Near(left.date() if left is not None else None)
    return _Near(None) if agency == own_agency else None


def _check_day(day: date) -> None:
    if not EARLIEST <= day <= now().date():
        raise ReviewNotUsable("reviewed-on", "Please give the last day of the review; it cannot lie ahead.")


def _check_agency(
    session: ReadSession, module: Module, person_id: str, agency: str, on: date, own_agency: str | None
) -> None:
    try:
        name = people.organisation(session, agency).name
    except OrganisationNotFound:
        raise ReviewNotUsable("agency", "Please choose one of the list.") from None
    years = module.award_rule.conflict_years
    near = _worked_for(session, person_id, agency, on, years, own_agency)
    if near is not None:
        raise ReviewInConflict(name, near.left_on, years)


def _years_before(day: date, years: int) -> datetime:
    try:
        return datetime.combine(day.replace(year=day.year - years), time(), UTC)
    except ValueError:  # 29 February
        return datetime.combine(day.replace(year=day.year - years, day=28), time(), UTC)
