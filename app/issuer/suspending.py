"""Badges that are suspended for a while: this server's own word, beside what their status list says.

The document and its status list stay as they are, so other verifiers do not see it; the badge page says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlmodel import select

from app.core import audit, rows
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Look, ReadSession, WriteSession
from app.core.outbox import emit
from app.issuer.errors import AlreadyRevoked, AlreadySuspended, IssueRefused, NotSuspended, credential_not_found
from app.issuer.events import CredentialReinstated, CredentialSuspended
from app.issuer.models import Credential, CredentialVersion

REASON_LENGTH: Final = 500
_ROWS = rows.table(Credential).c
_VERSIONS = rows.table(CredentialVersion).c
_NEWEST = sa.and_(_VERSIONS.credential_id == _ROWS.id, _VERSIONS.version == _ROWS.current_version)
_WORD = (
    sa.select(_ROWS.suspended_at, _ROWS.shared, _VERSIONS.valid_from)
    .select_from(rows.table(Credential).outerjoin(rows.table(CredentialVersion), _NEWEST))
    .where(_ROWS.id == sa.bindparam("credential"))
)


def suspend(session: WriteSession, credential_id: str, *, reason: str, actor: Actor) -> None:
    """Suspend a badge until it is reinstated: checks on this server say so from now on.

    Args:
        session: the caller's transaction.
        credential_id: the badge.
        reason: why, 1 to 500 characters; kept with the badge, never published and never in the audit.
        actor: who suspends.

    Raises:
        IssueRefused: no reason, or a longer one.
        CredentialNotFound: unknown, unfinished or erased.
        AlreadyRevoked: it is revoked, which says more.
        AlreadySuspended: it is suspended already; the first reason stays.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH:
        raise IssueRefused(
            f"A badge is suspended for a reason, in 1 to {REASON_LENGTH} characters.", kept="The badge is as it was."
        )
    row = _in_force(session, credential_id)
    if row.suspended_at is not None:
        raise AlreadySuspended("This badge was suspended before.", kept="It stays suspended, for the first reason.")
    row.suspended_at, row.suspension_reason = now(), reason
    session.add(row)
    _note(session, row, actor, "issuer.credential_suspended")
    emit(session, CredentialSuspended(credential_id=row.id, person_id=row.person_id))


def reinstate(session: WriteSession, credential_id: str, *, actor: Actor) -> None:
    """End a suspension: the badge stands again as it did. The reason goes with it.

    Args:
        session: the caller's transaction.
        credential_id: the badge.
        actor: who reinstates.

    Raises:
        CredentialNotFound: unknown, unfinished or erased.
        AlreadyRevoked: it is revoked for good.
        NotSuspended: it is not suspended.
    """
    row = _in_force(session, credential_id)
    if row.suspended_at is None:
        raise NotSuspended("This badge is not suspended.", kept="The badge is as it was.")
    row.suspended_at, row.suspension_reason = None, None
    session.add(row)
    _note(session, row, actor, "issuer.credential_reinstated")
    emit(session, CredentialReinstated(credential_id=row.id, person_id=row.person_id))


def is_suspended(session: ReadSession | Look, credential_id: str) -> bool:
    """Whether this server holds a badge to be suspended; of one that it does not have it says nothing.

    Args:
        session: for one look at one row.
        credential_id: the badge's id here, the last part of its address.
    """
    return host_word(session, credential_id).suspended


@dataclass(frozen=True)
class HostWord:
    """What this server says of one of its badges, beside the badge itself.

    `newest_from`: from when its newest version stands, None of a badge that is not here or has none.
    """

    suspended: bool
    newest_from: datetime | None
    shared: bool


def host_word(session: ReadSession | Look, credential_id: str) -> HostWord:
    """What this server says of a badge; of one that it does not have it says nothing.

    Args:
        session: for one look.
        credential_id: the badge's id here, the last part of its address.
    """
    found = session.run(_WORD, {"credential": credential_id}).one_or_none()
    if found is None:
        return HostWord(False, None, False)
    return HostWord(found.suspended_at is not None, found.valid_from, found.shared)


def _in_force(session: WriteSession, credential_id: str) -> Credential:
    row = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
    if row is None or row.state not in ("issued", "revoked"):
        raise credential_not_found()
    if row.state == "revoked":
        raise AlreadyRevoked("This badge is revoked for good.", kept="It stays revoked.")
    return row


def _note(session: WriteSession, row: Credential, actor: Actor, action: str) -> None:
    audit.record(session, actor=actor, action=action, subject="credential", subject_id=row.id)
