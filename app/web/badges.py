"""The holder's pages: my badges, confirming an e-mail address, sharing and hiding, and taking a badge along.

The same can be done from the link in the award mail, which needs no sign-in: whoever holds it acts as the holder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.core.clock import now
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer.errors import credential_not_found
from app.issuer.schemas import PublicCredential
from app.people import service as people
from app.people.errors import AddressBusy, CodeExpired, CodeWrong, EmailNotUsable, NoCodeRequested, TooManyConfirmations
from app.programme import service as programme
from app.web.dependencies import App, ReadDb
from app.web.documents import CONTENT_TYPES, SUFFIXES, badge_bytes
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession, check_same_origin

router = APIRouter(include_in_schema=False)

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
Standing = Literal["valid", "expired", "revoked"]
Email = Literal["unconfirmed", "code_sent", "confirmed"]


@dataclass(frozen=True)
class BadgeCard:
    """One badge in the list."""

    name: str
    href: str
    image: str
    standing: Standing
    shared: bool
    awarded_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class BadgesPage:
    """My badges, and how it stands with my e-mail address."""

    badges: tuple[BadgeCard, ...]
    email_state: Email
    email: str | None
    just_confirmed: bool


@dataclass(frozen=True)
class BadgePage:
    """One badge for its holder. `root` is where its actions are; `by_mail` says that the page was reached by a link."""

    name: str
    description: str
    image: str
    standing: Standing
    shared: bool
    awarded_at: datetime
    valid_until: datetime | None
    identified: bool
    issuer_name: str
    root: str
    public_url: str
    changed: str | None
    by_mail: bool


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


# My badges


@router.get("/at/{handle}/badges")
def my_badges(request: Request, session: CurrentLaunch, db: ReadDb, confirmed: str = "") -> Response:
    """All badges of the person who is signed in."""
    address = people.confirmed_email(db, session.person_id)
    pending = people.pending_confirmation(db, session.person_id)
    state: Email = "confirmed" if address else "code_sent" if pending else "unconfirmed"
    page = BadgesPage(
        badges=_cards(db, session),
        email_state=state,
        email=address.email if address else pending.email if pending else None,
        just_confirmed=bool(confirmed) and address is not None,
    )
    return render(request, "badges/list.html", page)


@router.get("/at/{handle}/badges/{credential_id:uuid}")
def my_badge(
    request: Request, credential_id: UUID, session: CurrentLaunch, db: ReadDb, runtime: App, changed: str = ""
) -> Response:
    """One of my badges: share it, hide it, take it along."""
    badge = issuer.held_credential(db, str(credential_id), session.person_id)
    page = _badge_page(db, runtime, badge, root=f"{session.root}/badges/{badge.id}", changed=changed, by_mail=False)
    return render(request, "badges/badge.html", page)


@router.post("/at/{handle}/badges/{credential_id:uuid}/share")
def share_badge(credential_id: UUID, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Share a badge, or hide it again."""
    shared = form.get("shared") == "yes"
    with runtime.database.write() as db:
        issuer.share(db, str(credential_id), session.person_id, shared)
    return _see_other(f"{session.root}/badges/{credential_id}?changed={'shared' if shared else 'hidden'}")


@router.get("/at/{handle}/badges/{credential_id:uuid}/badge.{suffix}")
def download_badge(credential_id: UUID, suffix: str, session: CurrentLaunch, db: ReadDb, runtime: App) -> Response:
    """One of my badges as a file, shared or not."""
    return _download(runtime, issuer.held_credential(db, str(credential_id), session.person_id), suffix)


# Confirming an e-mail address


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
    return _see_other(f"{session.root}/badges/email/code{resent}")


@router.get("/at/{handle}/badges/email/code")
def code_form(request: Request, session: CurrentLaunch, db: ReadDb, resent: str = "") -> Response:
    """Enter the code, or ask for another one."""
    pending = people.pending_confirmation(db, session.person_id)
    if pending is None:
        return _see_other(f"{session.root}/badges/email")
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
    return _see_other(f"{session.root}/badges?confirmed=1")


# By the link of the award mail


@router.get("/claim/{credential_id}.{token}")
def claimed_badge(
    request: Request, credential_id: str, token: str, db: ReadDb, runtime: App, changed: str = ""
) -> Response:
    """The badge for whoever holds the link. Looking changes nothing: mail programs open links by themselves."""
    badge = _claimed(db, runtime, credential_id, token)
    root = f"/claim/{badge.id}.{token}"
    page = _badge_page(db, runtime, badge, root=root, changed=changed, by_mail=True)
    return render(request, "badges/badge.html", page, headers=PRIVATE)


@router.post("/claim/{credential_id}.{token}/share")
def share_claimed(request: Request, credential_id: str, token: str, form: PostedForm, runtime: App) -> Response:
    """Share or hide by the link: the secret in the address is what other sites cannot forge."""
    check_same_origin(request, runtime.settings.base_url)
    shared = form.get("shared") == "yes"
    with runtime.database.write() as db:
        issuer.share_by_claim(db, runtime.secret_box, credential_id, token, shared)
    return _see_other(f"/claim/{credential_id}.{token}?changed={'shared' if shared else 'hidden'}")


@router.get("/claim/{credential_id}.{token}/badge.{suffix}")
def download_claimed(credential_id: str, token: str, suffix: str, db: ReadDb, runtime: App) -> Response:
    """The badge as a file, by the link."""
    return _download(runtime, _claimed(db, runtime, credential_id, token), suffix)


# What they share


def _claimed(db: ReadSession, runtime: Runtime, credential_id: str, token: str) -> PublicCredential:
    issuer.check_claim(db, runtime.secret_box, credential_id, token)
    return issuer.stored_credential(db, credential_id)


def _cards(db: ReadSession, session: LaunchSession) -> tuple[BadgeCard, ...]:
    return tuple(
        BadgeCard(
            name=badge.name,
            href=f"{session.root}/badges/{badge.id}",
            image=_image(badge.achievement_key, badge.achievement_version),
            standing=_standing(badge.state, badge.valid_until),
            shared=badge.shared,
            awarded_at=badge.awarded_at,
            valid_until=badge.valid_until,
        )
        for badge in issuer.credentials_of(db, session.person_id)
    )


def _badge_page(
    db: ReadSession, runtime: Runtime, badge: PublicCredential, *, root: str, changed: str, by_mail: bool
) -> BadgePage:
    info = programme.achievement(db, badge.achievement_key, badge.achievement_version)
    return BadgePage(
        name=info.name,
        description=info.description,
        image=_image(badge.achievement_key, badge.achievement_version),
        standing=_standing(badge.state, badge.valid_until),
        shared=badge.shared,
        awarded_at=badge.awarded_at,
        valid_until=badge.valid_until,
        identified=badge.identified,
        issuer_name=issuer.issuer_info(db, runtime.settings.base_url, badge.issuer_key).name,
        root=root,
        public_url=f"{runtime.settings.base_url}/credentials/{badge.id}",
        changed=changed if changed in ("shared", "hidden") else None,
        by_mail=by_mail,
    )


def _image(key: str, version: int) -> str:
    return f"/achievements/{key}/v{version}.svg"


def _standing(state: str, valid_until: datetime | None) -> Standing:
    if state == "revoked":
        return "revoked"
    return "expired" if valid_until is not None and valid_until <= now() else "valid"


def _download(runtime: Runtime, badge: PublicCredential, suffix: str) -> Response:
    if suffix not in SUFFIXES:
        raise credential_not_found()
    form = SUFFIXES[suffix]
    name = f"{badge.achievement_key}-{badge.id[:8]}.{suffix}"
    headers = {
        **PRIVATE,
        "Content-Type": CONTENT_TYPES[form],
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(badge_bytes(runtime, badge, form), headers=headers)


def _see_other(url: str) -> RedirectResponse:
    """After a change the browser fetches the page anew, so that a reload repeats nothing."""
    return RedirectResponse(url, status_code=303)
