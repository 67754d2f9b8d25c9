"""Which mails a person wants: everything until they switch a kind off, on their page or by the link in a mail.

The link is a capability: it holds the person's id, the kind, and a secret derived from both, so that no row keeps it.
It switches that one kind and shows nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from app.core import audit
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.messages.errors import MailLinkUnknown
from app.messages.kinds import KINDS, Kind, kind_of
from app.messages.models import UnwantedMail
from app.people import service as people

PURPOSE: Final = "messages.switch"


@dataclass(frozen=True)
class MailLink:
    """What a mail's link is good for."""

    person_id: str
    kind: Kind


def unwanted(session: ReadSession, person_id: str) -> frozenset[str]:
    """Keys of the kinds that a person switched off. One that cannot be switched off any more counts as wanted."""
    whose = people.standing_id(session, person_id)  # an event, or a mail, from before two records were joined
    found = session.exec(select(UnwantedMail.kind).where(UnwantedMail.person_id == whose)).all()
    return frozenset(found) & {kind.key for kind in KINDS if kind.switchable}


def wants(session: ReadSession, person_id: str, kind: Kind) -> bool:
    """Whether a mail of this kind may go to a person."""
    return kind.key not in unwanted(session, person_id)


def switch(session: WriteSession, person_id: str, wanted: Mapping[str, bool]) -> None:
    """Switch kinds of mail on and off; those that are not named stay. Doing it twice changes nothing.

    Args:
        session: the caller's transaction.
        person_id: whose mails; it is they who ask, signed in or by the link of a mail of theirs.
        wanted: keys of kinds, and whether the person wants them; those that cannot be switched are passed over.
    """
    person_id = people.standing_id(session, person_id)
    known = unwanted(session, person_id)
    for key in (kind.key for kind in KINDS if kind.switchable and kind.key in wanted):
        if wanted[key] != (key in known):
            continue  # it is so already
        if wanted[key]:
            _delete(session, person_id, col(UnwantedMail.kind) == key)
        else:
            _add(session, person_id, key)
        audit.record(
            session,
            actor=Actor(kind="person", id=person_id),
            action="messages.mail_switched_on" if wanted[key] else "messages.mail_switched_off",
            subject="person",
            subject_id=person_id,
            kind=key,
        )


def switch_url(secret_box: SecretBox, base_url: str, person_id: str, kind: Kind) -> str:
    """The link, in a mail of this kind, by which its reader switches the kind off or on again."""
    token = secret_box.token(PURPOSE, _message(person_id, kind.key))
    return f"{base_url}/mail/{person_id}.{kind.key}.{token}"


def read_link(session: ReadSession, secret_box: SecretBox, token: str) -> MailLink:
    """What a link is good for, from the last part of its address.

    Raises:
        MailLinkUnknown: it is not one of ours, the kind cannot be switched, or the person was erased.
    """
    person_id, _, rest = token.partition(".")
    key, _, secret = rest.partition(".")
    kind = kind_of(key)
    if kind is None or not kind.switchable:
        raise MailLinkUnknown
    if not secret_box.token_matches(PURPOSE, _message(person_id, key), secret):
        raise MailLinkUnknown
    if people.is_erased(session, person_id):
        raise MailLinkUnknown
    return MailLink(person_id, kind)


def forget(session: WriteSession, person_id: str) -> int:
    """Forget what a person switched off; returns how many kinds that were."""
    return _delete(session, person_id, sa.true())


def _add(session: WriteSession, person_id: str, key: str) -> None:
    with suppress(IntegrityError), session.begin_nested():  # two clicks on one link: the other one did it
        session.add(UnwantedMail(person_id=person_id, kind=key))
        session.flush()


def _delete(session: WriteSession, person_id: str, which: sa.ColumnElement[bool]) -> int:
    whose = col(UnwantedMail.person_id) == person_id
    return int(session.execute(delete(UnwantedMail).where(whose, which)).rowcount)  # type: ignore[attr-defined]


def _message(person_id: str, key: str) -> str:
    return f"{person_id}:{key}"
