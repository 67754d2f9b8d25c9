"""Submission review: from the LMS's gradebook to how one learner stands (Submission Review 1.0).

An LMS's teacher sees how far the learner is and what was decided, never the work itself; that is the assessor's.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.core.db import ReadSession
from app.core.errors import Forbidden, NotFound
from app.learning import service as learning
from app.learning.schemas import Progress
from app.people import service as people
from app.programme.schemas import Module
from app.web.dependencies import ReadDb
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)


class ReviewNotAsked(NotFound):
    """The launch is about nobody else's work."""

    slug = "review-not-asked"
    title = "This launch shows nobody's work"


class ReviewNotAllowed(Forbidden):
    """A learner asks for another one's work."""

    slug = "review-not-allowed"
    title = "This is somebody else's work"


@dataclass(frozen=True)
class ReviewPage:
    """How one learner stands with the module of the link.

    Attributes:
        name: the learner's, as the LMS told it.
        module: None where the link opens no module.
        progress: None where the learner has not opened it yet.
        assess_href: where the person looking may mark the work, if they may.
    """

    name: str | None
    module: Module | None
    progress: Progress | None
    assess_href: str | None


@router.get("/review")
def review(request: Request, session: CurrentLaunch, db: ReadDb) -> Response:
    """How the learner stands whom the gradebook named; one's own work is the module's page."""
    if session.for_user is None:
        raise ReviewNotAsked("Your LMS did not say whose work to show.", next_step="Open it from your LMS's gradebook.")
    person = people.person_by_lms_identity(db, registration_id=session.registration_id, subject=session.for_user)
    if person is not None and person.id == session.person_id:
        return RedirectResponse(f"{session.root}/module", status_code=303)
    if not (session.is_teacher or session.is_administrator):
        raise ReviewNotAllowed(
            "Your LMS sent you to another learner's work, which only teachers of the course may see.",
            next_step="Open the activity from your course to see your own.",
        )
    return _show(request, session, db, person.id if person else None)


def _show(request: Request, session: LaunchSession, db: ReadSession, person_id: str | None) -> HTMLResponse:
    enrolment = None
    if person_id is not None and session.module_key is not None:
        enrolment = learning.enrolment_of(db, person_id=person_id, module_key=session.module_key)
    progress = learning.progress(db, enrolment.id) if enrolment else None
    page = ReviewPage(
        name=people.display_name(db, person_id) if person_id else None,
        module=learning.module_of(db, enrolment) if enrolment else None,
        progress=progress,
        assess_href=_assess_href(session, db, progress),
    )
    return render(request, "review/review.html", page)


def _assess_href(session: LaunchSession, db: ReadSession, progress: Progress | None) -> str | None:
    if progress is None or progress.submission is None or not people.has_role(db, session.person_id, "assessor"):
        return None
    return f"{session.root}/assess/{progress.submission.id}"
