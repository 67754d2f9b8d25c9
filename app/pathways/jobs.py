"""What the pathways room does when something happened elsewhere, and now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from app.core import metrics
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.outbox import Delivery, decode
from app.pathways.standing import overdue, recompute
from app.people.events import PersonsLinked
from app.people.service import standing_id

Handler = Callable[[Delivery], None]

PATIENCE = timedelta(minutes=10)  # the worker's chores come round every minute


def recompute_standing(database: Database) -> Handler:
    """Listens to all that changes what a person can show: works out anew where they stand."""

    def handle(delivery: Delivery) -> None:
        person_id = delivery.payload.get("person_id")
        if person_id is None:
            return
        with database.read() as session:
            goes_by = standing_id(session, person_id)
        for each in dict.fromkeys((person_id, goes_by)):  # what was told of a record that was joined since is another's
            recompute(database, each)

    return handle


def recompute_after_linking(database: Database) -> Handler:
    """Listens to `people.PersonsLinked`: of the old record no standing is left."""

    def handle(delivery: Delivery) -> None:
        event = decode(PersonsLinked, delivery.payload)
        recompute(database, event.linked_id)
        recompute(database, event.person_id)

    return handle


def is_somebodys(payload: Mapping[str, Any]) -> bool:
    """Whether an event is about a person that is known here; badges issued to an address are nobody's yet."""
    return payload.get("person_id") is not None


def tell_due(session: ReadSession) -> None:
    """Set the gauge of standings that should have been worked out anew a while ago."""
    metrics.PATHWAY_STANDINGS_DUE.set(overdue(session, now() - PATIENCE))
