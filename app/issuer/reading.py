"""Reading badges: what strangers may see, and what is for the holder only."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import rows
from app.core.db import Look, ReadSession
from app.issuer.content import name_in
from app.issuer.erasing import refuse_erased
from app.issuer.errors import credential_not_found
from app.issuer.models import Credential, CredentialVersion, Issuer
from app.issuer.schemas import CredentialSummary, PublicCredential, VersionSummary
from app.programme import service as programme


def credentials_of(session: ReadSession, person_id: str) -> tuple[CredentialSummary, ...]:
    """A person's badges, newest first, revoked ones included; unfinished ones are not listed."""
    found = session.exec(
        select(Credential)
        .where(Credential.person_id == person_id, col(Credential.current_version) > 0)
        .order_by(col(Credential.awarded_at).desc(), col(Credential.id))
    ).all()
    return tuple(_summary(session, row) for row in found)


def credential_summary(session: ReadSession, credential_id: str) -> CredentialSummary:
    """One badge in a few words; for mails and lists, not for strangers.

    Raises:
        CredentialNotFound: unknown or unfinished.
    """
    return _summary(session, _finished(session, credential_id))


def public_credential(session: ReadSession | Look, credential_id: str) -> PublicCredential:
    """A badge as strangers may see it. A revoked one is still served: its address must say that it is revoked.

    Raises:
        CredentialNotFound: unknown, unfinished or not shared, without telling which.
        CredentialErased: it was erased.
    """
    row = _finished(session, credential_id)
    if not row.shared:
        raise credential_not_found()
    return _published(session, row)


def stored_credential(session: ReadSession, credential_id: str) -> PublicCredential:
    """A badge whether or not it is shared: for its holder's own pages and mails only.

    Raises:
        CredentialNotFound: unknown or unfinished.
    """
    return _published(session, _finished(session, credential_id))


def held_credential(session: ReadSession, credential_id: str, person_id: str) -> PublicCredential:
    """A badge for its holder.

    Raises:
        CredentialNotFound: unknown, unfinished, or somebody else's.
    """
    row = _finished(session, credential_id)
    if row.person_id != person_id:
        raise credential_not_found()
    return _published(session, row)


def public_version(session: ReadSession, credential_id: str, version: int) -> bytes:
    """One version's document, byte for byte as signed; never changes.

    Raises:
        CredentialNotFound: unknown, unfinished, not shared, no such version, or one with a name that its holder took
            off since.
        CredentialErased: it was erased.
    """
    row = _finished(session, credential_id)
    stored = session.get(CredentialVersion, (credential_id, version)) if row.shared else None
    # A name that its holder took off again is not told by us any more, though files given out before still do.
    if stored is None or (not row.holder_named and name_in(stored.document) is not None):
        raise credential_not_found()
    return stored.document


def count_versions(session: ReadSession) -> int:
    """How many versions of badges were signed so far."""
    return session.exec(select(sa.func.count()).select_from(CredentialVersion)).one()


def has_credentials(session: ReadSession) -> bool:
    """Whether any badge exists, so that the base URL must not change unnoticed."""
    return session.exec(select(Credential.id).limit(1)).first() is not None


def _finished(session: ReadSession | Look, credential_id: str) -> sa.Row[Any]:
    row = rows.find(session, Credential, id=credential_id)
    if row is None or row.current_version == 0:
        refuse_erased(session, credential_id)
        raise credential_not_found()
    return row


def _summary(session: ReadSession, row: Credential | sa.Row[Any]) -> CredentialSummary:
    return CredentialSummary(
        id=row.id,
        name=programme.achievement(session, row.achievement_key, row.achievement_version).name,
        state=cast(Any, row.state),
        shared=row.shared,
        version=row.current_version,
        achievement_key=row.achievement_key,
        achievement_version=row.achievement_version,
        awarded_at=row.awarded_at,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
        identified=row.identity_hash is not None,
    )


_ISSUER = rows.table(Issuer).c
_ISSUER_KEY = sa.select(_ISSUER.key).where(_ISSUER.id == sa.bindparam("issuer"))
_VERSION = rows.table(CredentialVersion).c
_VERSIONS = sa.select(*_VERSION).where(_VERSION.credential_id == sa.bindparam("credential")).order_by(_VERSION.version)


def _published(session: ReadSession | Look, row: sa.Row[Any]) -> PublicCredential:
    versions = session.run(_VERSIONS, {"credential": row.id}).all()
    current = versions[-1]
    issuer = session.run(_ISSUER_KEY, {"issuer": row.issuer_id}).one()
    return PublicCredential(
        id=row.id,
        state=cast(Any, row.state),
        shared=row.shared,
        version=current.version,
        versions=tuple(VersionSummary(v.version, v.signed_at, v.valid_from, v.digest) for v in versions),
        document=current.document,
        jwt=current.jwt,
        digest=current.digest,
        signed_at=current.signed_at,
        issuer_key=issuer.key,
        achievement_key=row.achievement_key,
        achievement_version=row.achievement_version,
        awarded_at=row.awarded_at,
        valid_from=current.valid_from,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
        person_id=row.person_id,
        identified=row.identity_hash is not None,
    )
