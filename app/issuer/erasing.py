"""Erasing a badge: what it said and whose it was is gone; that there was one is told to whoever has its address.

Its row stays, emptied, for three things that must outlast it: its place in the status list is never given to another
badge, the bit there stays as it is, and a request that is repeated does not issue it again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core import audit, rows
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Look, ReadSession, WriteSession
from app.core.ids import digest
from app.core.secrets import SecretBox
from app.issuer.errors import CredentialErased, credential_not_found
from app.issuer.models import BadgeShare, BadgeShareItem, Credential, CredentialTombstone, CredentialVersion

ERASED: Final = "erased"
REPEAT_PURPOSE: Final = "issuer.erased-request"
_GRAVES = rows.table(CredentialTombstone).c
_GRAVE = sa.select(_GRAVES.issued_on, _GRAVES.erased_at).where(_GRAVES.id_digest == sa.bindparam("digest"))


def erase(session: WriteSession, secret_box: SecretBox, credential_id: str, *, actor: Actor) -> None:
    """Erase a badge for good: every version, both securings, its holder, results, reasons and the links that show it.

    Copies that people keep go on to be verified by them as before, unless the badge was revoked first: whoever erases
    asks the holder which of the two they want.

    Args:
        session: the caller's transaction.
        secret_box: digests the idempotency key, which may name a person.
        credential_id: the badge.
        actor: who erases; the audit has the digest of the badge's id only.

    Raises:
        CredentialNotFound: unknown or unfinished.
        CredentialErased: it was erased before.
    """
    row = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
    if row is None or row.state == "reserved":
        raise credential_not_found()
    refuse_erased(session, credential_id)
    moment, id_digest = now(), digest(credential_id)
    issued_on = (row.issued_at or row.reserved_at).replace(hour=0, minute=0, second=0, microsecond=0)
    _end_shares(session, credential_id, moment)
    session.execute(delete(CredentialVersion).where(col(CredentialVersion.credential_id) == credential_id))
    _empty(row, secret_box, moment)
    session.add(row)
    session.add(CredentialTombstone(id_digest=id_digest, issued_on=issued_on, erased_at=moment))
    audit.record(
        session, actor=actor, action="issuer.credential_erased", subject="credential_tombstone", subject_id=id_digest
    )


def refuse_erased(session: ReadSession | Look, credential_id: str) -> None:
    """Raise CredentialErased if there was a badge of this id and it was erased."""
    found = session.run(_GRAVE, {"digest": digest(credential_id)}).one_or_none()
    if found is not None:
        raise CredentialErased(found.issued_on, found.erased_at)


def is_erased(session: ReadSession, credential_id: str) -> bool:
    """Whether there was a badge of this id and it was erased."""
    return session.run(_GRAVE, {"digest": digest(credential_id)}).one_or_none() is not None


def was_erased(session: ReadSession, secret_box: SecretBox, idempotency_key: str) -> bool:
    """Whether a badge was issued under this idempotency key, and erased since."""
    keys = repeat_keys(secret_box, idempotency_key)
    return session.exec(select(Credential.id).where(col(Credential.idempotency_key).in_(keys))).first() is not None


def repeat_keys(secret_box: SecretBox, idempotency_key: str) -> list[str]:
    """What an idempotency key is stored as once its badge is erased: a keyed digest, newest master key first."""
    return [f"{ERASED}:{value.hex()}" for value in secret_box.derive_all(REPEAT_PURPOSE, idempotency_key)]


def _end_shares(session: WriteSession, credential_id: str, moment: datetime) -> None:
    """Take the badge out of its holder's links and end those that showed nothing else; those made by mail did not."""
    mine = select(BadgeShareItem.share_id).where(BadgeShareItem.credential_id == credential_id)
    shares = session.exec(mine).all()
    session.execute(delete(BadgeShareItem).where(col(BadgeShareItem.credential_id) == credential_id))
    session.execute(delete(BadgeShare).where(col(BadgeShare.claimed_credential_id) == credential_id))
    others = select(BadgeShareItem.share_id)
    session.execute(
        sa.update(BadgeShare)
        .where(col(BadgeShare.id).in_(shares), col(BadgeShare.id).not_in(others), col(BadgeShare.ended_at).is_(None))
        .values(ended_at=moment)
        .execution_options(synchronize_session=False)
    )


def _empty(row: Credential, secret_box: SecretBox, moment: datetime) -> None:
    """Leave of the row its id, its issuer, its place in the status list and whether the bit there is set."""
    changes: dict[str, Any] = {
        "idempotency_key": repeat_keys(secret_box, row.idempotency_key)[0],
        "fingerprint": None,
        "achievement_key": "",
        "achievement_version": 0,
        "person_id": None,
        "subject_id": "",
        "identity_salt": "",
        "identity_hash": None,
        "results": [],
        "related": [],
        "framework_key": None,
        "framework_version": None,
        "framework_digest": None,
        "awarded_at": moment,
        "valid_until": None,
        "state": ERASED,
        "current_version": 0,
        "shared": False,
        "reserved_at": moment,
        "issued_at": None,
        "revocation_reason": None,
        "suspended_at": None,
        "suspension_reason": None,
        "holder_named": False,
    }
    for name, value in changes.items():
        setattr(row, name, value)
