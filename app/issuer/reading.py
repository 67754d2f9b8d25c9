"""Reading badges: what strangers may see, and what is for the holder only."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import rows
from app.core.db import Look, ReadSession
from app.issuer.content import did_in, name_in
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
    credential = _published(session, credential_id)
    if not credential.shared:
        raise credential_not_found()
    return credential


def stored_credential(session: ReadSession, credential_id: str) -> PublicCredential:
    """A badge whether or not it is shared: for its holder's own pages and mails only.

    Raises:
        CredentialNotFound: unknown or unfinished.
    """
    return _published(session, credential_id)


def held_credential(session: ReadSession, credential_id: str, person_id: str) -> PublicCredential:
    """A badge for its holder.

    Raises:
        CredentialNotFound: unknown, unfinished, or somebody else's.
    """
    credential = _published(session, credential_id)
    if credential.person_id != person_id:
        raise credential_not_found()
    return credential


def public_version(session: ReadSession, credential_id: str, version: int) -> bytes:
    """One version's document, byte for byte as signed; never changes.

    Raises:
        CredentialNotFound: unknown, unfinished, not shared, no such version, or one with a name or a DID that its
            holder took off since.
        CredentialErased: it was erased.
    """
    row = _finished(session, credential_id)
    stored = session.get(CredentialVersion, (credential_id, version)) if row.shared else None
    if stored is None or _was_taken_off(row, stored.document):
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


def _was_taken_off(row: sa.Row[Any], document: bytes) -> bool:
    """Whether a version says of its holder what they took off since: we tell it no more, though files out there do."""
    if not row.holder_named and name_in(document) is not None:
        return True
    return did_in(document) not in (None, row.subject_id)


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


_ROW, _VERSION, _ISSUER = rows.table(Credential), rows.table(CredentialVersion), rows.table(Issuer)
# Everything in one go: whoever looks at a badge asks for it. A row for each version, the newest last.
_PUBLISHED = (
    sa.select(
        _ROW.c.id,
        _ROW.c.state,
        _ROW.c.shared,
        _ROW.c.achievement_key,
        _ROW.c.achievement_version,
        _ROW.c.awarded_at,
        _ROW.c.valid_until,
        _ROW.c.revoked_at,
        _ROW.c.suspended_at,
        _ROW.c.person_id,
        _ROW.c.identity_hash,
        _ISSUER.c.key.label("issuer_key"),
        _VERSION.c.version,
        _VERSION.c.signed_at,
        _VERSION.c.valid_from,
        _VERSION.c.digest,
        _VERSION.c.document,
        _VERSION.c.jwt,
    )
    .join(_VERSION, _VERSION.c.credential_id == _ROW.c.id)
    .join(_ISSUER, _ISSUER.c.id == _ROW.c.issuer_id)
    .where(_ROW.c.id == sa.bindparam("credential"), _ROW.c.current_version > 0)
    .order_by(_VERSION.c.version)
)


def _published(session: ReadSession | Look, credential_id: str) -> PublicCredential:
    versions = session.run(_PUBLISHED, {"credential": credential_id}).all()
    if not versions:
        refuse_erased(session, credential_id)
        raise credential_not_found()
    current = versions[-1]
    return PublicCredential(
        id=current.id,
        state=cast(Any, current.state),
        shared=current.shared,
        version=current.version,
        versions=tuple(VersionSummary(v.version, v.signed_at, v.valid_from, v.digest) for v in versions),
        document=current.document,
        jwt=current.jwt,
        digest=current.digest,
        signed_at=current.signed_at,
        issuer_key=current.issuer_key,
        achievement_key=current.achievement_key,
        achievement_version=current.achievement_version,
        awarded_at=current.awarded_at,
        valid_from=current.valid_from,
        valid_until=current.valid_until,
        revoked_at=current.revoked_at,
        suspended_at=current.suspended_at,
        person_id=current.person_id,
        identified=current.identity_hash is not None,
    )
