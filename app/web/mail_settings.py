"""Which mails I get: one switch for each kind, from a launch; and `/mail/{token}`, the same for one kind from a mail.

Opening the link of a mail changes nothing, because mail programs open links by themselves. A mail program that has a
button of its own for it sends a POST without a browser around it (RFC 8058, https://www.rfc-editor.org/rfc/rfc8058).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.messages import preferences
from app.messages.kinds import KINDS, Kind
from app.people import service as people
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, see_other
from app.web.pages import render
from app.web.sessions import CurrentLaunch, check_same_origin

router = APIRouter(include_in_schema=False)

PAGE: Final = "/at/{handle}/your-data/mail"
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
WANTED, SHOWN = "wanted-", "shown-"


@dataclass(frozen=True)
class Switch:
    """One kind of mail that can be switched, and whether it is wanted."""

    kind: Kind
    on: bool


@dataclass(frozen=True)
class MailSettingsPage:
    """Context of learner/mail_settings.html.

    Attributes:
        address: where mails go; None if no address is known.
        switches: what can be switched.
        always: what cannot.
        saved: whether it was saved a moment ago.
    """

    address: str | None
    switches: tuple[Switch, ...]
    always: tuple[Kind, ...]
    saved: bool


@dataclass(frozen=True)
class MailLinkPage:
    """Context of mail/switch.html: one kind of mail, whether it is on, and whether that was changed a moment ago."""

    kind: Kind
    on: bool
    action: str
    saved: bool


@router.get(PAGE)
def my_mails(request: Request, session: CurrentLaunch, db: ReadDb, saved: str = "") -> Response:
    """Which mails there are, and which of them I get."""
    off = preferences.unwanted(db, session.person_id)
    page = MailSettingsPage(
        address=people.notification_address(db, session.person_id),
        switches=tuple(Switch(kind, kind.key not in off) for kind in KINDS if kind.switchable),
        always=tuple(kind for kind in KINDS if not kind.switchable),
        saved=bool(saved),
    )
    return render(request, "learner/mail_settings.html", page, headers=dict(PRIVATE))


@router.post(PAGE)
def save_mails(session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Switch on what is ticked and off what is not, of the kinds that the page showed."""
    shown = [kind.key for kind in KINDS if SHOWN + kind.key in form]
    with runtime.database.write() as db:
        preferences.switch(db, session.person_id, {key: WANTED + key in form for key in shown})
    return see_other(f"{session.root}/your-data/mail?saved=yes")


@router.get("/mail/{token}")
def one_kind(request: Request, token: str, db: ReadDb, runtime: App, saved: str = "") -> Response:
    """One kind of mail and its switch, for whoever has a mail of that kind."""
    link = preferences.read_link(db, runtime.secret_box, token)
    on = preferences.wants(db, link.person_id, link.kind)
    page = MailLinkPage(link.kind, on, f"/mail/{token}", saved=bool(saved))
    return render(request, "mail/switch.html", page, headers=dict(PRIVATE))


@router.post("/mail/{token}")
def switch_one_kind(request: Request, token: str, form: PostedForm, runtime: App) -> Response:
    """Switch that kind off, or on again; a mail program's own button switches it off."""
    name, value = ONE_CLICK
    one_click = form.get(name) == value
    if not one_click:  # which says nothing of where it comes from; the secret in the address is what it takes
        check_same_origin(request, runtime.settings.base_url)
    with runtime.database.write() as db:
        link = preferences.read_link(db, runtime.secret_box, token)
        preferences.switch(db, link.person_id, {link.kind.key: not one_click and form.get("wanted") == "yes"})
    if one_click:
        return PlainTextResponse("Switched off.\n", headers=dict(PRIVATE))
    return see_other(f"/mail/{token}?saved=yes")
