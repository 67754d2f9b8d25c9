"""My badges, from a launch: all of them, and one with everything its holder can do. Links to several: `share_links`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.awards import doing_again, renewal_offers
from app.awards.consequences import reading as consequences
from app.core.clock import now
from app.core.db import ReadSession
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer import share_links
from app.people import service as people
from app.programme import stacks
from app.web.certificates import certificate_page
from app.web.consequence_words import for_holder
from app.web.dependencies import App, ReadDb
from app.web.forms import PostedForm
from app.web.holder import (
    Seen,
    Standing,
    after_sharing,
    badge_file,
    held_page,
    image_of,
    put_name,
    see_other,
    seen_by,
    standing_of,
)
from app.web.outside_badges import asks_for_outside_badge
from app.web.pages import render
from app.web.renewing_words import RenewalLine, line_of
from app.web.sessions import CurrentLaunch, LaunchSession

router = APIRouter(include_in_schema=False)

Email = Literal["unconfirmed", "code_sent", "confirmed"]


@dataclass(frozen=True)
class BadgeCard:
    """One badge in the list; `grounds` are what it rests on and has ended, in a few words each."""

    name: str
    href: str
    image: str
    standing: Standing
    seen: Seen
    links: int
    awarded_at: datetime
    valid_until: datetime | None
    renewal: RenewalLine | None
    grounds: tuple[str, ...]


@dataclass(frozen=True)
class BadgesPage:
    """My badges, how it stands with my e-mail address, and how many of my links work.

    `asks_outside`: a pathway asks for another issuer's badge.
    """

    badges: tuple[BadgeCard, ...]
    links: int
    email_state: Email
    email: str | None
    just_confirmed: bool
    asks_outside: bool = False


@router.get("/at/{handle}/badges")
def my_badges(request: Request, session: CurrentLaunch, db: ReadDb, runtime: App, confirmed: str = "") -> Response:
    """All badges of the person who is signed in."""
    address = people.confirmed_email(db, session.person_id)
    pending = people.pending_confirmation(db, session.person_id)
    state: Email = "confirmed" if address else "code_sent" if pending else "unconfirmed"
    links = share_links.links_of(db, runtime.secret_box, runtime.settings.base_url, session.person_id)
    page = BadgesPage(
        badges=_cards(db, session, runtime.secret_box),
        links=sum(link.works(now()) for link in links),
        email_state=state,
        email=address.email if address else pending.email if pending else None,
        just_confirmed=bool(confirmed) and address is not None,
        asks_outside=any(asks_for_outside_badge(each) for each in stacks.pathways(db)),
    )
    return render(request, "badges/list.html", page)


@router.get("/at/{handle}/badges/{credential_id:uuid}")
def my_badge(
    request: Request, credential_id: UUID, session: CurrentLaunch, db: ReadDb, runtime: App, changed: str = ""
) -> Response:
    """One of my badges: share it, hide it, show my name, take it along."""
    badge = issuer.held_credential(db, str(credential_id), session.person_id)
    page = held_page(db, runtime, badge, root=_root(session, credential_id), changed=changed, by_mail=False)
    offer = renewal_offers.offer(db, session.person_id, badge.id)
    renewal = line_of(offer, doing_again.after(db, runtime.secret_box, session.person_id, offer))
    return render(request, "badges/badge.html", replace(page, renewal=renewal))


@router.post("/at/{handle}/badges/{credential_id:uuid}/share")
def share_badge(credential_id: UUID, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Share a badge, or hide it again."""
    with runtime.database.write() as db:
        issuer.share(db, str(credential_id), session.person_id, form.get("shared") == "yes")
    return after_sharing(_root(session, credential_id), form)


@router.post("/at/{handle}/badges/{credential_id:uuid}/name")
def name_badge(credential_id: UUID, session: CurrentLaunch, form: PostedForm, runtime: App) -> Response:
    """Show my name in a badge, or take it off."""
    with runtime.database.read() as db:
        badge = issuer.held_credential(db, str(credential_id), session.person_id)
    changed = put_name(runtime, badge, form.get("name", ""))
    return see_other(f"{_root(session, credential_id)}?changed={changed}")


@router.get("/at/{handle}/badges/{credential_id:uuid}/certificate")
def certificate(request: Request, credential_id: UUID, session: CurrentLaunch, db: ReadDb, runtime: App) -> Response:
    """One of my badges as a certificate to print."""
    badge = issuer.held_credential(db, str(credential_id), session.person_id)
    page = certificate_page(db, runtime, badge, root=_root(session, credential_id), by_mail=False)
    return render(request, "badges/certificate.html", page)


@router.get("/at/{handle}/badges/{credential_id:uuid}/badge.{suffix}")
def download_badge(credential_id: UUID, suffix: str, session: CurrentLaunch, db: ReadDb, runtime: App) -> Response:
    """One of my badges as a file, shared or not."""
    return badge_file(runtime, issuer.held_credential(db, str(credential_id), session.person_id), suffix)


def _root(session: LaunchSession, credential_id: UUID) -> str:
    return f"{session.root}/badges/{credential_id}"


def _cards(db: ReadSession, session: LaunchSession, secret_box: SecretBox) -> tuple[BadgeCard, ...]:
    badges = issuer.credentials_of(db, session.person_id)
    links = share_links.count_working(db, [badge.id for badge in badges])
    renewals = {
        offer.badge.id: line_of(offer, doing_again.after(db, secret_box, session.person_id, offer))
        for offer in renewal_offers.offers(db, session.person_id)
    }
    grounds = consequences.of_badges(db, [badge.id for badge in badges])
    return tuple(
        BadgeCard(
            name=badge.name,
            href=f"{session.root}/badges/{badge.id}",
            image=image_of(badge),
            standing=standing_of(badge),
            seen=seen_by(shared=badge.shared, links=links.get(badge.id, 0)),
            links=links.get(badge.id, 0),
            awarded_at=badge.awarded_at,
            valid_until=badge.valid_until,
            renewal=renewals.get(badge.id),
            grounds=tuple(for_holder(flag).short for flag in grounds.get(badge.id, ())),
        )
        for badge in badges
    )
