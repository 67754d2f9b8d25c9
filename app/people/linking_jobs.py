"""What the people room does when two records were joined: it looks once more, for what was on its way then."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.db import Database
from app.core.outbox import Delivery, Handler, decode
from app.people.events import PersonsLinked
from app.people.linking import absorb_again
from app.people.ports import PersonMerge


def absorb_stragglers(database: Database, bound: Sequence[PersonMerge]) -> Handler:
    """Listens to `people.persons_linked`: what a request that had begun before wrote under the old id comes along too.

    Args:
        database: the database.
        bound: every room's port, the highest room first.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(PersonsLinked, delivery.payload)
        with database.write() as session:
            absorb_again(session, bound, event.linked_id)

    return handle
