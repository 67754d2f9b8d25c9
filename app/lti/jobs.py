"""What the LTI room does when others tell of something: scores go to the gradebooks of the LMSs."""

from __future__ import annotations

from app.core.outbox import Delivery, GiveUp, Handler, decode
from app.core.runtime import Runtime
from app.learning.events import AwardDecided
from app.lti.connector import Connectors
from app.lti.events import ScoreDue, ScoreRequested
from app.lti.grades import grade_links
from app.lti.models import LtiGradeLink
from app.lti.scores import Score, award_score, plan_score, whole_second
from app.lti.sending import send_score
from app.people import service as people


def post_award_score(runtime: Runtime) -> Handler:
    """Listens to `learning.award_decided`: full marks fall due for every gradebook of this person and module.

    Args:
        runtime: the database.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(AwardDecided, delivery.payload)
        with runtime.database.write() as session:
            score = award_score(session, event.decision_id)
            person_id = people.standing_id(session, event.person_id)  # their record may have been joined since
            for link in grade_links(session, person_id=person_id, module_key=event.module_key):
                plan_score(session, link, score, again=delivery.untried)

    return handle


def post_requested_score(runtime: Runtime) -> Handler:
    """Listens to `lti.score_requested`: the score that an operator asked for falls due.

    Args:
        runtime: the database.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(ScoreRequested, delivery.payload)
        with runtime.database.write() as session:
            link = session.get(LtiGradeLink, event.grade_link_id)
            if link is None:
                raise GiveUp("the person was erased, and where the score was to go")
            score = Score(
                event.request_id,
                float(event.score_given),
                float(event.score_maximum),
                whole_second(delivery.created_at),
            )
            plan_score(session, link, score, again=delivery.untried)

    return handle


def send_due_score(runtime: Runtime, connectors: Connectors | None = None) -> Handler:
    """Listens to `lti.score_due`: sends one score to one gradebook.

    Args:
        runtime: database, secrets, the guarded way out.
        connectors: to platforms; those of this process if not given.
    """
    chosen = connectors or Connectors.shared(runtime)

    def handle(delivery: Delivery) -> None:
        send_score(runtime, chosen, decode(ScoreDue, delivery.payload).score_id, delivery)

    return handle
