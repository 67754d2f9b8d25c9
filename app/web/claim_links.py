"""`/claim/{id}.{token}/links`: links to one badge, for whoever has its award mail: make one, copy it, end it.

They show this badge and no other of its holder's: the mail proves no more. See `issuer.mailed_links`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.core.clock import now
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import mailed_links, share_links
from app.issuer import service as issuer
from app.issuer.share_errors import ShareLinkRefused, TooManyShareLinks
from app.programme import service as programme
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.holder import PRIVATE, image_of, see_other
from app.web.pages import render
from app.web.sessions import check_same_origin
from app.web.share_links import LIFETIMES, MOST_SHOWN, LinkRow, row_of

router = APIRouter(include_in_schema=False)
PATH: Final = "/claim/{credential_id}.{token}/links"


@dataclass(frozen=True)
class MailedLinksPage:
    """Context of badges/mailed_links.html; `root` is where the badge's actions are."""

    name: str
    image: str
    root: str
    days: int
    lifetimes: tuple[tuple[int, str], ...]
    working: tuple[LinkRow, ...]
    over: tuple[LinkRow, ...]
    made: bool
    ended: bool
    errors: list[tuple[str, str]]


@router.get(PATH)
def mailed(
    request: Request, credential_id: str, token: str, db: ReadDb, runtime: App, made: str = "", ended: str = ""
) -> Response:
    """The links that were made here, and the form for a new one."""
    page = _page(db, runtime, credential_id, token, made=made, ended=bool(ended))
    return render(request, "badges/mailed_links.html", page, headers=dict(PRIVATE))


@router.post(PATH)
def make_mailed(request: Request, credential_id: str, token: str, form: PostedForm, runtime: App) -> Response:
    """Make a link to this badge."""
    check_same_origin(request, runtime.settings.base_url)
    days = whole_number(form.get("days", "")) or 0
    try:
        with runtime.database.write() as db:
            link_id = mailed_links.make(db, runtime.secret_box, credential_id, token, days=days)
    except (ShareLinkRefused, TooManyShareLinks) as error:
        message = " ".join(filter(None, (error.detail, error.next_step)))
        with runtime.database.read() as db:
            page = _page(db, runtime, credential_id, token, days=days, errors=[("days", message)])
        return render(request, "badges/mailed_links.html", page, status=error.status, headers=dict(PRIVATE))
    return see_other(f"/claim/{credential_id}.{token}/links?made={link_id}")


@router.post(PATH + "/{link_id:uuid}/end")
def end_mailed(request: Request, credential_id: str, token: str, link_id: UUID, runtime: App) -> Response:
    """End one of them for good."""
    check_same_origin(request, runtime.settings.base_url)
    with runtime.database.write() as db:
        mailed_links.end(db, runtime.secret_box, credential_id, token, link_id=str(link_id))
    return see_other(f"/claim/{credential_id}.{token}/links?ended=1")


def _page(
    db: ReadSession,
    runtime: Runtime,
    credential_id: str,
    token: str,
    *,
    days: int = share_links.USUAL_LIFETIME,
    made: str = "",
    ended: bool = False,
    errors: list[tuple[str, str]] | None = None,
) -> MailedLinksPage:
    found = mailed_links.links_of(db, runtime.secret_box, runtime.settings.base_url, credential_id, token)
    badge = issuer.stored_credential(db, credential_id)
    name = programme.achievement(db, badge.achievement_key, badge.achievement_version).name
    moment = now()
    rows = [row_of(link, {badge.id: name}, moment, made) for link in found]
    working = tuple(row for row in rows if row.state == "works")
    return MailedLinksPage(
        name=name,
        image=image_of(badge),
        root=f"/claim/{badge.id}.{token}",
        days=days if days in share_links.LIFETIMES else share_links.USUAL_LIFETIME,
        lifetimes=LIFETIMES,
        working=working,
        over=tuple(row for row in rows if row.state != "works")[:MOST_SHOWN],
        made=any(row.new for row in working),
        ended=ended,
        errors=errors or [],
    )
