"""`/credentials/{id}`: the badge page, as an employer sees it; the same address gives machines the badge itself."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.awards import service as awards
from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer.errors import CredentialErased, CredentialNotFound
from app.issuer.schemas import PublicCredential
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.schemas import AchievementInfo
from app.verifier.holder import email_matches
from app.verifier.schemas import Presented, Report
from app.verifier.service import Verifier
from app.web import badge_pictures, documents
from app.web.badge_page import BadgePage, ErasedPage, HolderCheck, older_page, page_of
from app.web.dependencies import App, BadgeVerifier
from app.web.direct import direct
from app.web.errors import SECONDS_UNTIL_A_NEW_TRY, wants_machine_form
from app.web.forms import PostedForm
from app.web.pages import render
from app.web.path_numbers import register_path_numbers

register_path_numbers()
router = APIRouter(include_in_schema=False)

# A verdict is of its moment and a badge page of its holder's choosing: neither is kept by caches or search engines.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Vary": "Accept"}


@direct(router, "/credentials/{credential_id:uuid}", documents.READ)
def show(request: Request) -> Response:
    """The verdict page for people, the badge itself for programs (by Accept)."""
    runtime: Runtime = request.app.state.runtime
    verifier: Verifier = request.app.state.verifier
    form = documents.negotiate(request.headers.get("accept"))
    try:
        credential, achievement = _load(runtime, str(request.path_params["credential_id"]))
    except CredentialNotFound as error:
        return _nothing_here(request, error, form)
    if form != "html":
        return documents.machine_form(request, runtime, credential, form)
    report = verifier.verify(Presented.from_bytes(credential.document))
    return _page(request, runtime, credential, achievement, report, None)


@router.api_route("/credentials/{credential_id:uuid}/v{version:number}", methods=documents.READ)
def show_version(
    request: Request, credential_id: UUID, version: int, runtime: App, verifier: BadgeVerifier
) -> Response:
    """One version: the newest is the badge itself, an older one says that it was replaced, and by what."""
    form = documents.negotiate(request.headers.get("accept"))
    try:
        credential, achievement = _load(runtime, str(credential_id))
        if form == "html" and version == credential.version:
            return RedirectResponse(f"/credentials/{credential_id}", status_code=303, headers=_HEADERS)
        with runtime.database.read() as session:
            document = issuer.public_version(session, credential.id, version)
    except CredentialNotFound as error:
        return _nothing_here(request, error, form)
    if form != "html":
        return documents.version_form(request, runtime, credential.id, document)
    report = verifier.verify(Presented.from_bytes(document), as_it_is=True)
    told = _was_told(runtime, credential)
    page = older_page(report, achievement, credential, version, runtime.settings, told=told)
    return _rendered(request, runtime, "credentials/older.html", page)


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
    except CredentialNotFound as error:
        return _nothing_here(request, error, "html")
    report = verifier.verify(Presented.from_bytes(credential.document))
    answer = _compare(report, form.get("email", ""))
    return _page(request, runtime, credential, achievement, report, answer)


@router.api_route("/credentials/{credential_id:uuid}/preview.png", methods=documents.READ)
def preview(request: Request, credential_id: UUID, runtime: App) -> Response:
    """The picture that goes with a shared badge's address where somebody passes it on; nothing of its holder."""
    credential, achievement = _load(runtime, str(credential_id))
    if achievement is None:
        raise ModuleUnknown("The achievement of this badge is not here.")
    with runtime.database.read() as session:
        name = issuer.issuer_info(session, runtime.settings.base_url, credential.issuer_key).name
    picture = badge_pictures.preview(runtime.settings.base_url, credential, achievement, name)
    return _picture(request, picture, "image/png")


@router.api_route("/credentials/{credential_id:uuid}/qr.svg", methods=documents.READ)
def qr(request: Request, credential_id: UUID, runtime: App) -> Response:
    """A shared badge's address as a QR code, for paper."""
    with runtime.database.look() as look:
        credential = issuer.public_credential(look, str(credential_id))
    code = badge_pictures.qr_svg(f"{runtime.settings.base_url}/credentials/{credential.id}")
    return _picture(request, code, "image/svg+xml")


def _picture(request: Request, body: bytes, media_type: str) -> Response:
    headers = {"X-Robots-Tag": "noindex"}
    return documents.respond(request, body, media_type, cache=documents.ASK_EACH_TIME, headers=headers)


def _nothing_here(request: Request, error: CredentialNotFound, form: documents.Form) -> Response:
    """A page for people about a badge that is not shown; programs get the error itself."""
    if form != "html" or wants_machine_form(request):
        raise error
    if isinstance(error, CredentialErased):
        page = ErasedPage(error.issued_on, error.erased_at)
        return render(request, "credentials/erased.html", page, status=error.status, headers=_HEADERS)
    return render(request, "credentials/not_shared.html", status=error.status, headers=_HEADERS)


def _compare(report: Report, email: str) -> HolderCheck | None:
    if report.facts is None:
        return None
    if not email.strip():
        return "empty"
    return "yes" if email_matches(report.facts.holder, email) else "no"


def _load(runtime: Runtime, credential_id: str) -> tuple[PublicCredential, AchievementInfo | None]:
    with runtime.database.look() as look:
        credential = issuer.public_credential(look, credential_id)
        try:
            return credential, programme.achievement(look, credential.achievement_key, credential.achievement_version)
        except ModuleUnknown:
            return credential, None


def _was_told(runtime: Runtime, credential: PublicCredential) -> bool:
    with runtime.database.look() as look:
        return awards.was_told(look, credential.id)


def _page(
    request: Request,
    runtime: Runtime,
    credential: PublicCredential,
    achievement: AchievementInfo | None,
    report: Report,
    holder_check: HolderCheck | None,
) -> Response:
    told = _was_told(runtime, credential)
    page = page_of(report, achievement, credential, runtime.settings, holder_check, told=told)
    return _rendered(request, runtime, "credentials/badge.html", page)


def _rendered(request: Request, runtime: Runtime, template: str, page: BadgePage) -> Response:
    """The page; where we could not check our own badge the trouble is ours, and of this moment."""
    headers = {**_HEADERS, "Link": documents.links(runtime.settings.base_url, page.credential_id)}
    if page.view.verdict != "unknown":
        return render(request, template, page, headers=headers)
    return render(request, template, page, status=503, headers={**headers, "Retry-After": str(SECONDS_UNTIL_A_NEW_TRY)})
