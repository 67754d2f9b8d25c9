"""What the messages room keeps of a person: which mail went out when, and which they do not want. Never the words."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, delete

from app.awards.proposals import personal_data as proposals
from app.core.db import ReadSession, WriteSession
from app.issuer.personal_data import credential_ids
from app.learning.observation.personal import mail_subjects
from app.learning.personal_data import decision_ids
from app.messages import preferences
from app.messages.models import ExpiryReminder, SentMail, UnwantedMail
from app.people.exporting import in_chunks, section
from app.people.personal_data import confirmation_ids, link_mail_subjects
from app.people.schemas import Count, Kept, Section


class MessagesPersonalData:
    """Mails that were sent, by what they were about; kinds that are not wanted; reminders of badges."""

    room = "messages"
    tables = frozenset({"message_sent_mail", "message_unwanted_mail", "message_expiry_reminder"})
    kept: tuple[Kept, ...] = ()

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """Which mail went out when, and what it was about."""
        about = "Mails that were sent to you: of which kind, about what, when. Words and addresses are not kept."
        records = tuple(
            record
            for where in _about(session, person_id)
            for record in section(session, "", "", SentMail, where).records
        )
        reminders = tuple(
            record
            for badges in in_chunks(credential_ids(session, person_id))
            for record in section(
                session, "", "", ExpiryReminder, col(ExpiryReminder.credential_id).in_(badges)
            ).records
        )
        return (
            Section("messages.mails_sent", about, records),
            section(
                session, "messages.unwanted", "Kinds of mail that you switched off.", UnwantedMail,
                col(UnwantedMail.person_id) == person_id, without=("person_id",),
            ),
            Section("messages.reminders", "Reminders that a badge expires which were seen to.", reminders),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """A mail that is still due finds no address and is not sent."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Forget that they were sent; before what they were about goes."""
        number = 0
        for where in _about(session, person_id):
            number += session.execute(delete(SentMail).where(where)).rowcount  # type: ignore[attr-defined]
        reminders = 0
        for badges in in_chunks(credential_ids(session, person_id)):
            gone = delete(ExpiryReminder).where(col(ExpiryReminder.credential_id).in_(badges))
            reminders += session.execute(gone).rowcount  # type: ignore[attr-defined]
        return (
            Count("notes that a mail was sent", number),
            Count("kinds of mail that were switched off", preferences.forget(session, person_id)),
            Count("notes of reminders that a badge expires", reminders),
        )


def _about(session: ReadSession, person_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions that together find the mails about what is this person's, each once."""
    subject = col(SentMail.subject_id)
    badges = credential_ids(session, person_id)
    observations = mail_subjects(session, person_id)
    pathways = proposals.mail_subjects(session, person_id)
    plain = (
        *confirmation_ids(session, person_id),
        *link_mail_subjects(session, person_id),
        *decision_ids(session, person_id),
        *observations,
        *pathways,
        *badges,
    )
    return (
        *(subject.in_(some) for some in in_chunks(plain)),
        *(subject.like(f"{badge}.%") for badge in badges),  # a version of it, or something that was noted about it
        *(subject.like(f"{request}.%") for request in pathways),  # a request, to each of those who were asked
    )
