"""A badge was renewed: its holder is told, and is reminded anew before its new end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards import renewals
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.issuer import service as issuer
from app.issuer.errors import CredentialErased
from app.messages.kinds import AWARDED
from app.messages.models import ExpiryReminder, SentMail
from app.messages.sending import Addressed, MessageDeps, addressed_to, send_once
from app.messages.service import Around, compose_from
from app.programme import service as programme

NOTE = "badge_renewed"


@dataclass(frozen=True)
class RenewedMail:
    """A badge was renewed; the link is the holder's own."""

    name: str
    achievement_name: str
    until: datetime | None
    claim_url: str


def after_renewal(deps: MessageDeps, credential_id: str, version: int, person_id: str | None) -> None:
    """What is due when a badge got its next version: nothing, unless that version renewed it.

    Args:
        deps: of the process.
        credential_id: the badge.
        version: its new version.
        person_id: its holder, if that is a person we know.
    """
    with deps.database.read() as session:
        renewed = any(number == version for number, _ in renewals.renewals_of(session, credential_id))
    if not renewed:
        return
    with deps.database.write() as session:
        remind_anew(session, credential_id)
    if person_id is not None:

        def prepare(session: ReadSession) -> Addressed | None:
            return _mail(deps, session, credential_id, person_id)

        send_once(deps, AWARDED, f"{credential_id}.v{version}", prepare, note=NOTE)


def remind_anew(session: WriteSession, credential_id: str) -> None:
    """Forget the reminders of the end that a badge had before; those whose time has come for the new end stay."""
    try:
        until = issuer.stored_credential(session, credential_id).valid_until
    except CredentialErased:
        return
    of_badge = col(ExpiryReminder.credential_id) == credential_id
    for days in session.exec(select(ExpiryReminder.days).where(of_badge)).all():
        if until is not None and until - timedelta(days=days) <= now():
            continue
        session.execute(sa.delete(ExpiryReminder).where(of_badge, col(ExpiryReminder.days) == days))
        noted = (col(SentMail.kind) == f"expiring_{days}", col(SentMail.subject_id) == credential_id)
        session.execute(sa.delete(SentMail).where(*noted))


def _mail(deps: MessageDeps, session: ReadSession, credential_id: str, person_id: str) -> Addressed | None:
    try:
        stored = issuer.stored_credential(session, credential_id)
    except CredentialErased:
        return None  # whoever asked for that wants no mail about it
    name_of_badge = programme.achievement(session, stored.achievement_key, stored.achievement_version).name
    claim_url = issuer.claim_url(deps.secret_box, deps.settings.base_url, credential_id)
    return addressed_to(
        session,
        person_id,
        lambda name: RenewedMail(name, name_of_badge, stored.valid_until, claim_url),
        compose=_compose,
    )


def _compose(mail: Any, around: Around) -> tuple[str, str]:
    return compose_from("renewed.txt", mail, around)
