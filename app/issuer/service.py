"""The issuer room's public face: issuers and revoking here; issuing, reading and sharing in the modules beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.core import audit, rows
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, Look, ReadSession, WriteSession
from app.core.outbox import emit
from app.core.secrets import SecretBox
from app.issuer import status
from app.issuer.erasing import ERASED, erase
from app.issuer.errors import AlreadyRevoked, IssueRefused, credential_not_found
from app.issuer.events import CredentialRevoked
from app.issuer.issuing import finish_orphans, issue
from app.issuer.key_compromise import revoke_key
from app.issuer.key_resigning import count_resting, count_signed_with, resign, resign_a_while, tell_resting
from app.issuer.key_rotation import destroy_retired, retire_key, rotate_key
from app.issuer.keys import check_keys, create_keys, issuer_by_key, list_keys, open_keys
from app.issuer.models import Credential, Issuer
from app.issuer.reading import (
    count_versions,
    credential_summary,
    credentials_of,
    has_credentials,
    held_credential,
    public_credential,
    public_version,
    stored_credential,
)
from app.issuer.reissuing import reissue
from app.issuer.schemas import IssuerInfo
from app.issuer.sharing import check_claim, claim_token, claim_url, share, share_by_claim
from app.issuer.suspending import host_word, is_suspended, reinstate, suspend
from app.vc.did import did_web_for

__all__ = [
    "check_claim",
    "check_keys",
    "claim_token",
    "claim_url",
    "count_resting",
    "count_signed_with",
    "count_versions",
    "credential_summary",
    "credentials_of",
    "destroy_retired",
    "ensure_issuer",
    "erase",
    "finish_orphans",
    "has_credentials",
    "held_credential",
    "host_word",
    "is_suspended",
    "issue",
    "issuer_info",
    "issuers",
    "list_keys",
    "public_credential",
    "public_version",
    "reinstate",
    "reissue",
    "resign",
    "resign_a_while",
    "retire_key",
    "revoke",
    "revoke_key",
    "rotate_key",
    "share",
    "share_by_claim",
    "stored_credential",
    "suspend",
    "tell_resting",
]

REASON_LENGTH = 500


def ensure_issuer(
    session: WriteSession, secret_box: SecretBox, *, base_url: str, key: str, name: str, description: str, url: str
) -> IssuerInfo:
    """Set an issuer up, or bring its public details up to date; its keys are made once.

    Args:
        session: the caller's transaction.
        secret_box: seals the private keys.
        base_url: this server's address, from which the DID follows.
        key: short name, letters, digits, `.`, `_`, `-`.
        name: the organisation's name.
        description: one sentence about it.
        url: its web page.

    Raises:
        DidError: key or base URL cannot be part of a did:web.
    """
    did = did_web_for(base_url, key)
    issuer = session.exec(select(Issuer).where(Issuer.key == key)).first()
    if issuer is None:
        issuer = _create_issuer(session, secret_box, Issuer(key=key, name=name, description=description, url=url))
    if (issuer.name, issuer.description, issuer.url) != (name, description, url):
        issuer.name, issuer.description, issuer.url = name, description, url
        session.add(issuer)
        session.flush()
    return IssuerInfo(key=key, did=did, name=name, description=description, url=url)


def _create_issuer(session: WriteSession, secret_box: SecretBox, issuer: Issuer) -> Issuer:
    """Insert an issuer and its keys; if another process was faster, take what it made."""
    key = issuer.key
    try:
        with session.begin_nested():
            session.add(issuer)
            session.flush()
            create_keys(session, secret_box, issuer)
    except IntegrityError:
        return session.exec(select(Issuer).where(Issuer.key == key)).one()
    audit.record(session, actor=audit.SYSTEM, action="issuer.created", subject="issuer", subject_id=issuer.id)
    return issuer


def issuer_info(session: ReadSession, base_url: str, key: str) -> IssuerInfo:
    """An issuer as others may see it.

    Raises:
        IssuerNotFound: there is none of that name.
    """
    return _info(base_url, issuer_by_key(session, key))


def issuers(session: ReadSession | Look, base_url: str) -> tuple[IssuerInfo, ...]:
    """All issuers of this server, by key."""
    return tuple(_info(base_url, row) for row in session.run(_ALL_ISSUERS))


def _info(base_url: str, row: Issuer | sa.Row[Any]) -> IssuerInfo:
    return IssuerInfo(
        key=row.key,
        did=did_web_for(base_url, row.key),
        name=row.name,
        description=row.description,
        url=row.url,
    )


_ALL_ISSUERS = sa.select(*rows.table(Issuer).c).order_by(rows.table(Issuer).c.key)


def revoke(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    *,
    credential_id: str,
    reason: str,
    actor: Actor,
    beside: Callable[[WriteSession], None] | None = None,
) -> None:
    """Revoke a badge for good: its bit is set, the list is signed again, it is audited and told to the other rooms.

    If the server stops between the two, the list is signed at its next request or by the worker.

    Args:
        database: not a session: the list is signed after the write.
        secret_box: opens the issuer's key.
        base_url: this server's address.
        credential_id: the badge.
        reason: why, 1 to 500 characters; kept with the badge, never published and never in the audit.
        actor: who revokes.
        beside: writes what belongs to it, in the same transaction and before anything is changed; may raise.

    Raises:
        IssueRefused: no reason, or a longer one.
        CredentialNotFound: unknown or unfinished. One that was erased can be revoked: its holder may ask for it later.
        AlreadyRevoked: it is revoked already.
        KeysUnreadable: the master key does not open the keys; nothing was changed.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH:
        raise IssueRefused(
            f"A badge is revoked for a reason, in 1 to {REASON_LENGTH} characters.", kept="The badge is as it was."
        )
    with database.write() as session:
        row = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
        if row is None or row.state == "reserved":
            raise credential_not_found()
        if row.revoked_at is not None:
            raise AlreadyRevoked("This badge was revoked before.", kept="It stays revoked.")
        open_keys(session, secret_box, base_url, session.get_one(Issuer, row.issuer_id))
        if beside is not None:
            beside(session)
        row.revoked_at = now()
        if row.state != ERASED:  # of which nothing more is kept than the bit
            row.state, row.revocation_reason = "revoked", reason
        session.add(row)
        session.flush()
        status.mark_changed(session, row.status_list_number)
        audit.record(
            session, actor=actor, action="issuer.credential_revoked", subject="credential", subject_id=credential_id
        )
        emit(session, CredentialRevoked(credential_id=credential_id, person_id=row.person_id))
    status.refresh(database, secret_box, base_url, row.status_list_number)
