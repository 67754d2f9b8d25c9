"""Renewing a badge: what it takes, and beginning it. Its work is done on the learner's pages, at a root of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.awards import doing_again, renewal_offers
from app.awards.renewal_offers import RenewalOffer
from app.core.clock import now
from app.core.db import ReadSession
from app.core.secrets import SecretBox
from app.programme import service as programme
from app.programme.schemas import Module
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import Standing, image_of, standing_of
from app.web.pages import render
from app.web.renewing_words import WayWords, ways_of, why_not
from app.web.sessions import CurrentLaunch, LaunchSession

BY_TALK: Final = ("talk", "talked", "talk_over", "no_module")  # something is to be done, and not on this page

router = APIRouter(prefix="/at/{handle}/badges/{credential_id:uuid}/renew", include_in_schema=False)


@dataclass(frozen=True)
class RenewPage:
    """What renewing one badge takes.

    Attributes:
        why_not: why it cannot be renewed now, or what renews it without this page; None if it can.
        why_title: what stands above that.
        words: what the programme says of it, in its own words.
        ways: by which it can be renewed; `chosen` is that of the renewal under way.
        state: how far that has come; None before it is begun.
        work_href: where its work is done.
        pathway_href: where a badge that stands on others is explained.
        renewed_at: when the last renewal was decided.
    """

    name: str
    image: str
    standing: Standing
    badge_href: str
    valid_until: datetime | None
    closes_at: datetime | None
    why_not: str | None
    why_title: str
    words: str | None
    ways: tuple[WayWords, ...]
    chosen: str | None
    state: str | None
    work_href: str
    pathway_href: str | None
    months: int | None
    renewed_at: datetime | None
    errors: tuple[tuple[str, str], ...]


@router.get("")
def what_it_takes(
    request: Request, credential_id: UUID, session: CurrentLaunch, db: ReadDb, runtime: App
) -> HTMLResponse:
    """What renewing the badge takes, and how far it has come."""
    offer = renewal_offers.offer(db, session.person_id, str(credential_id))
    return _show(request, session, db, runtime.secret_box, offer)


@router.post("")
def begin(request: Request, credential_id: UUID, session: CurrentLaunch, runtime: App, form: PostedForm) -> Response:
    """Begin to renew it, or choose another way; on to the work."""
    with runtime.database.write() as db:
        offer = renewal_offers.offer(db, session.person_id, str(credential_id))
        steps = dict(enumerate_ways(offer)).get(form.get("way", ""))
        if steps is not None:
            enrolment = renewal_offers.begin(
                db,
                person_id=session.person_id,
                credential_id=str(credential_id),
                steps=steps,
                organisation_id=session.organisation_id,
            )
            return RedirectResponse(f"{session.root_of_renewal(enrolment.module_key)}/module", status_code=303)
    with runtime.database.read() as db:
        return _show(
            request, session, db, runtime.secret_box, offer, errors=(("way", "Choose what you do again."),), status=422
        )


def enumerate_ways(offer: RenewalOffer) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The ways of a badge, each with what stands for it in the form."""
    return tuple((str(number), way) for number, way in enumerate(offer.ways))


def _show(
    request: Request,
    session: LaunchSession,
    db: ReadSession,
    secret_box: SecretBox,
    offer: RenewalOffer,
    *,
    errors: tuple[tuple[str, str], ...] = (),
    status: int = 200,
) -> HTMLResponse:
    badge, module = offer.badge, _module(db, offer)
    steps = offer.underway.enrolment.renewal_steps if offer.underway else None
    page = RenewPage(
        name=badge.name,
        image=image_of(badge),
        standing=standing_of(badge),
        badge_href=f"{session.root}/badges/{badge.id}",
        valid_until=badge.valid_until,
        closes_at=offer.closes_at if offer.closes_at is not None and offer.closes_at > now() else None,
        why_not=why_not(offer, doing_again.after(db, secret_box, session.person_id, offer)),
        why_title=_why_title(offer),
        words=module.renewal if module is not None else None,
        ways=ways_of(offer, module) if module is not None else (),
        chosen=next((value for value, way in enumerate_ways(offer) if way == steps), None),
        state=offer.underway.state if offer.underway else None,
        work_href=f"{session.root_of_renewal(badge.achievement_key)}/module",
        pathway_href=f"{session.root}/pathway/{badge.achievement_key}" if offer.why_not in BY_TALK else None,
        months=module.validity_months if module is not None else None,
        renewed_at=offer.renewed.decided_at if offer.renewed else None,
        errors=errors,
    )
    return render(request, "badges/renew.html", page, status=status)


def _why_title(offer: RenewalOffer) -> str:
    if offer.why_not in BY_TALK:
        return "How it is renewed"
    return "It is not renewed any more" if offer.why_not in ("over", "revoked") else "Nothing to do now"


def _module(db: ReadSession, offer: RenewalOffer) -> Module | None:
    """In the version that the renewal began with, if it has begun."""
    if offer.underway is None:
        return offer.module
    own = offer.underway.enrolment
    return programme.module_version(db, own.module_key, own.module_version)
