"""A key that strangers may have: revoked at once, so that nothing it ever signed is trusted any more.

A signature says nothing true of when it was made, so what the key signed before it was stolen cannot be told from what
the thief signs. That is why everything in force is signed again afterwards: `key_resigning`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.outbox import emit
from app.core.secrets import SecretBox
from app.issuer import status
from app.issuer.events import SigningKeyRevoked
from app.issuer.key_errors import KeyInUse, KeyRefused
from app.issuer.key_rotation import add_key, find_key, locked_key, settle
from app.issuer.keys import ROLES, is_retired, newest, published_keys, software_key
from app.issuer.models import Issuer, SigningKey, StatusList

REASON_LENGTH = 500


@dataclass(frozen=True)
class Revoked:
    """A key that is revoked.

    Attributes:
        kid: which.
        untrusted_from: from when on the DID document says that it is not to be trusted.
        replaced_by: the key made in its place, if one had to be.
        before: it was revoked earlier; nothing was changed now.
    """

    kid: str
    untrusted_from: datetime
    replaced_by: str | None = None
    before: bool = False


def revoke_key(
    database: Database,
    secret_box: SecretBox,
    *,
    kid: str,
    reason: str,
    since: datetime | None,
    actor: Actor,
) -> Revoked:
    """Revoke a key: it loses its purpose in the DID document, its private half is destroyed, its lists are stale.

    Nothing is signed here. If it was in use, the next key begins at once, or one is made.

    Args:
        database: not a session: a new key is made before the write.
        secret_box: seals it.
        kid: the key.
        reason: why, 1 to 500 characters; kept with the key, neither published nor in the audit.
        since: when strangers may have got it, if that is known; published.
        actor: who revokes.

    Raises:
        KeyNotFound: there is no such key.
        KeyRefused: no reason, or a date that lies in the future or before the key.
        KeyInUse: it lies with the signing service and no other one is there to take over.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH:
        raise KeyRefused(
            f"A key is revoked for a reason, in 1 to {REASON_LENGTH} characters.", kept="Nothing was changed."
        )
    with database.read() as session:
        found = find_key(session, kid)
    if found.revoked_at is None:
        _check_date(found, since)
    spare = software_key(secret_box, found.algorithm) if found.remote_name is None else None
    with database.write() as session:
        row = locked_key(session, kid)
        if row.revoked_at is not None:
            return Revoked(kid, row.compromised_from or row.revoked_at, before=True)
        row.revoked_at, row.compromised_from, row.revocation_reason = now(), since, reason
        row.retired_at = min(row.retired_at or row.revoked_at, row.revoked_at)
        row.sealed_private = None
        session.add(row)
        session.flush()
        issuer = session.get_one(Issuer, row.issuer_id)
        replaced_by = _see_to_a_successor(session, issuer, row, spare, actor)
        if ROLES[row.algorithm] == "embedded":
            _lists_are_stale(session, issuer)
        audit.record(session, actor=actor, action="issuer.key_revoked", subject="signing_key", subject_id=kid)
        emit(session, SigningKeyRevoked(kid=kid, issuer_id=issuer.id))
    return Revoked(kid, row.compromised_from or row.revoked_at, replaced_by)


def _check_date(row: SigningKey, since: datetime | None) -> None:
    if since is None:
        return
    if since > now():
        raise KeyRefused("The date from which the key is not to be trusted lies in the future.")
    if since < row.created_at:
        raise KeyRefused("The key was made after that date.", next_step="Leave the date out, or look at it again.")


def _see_to_a_successor(
    session: WriteSession, issuer: Issuer, revoked: SigningKey, spare: SigningKey | None, actor: Actor
) -> str | None:
    """Have a key of the role in use from this moment; returns the one that took over, if one had to."""
    role, moment = ROLES[revoked.algorithm], now()
    waiting = settle(session, issuer, role)
    if newest(published_keys(session, issuer), role, moment):
        return None
    for row in waiting:
        if not is_retired(row, moment):
            row.active_from = moment
            session.add(row)
            settle(session, issuer, role)
            return row.kid
    if spare is None:
        raise KeyInUse(
            "This key lies with the signing service, and there is no other one to take over.",
            kept="Nothing was changed: the key is still trusted.",
            next_step=f"Enter another one at once: waymark key rotate --issuer {issuer.key} --remote NAME --now.",
        )
    return add_key(session, issuer, spare, moment, actor).kid


def _lists_are_stale(session: WriteSession, issuer: Issuer) -> None:
    """The issuer's status lists are signed again at their next request, or by the worker."""
    for number in session.exec(select(StatusList.number).where(StatusList.issuer_id == issuer.id)).all():
        status.mark_changed(session, number)
