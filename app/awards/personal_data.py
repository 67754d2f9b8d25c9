"""What the awards room keeps of a person, for the person; and how it goes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.awards.models import Award
from app.core import outbox
from app.core.db import ReadSession, WriteSession
from app.core.outbox import OutboxDelivery, OutboxEvent
from app.issuer.personal_data import credential_ids
from app.learning.events import AwardDecided
from app.people.exporting import in_chunks, section
from app.people.schemas import Count, Kept, Section

AWARD_LISTENER = "awards.award_from_decision"
MOST_OPEN = 2_000


class AwardsPersonalData:
    """Who stands for each badge."""

    room = "awards"
    tables = frozenset({"award"})
    kept = (
        Kept(
            "Who decided others' badges, if the person did: by their id, or by the name an operator typed",
            "Those badges rest on it. A name is found and changed by hand, if there is cause.",
        ),
    )

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """How each badge came about; the decider by the role."""
        about = "How each badge came about. Who decided is named by the role, as you were told."
        records = tuple(
            record
            for some in in_chunks(credential_ids(session, person_id))
            for record in section(
                session, "", "", Award, col(Award.credential_id).in_(some),
                without=("decided_by_person_id", "decided_by_name"),
            ).records
        )  # fmt: skip
        return (Section("awards.awards", about, records),)

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """An award that no worker has made a badge of would become one that belongs to nobody."""
        waiting = (
            sa.select(col(OutboxDelivery.id))
            .where(
                col(OutboxDelivery.event_id) == col(OutboxEvent.id),
                col(OutboxDelivery.handler) == AWARD_LISTENER,
                col(OutboxDelivery.state) == outbox.WAITING,
            )
            .exists()
        )
        payloads = session.exec(
            select(OutboxEvent.payload)
            .where(OutboxEvent.kind == AwardDecided.KIND)
            .where(sa.or_(col(OutboxEvent.dispatched_at).is_(None), waiting))
        ).all()
        if not any(payload.get("person_id") == person_id for payload in payloads):
            return ()
        return ("An assessor has awarded something to this person, and the worker has not made the badge yet.",)

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Forget who stands for the person's badges; before the badges themselves go."""
        number = 0
        for some in in_chunks(credential_ids(session, person_id)):
            gone = session.execute(delete(Award).where(col(Award.credential_id).in_(some)))
            number += gone.rowcount  # type: ignore[attr-defined]
        return (Count("records of who stands for a badge", number),)
