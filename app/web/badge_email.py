"""Confirming an e-mail address by a code, so that a badge may be bound to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter, Request, Response

from app.people import service as people
from app.people.errors import AddressBusy, CodeExpired, CodeWrong, EmailNotUsable, NoCodeRequested, TooManyConfirmations
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class EmailPage:
    """Where to send the code."""

    email: str
    errors: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class CodePage:
    """Where the code is entered."""

    email: str
    expires_at: datetime
    errors: list[tuple[str, str]] = field(default_factory=list)
    resent: bool = False
    code: str = ""


@router.get("/at/{handle}/badges/email")
def email_form(request: Request, session: CurrentLaunch, db: ReadDb) -> Response:
    """Which address should the badges carry? The LMS's is only suggested."""
    return render(request, "badges/email.html", EmailPage(email=people.asserted_email(db, session.person_id) or ""))


@router.post("/at/{handle}/badges/email")
def send_code(request: Request, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Send a code to the address."""
    email = form.get("email", "").strip()
    try:
        with runtime.database.write() as db:
            people.request_email_confirmation(db, runtime.secret_box, person_id=session.person_id, email=email)
    except (AddressBusy, EmailNotUsable, TooManyConfirmations) as error:
        message = " ".join(filter(None, (error.detail, error.kept, error.next_step)))
        page = EmailPage(email=email[:320], errors=[("email", message)])
        return render(request, "badges/email.html", page, status=error.status)
    resent = "?resent=1" if form.get("again") else ""
    return see_other(f"{session.root}/badges/email/code{resent}")


@router.get("/at/{handle}/badges/email/code")
def code_form(request: Request, session: CurrentLaunch, db: ReadDb, resent: str = "") -> Response:
    """Enter the code, or ask for another one."""
    pending = people.pending_confirmation(db, session.person_id)
    if pending is None:
        return see_other(f"{session.root}/badges/email")
    page = CodePage(email=pending.email, expires_at=pending.expires_at, resent=bool(resent))
    return render(request, "badges/code.html", page)


@router.post("/at/{handle}/badges/email/code")
def check_code(request: Request, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Check the code; from then on badges carry the address, as a hash."""
    with runtime.database.read() as db:
        pending = people.pending_confirmation(db, session.person_id)
    code = form.get("code", "")
    try:
        people.confirm_email(runtime.database, runtime.secret_box, person_id=session.person_id, code=code)
    except (CodeWrong, CodeExpired, NoCodeRequested) as error:
        message = " ".join(filter(None, (error.detail, error.next_step)))
        if pending is None or not isinstance(error, CodeWrong):
            page = EmailPage(email=pending.email if pending else "", errors=[("email", message)])
            return render(request, "badges/email.html", page, status=error.status)
        again = CodePage(email=pending.email, expires_at=pending.expires_at, errors=[("code", message)], code=code[:20])
        return render(request, "badges/code.html", again, status=error.status)
    return see_other(f"{session.root}/badges?confirmed=1")
