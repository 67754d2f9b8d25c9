"""The assessor's pages about observations: proposed observers to approve, and an observation made by the assessor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.background import BackgroundTask

from app.core.db import ReadSession
from app.core.scrubbing import empty_log
from app.learning.errors import UnusableText
from app.learning.fidelity_reviews import ReviewedService, reviewed_services
from app.learning.marking_errors import CommentTooLong
from app.learning.observation import service as observation
from app.learning.observation.errors import (
    AnswersIncomplete,
    CommentsPointAtSomebody,
    ObserverNotUsable,
    OwnObservation,
    ProposalDecided,
    RefusalNeedsReason,
    TooManyAsked,
)
from app.learning.observation.schemas import ObservedActivity, WaitingProposal
from app.people import service as people
from app.programme.schemas import Activity, Module
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.found import counted
from app.web.holder import see_other
from app.web.observation_form import ChecklistForm, answers_of, checklist_form, refused_form
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/assess/observers", include_in_schema=False)


@dataclass(frozen=True)
class ObserversPage:
    """Context of assessor/observers.html: proposals that wait."""

    proposals: tuple[WaitingProposal, ...]
    done: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AssessorObservesPage:
    """Context of assessor/observe.html."""

    module: Module
    activity: Activity
    learner_name: str
    enrolment_id: str
    form: ChecklistForm
    submission_id: str = ""


@dataclass(frozen=True)
class RemovePage:
    """Context of assessor/remove_comments.html."""

    observation_id: str


@dataclass(frozen=True)
class ShownObservation:
    """One observation beside a piece of work, for assessor/_observations.html.

    Attributes:
        observe_href: where this assessor can observe it themselves; None if assessors do not.
        kept: by observation, what the scan found that its observer left, in words.
        reviewed: whose service it was, of an observation that is of a review; None while nobody has said so.
    """

    observed: ObservedActivity
    observe_href: str | None
    kept: Mapping[str, str]
    reviewed: ReviewedService | None = None


@router.get("")
def observers(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """Proposals that wait, oldest first."""
    page = ObserversPage(observation.proposals(db, assessor_id=session.person_id), done=done)
    return render(request, "assessor/observers.html", page)


@router.post("/{request_id}/approve")
def approve(request: Request, session: CurrentLaunch, runtime: App, request_id: str) -> Response:
    """Approve: now the mail goes out."""
    try:
        with runtime.database.write() as db:
            observation.approve(db, request_id=request_id, assessor_id=session.person_id)
    except (ObserverNotUsable, OwnObservation, ProposalDecided, TooManyAsked) as error:
        return _refused(request, runtime, session, request_id, error, {})
    return see_other(f"{session.root}/assess/observers?done=approved")


@router.post("/{request_id}/decline")
def decline(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, request_id: str) -> Response:
    """Decline with a reason for the learner."""
    reason = form.get("reason", "")
    try:
        with runtime.database.write() as db:
            observation.refuse(db, request_id=request_id, assessor_id=session.person_id, reason=reason)
    except (RefusalNeedsReason, CommentTooLong, UnusableText, OwnObservation, ProposalDecided) as error:
        return _refused(request, runtime, session, request_id, error, {request_id: reason})
    return see_other(f"{session.root}/assess/observers?done=declined")


@router.get("/comments/{observation_id}/remove")
def ask_before_removing(request: Request, session: CurrentLaunch, db: ReadDb, observation_id: str) -> HTMLResponse:
    """The question before comments are removed: it cannot be undone."""
    observation.may_remove(db, observation_id=observation_id, assessor_id=session.person_id)
    return render(request, "assessor/remove_comments.html", RemovePage(observation_id))


@router.post("/comments/{observation_id}/remove")
def remove_comments(session: CurrentLaunch, runtime: App, observation_id: str) -> Response:
    """Remove them, and what the database's log still has of them."""
    with runtime.database.write() as db:
        observation.remove_comments(db, observation_id=observation_id, assessor_id=session.person_id)
    # Only once the answer is there has this request itself no transaction open any more.
    after = BackgroundTask(empty_log, runtime.database)
    return RedirectResponse(f"{session.root}/assess/observers?done=removed", status_code=303, background=after)


@router.get("/{enrolment_id}/activity/{key}")
def observe_page(
    request: Request, session: CurrentLaunch, db: ReadDb, enrolment_id: str, key: str, submission: str = ""
) -> HTMLResponse:
    """The checklist for an assessor who observed this learner."""
    return _show_checklist(request, db, session, enrolment_id, key, None, submission_id=submission)


@router.post("/{enrolment_id}/activity/{key}")
def observe(
    request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, enrolment_id: str, key: str
) -> Response:
    """Keep what the assessor saw."""
    with runtime.database.read() as db:
        _module, activity, _learner = observation.for_assessor(
            db, enrolment_id=enrolment_id, activity_key=key, assessor_id=session.person_id
        )
    try:
        with runtime.database.write() as db:
            observation.observe_as_assessor(
                db,
                enrolment_id=enrolment_id,
                activity_key=key,
                assessor_id=session.person_id,
                answers=answers_of(activity, form),
            )
    except (AnswersIncomplete, CommentsPointAtSomebody) as error:
        again = refused_form(activity, form, error)
        with runtime.database.read() as db:
            return _show_checklist(
                request, db, session, enrolment_id, key, again, submission_id=form.get("submission", ""), status=422
            )
    return see_other(f"{session.root}/assess/observers?done=observed")


def observations_shown(
    db: ReadSession, session: LaunchSession, enrolment_id: str, module: Module, *, submission_id: str = ""
) -> tuple[ShownObservation, ...]:
    """What observers saw of the learner whose work is on the page, for assessor/_observations.html.

    Args:
        db: for reading.
        session: the assessor's.
        enrolment_id: the learner's work on the module.
        module: in the learner's version.
        submission_id: the work on the page, to come back to; empty once nothing can be added.
    """
    reviews = reviewed_services(db, enrolment_id, module)
    return tuple(
        ShownObservation(
            observed=one,
            reviewed=reviews.get(key),
            observe_href=f"{session.root}/assess/observers/{enrolment_id}/activity/{key}?submission={submission_id}"
            if submission_id and "assessor" in one.activity.observers
            else None,
            kept={seen.id: counted(seen.kept_findings) for seen in one.observations if seen.kept_findings},
        )
        for key, one in observation.observed_activities(db, enrolment_id, module).items()
    )


def _show_checklist(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    enrolment_id: str,
    key: str,
    form: ChecklistForm | None,
    *,
    submission_id: str,
    status: int = 200,
) -> HTMLResponse:
    module, activity, learner_id = observation.for_assessor(
        db, enrolment_id=enrolment_id, activity_key=key, assessor_id=session.person_id
    )
    page = AssessorObservesPage(
        module=module,
        activity=activity,
        learner_name=people.display_name(db, learner_id),
        enrolment_id=enrolment_id,
        form=form or checklist_form(activity),
        submission_id=submission_id,
    )
    return render(request, "assessor/observe.html", page, status=status)


def _refused(
    request: Request,
    runtime: App,
    session: LaunchSession,
    request_id: str,
    error: ObserverNotUsable
    | OwnObservation
    | ProposalDecided
    | TooManyAsked
    | RefusalNeedsReason
    | CommentTooLong
    | UnusableText,
    reasons: Mapping[str, str],
) -> Response:
    with runtime.database.read() as db:
        waiting = observation.proposals(db, assessor_id=session.person_id)
    message = " ".join(filter(None, (error.detail, error.next_step)))
    page = ObserversPage(waiting, errors=[(f"reason-{request_id}", message)], reasons=reasons)
    return render(request, "assessor/observers.html", page, status=error.status)
