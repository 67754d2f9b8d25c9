"""What the awards room keeps of a person, for the person; and how it goes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.batches.models import AwardBatchRow
from app.awards.consequences import personal_data as consequences
from app.awards.models import Award, AwardChange, AwardOverride, AwardRenewal, AwardRequest
from app.awards.proposals import personal_data as proposals
from app.awards.proposals.events import ProposalAwarded
from app.awards.service import forget_awards
from app.core import outbox_models
from app.core.db import ReadSession, WriteSession
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.issuer.personal_data import credential_ids
from app.learning.events import AwardDecided, RenewalDecided
from app.people.exporting import in_chunks, section
from app.people.schemas import Count, Kept, Section

AWARD_LISTENER = "awards.award_from_decision"
MAKING = {
    AwardDecided.KIND: AWARD_LISTENER,
    RenewalDecided.KIND: "awards.renew_from_decision",
    ProposalAwarded.KIND: "awards.award_from_proposal",
}
MOST_OPEN = 2_000


class AwardsPersonalData:
    """Who stands for each badge, which client of the API asked for it, and what was done to it later on."""

    room = "awards"
    tables = frozenset(
        {
            "award",
            "award_request",
            "award_override",
            "award_change",
            "award_renewal",
            "award_batch_row",
            *proposals.TABLES,
            consequences.TABLE,
        }
    )
    kept = (
        Kept(
            "Who decided others' badges, if the person did: by their id, or by the name an operator typed",
            "Those badges rest on it. A name is found and changed by hand, if there is cause.",
        ),
        Kept(
            "Of each badge that a client of the API or an operator asked for: which, when, and a digest of its key",
            "A repeat of the request must not issue the badge again.",
        ),
        Kept(
            "A row of a batch that still waits to be issued: the address and names in it are sealed, without an index",
            "It goes when the row is settled, and 30 days after the end of a batch that was stopped.",
        ),
        proposals.KEPT,
    )

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """How each badge came about; the decider by the role."""
        about = "How each badge came about. Who decided is named by the role, as you were told."
        badges = credential_ids(session, person_id)
        return (
            _of(session, "awards.awards", about, Award, badges, "decided_by_person_id", "decided_by_name"),
            _of(
                session, "awards.requests", "Badges that a client or an operator asked for.", AwardRequest, badges,
                "request_key", "fingerprint", "recipient_digest", "sealed_recipient",
            ),
            _of(
                session, "awards.overrides", "Badges that were awarded although a prerequisite was missing, and why.",
                AwardOverride, badges, "reviewer_id",
            ),
            _of(
                session, "awards.changes", "What a client of the API did to your badges later on.", AwardChange, badges,
                "decided_by_name",
            ),
            _of(
                session, "awards.batch_rows", "Rows of batches that your badges came from.", AwardBatchRow, badges,
                "sealed_input",
            ),
            _of(
                session, "awards.renewals", "Which versions of your badges renewed them, by the role of who decided.",
                AwardRenewal, badges, "decided_by_person_id",
            ),
            *proposals.export(session, person_id),
            *consequences.export(session, person_id),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """An award that no worker has made a badge of would become one that belongs to nobody."""
        if not award_is_waiting(session, person_id):
            return ()
        return ("An assessor has awarded something to this person, and the worker has not made the badge yet.",)

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Forget who stands for the person's badges; before the badges themselves go."""
        number = 0
        for some in in_chunks(credential_ids(session, person_id)):
            number += forget_awards(session, some)
        return (Count("records of who stands for a badge", number), *proposals.erase(session, person_id))


def _of(
    session: ReadSession, name: str, about: str, model: type[Any], badges: tuple[str, ...], *without: str
) -> Section:
    """What one table has of these badges."""
    records = tuple(
        record
        for some in in_chunks(badges)
        for record in section(session, "", "", model, col(model.credential_id).in_(some), without=without).records
    )
    return Section(name, about, records)


def award_is_waiting(session: ReadSession, person_id: str) -> bool:
    """Whether a decision awarded something to a person of which no badge has been made yet."""
    return any(_is_waiting(session, person_id, kind, listener) for kind, listener in MAKING.items())


def _is_waiting(session: ReadSession, person_id: str, kind: str, listener: str) -> bool:
    waiting = (
        sa.select(col(OutboxDelivery.id))
        .where(
            col(OutboxDelivery.event_id) == col(OutboxEvent.id),
            col(OutboxDelivery.handler) == listener,
            col(OutboxDelivery.state) == outbox_models.WAITING,
        )
        .exists()
    )
    payloads = session.exec(
        select(OutboxEvent.payload)
        .where(OutboxEvent.kind == kind)
        .where(sa.or_(col(OutboxEvent.dispatched_at).is_(None), waiting))
    ).all()
    return any(payload.get("person_id") == person_id for payload in payloads)
