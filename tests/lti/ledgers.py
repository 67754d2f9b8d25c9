"""A course's grades as they may stand, put straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.core import outbox
from app.core.clock import now
from app.core.db import WriteSession
from app.core.ids import new_id
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.learning.events import AwardDecided
from app.lti.events import ScoreDue
from app.lti.models import LtiGradeLink, LtiScore
from app.people import service as people

SENT_AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Course:
    """Where the grades belong."""

    registration_id: str
    deployment_id: str
    context_id: str = "c"

    def learner(self, session: WriteSession, name: str, *, module: str = "M01", link: str = "r") -> LtiGradeLink:
        """Somebody who has opened the module from an activity of this course."""
        person = people.person_for_lms_identity(
            session,
            registration_id=self.registration_id,
            subject=f"subject of {name}",
            name=name,
            email=None,
            organisation_id=None,
        )
        row = LtiGradeLink(
            registration_id=self.registration_id,
            deployment_id=self.deployment_id,
            context_id=self.context_id,
            resource_link_id=link,
            person_id=person.id,
            subject=f"subject of {name}",
            module_key=module,
        )
        session.add(row)
        session.flush()
        return row


def score(
    session: WriteSession, link: LtiGradeLink, state: str, problem: str | None = None, **more: object
) -> LtiScore:
    """A score of a learner in a state."""
    values = {
        "decision_id": new_id(), "grade_link_id": link.id, "score_given": 100.0, "score_maximum": 100.0,
        "timestamp": SENT_AT, "state": state, "problem": problem, "attempts": 1,
        "sent_at": SENT_AT if state in ("sent", "already_there") else None,
    } | more  # fmt: skip
    row = LtiScore(**values)
    session.add(row)
    session.flush()
    return row


def in_hand(
    session: WriteSession, row: LtiScore, *, due_in: timedelta = timedelta(minutes=25), state: str = "waiting"
) -> OutboxDelivery:
    """The delivery that has a score in hand."""
    event = OutboxEvent(kind=ScoreDue.KIND, payload={"score_id": row.id}, dispatched_at=now())
    session.add(event)
    session.flush()
    delivery = OutboxDelivery(event_id=event.id, handler="lti.send_score", state=state, due_at=now() + due_in)
    session.add(delivery)
    session.flush()
    row.delivery_id = delivery.id
    session.add(row)
    session.flush()
    return delivery


def decided(session: WriteSession, link: LtiGradeLink) -> None:
    """An award that no worker has heard of yet."""
    outbox.emit(
        session,
        AwardDecided(new_id(), new_id(), new_id(), link.person_id, link.module_key or "", 1),
    )
    session.flush()
