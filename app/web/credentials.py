"""`/credentials/{id}`: the badge page, as an employer sees it; the same address gives machines the badge itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer.errors import CredentialNotFound
from app.issuer.schemas import PublicCredential
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.schemas import AchievementInfo
from app.verifier.holder import email_matches
from app.verifier.schemas import Presented, Report
from app.web import documents
from app.web.dependencies import App, BadgeVerifier
from app.web.errors import wants_machine_form
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.report_view import ReportView, view_of

router = APIRouter(include_in_schema=False)

HolderCheck = Literal["yes", "no", "empty"]

# A verdict is of its moment and a badge page of its holder's choosing: neither is kept by caches or search engines.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Vary": "Accept"}


@dataclass(frozen=True)
class BadgePage:
    """Context of credentials/badge.html; `holder_check` is the answer to an e-mail comparison, if one was asked for."""

    view: ReportView
    url: str
    path: str
    holder_check: HolderCheck | None = None


@router.api_route("/credentials/{credential_id:uuid}", methods=["GET", "HEAD"])
def show(request: Request, credential_id: UUID, runtime: App, verifier: BadgeVerifier) -> Response:
    """The verdict page for people, the badge itself for programs (by Accept)."""
    form = documents.negotiate(request.headers.get("accept"))
    try:
        credential, achievement = _load(runtime, str(credential_id))
    except CredentialNotFound:
        if form != "html" or wants_machine_form(request):
            raise
        return render(request, "credentials/not_shared.html", status=404, headers=_HEADERS)
    if form != "html":
        return documents.machine_form(request, runtime, credential, form)
    report = verifier.verify(Presented.from_bytes(credential.document))
    return _page(request, runtime, credential, achievement, report, None)


@router.get("/credentials/{credential_id:uuid}/holder")
def holder_page(credential_id: UUID) -> Response:
    """The comparison has no page of its own: an address kept or passed on leads to the badge."""
    return RedirectResponse(f"/credentials/{credential_id}", status_code=303)


@router.post("/credentials/{credential_id:uuid}/holder")
def compare_holder(
    request: Request, credential_id: UUID, runtime: App, verifier: BadgeVerifier, form: PostedForm
) -> Response:
    """Compare an e-mail address with the badge's holder.

    The answer is a page, not a redirect to one: an address that says "yes" could be passed on by anybody.
    """
    verifier.limit.spend(request.client.host if request.client else "unknown")
    try:
        credential, achievement = _load(runtime, str(credential_id))
    except CredentialNotFound:
        return render(request, "credentials/not_shared.html", status=404, headers=_HEADERS)
    report = verifier.verify(Presented.from_bytes(credential.document))
    answer = _compare(report, form.get("email", ""))
    return _page(request, runtime, credential, achievement, report, answer)


def _compare(report: Report, email: str) -> HolderCheck | None:
    if report.facts is None:
        return None
    if not email.strip():
        return "empty"
    return "yes" if email_matches(report.facts.holder, email) else "no"


def _load(runtime: Runtime, credential_id: str) -> tuple[PublicCredential, AchievementInfo | None]:
    with runtime.database.read() as session:
        credential = issuer.public_credential(session, credential_id)
        try:
            return credential, programme.achievement(
                session, credential.achievement_key, credential.achievement_version
            )
        except ModuleUnknown:
            return credential, None


def _page(
    request: Request,
    runtime: Runtime,
    credential: PublicCredential,
    achievement: AchievementInfo | None,
    report: Report,
    holder_check: HolderCheck | None,
) -> Response:
    path = f"/credentials/{credential.id}"
    page = BadgePage(
        view=_view(report, achievement),
        url=f"{runtime.settings.base_url}{path}",
        path=path,
        holder_check=holder_check,
    )
    return render(request, "credentials/badge.html", page, headers=_HEADERS)


def _view(report: Report, achievement: AchievementInfo | None) -> ReportView:
    if achievement is None or report.facts is None:
        return view_of(report)
    count = len(achievement.rubric.criteria)
    return view_of(
        report,
        image=achievement.image_path,
        hours=f"About {achievement.hours} hours, time in the workplace included",
        assessment=f"By a person: an assessor marked the work against a rubric of {count} criteria",
    )
