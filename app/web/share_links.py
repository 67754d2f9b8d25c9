"""The links that show several of my badges for a while: make one, copy it, end it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.core.clock import now
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer import share_links
from app.issuer.schemas import CredentialSummary
from app.issuer.share_errors import ShareLinkRefused, TooManyShareLinks
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm, whole_number
from app.web.holder import Standing, image_of, see_other, standing_of
from app.web.pages import render
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(prefix="/at/{handle}/badges/links", include_in_schema=False)

BADGE_FIELD: Final = "badge-"
MOST_SHOWN: Final = 100
LIFETIMES: Final = tuple((each, "1 year" if each == 365 else f"{each} days") for each in share_links.LIFETIMES)
LinkState = Literal["works", "ended", "over"]


@dataclass(frozen=True)
class Choice:
    """A badge that may go behind a link."""

    id: str
    name: str
    image: str
    standing: Standing
    awarded_at: datetime
    chosen: bool


@dataclass(frozen=True)
class LinkRow:
    """One of my links: `url` only while it works and its address can be told again; `until` when it stops or did.

    `by_mail`: it was made with the link in an award mail, by whoever has that.
    """

    id: str
    url: str | None
    state: LinkState
    badges: tuple[str, ...]
    made_at: datetime
    until: datetime
    new: bool
    by_mail: bool


@dataclass(frozen=True)
class LinksPage:
    """Context of badges/links.html."""

    choices: tuple[Choice, ...]
    days: int
    lifetimes: tuple[tuple[int, str], ...]
    working: tuple[LinkRow, ...]
    over: tuple[LinkRow, ...]
    made: bool
    ended: bool
    errors: list[tuple[str, str]]


@router.get("")
def my_links(
    request: Request, session: CurrentLaunch, db: ReadDb, runtime: App, made: str = "", ended: str = "", badge: str = ""
) -> Response:
    """My links, and the form for a new one; `badge` is one to choose beforehand."""
    page = _page(db, runtime, session, chosen={badge}, made=made, ended=bool(ended))
    return render(request, "badges/links.html", page)


@router.post("")
def make_link(request: Request, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Make a link."""
    days = whole_number(form.get("days", "")) or 0
    with runtime.database.read() as db:
        chosen = [badge.id for badge in issuer.credentials_of(db, session.person_id) if _is_chosen(form, badge.id)]
    try:
        with runtime.database.write() as db:
            link_id = share_links.make(
                db, runtime.secret_box, person_id=session.person_id, credential_ids=chosen, days=days
            )
    except (ShareLinkRefused, TooManyShareLinks) as error:
        message = " ".join(filter(None, (error.detail, error.next_step)))
        place = f"{BADGE_FIELD}first" if isinstance(error, ShareLinkRefused) and not chosen else "days"
        with runtime.database.read() as db:
            page = _page(db, runtime, session, chosen=set(chosen), days=days, errors=[(place, message)])
        return render(request, "badges/links.html", page, status=error.status)
    return see_other(f"{session.root}/badges/links?made={link_id}")


@router.post("/{link_id:uuid}/end")
def end_link(link_id: UUID, session: CurrentLaunch, runtime: App) -> Response:
    """End a link for good."""
    with runtime.database.write() as db:
        share_links.end(db, person_id=session.person_id, link_id=str(link_id))
    return see_other(f"{session.root}/badges/links?ended=1")


def _is_chosen(form: Mapping[str, str], credential_id: str) -> bool:
    return form.get(f"{BADGE_FIELD}{credential_id}") == "yes"


def _page(
    db: ReadSession,
    runtime: Runtime,
    session: LaunchSession,
    *,
    chosen: set[str],
    days: int = share_links.USUAL_LIFETIME,
    made: str = "",
    ended: bool = False,
    errors: list[tuple[str, str]] | None = None,
) -> LinksPage:
    badges = issuer.credentials_of(db, session.person_id)
    names = {badge.id: badge.name for badge in badges}
    moment = now()
    rows = [
        row_of(link, names, moment, made)
        for link in share_links.links_of(db, runtime.secret_box, runtime.settings.base_url, session.person_id)
    ]
    working = tuple(row for row in rows if row.state == "works")
    return LinksPage(
        choices=tuple(_choice(badge, badge.id in chosen) for badge in badges),
        days=days if days in share_links.LIFETIMES else share_links.USUAL_LIFETIME,
        lifetimes=LIFETIMES,
        working=working,
        over=tuple(row for row in rows if row.state != "works")[:MOST_SHOWN],
        made=any(row.new for row in working),
        ended=ended,
        errors=errors or [],
    )


def _choice(badge: CredentialSummary, chosen: bool) -> Choice:
    return Choice(badge.id, badge.name, image_of(badge), standing_of(badge), badge.awarded_at, chosen)


def row_of(link: share_links.ShareLink, names: Mapping[str, str], moment: datetime, made: str) -> LinkRow:
    """A link as a page shows it.

    Args:
        link: the link.
        names: of its owner's badges, by id.
        moment: now.
        made: id of the one that was just made.
    """
    works = link.works(moment)
    return LinkRow(
        id=link.id,
        url=link.url if works else None,
        state="works" if works else "ended" if link.ended_at else "over",
        badges=tuple(names[each] for each in link.credential_ids if each in names),
        made_at=link.created_at,
        until=link.ended_at or link.expires_at,
        new=link.id == made,
        by_mail=link.by_mail,
    )
