"""`/s/{token}`: some badges of one person, shown to whoever has the link, each checked as the page is opened.

Everything a link shows lies below its own address: a badge that its holder has not shared otherwise stays closed at
`/credentials/{id}`. Nothing about visitors is kept, and no search engine or cache may keep a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.awards import service as awards
from app.core.runtime import Runtime
from app.issuer import share_links
from app.issuer.schemas import PublicCredential
from app.issuer.share_errors import ShareLinkNotFound, ShareLinkOver, link_not_found
from app.issuer.share_links import OpenedLink
from app.programme import service as programme
from app.verifier.holder import email_matches
from app.verifier.schemas import Presented, Report
from app.verifier.service import Verifier
from app.web.dependencies import App, BadgeVerifier
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, badge_file, image_of
from app.web.how_assessed import how_assessed
from app.web.pages import render
from app.web.path_numbers import register_path_numbers
from app.web.report_view import ReportView, view_of

register_path_numbers()
router = APIRouter(include_in_schema=False)

HolderCheck = Literal["yes", "no", "empty"]
# The address is a secret; that it does not leave in a Referer is every page's Referrer-Policy.
HEADERS: Final = dict(PRIVATE)
STANDS: Final = frozenset({"valid"})


@dataclass(frozen=True)
class SharedBadge:
    """One badge behind a link: its verdict now, and where its own page is."""

    view: ReportView
    href: str


@dataclass(frozen=True)
class SharePage:
    """Context of shares/list.html; `standing` is how many of the badges are valid now."""

    badges: tuple[SharedBadge, ...]
    standing: int
    expires_at: datetime
    checked_at: datetime


@dataclass(frozen=True)
class SharedBadgePage:
    """Context of shares/badge.html; `public_url` only where the holder shares the badge with everybody anyway."""

    view: ReportView
    root: str
    path: str
    count: int
    expires_at: datetime
    public_url: str | None
    holder_check: HolderCheck | None = None


@router.get("/s/{token}")
def shared_badges(request: Request, token: str, runtime: App, verifier: BadgeVerifier) -> Response:
    """Every badge behind the link, each with its verdict."""
    try:
        opened = _open(runtime, token)
    except (ShareLinkNotFound, ShareLinkOver) as error:
        return _closed(request, error)
    badges = tuple(
        SharedBadge(_view(runtime, credential, _report(verifier, credential)), f"/s/{token}/{number}")
        for number, credential in enumerate(opened.credentials, start=1)
    )
    page = SharePage(
        badges=badges,
        standing=sum(badge.view.verdict in STANDS for badge in badges),
        expires_at=opened.expires_at,
        checked_at=min(badge.view.report.checked_at for badge in badges),
    )
    return render(request, "shares/list.html", page, headers=HEADERS)


@router.get("/s/{token}/{number:number}")
def shared_badge(request: Request, token: str, number: int, runtime: App, verifier: BadgeVerifier) -> Response:
    """One of them in full."""
    return _shown(request, token, number, runtime, verifier, email=None)


@router.get("/s/{token}/{number:number}/holder")
def holder_page(token: str, number: int) -> Response:
    """The comparison has no page of its own: an address kept leads to the badge."""
    return RedirectResponse(f"/s/{token}/{number}", status_code=303, headers=HEADERS)


@router.post("/s/{token}/{number:number}/holder")
def compare_holder(
    request: Request, token: str, number: int, runtime: App, verifier: BadgeVerifier, form: PostedForm
) -> Response:
    """Compare an e-mail address with the badge's holder; it is not kept."""
    verifier.limit.spend(request.client.host if request.client else "unknown")
    return _shown(request, token, number, runtime, verifier, email=form.get("email", "").strip())


@router.get("/s/{token}/{number:number}/badge.{suffix}")
def shared_file(token: str, number: int, suffix: str, runtime: App) -> Response:
    """One of them as a file."""
    answer = badge_file(runtime, _nth(_open(runtime, token), number), suffix)
    answer.headers.update(HEADERS)
    return answer


def _shown(
    request: Request, token: str, number: int, runtime: Runtime, verifier: Verifier, email: str | None
) -> Response:
    try:
        opened = _open(runtime, token)
        credential = _nth(opened, number)
    except (ShareLinkNotFound, ShareLinkOver) as error:
        return _closed(request, error)
    report = _report(verifier, credential)
    page = SharedBadgePage(
        view=_view(runtime, credential, report),
        root=f"/s/{token}",
        path=f"/s/{token}/{number}",
        count=len(opened.credentials),
        expires_at=opened.expires_at,
        public_url=f"{runtime.settings.base_url}/credentials/{credential.id}" if credential.shared else None,
        holder_check=None if email is None else _compare(report, email),
    )
    return render(request, "shares/badge.html", page, headers=HEADERS)


def _open(runtime: Runtime, token: str) -> OpenedLink:
    with runtime.database.read() as db:
        return share_links.open_link(db, token)


def _nth(opened: OpenedLink, number: int) -> PublicCredential:
    if not 1 <= number <= len(opened.credentials):
        raise link_not_found()
    return opened.credentials[number - 1]


def _closed(request: Request, error: ShareLinkNotFound | ShareLinkOver) -> Response:
    """The same words whether a link is over or never was; only the status tells, and it tells nothing of badges."""
    return render(request, "shares/closed.html", status=error.status, headers=HEADERS)


def _report(verifier: Verifier, credential: PublicCredential) -> Report:
    return verifier.verify(Presented.from_bytes(credential.document))


def _compare(report: Report, email: str) -> HolderCheck | None:
    if report.facts is None:
        return None
    if not email:
        return "empty"
    return "yes" if email_matches(report.facts.holder, email) else "no"


def _view(runtime: Runtime, credential: PublicCredential, report: Report) -> ReportView:
    with runtime.database.read() as db:
        info = programme.achievement(db, credential.achievement_key, credential.achievement_version)
        told = awards.was_told(db, credential.id)
    return view_of(
        report,
        image=image_of(credential),
        hours=f"About {info.hours} hours, time in the workplace included",
        assessment=how_assessed(report, info, told=told),
    )
