"""What the templates of the badge page are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from app.config import Settings
from app.issuer.schemas import PublicCredential, VersionSummary
from app.programme.schemas import AchievementInfo
from app.verifier.schemas import Report
from app.web.how_assessed import how_assessed
from app.web.report_view import ReportView, view_of

HolderCheck = Literal["yes", "no", "empty"]


@dataclass(frozen=True)
class BadgePage:
    """Context of credentials/badge.html.

    Attributes:
        view: the verdict and what stands behind it.
        credential_id: the last part of the badge's address.
        url: the badge's address.
        path: the same on this server.
        problem: where a problem can be reported (`mailto:`), if the operator names somebody.
        holder_check: the answer to an e-mail comparison, if one was asked for.
    """

    view: ReportView
    credential_id: str
    url: str
    path: str
    problem: str | None
    holder_check: HolderCheck | None = None


@dataclass(frozen=True)
class OlderPage(BadgePage):
    """Context of credentials/older.html: a version that was replaced, and the one that stands in its place now."""

    number: int = 0
    signed: VersionSummary | None = None
    newest: VersionSummary | None = None
    superseded: bool = False


@dataclass(frozen=True)
class ErasedPage:
    """Context of credentials/erased.html."""

    issued_on: datetime
    erased_at: datetime


def page_of(
    report: Report,
    achievement: AchievementInfo | None,
    credential: PublicCredential,
    settings: Settings,
    holder_check: HolderCheck | None,
    *,
    told: bool,
) -> BadgePage:
    """The page of a badge in its newest version.

    Args:
        report: the verifier's, of that version's document.
        achievement: what our programme says of the achievement, if it is there.
        credential: the badge.
        settings: of this server: its address and whom to write to.
        holder_check: the answer to an e-mail comparison, if one was asked for.
        told: whether this server was only told of the decision.
    """
    path = f"/credentials/{credential.id}"
    url = f"{settings.base_url}{path}"
    view = _view(report, achievement, told=told)
    return BadgePage(view, credential.id, url, path, _problem(settings.contact_email, url, view), holder_check)


def older_page(
    report: Report,
    achievement: AchievementInfo | None,
    credential: PublicCredential,
    number: int,
    settings: Settings,
    *,
    told: bool,
) -> OlderPage:
    """The page of a version that was replaced; `superseded` where nothing worse is to be said of it.

    Args:
        report: the verifier's, of that version's document.
        achievement, credential, settings, told: as in `page_of`.
        number: which version.
    """
    path = f"/credentials/{credential.id}"
    url = f"{settings.base_url}{path}"
    view = _view(report, achievement, told=told)
    return OlderPage(
        view,
        credential.id,
        url,
        path,
        _problem(settings.contact_email, f"{url}/v{number}", view),
        number=number,
        signed=next(each for each in credential.versions if each.version == number),
        newest=credential.versions[-1],
        superseded=report.is_valid,
    )


def _view(report: Report, achievement: AchievementInfo | None, *, told: bool) -> ReportView:
    if achievement is None or report.facts is None:
        return view_of(report)
    return view_of(
        report,
        image=achievement.image_path,
        hours=f"About {achievement.hours} hours, time in the workplace included",
        assessment=how_assessed(report, achievement, told=told),
    )


def _problem(contact: str, url: str, view: ReportView) -> str | None:
    """A mail that the visitor's own program writes: nothing of it passes this server, and nothing is kept here."""
    if not contact:
        return None
    body = (
        f"The badge: {url}\nWhat the page said: {view.title}\n"
        f"Checked: {view.report.checked_at:%Y-%m-%d %H:%M} UTC\n\nWhat is wrong:\n"
    )
    return f"mailto:{quote(contact, safe='@.+-_')}?subject={quote('Problem with a badge')}&body={quote(body)}"
