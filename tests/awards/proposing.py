"""Somebody on the way to the practitioner's badge, and who decides: for the tests of proposals and of their pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import select

from app.awards.proposals import reading
from app.awards.proposals.schemas import Proposal
from app.core import outbox
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.ids import new_id
from app.core.outbox import Worker
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.issuer import service as issuer
from app.issuer.schemas import CredentialSummary, IssueRequest
from app.pathways import service as pathways
from app.pathways.events import StandingChanged
from app.programme import service as programme
from app.programme.pathways import HeldRule, conversation, leaves
from app.programme.stacks import current_pathway
from app.wiring import Services, build_worker

PATHWAY = "practitioner"
TALK = "practice-conversation"


@dataclass(frozen=True)
class Way:
    """One person's way to the practitioner's badge."""

    services: Services
    person_id: str
    assessor_id: str

    def below(self) -> tuple[str, ...]:
        """The modules whose badges the practitioner's stands on."""
        with self.services.runtime.database.read() as session:
            rule = current_pathway(session, PATHWAY).rule
        return tuple(leaf.achievement for leaf in leaves(rule) if isinstance(leaf, HeldRule))

    def earn(self, keys: Iterable[str], *, at: datetime | None = None, months: int = 24) -> dict[str, str]:
        """Badges of these modules, by key the id."""
        runtime, made = self.services.runtime, {}
        awarded_at = (at or now() - timedelta(days=20)).replace(microsecond=0)
        for key in keys:
            with runtime.database.read() as session:
                version = programme.current_module(session, key).version
            made[key] = issuer.issue(
                runtime.database, runtime.secret_box, runtime.settings.base_url,
                IssueRequest(
                    idempotency_key=new_id(), issuer_key="orygen",
                    achievement_key=key, achievement_version=version, person_id=self.person_id, recipient_email=None,
                    awarded_at=awarded_at, valid_until=awarded_at + timedelta(days=30 * months),
                ),
            ).credential_id  # fmt: skip
        return made

    def talk(self, level: int = 3, *, days_ago: int = 1) -> str:
        """The practice conversation, recorded by the assessor."""
        with self.services.runtime.database.write() as session:
            rule = conversation(current_pathway(session, PATHWAY))
            assert rule is not None
            return pathways.record_conversation(
                session, person_id=self.person_id, pathway_key=PATHWAY, conversation_key=TALK,
                held_on=(now() - timedelta(days=days_ago)).date(),
                levels={each.key: level for each in rule.rubric.criteria}, comment="Well told.",
                decided_by=self.assessor_id,
            )  # fmt: skip

    def revoke(self, credential_id: str) -> None:
        """An operator takes a badge back."""
        runtime = self.services.runtime
        issuer.revoke(
            runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=credential_id,
            reason="a test", actor=OPERATOR,
        )  # fmt: skip

    def changed(self) -> None:
        """Tell that the person stands elsewhere, as the pathways room does."""
        with self.services.runtime.database.write() as session:
            outbox.emit(session, StandingChanged(self.person_id, PATHWAY))

    def work(self, worker: Worker | None = None) -> None:
        """The worker makes every delivery; but for mails, as there is no mail server, none is given up or waits."""
        (worker or build_worker(self.services)).run_until_idle()
        with self.services.runtime.database.read() as session:
            rows = session.exec(
                select(OutboxEvent.kind, OutboxDelivery.handler, OutboxDelivery.last_error)
                .join(OutboxEvent, OutboxEvent.id == OutboxDelivery.event_id)  # type: ignore[arg-type]
                .where(OutboxDelivery.state != "done")
            ).all()
        assert [row for row in rows if not row[1].startswith("messages.")] == []

    def propose(self) -> Proposal:
        """The one open proposal, after the worker's round."""
        self.changed()
        self.work()
        (proposal,) = self.open()
        return proposal

    def open(self) -> tuple[Proposal, ...]:
        """Open proposals about this person."""
        return tuple(each for each in self.all() if each.state == "open")

    def all(self) -> tuple[Proposal, ...]:
        """Every proposal about this person, the newest first."""
        with self.services.runtime.database.read() as session:
            return reading.proposals_of(session, self.person_id)

    def badges(self) -> tuple[CredentialSummary, ...]:
        """The person's practitioner badges."""
        with self.services.runtime.database.read() as session:
            found = issuer.credentials_of(session, self.person_id)
        return tuple(each for each in found if each.achievement_key == PATHWAY)
