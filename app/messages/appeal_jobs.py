"""The mail about an appeal that was answered. What the learner wrote, and the answer, are on the page and not in it."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, decode
from app.learning import service as learning
from app.learning.errors import DecisionNotFound
from app.learning.events import AppealDecided
from app.messages.kinds import APPEAL
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import Around, compose_from
from app.programme import service as programme


@dataclass(frozen=True)
class AppealMail:
    """An appeal was answered: `upheld`, and the work is judged anew, or not, and the return stands."""

    name: str
    module_title: str
    upheld: bool


def send_appeal_decided(deps: MessageDeps) -> Handler:
    """Listens to `AppealDecided`: tells the learner."""

    def handle(delivery: Delivery) -> None:
        event = decode(AppealDecided, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            try:
                outcome = learning.decision_outcome(session, event.decision_id)
            except DecisionNotFound:
                return None  # erased with the person
            module = programme.module_version(session, outcome.module_key, outcome.module_version)
            return addressed_to(
                session,
                event.person_id,
                lambda name: AppealMail(name, module.title, upheld=event.outcome == "upheld"),
                compose=_compose,
            )

        send_once(deps, APPEAL, event.appeal_id, prepare)

    return handle


def _compose(mail: AppealMail, around: Around) -> tuple[str, str]:
    return compose_from("appeal_decided.txt", mail, around)
