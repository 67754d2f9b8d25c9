"""Mails about joining the records of one person: the code beforehand, and afterwards the news that it was done."""

from __future__ import annotations

from app.core.clock import now
from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, decode
from app.messages.kinds import LINK_CODE, LINKED
from app.messages.sending import Addressed, MessageDeps, send_once
from app.messages.service import LinkCodeMail, LinkedMail
from app.people import linking
from app.people import service as people
from app.people.errors import CodeExpired, ConfirmationNotFound, OrganisationNotFound
from app.people.events import LinkCodeRequested, PersonsLinked


def send_link_code(deps: MessageDeps) -> Handler:
    """Listens to `LinkCodeRequested`: sends the code, if somebody has confirmed the address."""

    def handle(delivery: Delivery) -> None:
        event = decode(LinkCodeRequested, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            try:
                wanted = linking.link_code_mail(session, deps.secret_box, event.request_id)
            except (CodeExpired, ConfirmationNotFound):
                return None  # of no use any more, or whoever asked was erased
            if wanted is None:
                return None
            minutes = max(round((wanted.expires_at - now()).total_seconds() / 60), 1)
            return Addressed(wanted.email, LinkCodeMail(wanted.code, minutes, wanted.organisation))

        send_once(deps, LINK_CODE, event.request_id, prepare)

    return handle


def send_linked(deps: MessageDeps) -> Handler:
    """Listens to `PersonsLinked`: tells the address that was confirmed first, so that nobody's record is taken unseen.

    Not switchable: who gets a person's work and badges must not be able to keep that from them.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(PersonsLinked, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            found = next((each for each in linking.links(session, event.linked_id)), None)
            confirmed = people.confirmed_email(session, people.standing_id(session, event.person_id))
            if found is None or confirmed is None:
                return None
            return Addressed(
                confirmed.email,
                LinkedMail(_organisation(session, found.organisation_id), found.linked_at, deps.settings.contact_email),
            )

        send_once(deps, LINKED, event.linked_id, prepare)

    return handle


def _organisation(session: ReadSession, organisation_id: str | None) -> str | None:
    if organisation_id is None:
        return None
    try:
        return people.organisation(session, organisation_id).name
    except OrganisationNotFound:
        return None
