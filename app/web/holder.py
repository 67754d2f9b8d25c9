"""What a badge's holder sees and does, signed in by a launch or by the link of the award mail: the same either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.awards import service as awards
from app.awards.consequences import reading as consequences
from app.core.audit import Actor
from app.core.clock import now
from app.core.days import day_of
from app.core.db import ReadSession
from app.core.errors import BadInput
from app.core.runtime import Runtime
from app.issuer import reissuing, share_links
from app.issuer import service as issuer
from app.issuer.content import did_in, name_in
from app.issuer.errors import credential_not_found
from app.issuer.schemas import CredentialSummary, PublicCredential
from app.issuer.sharing import CLAIM_LINK
from app.lti import registrations
from app.lti.errors import RegistrationNotFound
from app.people import service as people
from app.programme import service as programme
from app.web.consequence_words import HolderWords, for_holder
from app.web.documents import CONTENT_TYPES, SUFFIXES, badge_bytes
from app.web.renewing_words import RenewalLine

PRIVATE: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
LINKEDIN: Final = "https://www.linkedin.com/profile/add"
Standing = Literal["valid", "suspended", "expired", "revoked"]
Seen = Literal["shared", "by_link", "private"]
Changed = Literal["shared", "hidden", "named", "unnamed"]
CHANGES: Final[dict[str, Changed]] = {
    "shared": "shared", "hidden": "hidden", "named": "named", "unnamed": "unnamed",
}  # fmt: skip


class NameNotTold(BadInput):
    """A name was to be shown that nobody but the holder vouches for."""

    slug = "name-not-told"
    title = "This name cannot be put into a badge"


@dataclass(frozen=True)
class NameOffer:
    """A name that may be shown, and which LMS says so."""

    name: str
    lms: str


@dataclass(frozen=True)
class HeldPage:
    """Context of badges/badge.html.

    Attributes:
        standing: where the badge stands by its dates and its issuer's word.
        seen: who can see it: anyone with its address, whoever has a link its holder made, or nobody else.
        links: how many such links work.
        root: where the badge's actions are.
        holder_name: the name in the badge, if there is one.
        offers: the names that may be shown.
        linkedin: LinkedIn's form, filled in; None while there is nothing to lead to.
        changed: what was just done.
        by_mail: whether the page was reached by the link of the award mail.
        shared: whether anyone with the address can see the badge.
        may_be_renewed: whether a later version may say something else about its holder.
        bound: whether it carries a DID of its holder's wallet.
        told: whether this server was only told of the decision, by whoever awarded it.
        confirmed: whether the address that it carries was confirmed here.
        grounds: what it rests on and has ended, and what follows.
        renewal: how it stands with its renewal, for whoever is signed in.
    """

    name: str
    description: str
    image: str
    standing: Standing
    seen: Seen
    links: int
    awarded_at: datetime
    valid_until: datetime | None
    identified: bool
    issuer_name: str
    root: str
    public_url: str
    holder_name: str | None
    offers: tuple[NameOffer, ...]
    linkedin: str | None
    changed: Changed | None
    by_mail: bool
    shared: bool
    may_be_renewed: bool
    bound: bool
    told: bool
    confirmed: bool
    grounds: tuple[HolderWords, ...]
    renewal: RenewalLine | None = None


def held_page(
    db: ReadSession, runtime: Runtime, badge: PublicCredential, *, root: str, changed: str, by_mail: bool
) -> HeldPage:
    """One badge for its holder.

    Args:
        db: for reading.
        runtime: for the base URL.
        badge: the badge; the caller has made sure that the reader holds it.
        root: where its actions are.
        changed: what was just done, as the address says it.
        by_mail: whether the page was reached by the link of the award mail.
    """
    info = programme.achievement(db, badge.achievement_key, badge.achievement_version)
    links = share_links.count_working(db, (badge.id,)).get(badge.id, 0)
    issuer_name = issuer.issuer_info(db, runtime.settings.base_url, badge.issuer_key).name
    public_url = f"{runtime.settings.base_url}/credentials/{badge.id}"
    standing = standing_of(badge)
    return HeldPage(
        name=info.name,
        description=info.description,
        image=image_of(badge),
        standing=standing,
        seen=seen_by(shared=badge.shared, links=links),
        links=links,
        awarded_at=badge.awarded_at,
        valid_until=badge.valid_until,
        identified=badge.identified,
        issuer_name=issuer_name,
        root=root,
        public_url=public_url,
        holder_name=name_in(badge.document),
        offers=name_offers(db, badge.person_id),
        linkedin=linkedin_form(info.name, issuer_name, badge, public_url)
        if badge.shared and standing == "valid"
        else None,
        changed=CHANGES.get(changed),
        by_mail=by_mail,
        shared=badge.shared,
        may_be_renewed=standing in ("valid", "suspended"),
        bound=did_in(badge.document) is not None,
        told=awards.was_told(db, badge.id),
        # A badge becomes a person's only with the address that they confirmed.
        confirmed=badge.identified and badge.person_id is not None,
        grounds=tuple(for_holder(flag) for flag in consequences.of_badges(db, (badge.id,)).get(badge.id, ())),
    )


def linkedin_form(name: str, organisation: str, badge: PublicCredential, public_url: str) -> str:
    """LinkedIn's own form for a certificate, filled in. A plain address: nothing is asked of LinkedIn before a click.

    Args:
        name: the badge's.
        organisation: the issuer's name.
        badge: for its dates and its id.
        public_url: where the badge can be checked.
    """
    awarded = day_of(badge.awarded_at)
    fields = {
        "startTask": "CERTIFICATION_NAME",
        "name": name,
        "organizationName": organisation,
        "issueYear": str(awarded.year),
        "issueMonth": str(awarded.month),
    }
    if badge.valid_until is not None:
        ends = day_of(badge.valid_until)
        fields |= {"expirationYear": str(ends.year), "expirationMonth": str(ends.month)}
    return f"{LINKEDIN}?{urlencode(fields | {'certUrl': public_url, 'certId': badge.id})}"


def name_offers(db: ReadSession, person_id: str | None) -> tuple[NameOffer, ...]:
    """The names that may stand in a person's badges: those that an LMS has told, and nothing of the person's own."""
    if person_id is None:
        return ()
    return tuple(NameOffer(told.name, _lms(db, told.registration_id)) for told in people.told_names(db, person_id))


def _lms(db: ReadSession, registration_id: str) -> str:
    try:
        return registrations.registration(db, registration_id).name
    except RegistrationNotFound:
        return "An LMS that is no longer connected"


def put_name(runtime: Runtime, badge: PublicCredential, wanted: str) -> Changed:
    """Show a name in a badge, or none if `wanted` is empty: the badge is issued again.

    Args:
        runtime: for the database and the keys.
        badge: the badge; the caller has made sure that whoever asks holds it.
        wanted: the name as the form sent it.

    Raises:
        NameNotTold: no LMS has told this name of its holder.
        IssueRefused, CredentialNotFound: the badge has ended or was revoked.
    """
    if wanted:
        with runtime.database.read() as db:
            known = {offer.name for offer in name_offers(db, badge.person_id)}
        if wanted not in known:
            raise NameNotTold(
                "A badge shows only a name that an LMS has told us, so that employers can rely on it.",
                kept="The badge is as it was.",
                next_step="If your name is misspelt, ask the people who run your LMS to correct it. Then open Waymark "
                "from there once more, and choose the name again.",
            )
    reissuing.show_name(
        runtime.database,
        runtime.secret_box,
        runtime.settings.base_url,
        badge.id,
        name=wanted or None,
        actor=Actor(kind="person", id=badge.person_id) if badge.person_id else CLAIM_LINK,
    )
    return "named" if wanted else "unnamed"


def seen_by(*, shared: bool, links: int) -> Seen:
    """Who can see a badge."""
    return "shared" if shared else "by_link" if links else "private"


def image_of(badge: PublicCredential | CredentialSummary) -> str:
    """The path of a badge's picture."""
    return f"/achievements/{badge.achievement_key}/v{badge.achievement_version}.svg"


def standing_of(badge: PublicCredential | CredentialSummary) -> Standing:
    """Where a badge stands: what its issuer says of it comes before its dates."""
    if badge.state == "revoked":
        return "revoked"
    if badge.valid_until is not None and badge.valid_until <= now():
        return "expired"
    return "suspended" if badge.suspended_at is not None else "valid"


def badge_file(runtime: Runtime, badge: PublicCredential, suffix: str) -> Response:
    """A badge as a file to keep, whether or not it is shared.

    Raises:
        CredentialNotFound: there is no such kind of file.
    """
    if suffix not in SUFFIXES:
        raise credential_not_found()
    form = SUFFIXES[suffix]
    name = f"{badge.achievement_key}-{badge.id[:8]}.{suffix}"
    headers = {
        **PRIVATE,
        "Content-Type": CONTENT_TYPES[form],
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(badge_bytes(runtime, badge, form), headers=headers)


def see_other(url: str) -> RedirectResponse:
    """After a change the browser fetches the page anew, so that a reload repeats nothing."""
    return RedirectResponse(url, status_code=303)


def after_sharing(root: str, form: Mapping[str, str]) -> RedirectResponse:
    """Where sharing and hiding lead: to the badge, or back to its certificate if that asked for it."""
    if form.get("back") == "certificate":
        return see_other(f"{root}/certificate")
    return see_other(f"{root}?changed={'shared' if form.get('shared') == 'yes' else 'hidden'}")
