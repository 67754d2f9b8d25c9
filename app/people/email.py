"""Confirming an e-mail address by a code: only an address whose mail its holder receives may enter a badge.

The code is not stored. It is derived from the request's id and the server's secret, so a copy of the database gives
no code away.
"""

from __future__ import annotations

import re
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.people.errors import (
    AddressBusy,
    CodeExpired,
    CodeWrong,
    ConfirmationNotFound,
    EmailNotUsable,
    NoCodeRequested,
    PersonNotFound,
    TooManyConfirmations,
)
from app.people.events import EmailConfirmationRequested, EmailConfirmed
from app.people.identities import EMAIL_LENGTH, asserted_email, standing_id
from app.people.link_models import LinkedPersonRecord, LinkRequestRecord
from app.people.models import ConfirmedEmailRecord, EmailConfirmationRecord, MembershipRecord, PersonRecord
from app.people.schemas import ConfirmationMail, ConfirmedEmail, EmailConfirmation

PURPOSE = "people.email-confirmation"
CODE_LIFETIME = timedelta(minutes=15)
MAX_TRIES = 5
REQUESTS_PER_HOUR = 5
# Over all persons: a hostile LMS can invent any number, each with tries of its own. Twenty codes with five tries each
# are one chance in ten thousand a day, and a stranger's inbox stays usable.
REQUESTS_PER_ADDRESS_AND_DAY = 20
# What a person can type and a mail server will take; deliberately narrower than RFC 5321 §4.1.2, whose quoted local
# parts and address literals nobody uses and which would let line breaks and commas near a mail header.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_LOCAL_LENGTH = 64


def request_email_confirmation(
    session: WriteSession, secret_box: SecretBox, *, person_id: str, email: str
) -> EmailConfirmation:
    """Ask for a code to be sent. Codes asked for earlier stop working.

    Args:
        session: the caller's transaction.
        secret_box: what the code will be derived from when the mail is written.
        person_id: who asks.
        email: the address, as typed; it is kept in lower case, because the badge carries its hash.

    Raises:
        PersonNotFound: nobody has this id.
        EmailNotUsable: it is no address a mail could be sent to.
        TooManyConfirmations: five codes were asked for within the hour.
        AddressBusy: twenty codes were sent to the address within a day, whoever asked.
    """
    address = normalise_email(email)
    lock_person(session, person_id)
    moment = now()
    check_pace(session, person_id)
    check_address(session, address)
    session.exec(
        sa.update(EmailConfirmationRecord)
        .where(col(EmailConfirmationRecord.person_id) == person_id, col(EmailConfirmationRecord.closed_at).is_(None))
        .values(closed_at=moment)
    )
    row = EmailConfirmationRecord(
        person_id=person_id, email=address, requested_at=moment, expires_at=moment + CODE_LIFETIME
    )
    session.add(row)
    session.flush()
    outbox.emit(session, EmailConfirmationRequested(confirmation_id=row.id))
    return _confirmation(row)


def pending_confirmation(session: ReadSession, person_id: str) -> EmailConfirmation | None:
    """The code a person may enter now, if there is one."""
    row = _open(session, person_id)
    return _confirmation(row) if row is not None and _usable(row) else None


def confirmation_mail(session: ReadSession, secret_box: SecretBox, confirmation_id: str) -> ConfirmationMail:
    """What the mail with the code needs.

    Raises:
        ConfirmationNotFound: no code was asked for under this id.
        CodeExpired: the code is over, so there is no mail to send any more.
    """
    row = session.get(EmailConfirmationRecord, confirmation_id)
    if row is None:
        raise ConfirmationNotFound("No code was asked for under this id.")
    if not _usable(row):
        raise CodeExpired
    return ConfirmationMail(
        confirmation_id=row.id,
        person_id=row.person_id,
        email=row.email,
        code=secret_box.code(PURPOSE, row.id),
        expires_at=row.expires_at,
    )


def confirm_email(database: Database, secret_box: SecretBox, *, person_id: str, code: str) -> ConfirmedEmail:
    """Confirm the address a code was sent to.

    The try is counted in a transaction of its own, before the code is looked at: an error in the caller's transaction
    would roll the count back and leave six digits to be guessed without end.

    Args:
        database: where to count and confirm; do not hold a write session while calling.
        secret_box: derives the code to compare with.
        person_id: who enters it.
        code: as typed; spaces do not matter.

    Raises:
        NoCodeRequested: there is no code to enter.
        CodeExpired: it is over: 15 minutes, five tries, or a newer one was sent.
        CodeWrong: it is not the one that was sent.
    """
    with database.write() as session:
        row = _open(session, person_id)
        if row is not None:
            _count_try(session, row)
    if row is None:
        return _confirmed_a_moment_ago(database, secret_box, person_id, code)
    if not _matches(secret_box, row, code):
        if row.tries >= MAX_TRIES:
            raise CodeExpired
        raise CodeWrong(MAX_TRIES - row.tries)
    with database.write() as session:
        return _confirm(session, row)


def confirmed_email(session: ReadSession, person_id: str) -> ConfirmedEmail | None:
    """The address in force that a person has confirmed, if any."""
    row = _confirmed_row(session, person_id)
    return _confirmed(row) if row is not None else None


def notification_address(session: ReadSession, person_id: str) -> str | None:
    """Where mails to a person go: the address they confirmed, else the one an LMS gave, else their work address.

    An LMS may write anything there; what is not one plain address gets no mail. Of a record that was joined into
    another, it is that person's: an event from before may still name the old id.
    """
    person_id = standing_id(session, person_id)
    confirmed = confirmed_email(session, person_id)
    if confirmed is not None:
        return confirmed.email
    try:
        return normalise_email(asserted_email(session, person_id) or "")
    except EmailNotUsable:
        return _work_address(session, person_id)


def _work_address(session: ReadSession, person_id: str) -> str | None:
    """The address that was entered for somebody who is staff now."""
    return session.exec(
        select(MembershipRecord.email)
        .where(
            MembershipRecord.person_id == person_id,
            col(MembershipRecord.ended_at).is_(None),
            col(MembershipRecord.email).is_not(None),
        )
        .order_by(col(MembershipRecord.begun_at).desc())
    ).first()


def normalise_email(email: str) -> str:
    """An address as it is kept: trimmed, lower case.

    Raises:
        EmailNotUsable: it is no address a mail could be sent to.
    """
    address = email.strip()
    if len(address) > EMAIL_LENGTH or not _ADDRESS.fullmatch(address) or address.index("@") > _LOCAL_LENGTH:
        raise EmailNotUsable(
            "We cannot send a mail to what you entered.",
            next_step="Check it for typing slips. It should look like name@example.org.",
        )
    return address.lower()


def check_pace(session: ReadSession, person_id: str) -> None:
    """Refuse a sixth code within the hour, of whichever kind.

    Raises:
        TooManyConfirmations: five were asked for.
    """
    hour_ago = now() - timedelta(hours=1)
    recent = sorted(
        moment
        for model in (EmailConfirmationRecord, LinkRequestRecord)
        for moment in session.exec(
            select(model.requested_at).where(model.person_id == person_id, col(model.requested_at) > hour_ago)
        ).all()
    )
    if len(recent) >= REQUESTS_PER_HOUR:
        raise TooManyConfirmations(opens_at=recent[-REQUESTS_PER_HOUR] + timedelta(hours=1))


def check_address(session: ReadSession, address: str) -> None:
    """Refuse a twenty-first code for one address within a day, of whichever kind and whoever asks.

    Raises:
        AddressBusy: twenty were asked for.
    """
    day_ago = now() - timedelta(days=1)
    recent = sum(
        session.exec(
            select(sa.func.count()).select_from(model).where(model.email == address, col(model.requested_at) > day_ago)
        ).one()
        for model in (EmailConfirmationRecord, LinkRequestRecord)
    )
    if recent >= REQUESTS_PER_ADDRESS_AND_DAY:
        raise AddressBusy


def _count_try(session: WriteSession, row: EmailConfirmationRecord) -> None:
    """Use up one try of a code, whoever else tries at the same moment."""
    counted = session.exec(
        sa.update(EmailConfirmationRecord)
        .where(
            col(EmailConfirmationRecord.id) == row.id,
            col(EmailConfirmationRecord.closed_at).is_(None),
            col(EmailConfirmationRecord.tries) < MAX_TRIES,
            col(EmailConfirmationRecord.expires_at) > now(),
        )
        .values(tries=EmailConfirmationRecord.tries + 1)
    )
    if counted.rowcount != 1:
        raise CodeExpired
    session.refresh(row)


def _matches(secret_box: SecretBox, row: EmailConfirmationRecord, code: str) -> bool:
    """Whether this is the request's code, under any of the server's keys, compared in constant time."""
    return secret_box.code_matches(PURPOSE, row.id, code)


def _confirmed_a_moment_ago(database: Database, secret_box: SecretBox, person_id: str, code: str) -> ConfirmedEmail:
    """A form sent twice: the first one did the work, so the second is told the same."""
    with database.read() as session:
        newest = session.exec(
            select(EmailConfirmationRecord)
            .where(EmailConfirmationRecord.person_id == person_id)
            .order_by(col(EmailConfirmationRecord.requested_at).desc())
        ).first()
        current = _confirmed_row(session, person_id)
    if newest is None or current is None or newest.email != current.email or not _matches(secret_box, newest, code):
        raise NoCodeRequested
    return _confirmed(current)


def _confirm(session: WriteSession, row: EmailConfirmationRecord) -> ConfirmedEmail:
    lock_person(session, row.person_id)
    moment = now()
    closed = session.exec(
        sa.update(EmailConfirmationRecord)
        .where(col(EmailConfirmationRecord.id) == row.id, col(EmailConfirmationRecord.closed_at).is_(None))
        .values(closed_at=moment)
    )
    current = _confirmed_row(session, row.person_id)
    if closed.rowcount != 1:
        # A second click on the same form: the first one did the work. Otherwise a newer code was asked for.
        if current is not None and current.email == row.email:
            return _confirmed(current)
        raise CodeExpired
    if current is not None:
        current.superseded_at = moment
        session.add(current)
        session.flush()
    confirmed = ConfirmedEmailRecord(person_id=row.person_id, email=row.email, confirmed_at=moment)
    session.add(confirmed)
    session.flush()
    outbox.emit(session, EmailConfirmed(person_id=row.person_id, confirmed_email_id=confirmed.id))
    audit.record(
        session,
        actor=Actor(kind="person", id=row.person_id),
        action="people.email_confirmed",
        subject="person",
        subject_id=row.person_id,
        confirmed_email_id=confirmed.id,
    )
    return _confirmed(confirmed)


def lock_person(session: WriteSession, person_id: str) -> None:
    """Let a person's requests queue up behind one another (on SQLite the write lock does it already).

    Raises:
        PersonNotFound: nobody has this id, or not any more: the record was joined into another a moment ago.
    """
    found = session.exec(select(PersonRecord.id).where(PersonRecord.id == person_id).with_for_update()).first()
    if found is None or session.get(LinkedPersonRecord, person_id) is not None:
        raise PersonNotFound("Nobody here has this id.")


def _open(session: ReadSession, person_id: str) -> EmailConfirmationRecord | None:
    return session.exec(
        select(EmailConfirmationRecord).where(
            EmailConfirmationRecord.person_id == person_id, col(EmailConfirmationRecord.closed_at).is_(None)
        )
    ).first()


def _usable(row: EmailConfirmationRecord) -> bool:
    return row.closed_at is None and row.tries < MAX_TRIES and row.expires_at > now()


def _confirmed_row(session: ReadSession, person_id: str) -> ConfirmedEmailRecord | None:
    return session.exec(
        select(ConfirmedEmailRecord).where(
            ConfirmedEmailRecord.person_id == person_id, col(ConfirmedEmailRecord.superseded_at).is_(None)
        )
    ).first()


def _confirmation(row: EmailConfirmationRecord) -> EmailConfirmation:
    return EmailConfirmation(
        id=row.id,
        person_id=row.person_id,
        email=row.email,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        tries_left=MAX_TRIES - row.tries,
    )


def _confirmed(row: ConfirmedEmailRecord) -> ConfirmedEmail:
    return ConfirmedEmail(id=row.id, person_id=row.person_id, email=row.email, confirmed_at=row.confirmed_at)
