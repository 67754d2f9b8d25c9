"""The part of an observation's page where a learner says whose service it was that they helped to review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.fidelity_reviews import ReviewedService, name_reviewed, reviewed_services
from app.learning.review_errors import ReviewNotUsable
from app.learning.schemas import Enrolment
from app.people import service as people
from app.programme.schemas import Activity, Module

ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class ReviewPart:
    """What the page shows of it.

    Attributes:
        known: what is on record, if anything is.
        agencies: to choose from: value and name.
        years: within which nobody reviews an agency they worked for.
        today: as a date field takes it.
    """

    known: ReviewedService | None
    agencies: tuple[tuple[str, str], ...]
    years: int
    today: str

    @property
    def chosen(self) -> str:
        """The value that is on record."""
        if self.known is None:
            return ""
        return self.known.organisation_id or ELSEWHERE


def part(db: ReadSession, enrolment: Enrolment, module: Module, activity: Activity) -> ReviewPart | None:
    """The part for one activity; None where it is of no review."""
    if not activity.of_review:
        return None
    known = reviewed_services(db, enrolment.id, module).get(activity.key)
    return ReviewPart(
        known=known,
        agencies=(
            *((each.id, each.name) for each in people.agencies(db)),
            (ELSEWHERE, "Another agency, not in this list"),
        ),
        years=module.award_rule.conflict_years,
        today=now().date().isoformat(),
    )


def name(db: WriteSession, enrolment: Enrolment, key: str, form: Mapping[str, str]) -> None:
    """Put on record what was filled in.

    Raises:
        ReviewNotUsable, ReviewInConflict, WorkLocked, ActivityNotFound: as `name_reviewed` does.
    """
    chosen = form.get("agency", "")
    if not chosen:
        raise ReviewNotUsable("agency", "Please choose the lead agency of the service.")
    try:
        day = date.fromisoformat(form.get("reviewed-on", ""))
    except ValueError:
        raise ReviewNotUsable("reviewed-on", "Please give the last day of the review.") from None
    name_reviewed(
        db,
        enrolment_id=enrolment.id,
        person_id=enrolment.person_id,
        activity_key=key,
        organisation_id=None if chosen == ELSEWHERE else chosen,
        reviewed_on=day,
        declared=form.get("declared") == "yes",
    )
