"""Mails about observations: to the person who is to observe, and to the learner who asked.

No text of the learner's is in any of them: their name, the module and the activity, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.clock import now
from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, decode
from app.learning.events import (
    ObservationAsked,
    ObservationCodeAsked,
    ObservationMade,
    ObserverApproved,
    ObserverRefused,
)
from app.learning.observation import service as observation
from app.learning.observation.schemas import ObservationMail
from app.messages import preferences
from app.messages.kinds import OBSERVED, OBSERVER_ASKED, OBSERVER_CODE
from app.messages.sending import Addressed, MessageDeps, send_once
from app.messages.service import Around, compose_from
from app.messages.wording import greeting, one_line
from app.people import service as people

A_COLLEAGUE = "a colleague"


@dataclass(frozen=True)
class AskMail:
    """Please observe: the link is the observer's own."""

    name: str
    learner_name: str
    module_title: str
    activity_title: str
    url: str
    until: datetime
    again: bool


@dataclass(frozen=True)
class ObserverCodeMail:
    """The code with which the checklist is sent."""

    code: str
    minutes: int
    learner_name: str


@dataclass(frozen=True)
class AnswerMail:
    """What became of a request, for the learner.

    Attributes:
        outcome: `approved`, `refused` by an assessor, `declined` by the person asked, or `observed`.
    """

    name: str
    observer_name: str
    module_title: str
    activity_title: str
    outcome: str


def ask_observer(deps: MessageDeps) -> Handler:
    """Listens to `ObservationAsked`: sends the observer their link; a reminder is the same mail again."""

    def handle(delivery: Delivery) -> None:
        event = decode(ObservationAsked, delivery.payload)
        if _takes_none(deps, event.request_id):
            # Nobody may wait for somebody who is never told: the learner hears of it and can ask another.
            with deps.database.write() as session:
                observation.decline_unasked(session, event.request_id)
            return

        def prepare(session: ReadSession) -> Addressed | None:
            wanted = observation.request_mail(session, event.request_id)
            if wanted is None or wanted.ends_at is None:
                return None  # withdrawn, answered or erased since: nothing is asked any more
            link = deps.settings.base_url + observation.observer_path(deps.secret_box, event.request_id)
            mail = AskMail(
                name=wanted.observer_name,
                learner_name=_shown(wanted.learner_name, A_COLLEAGUE),
                module_title=wanted.module_title,
                activity_title=wanted.activity_title,
                url=link,
                until=wanted.ends_at,
                again=event.reminder > 0,
            )
            return Addressed(wanted.to, mail, wanted.observer_person_id, compose=_from("observation_asked.txt"))

        subject = f"{event.request_id}.r{event.reminder}" if event.reminder else event.request_id
        send_once(deps, OBSERVER_ASKED, subject, prepare)

    return handle


def _takes_none(deps: MessageDeps, request_id: str) -> bool:
    """Whether the person who is asked switched these mails off."""
    with deps.database.read() as session:
        wanted = observation.request_mail(session, request_id)
        person_id = wanted.observer_person_id if wanted is not None else None
        return person_id is not None and not preferences.wants(session, person_id, OBSERVER_ASKED)


def send_code(deps: MessageDeps) -> Handler:
    """Listens to `ObservationCodeAsked`: sends the code to the invited address, whoever asked for it."""

    def handle(delivery: Delivery) -> None:
        event = decode(ObservationCodeAsked, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            wanted = observation.code_mail(session, deps.secret_box, event.code_id)
            if wanted is None:
                return None
            minutes = max(round((wanted.expires_at - now()).total_seconds() / 60), 1)
            mail = ObserverCodeMail(
                code=wanted.code, minutes=minutes, learner_name=_shown(wanted.learner_name, A_COLLEAGUE)
            )
            return Addressed(wanted.to, mail, compose=_from("observation_code.txt"))

        send_once(deps, OBSERVER_CODE, event.code_id, prepare)

    return handle


def send_approved(deps: MessageDeps) -> Handler:
    """Listens to `ObserverApproved`: tells the learner that their observer has been asked now."""

    def handle(delivery: Delivery) -> None:
        event = decode(ObserverApproved, delivery.payload)
        _tell_learner(deps, event.request_id, "observer_approved", lambda _: "approved")

    return handle


def send_refused(deps: MessageDeps) -> Handler:
    """Listens to `ObserverRefused`: tells the learner that somebody else has to be asked."""

    def handle(delivery: Delivery) -> None:
        event = decode(ObserverRefused, delivery.payload)
        _tell_learner(deps, event.request_id, "observer_refused", lambda wanted: wanted.state)

    return handle


def send_observed(deps: MessageDeps) -> Handler:
    """Listens to `ObservationMade`: tells the learner that the checklist is there to read."""

    def handle(delivery: Delivery) -> None:
        event = decode(ObservationMade, delivery.payload)
        _tell_learner(deps, event.request_id, "observed", lambda _: "observed")

    return handle


def _tell_learner(deps: MessageDeps, request_id: str, note: str, outcome: Callable[[ObservationMail], str]) -> None:
    def prepare(session: ReadSession) -> Addressed | None:
        wanted = observation.learner_mail(session, request_id)
        if wanted is None:
            return None
        mail = AnswerMail(
            name=people.display_name(session, wanted.learner_person_id),
            observer_name=_shown(wanted.observer_name, ""),
            module_title=wanted.module_title,
            activity_title=wanted.activity_title,
            outcome=outcome(wanted),
        )
        return Addressed(wanted.to, mail, wanted.learner_person_id, compose=_from("observation_answer.txt"))

    send_once(deps, OBSERVED, request_id, prepare, note=note)


def _shown(name: str, otherwise: str) -> str:
    """A name in the middle of a sentence; other words for what reads like a message or a link, as `greeting` judges."""
    return one_line(name) if greeting(name) != greeting("") else otherwise


def _from(template: str) -> Callable[[Any, Around], tuple[str, str]]:
    def composed(mail: Any, around: Around) -> tuple[str, str]:
        return compose_from(template, mail, around)

    return composed
