"""“I have used Waymark before”: joining one's record with an earlier one, by a code to the address confirmed then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter, Request, Response

from app.core.db import ReadSession
from app.core.errors import AppError
from app.core.ids import digest
from app.people import linking
from app.people import service as people
from app.people.errors import (
    AddressBusy,
    CodeExpired,
    CodeWrong,
    EmailNotUsable,
    NoCodeRequested,
    OrganisationNotFound,
    TooManyConfirmations,
)
from app.people.link_errors import LinkHindered, LinkOver
from app.people.link_schemas import ForeseenLink
from app.people.ports import PersonMerge
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/your-data/earlier", include_in_schema=False)


@dataclass(frozen=True)
class EarlierPage:
    """Context of linking/email.html: which address was it then."""

    email: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class LinkCodePage:
    """Context of linking/code.html: where the code is entered. It says the same whether or not a mail was sent."""

    email: str
    errors: list[tuple[str, str]] = field(default_factory=list)
    resent: bool = False
    code: str = ""


@dataclass(frozen=True)
class JoinPage:
    """Context of linking/join.html: what would come together."""

    foreseen: ForeseenLink
    contact: str | None
    hindered: bool


@dataclass(frozen=True)
class Joined:
    """A record that was joined: from whose LMS, and when."""

    organisation: str | None
    linked_at: datetime


@dataclass(frozen=True)
class JoinedPage:
    """Context of linking/joined.html."""

    joined: tuple[Joined, ...]
    apart: tuple[str, ...]
    contact: str | None


@router.get("")
def earlier_form(request: Request, session: CurrentLaunch) -> Response:
    """Which address did you confirm then?"""
    return _page(request, "linking/email.html", EarlierPage())


@router.post("")
def send_code(request: Request, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Send a code, if somebody else has confirmed the address; the answer is the same if not."""
    email = form.get("email", "").strip()
    try:
        with runtime.database.write() as db:
            linking.request_link(
                db, person_id=session.person_id, email=email, asked_in=_here(session),
                organisation_id=session.organisation_id,
            )  # fmt: skip
    except (AddressBusy, EmailNotUsable, TooManyConfirmations) as error:
        page = EarlierPage(email=email[:320], errors=[("email", _words(error))])
        return _page(request, "linking/email.html", page, error.status)
    resent = "?resent=1" if form.get("again") else ""
    return see_other(f"{session.root}/your-data/earlier/code{resent}")


@router.get("/code")
def code_form(request: Request, session: CurrentLaunch, db: ReadDb, resent: str = "") -> Response:
    """Enter the code, or ask for another one."""
    pending = linking.pending_link(db, session.person_id, _here(session))
    if pending is None:
        return see_other(f"{session.root}/your-data/earlier")
    return _page(request, "linking/code.html", LinkCodePage(email=pending.email, resent=bool(resent)))


@router.post("/code")
def check_code(request: Request, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Check the code; only then is anything of the earlier record shown."""
    with runtime.database.read() as db:
        pending = linking.pending_link(db, session.person_id, _here(session))
    code = form.get("code", "")
    try:
        linking.prove_link(
            runtime.database, runtime.secret_box, person_id=session.person_id, asked_in=_here(session), code=code
        )
    except (CodeWrong, CodeExpired, NoCodeRequested) as error:
        if pending is None or not isinstance(error, CodeWrong):
            page = EarlierPage(email=pending.email if pending else "", errors=[("email", _words(error))])
            return _page(request, "linking/email.html", page, error.status)
        again = LinkCodePage(email=pending.email, errors=[("code", _words(error))], code=code[:20])
        return _page(request, "linking/code.html", again, error.status)
    return see_other(f"{session.root}/your-data/earlier/join")


@router.get("/join")
def join_form(request: Request, session: CurrentLaunch, db: ReadDb, runtime: App) -> Response:
    """What would come together, and what would not."""
    proven = linking.proven_link(db, session.person_id, _here(session))
    if proven is None:
        return see_other(f"{session.root}/your-data/earlier")
    foreseen = linking.foresee_link(db, _rooms(request), proven)
    page = JoinPage(foreseen, runtime.settings.contact_email or None, hindered=bool(foreseen.hindrances))
    return _page(request, "linking/join.html", page)


@router.post("/join")
def join(request: Request, session: CurrentLaunch, runtime: App) -> Response:
    """Join the two. This session goes on as the one person."""
    try:
        linking.link_persons(runtime.database, _rooms(request), person_id=session.person_id, asked_in=_here(session))
    except LinkHindered:
        return see_other(f"{session.root}/your-data/earlier/join")  # it says what is in the way
    except LinkOver as error:
        return _page(request, "linking/email.html", EarlierPage(errors=[("email", _words(error))]), error.status)
    return see_other(f"{session.root}/your-data/earlier/joined")


@router.get("/joined")
def joined(request: Request, session: CurrentLaunch, db: ReadDb, runtime: App) -> Response:
    """What was joined with the record of whoever is signed in, and what stayed apart."""
    found = tuple(
        Joined(_organisation(db, each.organisation_id), each.linked_at) for each in linking.links(db, session.person_id)
    )
    if not found:
        return see_other(f"{session.root}/your-data/earlier")
    apart = linking.kept_apart(db, _rooms(request), session.person_id)
    return _page(request, "linking/joined.html", JoinedPage(found, apart, runtime.settings.contact_email or None))


def _page(request: Request, template: str, page: object, status: int = 200) -> Response:
    return render(request, template, page, status=status, headers=dict(PRIVATE))


def _rooms(request: Request) -> Sequence[PersonMerge]:
    rooms: Sequence[PersonMerge] = request.app.state.person_merge
    return rooms


def _here(session: LaunchSession) -> str:
    """What a code is bound to: this session, and no other one of the same person."""
    return digest(session.handle)


def _words(error: AppError) -> str:
    return " ".join(filter(None, (error.detail, error.kept, error.next_step)))


def _organisation(db: ReadSession, organisation_id: str | None) -> str | None:
    if organisation_id is None:
        return None
    try:
        return people.organisation(db, organisation_id).name
    except OrganisationNotFound:
        return None
