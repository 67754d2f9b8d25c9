"""Mails that follow from what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import select

from app.config import Settings
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.logging import get_logger
from app.core.outbox import Delivery, decode
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer.events import CredentialIssued, HolderBound
from app.learning import service as learning
from app.learning.events import WorkReturned
from app.messages import mail
from app.messages.models import SentMail
from app.messages.service import AwardedMail, CodeMail, Mail, ReturnedMail, WalletMail, compose
from app.people import service as people
from app.people.errors import CodeExpired, ConfirmationNotFound
from app.people.events import EmailConfirmationRequested
from app.programme import service as programme

log = get_logger()


@dataclass(frozen=True)
class MessageDeps:
    """What the mails need."""

    settings: Settings
    database: Database
    secret_box: SecretBox


@dataclass(frozen=True)
class _Addressed:
    to: str | None
    mail: Mail


def send_code(deps: MessageDeps) -> Callable[[Delivery], None]:
    """Listens to `EmailConfirmationRequested`: sends the code to the address that is to be confirmed."""

    def handle(delivery: Delivery) -> None:
        event = decode(EmailConfirmationRequested, delivery.payload)

        def prepare(session: ReadSession) -> _Addressed | None:
            try:
                wanted = people.confirmation_mail(session, deps.secret_box, event.confirmation_id)
            except (CodeExpired, ConfirmationNotFound):
                return None  # of no use any more, or whoever asked was erased; a late mail would only confuse
            minutes = round((wanted.expires_at - now()).total_seconds() / 60)
            return _Addressed(wanted.email, CodeMail(code=wanted.code, minutes=max(minutes, 1)))

        _send_once(deps, "email_code", event.confirmation_id, prepare)

    return handle


def send_returned(deps: MessageDeps) -> Callable[[Delivery], None]:
    """Listens to `WorkReturned`: tells the learner."""

    def handle(delivery: Delivery) -> None:
        event = decode(WorkReturned, delivery.payload)

        def prepare(session: ReadSession) -> _Addressed:
            outcome = learning.decision_outcome(session, event.decision_id)
            module = programme.module_version(session, outcome.module_key, outcome.module_version)
            return _Addressed(
                people.notification_address(session, event.person_id),
                ReturnedMail(name=people.display_name(session, event.person_id), module_title=module.title),
            )

        _send_once(deps, "work_returned", event.decision_id, prepare)

    return handle


def send_awarded(deps: MessageDeps) -> Callable[[Delivery], None]:
    """Listens to `CredentialIssued`: tells the holder of a first version, with a link of their own."""

    def handle(delivery: Delivery) -> None:
        event = decode(CredentialIssued, delivery.payload)
        if event.version != 1 or event.person_id is None:
            return
        person_id = event.person_id

        def prepare(session: ReadSession) -> _Addressed:
            return _to_holder(deps, session, AwardedMail, event.credential_id, person_id)

        _send_once(deps, "credential_awarded", event.credential_id, prepare)

    return handle


def send_bound(deps: MessageDeps) -> Callable[[Delivery], None]:
    """Listens to `HolderBound`: tells the holder, as whoever has the link of the award mail could have done it."""

    def handle(delivery: Delivery) -> None:
        event = decode(HolderBound, delivery.payload)
        if event.person_id is None:
            return
        person_id = event.person_id

        def prepare(session: ReadSession) -> _Addressed:
            return _to_holder(deps, session, WalletMail, event.credential_id, person_id)

        _send_once(deps, "wallet_bound", f"{event.credential_id}.v{event.version}", prepare)

    return handle


def _to_holder(
    deps: MessageDeps,
    session: ReadSession,
    kind: type[AwardedMail] | type[WalletMail],
    credential_id: str,
    person_id: str,
) -> _Addressed:
    stored = issuer.stored_credential(session, credential_id)
    achievement = programme.achievement(session, stored.achievement_key, stored.achievement_version)
    return _Addressed(
        people.notification_address(session, person_id),
        kind(
            name=people.display_name(session, person_id),
            achievement_name=achievement.name,
            claim_url=issuer.claim_url(deps.secret_box, deps.settings.base_url, credential_id),
        ),
    )


def _send_once(
    deps: MessageDeps, kind: str, subject_id: str, prepare: Callable[[ReadSession], _Addressed | None]
) -> None:
    """Send a mail unless it was sent before; note that it was."""
    with deps.database.read() as session:
        sent = session.exec(select(SentMail).where(SentMail.kind == kind, SentMail.subject_id == subject_id)).first()
        addressed = None if sent is not None else prepare(session)
    if addressed is None:
        return
    if addressed.to is None:
        log.info("messages.no_address", kind=kind, subject_id=subject_id)
        return
    subject, text = compose(addressed.mail)
    mail.send(deps.settings, to=addressed.to, subject=subject, text=text, reference=f"{kind}.{subject_id}")
    with deps.database.write() as writing:
        writing.add(SentMail(kind=kind, subject_id=subject_id))
