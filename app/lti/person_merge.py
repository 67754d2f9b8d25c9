"""The LTI room's part in joining two records: scores for the one person go to the gradebooks of all their LMSs."""

from __future__ import annotations

from typing import ClassVar

from app.core.outbox import Delivery, Handler, decode
from app.core.runtime import Runtime
from app.lti.grades import catch_up_person
from app.lti.models import LtiGradeLink
from app.people import service as people
from app.people.events import PersonsLinked
from app.people.merging import Moves


class LtiMerge(Moves):
    """Where scores go."""

    room = "lti"
    moved: ClassVar = {LtiGradeLink: ("person_id",)}


def tell_new_gradebooks(runtime: Runtime) -> Handler:
    """Listens to `people.persons_linked`: a module awarded before is shown in the gradebooks that joined.

    Args:
        runtime: the database.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(PersonsLinked, delivery.payload)
        with runtime.database.write() as session:
            catch_up_person(session, people.standing_id(session, event.person_id))

    return handle
