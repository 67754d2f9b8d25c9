"""Mails that follow from what happened."""

from __future__ import annotations

from typing import Final

from app.awards import requests
from app.core.clock import now
from app.core.db import ReadSession
from app.core.outbox import Delivery, Handler, RetryLater, decode
from app.issuer import service as issuer
from app.issuer.errors import CredentialErased
from app.issuer.events import CredentialIssued, HolderBound
from app.learning import quarantine
from app.learning import service as learning
from app.learning.errors import DecisionNotFound
from app.learning.events import WorkQuarantined, WorkReturned
from app.messages.claim_jobs import send_claim
from app.messages.kinds import AWARDED, CODE, QUARANTINED, RETURNED, WALLET
from app.messages.pathway_jobs import note_of_award
from app.messages.renewed import after_renewal
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import AwardedMail, CodeMail, QuarantinedMail, ReturnedMail, WalletMail
from app.people import service as people
from app.people.errors import CodeExpired, ConfirmationNotFound
from app.people.events import EmailConfirmationRequested
from app.programme import service as programme

__all__ = ["MessageDeps", "send_awarded", "send_bound", "send_code", "send_quarantined", "send_returned"]

FOR_WHO_UNDOES: Final = "it can still be taken back; told when that time is over"


def send_code(deps: MessageDeps) -> Handler:
    """Listens to `EmailConfirmationRequested`: sends the code to the address that is to be confirmed."""

    def handle(delivery: Delivery) -> None:
        event = decode(EmailConfirmationRequested, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            try:
                wanted = people.confirmation_mail(session, deps.secret_box, event.confirmation_id)
            except (CodeExpired, ConfirmationNotFound):
                return None  # of no use any more, or whoever asked was erased; a late mail would only confuse
            minutes = round((wanted.expires_at - now()).total_seconds() / 60)
            return Addressed(wanted.email, CodeMail(code=wanted.code, minutes=max(minutes, 1)))

        send_once(deps, CODE, event.confirmation_id, prepare)

    return handle


def send_returned(deps: MessageDeps) -> Handler:
    """Listens to `WorkReturned`: tells the learner."""

    def handle(delivery: Delivery) -> None:
        event = decode(WorkReturned, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            try:
                outcome = learning.decision_outcome(session, event.decision_id)
            except DecisionNotFound:
                return None  # erased with the person
            module = programme.module_version(session, outcome.module_key, outcome.module_version)
            return addressed_to(
                session, event.person_id, lambda name: ReturnedMail(name=name, module_title=module.title)
            )

        send_once(deps, RETURNED, event.decision_id, prepare)

    return handle


def send_quarantined(deps: MessageDeps) -> Handler:
    """Listens to `WorkQuarantined`: tells the learner, once it can no longer be taken back.

    A slip of the assessor's hand, taken back within its ten minutes, is told to nobody.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(WorkQuarantined, delivery.payload)

        def prepare(session: ReadSession) -> Addressed | None:
            away = quarantine.put_away(session, event.submission_id)
            if away is None:
                return None
            left = (away.final_at - now()).total_seconds()
            if left > 0:
                raise RetryLater(FOR_WHO_UNDOES, left)
            module = programme.module_version(session, away.module_key, away.module_version)
            return addressed_to(
                session,
                away.person_id,
                lambda name: QuarantinedMail(name=name, module_title=module.title, awarded=away.awarded),
            )

        send_once(deps, QUARANTINED, event.submission_id, prepare)

    return handle


def send_awarded(deps: MessageDeps) -> Handler:
    """Listens to `CredentialIssued`: tells the holder of a first version, with a link of their own, and of a renewal.

    Whom a client of the API awarded a badge is told at the address that it gave, whether or not they are known here.
    """

    def handle(delivery: Delivery) -> None:
        event = decode(CredentialIssued, delivery.payload)
        if event.version != 1:
            after_renewal(deps, event.credential_id, event.version, event.person_id)
            return
        with deps.database.read() as session:
            by_client = requests.was_asked_for(session, event.credential_id)
        if by_client:
            send_claim(deps, event.credential_id, event.person_id)
            return
        if event.person_id is None:
            return
        person_id = event.person_id

        def prepare(session: ReadSession) -> Addressed | None:
            note_on = note_of_award(session, event.credential_id)
            return _to_holder(deps, session, AwardedMail, event.credential_id, person_id, note_on=note_on)

        send_once(deps, AWARDED, event.credential_id, prepare)

    return handle


def send_bound(deps: MessageDeps) -> Handler:
    """Listens to `HolderBound`: tells the holder, as whoever has the link of the award mail could have done it."""

    def handle(delivery: Delivery) -> None:
        event = decode(HolderBound, delivery.payload)
        if event.person_id is None:
            return
        person_id = event.person_id

        def prepare(session: ReadSession) -> Addressed | None:
            return _to_holder(deps, session, WalletMail, event.credential_id, person_id)

        send_once(deps, WALLET, f"{event.credential_id}.v{event.version}", prepare)

    return handle


def _to_holder(
    deps: MessageDeps,
    session: ReadSession,
    words: type[AwardedMail] | type[WalletMail],
    credential_id: str,
    person_id: str,
    **more: str,
) -> Addressed | None:
    try:
        stored = issuer.stored_credential(session, credential_id)
    except CredentialErased:
        return None  # whoever asked for that wants no mail about it
    achievement = programme.achievement(session, stored.achievement_key, stored.achievement_version)
    return addressed_to(
        session,
        person_id,
        lambda name: words(
            name=name,
            achievement_name=achievement.name,
            claim_url=issuer.claim_url(deps.secret_box, deps.settings.base_url, credential_id),
            **more,
        ),
    )
