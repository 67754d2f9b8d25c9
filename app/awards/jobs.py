"""What the awards room does when something happened elsewhere: from a decision to a badge, from a confirmed address to
a badge that names its holder. Both may be repeated at any moment and leave the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.awards import prerequisites, requests
from app.awards.service import award_for_decision, decision_key, months_after, record_award
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.outbox import Delivery, GiveUp, decode
from app.core.secrets import SecretBox
from app.issuer import listing
from app.issuer import service as issuer
from app.issuer.errors import CredentialErased
from app.issuer.schemas import CredentialSummary, IssueRequest
from app.learning import service as learning
from app.learning.events import AwardDecided
from app.people import service as people
from app.people.events import EmailConfirmed, PersonsLinked
from app.programme import service as programme
from app.programme.schemas import AchievementInfo

Handler = Callable[[Delivery], None]
ASSESSOR = "assessor"


@dataclass(frozen=True)
class AwardDeps:
    """What the jobs work with; bound by wiring.

    Attributes:
        database: the database.
        secret_box: opens the issuer's keys.
        base_url: this server's address.
        issuer_key: who issues what our assessors award.
    """

    database: Database
    secret_box: SecretBox
    base_url: str
    issuer_key: str


def award_from_decision(deps: AwardDeps) -> Handler:
    """The listener to `learning.AwardDecided`: issues the badge, notes the award, binds a confirmed address."""

    def handle(delivery: Delivery) -> None:
        _award(deps, decode(AwardDecided, delivery.payload))

    return handle


def reissue_after_confirmation(deps: AwardDeps) -> Handler:
    """The listener to `people.EmailConfirmed`: every live badge of that person is bound to the address.

    Badges that clients of the API issued to that address become the person's first.
    """

    def handle(delivery: Delivery) -> None:
        person_id = decode(EmailConfirmed, delivery.payload).person_id
        with deps.database.read() as session:
            confirmed = people.confirmed_email(session, person_id)
        if confirmed is not None:
            requests.adopt(deps.database, deps.secret_box, person_id, confirmed.email)
        bind_badges(deps, person_id)

    return handle


def bind_after_linking(deps: AwardDeps) -> Handler:
    """The listener to `people.PersonsLinked`: the badges that joined are bound to the address of the others."""

    def handle(delivery: Delivery) -> None:
        event = decode(PersonsLinked, delivery.payload)
        with deps.database.read() as session:
            person_id = people.standing_id(session, event.person_id)
        bind_badges(deps, person_id)

    return handle


def _award(deps: AwardDeps, event: AwardDecided) -> None:
    with deps.database.read() as session:
        done = award_for_decision(session, event.decision_id)
        outcome = learning.decision_outcome(session, event.decision_id)
        achievement = programme.achievement(session, outcome.module_key, outcome.module_version)
        confirmed = people.confirmed_email(session, outcome.person_id)
        erased = people.is_erased(session, outcome.person_id)
        related = rests_on(session, outcome.person_id, achievement, outcome.decided_at)
    if erased:
        raise GiveUp("the person was erased")
    if outcome.outcome != "awarded":
        raise GiveUp("the decision does not award anything")
    if done is None:
        awarded_at = outcome.decided_at.replace(microsecond=0)
        request = IssueRequest(
            idempotency_key=decision_key(event.decision_id),
            issuer_key=deps.issuer_key,
            achievement_key=outcome.module_key,
            achievement_version=outcome.module_version,
            person_id=outcome.person_id,
            recipient_email=confirmed.email if confirmed else None,
            awarded_at=awarded_at,
            valid_until=months_after(awarded_at, achievement.validity_months),
            results=tuple((key, level) for key, level in outcome.results),
            actor=Actor(kind="person", id=outcome.decided_by_person_id),
            decided_by_role=ASSESSOR,
            related=related,
        )
        try:
            issued = issuer.issue(deps.database, deps.secret_box, deps.base_url, request)
        except CredentialErased:
            raise GiveUp("the badge of this decision was issued before, and erased") from None
        record_award(
            deps.database,
            credential_id=issued.credential_id,
            decision_id=event.decision_id,
            decided_by_person_id=outcome.decided_by_person_id,
            decided_by_name=None,
            decided_by_role=ASSESSOR,
        )
    # The address may have been confirmed while the badge was being signed; that event's own round missed this badge.
    bind_badges(deps, outcome.person_id)


def rests_on(
    session: ReadSession, person_id: str, info: AchievementInfo, decided_at: datetime
) -> tuple[tuple[str, str], ...]:
    """What the badge rests on, of that which its holder had at the decision, which saw to it that nothing is missing.

    What has ended since is named all the same: the badge was awarded on it, and whoever follows such ends finds it so.
    """
    needed = {key for group in info.needed_before for key in group}
    found = listing.badges_held(session, now(), person_ids=(person_id,), achievements=needed) if needed else ()
    held = [
        replace(badge, standing="issued") if badge.since is not None and badge.since > decided_at else badge
        for badge in found
    ]
    held.sort(key=lambda badge: badge.since is not None)  # what is in force still goes before what has ended since
    below = prerequisites.missing(info.needed_before, held)[1]
    return prerequisites.related(session, below, achievement=info)


def bind_badges(deps: AwardDeps, person_id: str) -> None:
    """Bind every live badge of a person to the address they confirmed, if there is one."""
    with deps.database.read() as session:
        confirmed = people.confirmed_email(session, person_id)
        live = [badge.id for badge in issuer.credentials_of(session, person_id) if _is_live(badge)]
    if confirmed is None:
        return
    for credential_id in live:
        # Answers with the current version when that already binds this address.
        issuer.reissue(deps.database, deps.secret_box, deps.base_url, credential_id, recipient_email=confirmed.email)


def _is_live(badge: CredentialSummary) -> bool:
    return badge.state == "issued" and (badge.valid_until is None or badge.valid_until > now())
