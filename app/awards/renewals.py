"""From a decision to the next version of a badge: the same badge, with a later end.

Nothing is reserved beforehand: what a decision has renewed is noted in the transaction that stores the new version, so
that a repeat, a second worker or a kill at any moment leaves one version of each decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from app.awards.jobs import ASSESSOR, AwardDeps, Handler, bind_badges, rests_on
from app.awards.models import AwardRenewal
from app.awards.service import months_after
from app.core import metrics
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.core.logging import get_logger
from app.core.outbox import Delivery, GiveUp, decode
from app.issuer import renewing as issuing_again
from app.issuer.errors import AlreadyRevoked, CredentialNotFound
from app.issuer.models import Credential
from app.issuer.renewing import Renewal
from app.learning import service as learning
from app.learning.events import RenewalDecided
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import AchievementInfo

log = get_logger()


@dataclass(frozen=True)
class RenewalOf:
    """A named person's decision that a badge is renewed.

    Attributes:
        source: `decision:` or `proposal:` with its id; one source renews once.
        credential_id: the badge.
        achievement: by which version of it the work was judged.
        results: the levels reached now, by criterion key.
        decided_at: when it was decided: the new end is counted from then, or from the old end if that is later.
        decided_by_person_id: who decided.
        related: what the badge rests on now.
    """

    source: str
    credential_id: str
    achievement: AchievementInfo
    results: tuple[tuple[str, int], ...]
    decided_at: datetime
    decided_by_person_id: str
    related: tuple[tuple[str, str], ...] = ()


def renew_from_decision(deps: AwardDeps) -> Handler:
    """The listener to `learning.RenewalDecided`: gives the badge its next version, once for each decision."""

    def handle(delivery: Delivery) -> None:
        event = decode(RenewalDecided, delivery.payload)
        with deps.database.read() as session:
            outcome = learning.decision_outcome(session, event.decision_id)
            achievement = programme.achievement(session, outcome.module_key, outcome.module_version)
            erased = people.is_erased(session, outcome.person_id)
            related = rests_on(session, outcome.person_id, achievement, outcome.decided_at)
        if erased:
            raise GiveUp("the person was erased")
        renewal = RenewalOf(
            source=f"decision:{event.decision_id}",
            credential_id=event.credential_id,
            achievement=achievement,
            results=outcome.results,
            decided_at=outcome.decided_at,
            decided_by_person_id=outcome.decided_by_person_id,
            related=related,
        )
        renew(deps, renewal)
        # An address that was confirmed after the badge had ended could not be bound then.
        bind_badges(deps, outcome.person_id)

    return handle


def renew(deps: AwardDeps, renewal: RenewalOf) -> None:
    """Give a badge its next version by a decision; does nothing if that decision has done so before.

    Raises:
        GiveUp: the badge is revoked or erased: nothing is renewed, and a person has to look.
        IssueRefused, KeysUnreadable, Unavailable: as in `issuer.renewing.renew`.
    """
    with deps.database.read() as session:
        if _is_done(session, renewal.source):
            return

    def choose(row: Credential) -> Renewal:
        with deps.database.read() as session:
            before = programme.achievement(session, row.achievement_key, row.achievement_version)
        stored = tuple((str(key), int(level)) for key, level in row.results)
        return Renewal(
            achievement_version=renewal.achievement.version,
            results=results_now(stored, before, renewal.results, renewal.achievement),
            valid_until=end_of(renewal.decided_at, row.valid_until, renewal.achievement.validity_months),
            related=renewal.related,
        )

    def beside(session: WriteSession, version: int) -> bool:
        if _is_done(session, renewal.source):
            return False
        session.add(
            AwardRenewal(
                source=renewal.source,
                credential_id=renewal.credential_id,
                version=version,
                decided_by_person_id=renewal.decided_by_person_id,
                decided_by_role=ASSESSOR,
            )
        )
        return True

    try:
        issued = issuing_again.renew(
            deps.database,
            deps.secret_box,
            deps.base_url,
            renewal.credential_id,
            choose=choose,
            actor=Actor(kind="person", id=renewal.decided_by_person_id),
            decided_by_role=ASSESSOR,
            beside=beside,
        )
    except (AlreadyRevoked, CredentialNotFound) as error:
        metrics.BADGES_RENEWED.labels("given_up").inc()
        log.error("awards.renewal_given_up", credential_id=renewal.credential_id, source=renewal.source)
        raise GiveUp(f"the badge cannot be renewed: {error.slug}") from None
    if issued is not None:
        metrics.BADGES_RENEWED.labels("renewed").inc()


def end_of(decided_at: datetime, ended_at: datetime | None, months: int) -> datetime:
    """When a renewed badge ends: counted from the decision, or from its old end if that is later.

    Whoever renews early loses nothing of what they have; whoever renews late has not held it in between.
    """
    start = decided_at if ended_at is None else max(decided_at, ended_at)
    return months_after(start, months).replace(microsecond=0)


def results_now(
    before: tuple[tuple[str, int], ...], judged_by: AchievementInfo, fresh: tuple[tuple[str, int], ...],
    now_judged_by: AchievementInfo,
) -> tuple[tuple[str, int], ...]:  # fmt: skip
    """The levels that a renewed badge shows: those reached now, and for the rest those it was awarded with.

    An earlier level stands only where the criterion is word for word the same: nobody was judged by another wording.
    """
    then = {criterion.key: criterion for criterion in judged_by.rubric.criteria}
    earlier, reached = dict(before), dict(fresh)
    found = []
    for criterion in now_judged_by.rubric.criteria:
        if criterion.key in reached:
            found.append((criterion.key, reached[criterion.key]))
        elif criterion.key in earlier and then.get(criterion.key) == criterion:
            found.append((criterion.key, earlier[criterion.key]))
    return tuple(found)


def renewals_of(session: ReadSession, credential_id: str) -> tuple[tuple[int, datetime], ...]:
    """Which versions of a badge renewed it, and when that was stored; oldest first."""
    rows = session.exec(
        select(AwardRenewal.version, AwardRenewal.created_at)
        .where(AwardRenewal.credential_id == credential_id)
        .order_by(col(AwardRenewal.version))
    ).all()
    return tuple((version, moment) for version, moment in rows)


def _is_done(session: ReadSession, source: str) -> bool:
    return session.exec(select(AwardRenewal.id).where(AwardRenewal.source == source)).first() is not None
