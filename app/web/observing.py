"""`/observe/{token}`: the observer's pages. No account: the link from the mail opens them, a code by mail sends them.

Looking changes nothing, because mail programs and their guards open links by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.learning.observation import service as observation
from app.learning.observation.errors import (
    AnswersIncomplete,
    CommentsPointAtSomebody,
    ObservationCodeOver,
    ObservationCodeWrong,
    TooManyObservationCodes,
)
from app.learning.observation.schemas import Invitation, Observation
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, see_other
from app.web.observation_form import ChecklistForm, answers_of, checklist_form, refused_form
from app.web.pages import render
from app.web.sessions import check_same_origin

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class InvitationPage:
    """Context of observe/invitation.html: who asks, for what."""

    invitation: Invitation
    root: str
    has_code: bool
    error: str | None = None


@dataclass(frozen=True)
class ChecklistPage:
    """Context of observe/checklist.html.

    Attributes:
        sent: a code was asked for just now.
    """

    invitation: Invitation
    root: str
    form: ChecklistForm
    has_code: bool
    sent: bool = False


@dataclass(frozen=True)
class DonePage:
    """Context of observe/done.html: what was sent."""

    invitation: Invitation
    seen: Observation


@dataclass(frozen=True)
class DeclinedPage:
    """Context of observe/declined.html."""

    invitation: Invitation
    root: str
    done: bool


@router.get("/observe/{token}")
def invitation_page(request: Request, token: str, db: ReadDb, runtime: App) -> Response:
    """Who asks, for what, and how long it takes."""
    invited = observation.invitation(db, runtime.secret_box, token)
    page = InvitationPage(invited, _root(token), observation.has_code(db, invited.request.id))
    return render(request, "observe/invitation.html", page, headers=dict(PRIVATE))


@router.post("/observe/{token}/code")
def send_code(request: Request, token: str, form: PostedForm, runtime: App) -> Response:
    """Send a code to the invited address; asked for from the checklist, what is filled in there stays."""
    check_same_origin(request, runtime.settings.base_url)
    problem: str | None = None
    try:
        with runtime.database.write() as db:
            observation.send_code(db, runtime.secret_box, token)
    except TooManyObservationCodes as error:
        problem = f"{error.detail} {error.next_step}"
    if problem is None and form.get("from") != "checklist":
        return see_other(f"{_root(token)}/checklist?sent=1")
    with runtime.database.read() as db:
        invited = observation.invitation(db, runtime.secret_box, token)
        has_code = observation.has_code(db, invited.request.id)
    problems = {"code": problem} if problem else {}
    kept = checklist_form(invited.activity, {**form, "code": ""}, problems=problems)
    page = ChecklistPage(invited, _root(token), kept, has_code, sent=problem is None)
    return render(request, "observe/checklist.html", page, status=429 if problem else 200, headers=dict(PRIVATE))


@router.get("/observe/{token}/code")
def after_the_code(token: str) -> Response:
    """Where a phone looks again for the page that it forgot while its owner read the mail with the code."""
    return see_other(f"{_root(token)}/checklist?sent=1")


@router.get("/observe/{token}/checklist")
def checklist_page(request: Request, token: str, db: ReadDb, runtime: App, sent: str = "") -> Response:
    """The code and the whole checklist on one page."""
    return _checklist(request, db, runtime, token, sent=bool(sent))


@router.post("/observe/{token}/checklist")
def send_checklist(request: Request, token: str, form: PostedForm, runtime: App) -> Response:
    """Send what was seen. Whatever is refused, all that was filled in is on the page again."""
    check_same_origin(request, runtime.settings.base_url)
    with runtime.database.read() as db:
        # also a moment after it was answered: a form sent twice is told that it arrived
        invited = observation.invitation(db, runtime.secret_box, token, also_made=True)
    try:
        seen = observation.observe(
            runtime.database,
            runtime.secret_box,
            token=token,
            code=form.get("code", ""),
            answers=answers_of(invited.activity, form),
        )
    except (AnswersIncomplete, CommentsPointAtSomebody) as error:
        return _again(request, runtime, token, refused_form(invited.activity, form, error), 422)
    except (ObservationCodeOver, ObservationCodeWrong) as error:
        problems = {"code": f"{error.detail} {error.next_step}"}
        return _again(request, runtime, token, checklist_form(invited.activity, form, problems=problems), 422)
    return render(request, "observe/done.html", DonePage(invited, seen), headers=dict(PRIVATE))


@router.get("/observe/{token}/not-for-me")
def ask_before_declining(request: Request, token: str, db: ReadDb, runtime: App) -> Response:
    """The question before declining: the link ends with it."""
    page = DeclinedPage(observation.invitation(db, runtime.secret_box, token), _root(token), done=False)
    return render(request, "observe/declined.html", page, headers=dict(PRIVATE))


@router.post("/observe/{token}/not-for-me")
def decline(request: Request, token: str, runtime: App) -> Response:
    """Say that it is not for oneself; the learner can ask somebody else."""
    check_same_origin(request, runtime.settings.base_url)
    with runtime.database.write() as db:
        invited = observation.invitation(db, runtime.secret_box, token)
        observation.decline(db, runtime.secret_box, token)
    page = DeclinedPage(invited, _root(token), done=True)
    return render(request, "observe/declined.html", page, headers=dict(PRIVATE))


def _checklist(request: Request, db: ReadSession, runtime: Runtime, token: str, *, sent: bool) -> Response:
    invited = observation.invitation(db, runtime.secret_box, token)
    has_code = observation.has_code(db, invited.request.id)
    page = ChecklistPage(invited, _root(token), checklist_form(invited.activity), has_code, sent=sent and has_code)
    return render(request, "observe/checklist.html", page, headers=dict(PRIVATE))


def _again(request: Request, runtime: Runtime, token: str, form: ChecklistForm, status: int) -> Response:
    with runtime.database.read() as db:
        invited = observation.invitation(db, runtime.secret_box, token)
        has_code = observation.has_code(db, invited.request.id)
    page = ChecklistPage(invited, _root(token), form, has_code)
    return render(request, "observe/checklist.html", page, status=status, headers=dict(PRIVATE))


def _root(token: str) -> str:
    return f"/observe/{token}"
