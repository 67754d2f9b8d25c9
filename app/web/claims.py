"""`/claim/{id}.{token}`: the holder's link in the award mail. No sign-in: whoever has it acts as the holder.

Looking changes nothing, because mail programs open links by themselves. The secret in the address is what other sites
cannot forge; a browser that says that another site asked is refused all the same.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer.schemas import PublicCredential
from app.web.certificates import certificate_page
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, after_sharing, badge_file, held_page, put_name, see_other
from app.web.pages import render
from app.web.sessions import check_same_origin

router = APIRouter(include_in_schema=False)


@router.get("/claim/{credential_id}.{token}")
def claimed_badge(
    request: Request, credential_id: str, token: str, db: ReadDb, runtime: App, changed: str = ""
) -> Response:
    """The badge, with everything its holder can do."""
    badge = _claimed(db, runtime, credential_id, token)
    page = held_page(db, runtime, badge, root=_root(badge.id, token), changed=changed, by_mail=True)
    return render(request, "badges/badge.html", page, headers=dict(PRIVATE))


@router.post("/claim/{credential_id}.{token}/share")
def share_claimed(request: Request, credential_id: str, token: str, form: PostedForm, runtime: App) -> Response:
    """Share the badge, or hide it again."""
    check_same_origin(request, runtime.settings.base_url)
    with runtime.database.write() as db:
        issuer.share_by_claim(db, runtime.secret_box, credential_id, token, form.get("shared") == "yes")
    return after_sharing(_root(credential_id, token), form)


@router.post("/claim/{credential_id}.{token}/name")
def name_claimed(request: Request, credential_id: str, token: str, form: PostedForm, runtime: App) -> Response:
    """Show the holder's name in the badge, or take it off."""
    check_same_origin(request, runtime.settings.base_url)
    with runtime.database.read() as db:
        badge = _claimed(db, runtime, credential_id, token)
    changed = put_name(runtime, badge, form.get("name", ""))
    return see_other(f"{_root(badge.id, token)}?changed={changed}")


@router.get("/claim/{credential_id}.{token}/certificate")
def claimed_certificate(request: Request, credential_id: str, token: str, db: ReadDb, runtime: App) -> Response:
    """The badge as a certificate to print."""
    badge = _claimed(db, runtime, credential_id, token)
    page = certificate_page(db, runtime, badge, root=_root(badge.id, token), by_mail=True)
    return render(request, "badges/certificate.html", page, headers=dict(PRIVATE))


@router.get("/claim/{credential_id}.{token}/badge.{suffix}")
def download_claimed(credential_id: str, token: str, suffix: str, db: ReadDb, runtime: App) -> Response:
    """The badge as a file."""
    return badge_file(runtime, _claimed(db, runtime, credential_id, token), suffix)


def _claimed(db: ReadSession, runtime: Runtime, credential_id: str, token: str) -> PublicCredential:
    issuer.check_claim(db, runtime.secret_box, credential_id, token)
    return issuer.stored_credential(db, credential_id)


def _root(credential_id: str, token: str) -> str:
    return f"/claim/{credential_id}.{token}"
