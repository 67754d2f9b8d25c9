"""A person's badges that rest on each other, and what follows when one of them ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import col, select

from app.awards import prerequisites
from app.awards.consequences import jobs
from app.awards.consequences.models import AwardFlag
from app.core.audit import OPERATOR, Actor, AuditEntry
from app.core.clock import now
from app.core.outbox import Worker
from app.core.outbox_models import OutboxEvent
from app.issuer import listing, suspending
from app.issuer import service as issuer
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.programme import service as programme
from app.wiring import Services, subscriptions

DAY = timedelta(days=1)
YEARS = 900 * DAY
BASIC = tuple(f"M{number:02}" for number in range(1, 11))


@dataclass
class Shelf:
    """Tess's badges, and what follows from their ends."""

    services: Services
    tess: str
    badges: dict[str, IssuedCredential] = field(default_factory=dict)
    began: datetime = field(default_factory=now)
    number: int = 0

    def issue(
        self, key: str, *, lasts: timedelta = YEARS, on: tuple[str, ...] = (), person_id: str | None = "tess"
    ) -> IssuedCredential:
        """A badge that names those it rests on."""
        runtime = self.services.runtime
        holder = self.tess if person_id == "tess" else person_id
        with runtime.database.read() as session:
            ids = [self.badges[each].credential_id for each in on]
            below = listing.badges_held(session, now(), credential_ids=ids)
            info = programme.current_achievement(session, key)
            related = prerequisites.related(session, below, achievement=info)
        self.number += 1
        request = IssueRequest(
            idempotency_key=f"test:{self.number}",
            issuer_key="orygen",
            achievement_key=key,
            achievement_version=info.version,
            person_id=holder,
            recipient_email=None,
            awarded_at=now() - timedelta(minutes=1),
            valid_until=self.began + lasts,
            related=related,
        )
        made = issuer.issue(runtime.database, runtime.secret_box, runtime.settings.base_url, request)
        self.badges[key] = made
        return made

    def ladder(self, *, m07: timedelta = YEARS) -> None:
        """Ten modules, the practitioner's badge on them, and a mentor's on that."""
        for key in BASIC:
            self.issue(key, lasts=m07 if key == "M07" else YEARS)
        self.issue("practitioner", on=BASIC)
        self.issue("X1", on=("practitioner",))

    def revoke(self, key: str) -> None:
        runtime = self.services.runtime
        issuer.revoke(
            runtime.database, runtime.secret_box, runtime.settings.base_url,
            credential_id=self.badges[key].credential_id, reason="a test", actor=OPERATOR,
        )  # fmt: skip
        self.work()

    def suspend(self, key: str) -> None:
        with self.services.runtime.database.write() as session:
            suspending.suspend(session, self.badges[key].credential_id, reason="a test", actor=OPERATOR)
        self.work()

    def reinstate(self, key: str, actor: Actor = OPERATOR) -> None:
        with self.services.runtime.database.write() as session:
            suspending.reinstate(session, self.badges[key].credential_id, actor=actor)
        self.work()

    def work(self) -> None:
        """The worker hears of what happened; nothing of the awards room's may fail."""
        wanted = [each for each in subscriptions(self.services) if each.name.startswith("awards.follow_")]
        Worker(self.services.runtime.database, wanted).run_until_idle()

    def after(self, days: float) -> int:
        """The worker's chore, so many days later."""
        return jobs.follow_time(self.services.runtime.database, self.began + days * DAY)

    def flags(self, key: str | None = None) -> list[AwardFlag]:
        with self.services.runtime.database.read() as session:
            found = session.exec(select(AwardFlag).order_by(col(AwardFlag.opened_at))).all()
        return [each for each in found if key is None or each.credential_id == self.badges[key].credential_id]

    def flag(self, key: str) -> AwardFlag:
        (found,) = self.flags(key)
        return found

    def audited(self, action: str) -> list[AuditEntry]:
        with self.services.runtime.database.read() as session:
            return list(session.exec(select(AuditEntry).where(AuditEntry.action == f"awards.{action}")).all())

    def told(self) -> int:
        """How many holders were told of grace."""
        with self.services.runtime.database.read() as session:
            return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == "awards.grace_began")).all())
