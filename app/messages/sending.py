"""Sending a mail once: what every listener of this room does with what it has to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlmodel import select

from app.config import Settings
from app.core import metrics
from app.core.db import Database, ReadSession
from app.core.logging import get_logger
from app.core.outbox import GiveUp, RetryLater
from app.core.secrets import SecretBox
from app.messages import mail, preferences
from app.messages.kinds import Kind
from app.messages.models import SentMail
from app.messages.service import Around, compose
from app.people import service as people

log = get_logger()


@dataclass(frozen=True)
class MessageDeps:
    """What the mails need."""

    settings: Settings
    database: Database
    secret_box: SecretBox


@dataclass(frozen=True)
class Addressed:
    """A mail and where it goes.

    Attributes:
        to: one address; None if there is none, and nothing is sent.
        mail: a dataclass that `compose` knows.
        person_id: whose mail it is; None for an address that belongs to nobody here yet.
        compose: makes subject and text of the mail, if it is not one of this room's own list.
    """

    to: str | None
    mail: Any
    person_id: str | None = None
    compose: Callable[[Any, Around], tuple[str, str]] = compose


def addressed_to(
    session: ReadSession,
    person_id: str,
    words: Callable[[str], Any],
    compose: Callable[[Any, Around], tuple[str, str]] = compose,
) -> Addressed:
    """A mail to a person, at the address that mails to them go to.

    Args:
        session: for reading.
        person_id: whose mail it is.
        words: makes the mail of the person's name.
        compose: as in `Addressed`.
    """
    to = people.notification_address(session, person_id)
    return Addressed(to, words(people.display_name(session, person_id)), person_id, compose)


def send_once(
    deps: MessageDeps,
    kind: Kind,
    subject_id: str,
    prepare: Callable[[ReadSession], Addressed | None],
    *,
    note: str | None = None,
) -> None:
    """Send a mail unless it was sent before or is not wanted; note that it was.

    A process that dies between the mail server's yes and the note sends it once more, with the same Message-ID.

    Args:
        deps: of the process.
        kind: of the mail.
        subject_id: what it is about; together with the kind there is one mail.
        prepare: what to send, read in the same look at the database; None if there is nothing to say any more.
        note: under what the mail is noted as sent, if not under the kind's key: for several of one kind.

    Raises:
        RetryLater, GiveUp: as `mail.send`.
    """
    noted = note or kind.key
    with deps.database.read() as session:
        sent = session.exec(select(SentMail).where(SentMail.kind == noted, SentMail.subject_id == subject_id)).first()
        addressed = None if sent is not None else prepare(session)
        person_id = addressed.person_id if addressed is not None else None
        wanted = person_id is None or preferences.wants(session, person_id, kind)
    if addressed is None:
        return
    if not wanted:
        _told(noted, subject_id, "switched_off")
        return
    if addressed.to is None:
        _told(noted, subject_id, "no_address")
        return
    try:
        _send(deps, kind, addressed, addressed.to, f"{noted}.{subject_id}")
    except RetryLater:
        _told(noted, subject_id, "later")
        raise
    except GiveUp:
        _told(noted, subject_id, "refused")
        raise
    with deps.database.write() as writing:
        writing.add(SentMail(kind=noted, subject_id=subject_id))
    _told(noted, subject_id, "sent")


def _send(deps: MessageDeps, kind: Kind, addressed: Addressed, to: str, reference: str) -> None:
    base_url = deps.settings.base_url
    switch_url = None
    if kind.switchable and addressed.person_id is not None:
        switch_url = preferences.switch_url(deps.secret_box, base_url, addressed.person_id, kind)
    around = Around(kind, switch_url, deps.settings.contact_email)
    subject, text = addressed.compose(addressed.mail, around)
    mail.send(
        deps.settings,
        to=to,
        subject=subject,
        text=text,
        reference=reference,
        # Mail programs put a button of their own to it, and send a POST by themselves: https only (RFC 8058 §3).
        unsubscribe=switch_url if base_url.startswith("https://") else None,
    )


def _told(noted: str, subject_id: str, outcome: str) -> None:
    metrics.MAILS.labels(noted, outcome).inc()
    log.info("messages.mail", kind=noted, subject_id=subject_id, outcome=outcome)
