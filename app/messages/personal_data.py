"""What the messages room keeps of a person, for the person: which mail went out when. Words and addresses never are."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, delete

from app.core.db import ReadSession, WriteSession
from app.issuer.personal_data import credential_ids
from app.learning.personal_data import decision_ids
from app.messages.models import SentMail
from app.people.exporting import in_chunks, section
from app.people.personal_data import confirmation_ids
from app.people.schemas import Count, Kept, Section


class MessagesPersonalData:
    """Mails that were sent, by what they were about."""

    room = "messages"
    tables = frozenset({"message_sent_mail"})
    kept: tuple[Kept, ...] = ()

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """Which mail went out when, and what it was about."""
        about = "Mails that were sent to you: of which kind, about what, when. Words and addresses are not kept."
        records = tuple(
            record
            for where in _about(session, person_id)
            for record in section(session, "", "", SentMail, where).records
        )
        return (Section("messages.mails_sent", about, records),)

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """A mail that is still due finds no address and is not sent."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Forget that they were sent; before what they were about goes."""
        number = 0
        for where in _about(session, person_id):
            number += session.execute(delete(SentMail).where(where)).rowcount  # type: ignore[attr-defined]
        return (Count("notes that a mail was sent", number),)


def _about(session: ReadSession, person_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions that together find the mails about what is this person's, each once."""
    subject = col(SentMail.subject_id)
    badges = credential_ids(session, person_id)
    plain = (*confirmation_ids(session, person_id), *decision_ids(session, person_id), *badges)
    return (
        *(subject.in_(some) for some in in_chunks(plain)),
        *(subject.like(f"{badge}.v%") for badge in badges),
    )
