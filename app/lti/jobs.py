"""What the LTI room does when others tell of something: scores go to the gradebooks of the LMSs."""

from __future__ import annotations

from app.core.outbox import Delivery, Handler, decode
from app.core.runtime import Runtime
from app.learning import service as learning
from app.learning.events import AwardDecided
from app.lti.connector import Connectors
from app.lti.events import ScoreRequested
from app.lti.grades import grade_links
from app.lti.models import LtiGradeLink
from app.lti.scores import Score, send_scores, whole_second

FULL_SCORE = 100.0
AWARD_COMMENT = "Decided by an assessor in Waymark."
REPAIR_COMMENT = "Sent again by whoever runs Waymark."


def post_award_score(runtime: Runtime) -> Handler:
    """Listens to `learning.award_decided`: full marks to every gradebook that launched this person into the module.

    Args:
        runtime: database, secrets, the guarded way out.
    """
    connectors = Connectors(runtime)

    def handle(delivery: Delivery) -> None:
        event = decode(AwardDecided, delivery.payload)
        with runtime.database.read() as session:
            outcome = learning.decision_outcome(session, event.decision_id)
            links = grade_links(session, person_id=event.person_id, module_key=event.module_key)
        score = Score(event.decision_id, FULL_SCORE, FULL_SCORE, whole_second(outcome.decided_at), AWARD_COMMENT)
        send_scores(runtime, connectors, links, score)

    return handle


def post_requested_score(runtime: Runtime) -> Handler:
    """Listens to `lti.score_requested`: one score that an operator asked for.

    Args:
        runtime: database, secrets, the guarded way out.
    """
    connectors = Connectors(runtime)

    def handle(delivery: Delivery) -> None:
        event = decode(ScoreRequested, delivery.payload)
        with runtime.database.read() as session:
            link = session.get_one(LtiGradeLink, event.grade_link_id)
        score = Score(
            event.request_id,
            float(event.score_given),
            float(event.score_maximum),
            whole_second(delivery.created_at),
            REPAIR_COMMENT,
        )
        send_scores(runtime, connectors, [link], score)

    return handle
