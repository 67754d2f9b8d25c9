"""Words that a pathway asks for, such as a manager's support: a learner asks, and whoever may give them answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.awards.proposals import asking
from app.awards.proposals import schemas as asked
from app.awards.proposals.errors import CannotBeAsked
from app.core.db import ReadSession
from app.learning.errors import UnusableText
from app.learning.marking_errors import CommentTooLong, ReasonMissing
from app.pathways import service as pathways
from app.pathways.errors import StepUnknown
from app.people import service as people
from app.programme import stacks
from app.programme.errors import PathwayUnknown
from app.web.assessor_page import Said
from app.web.centre import ManagersOnly
from app.web.dependencies import App, ReadDb, WriteDb
from app.web.forms import PostedForm
from app.web.holder import see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}", include_in_schema=False)

TEXT_TROUBLE: Final = (ReasonMissing, CommentTooLong, UnusableText)
DONE: Final = {
    "given": Said("success", "Confirmed", "They are told. You can take it back below, as long as you may confirm it."),
    "declined": Said("success", "Declined", "They are told, with your reason."),
    "withdrawn": Said("success", "Taken back", "They see it on their pathway, with your reason."),
}


@dataclass(frozen=True)
class RequestLine:
    """One request in words.

    Attributes:
        title, text: what is asked for, in the pathway's words.
        in_force: whether the word that was given stands.
    """

    request: asked.Request
    name: str = field(repr=False)
    pathway_title: str
    title: str
    text: str
    in_force: bool


@dataclass(frozen=True)
class RequestsPage:
    """Context of centre/requests.html; `errors` by request."""

    waiting: tuple[RequestLine, ...]
    answered: tuple[RequestLine, ...]
    said: Said | None
    errors: tuple[tuple[str, str], ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CannotAskPage:
    """Context of pathway/cannot_ask.html."""

    pathway_key: str
    title: str
    why: str
    next_step: str


@router.post("/pathway/{pathway_key}/ask/{confirmation_key}")
def ask(request: Request, session: CurrentLaunch, runtime: App, pathway_key: str, confirmation_key: str) -> Response:
    """Ask for a word; who can give it is told by mail."""
    try:
        with runtime.database.write() as db:
            asking.ask(db, person_id=session.person_id, pathway_key=pathway_key, confirmation_key=confirmation_key)
    except CannotBeAsked as error:
        with runtime.database.read() as db:
            title = pathways.confirmation_rule(db, pathway_key, confirmation_key).title
        page = CannotAskPage(pathway_key, title, error.detail, error.next_step or "")
        return render(request, "pathway/cannot_ask.html", page, status=error.status)
    return see_other(f"{session.root}/pathway/{pathway_key}?done=asked")


@router.post("/pathway/{pathway_key}/ask/{confirmation_key}/undo")
def take_back(session: CurrentLaunch, db: WriteDb, pathway_key: str, confirmation_key: str) -> Response:
    """Ask no more."""
    asking.take_back(db, person_id=session.person_id, pathway_key=pathway_key, confirmation_key=confirmation_key)
    return see_other(f"{session.root}/pathway/{pathway_key}?done=taken-back")


@router.get("/centre/requests")
def requests_page(request: Request, session: CurrentLaunch, db: ReadDb, done: str = "") -> HTMLResponse:
    """What a manager is asked to confirm, and what they have answered."""
    return render(request, "centre/requests.html", _page(db, session, said=DONE.get(done)))


@router.post("/centre/requests/{request_id}/give")
def give(session: CurrentLaunch, db: WriteDb, request_id: str) -> Response:
    """Give the word; it can be taken back."""
    asking.give(db, request_id=request_id, given_by=session.person_id)
    return see_other(f"{session.root}/centre/requests?done=given")


@router.post("/centre/requests/{request_id}/decline")
def decline(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, request_id: str) -> Response:
    """Decline it, with the reason."""
    try:
        with runtime.database.write() as db:
            asking.decline(db, request_id=request_id, declined_by=session.person_id, reason=form.get("reason", ""))
    except TEXT_TROUBLE as error:
        return _again(request, runtime, session, request_id, error.detail, form)
    return see_other(f"{session.root}/centre/requests?done=declined")


@router.post("/centre/requests/{request_id}/withdraw")
def withdraw(request: Request, session: CurrentLaunch, runtime: App, form: PostedForm, request_id: str) -> Response:
    """Take a word back that was given, with the reason."""
    try:
        with runtime.database.write() as db:
            asking.withdraw(db, request_id=request_id, withdrawn_by=session.person_id, reason=form.get("reason", ""))
    except TEXT_TROUBLE as error:
        return _again(request, runtime, session, request_id, error.detail, form)
    return see_other(f"{session.root}/centre/requests?done=withdrawn")


def _again(
    request: Request, runtime: App, session: LaunchSession, request_id: str, detail: str, form: Mapping[str, str]
) -> HTMLResponse:
    with runtime.database.read() as db:
        page = _page(db, session, errors=((f"reason-{request_id}", detail),), typed=form)
    return render(request, "centre/requests.html", page, status=422)


def _page(
    db: ReadSession,
    session: LaunchSession,
    *,
    said: Said | None = None,
    errors: tuple[tuple[str, str], ...] = (),
    typed: Mapping[str, str] | None = None,
) -> RequestsPage:
    me = session.person_id
    waiting, answered = asking.to_answer(db, me), asking.answered_by(db, me)
    if not waiting and not answered and not people.has_role(db, me, "manager") and not people.reports_of(db, me):
        raise ManagersOnly(
            "These are requests to people who manage specialists.",
            root=session.root,
            next_step="If you manage somebody here, ask your centre’s manager to enter it in Waymark.",
        )
    names = people.display_names(db, {each.person_id for each in (*waiting, *answered)})
    return RequestsPage(
        waiting=tuple(_line(db, each, names) for each in waiting),
        answered=tuple(_line(db, each, names) for each in answered),
        said=said,
        errors=errors,
        typed=typed or {},
    )


def _line(db: ReadSession, each: asked.Request, names: Mapping[str, str]) -> RequestLine:
    try:
        rule = pathways.confirmation_rule(db, each.pathway_key, each.confirmation_key)
        title, text = rule.title, rule.text
        pathway_title = stacks.current_pathway(db, each.pathway_key).title
    except (StepUnknown, PathwayUnknown):
        title, text, pathway_title = "A step that the pathway no longer has", "", each.pathway_key
    words = pathways.confirmations_of(db, each.person_id) if each.state == "confirmed" else ()
    in_force = any(
        word.withdrawn_at is None
        and (word.pathway_key, word.confirmation_key) == (each.pathway_key, each.confirmation_key)
        for word in words
    )
    return RequestLine(each, names[each.person_id], pathway_title, title, text, in_force)
