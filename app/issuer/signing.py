"""From a reservation to signed bytes, and from there to the database: for the first issue and every later one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.core import audit
from app.core.audit import SYSTEM
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.outbox import emit
from app.core.secrets import SecretBox
from app.issuer import status
from app.issuer.content import CredentialFacts, build_document
from app.issuer.errors import IssueRefused
from app.issuer.events import CredentialIssued
from app.issuer.keys import OpenedKeys, open_keys
from app.issuer.models import Credential, CredentialVersion, Issuer
from app.issuer.refreshing import RefreshAddresses
from app.issuer.schemas import IssuedCredential
from app.programme import service as programme
from app.programme.schemas import AchievementInfo
from app.vc import credential_schema, data_integrity, json_text, vc_jwt
from app.vc.errors import VcError

SUITE = "eddsa-rdfc-2022"


@dataclass(frozen=True)
class Signed:
    """One version, signed and not yet stored."""

    document: bytes
    jwt: str
    valid_from: datetime
    signed_at: datetime
    embedded_kid: str
    token_kid: str

    @property
    def digest(self) -> str:
        """SHA-256 of the document in hex."""
        return hashlib.sha256(self.document).hexdigest()


def sign(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    row: Credential,
    *,
    identity_hash: str | None,
    valid_from: datetime,
    holder_name: str | None = None,
    subject_id: str | None = None,
) -> Signed:
    """Both securings of one document: the embedded proof first, then the VC-JWT over the document that carries it.

    Args:
        database: for the keys and the catalogue.
        secret_box: opens the issuer's keys.
        base_url: this server's address.
        row: the credential.
        identity_hash: of its holder's confirmed address, if it is to be bound.
        valid_from: from when this version stands.
        holder_name: its holder's name, if they chose to show it; kept nowhere but in what is signed.
        subject_id: the identifier of its holder, if it is to be another than the one so far.

    Raises:
        IssueRefused: the document breaks the schema, or is one that an honest verifier could not check.
        KeysUnreadable: the master key does not open the keys.
        SigningServiceDown, SigningServiceWrong: the service that keeps a key gave no signature that holds.
    """
    with database.read() as session:
        issuer = session.get_one(Issuer, row.issuer_id)
        keys = open_keys(session, secret_box, base_url, issuer)
        achievement = programme.achievement(session, row.achievement_key, row.achievement_version)
    refresh_url = RefreshAddresses(secret_box, base_url).of(row.id, row.current_version + 1)
    facts = replace(
        facts_of(base_url, row, issuer, keys, achievement, refresh_url),
        identity_hash=identity_hash,
        holder_name=holder_name,
        valid_from=valid_from,
        subject_id=subject_id or row.subject_id,
    )
    return secured(keys, lambda: _checked(facts), valid_from, now())


def _checked(facts: CredentialFacts) -> dict[str, Any]:
    document = build_document(facts)
    credential_schema.check(document)
    return document


def secured(keys: OpenedKeys, build: Callable[[], dict[str, Any]], valid_from: datetime, signed_at: datetime) -> Signed:
    """A document with both securings.

    Args:
        keys: the issuer's.
        build: makes the unsigned document, checked against the schema.
        valid_from: as the document says it.
        signed_at: now.

    Raises:
        IssueRefused, SigningServiceDown, SigningServiceWrong: as in `sign`.
    """
    try:
        document = build()
        proven = data_integrity.sign(
            document,
            suite=SUITE,
            signer=keys.embedded,
            verification_method=keys.embedded_id,
            created=signed_at,
        )
        token = vc_jwt.sign(proven, signer=keys.token, kid=keys.token_id, alg=keys.token_alg)
    except VcError as error:
        raise IssueRefused(
            f"The badge cannot be signed in a form that everybody could check: {error.detail}",
            kept="The badge stays reserved and is issued once the cause is mended.",
            next_step="Whoever looks after the programme should run waymark programme check.",
        ) from error
    return Signed(
        document=json_text.dumps(proven),
        jwt=token,
        valid_from=valid_from,
        signed_at=signed_at,
        embedded_kid=keys.embedded_kid,
        token_kid=keys.token_kid,
    )


def facts_of(
    base_url: str, row: Credential, issuer: Issuer, keys: OpenedKeys, achievement: AchievementInfo, refresh_url: str
) -> CredentialFacts:
    """What a version says unless it is told otherwise; `refresh_url` is the address for that very version."""
    return CredentialFacts(
        base_url=base_url,
        credential_id=row.id,
        subject_id=row.subject_id,
        issuer_did=keys.did,
        issuer_name=issuer.name,
        issuer_description=issuer.description,
        issuer_url=issuer.url,
        achievement=achievement,
        results=tuple((str(key), int(level)) for key, level in row.results),
        identity_hash=row.identity_hash,
        identity_salt=row.identity_salt,
        holder_name=None,
        awarded_at=row.awarded_at,
        valid_from=row.awarded_at,
        valid_until=row.valid_until,
        status_list_url=status.list_url(base_url, row.status_list_number),
        status_index=row.status_index,
        related=tuple((str(path), str(digest)) for path, digest in row.related or ()),
        refresh_url=refresh_url,
    )


def store(session: WriteSession, base_url: str, row: Credential, version: int, signed: Signed) -> IssuedCredential:
    """Write 2: the bytes, the credential's state, the audit entry and the event, all or none."""
    stored = CredentialVersion(
        credential_id=row.id,
        version=version,
        document=signed.document,
        jwt=signed.jwt,
        digest=signed.digest,
        valid_from=signed.valid_from,
        signed_at=signed.signed_at,
        embedded_kid=signed.embedded_kid,
        token_kid=signed.token_kid,
    )
    row.current_version = version
    session.add(stored)
    session.add(row)
    audit.record(
        session,
        actor=SYSTEM,
        action="issuer.credential_issued",
        subject="credential",
        subject_id=row.id,
        version=version,
        digest=signed.digest,
    )
    emit(session, CredentialIssued(credential_id=row.id, version=version, person_id=row.person_id))
    return issued(base_url, row.id, stored)


def issued(base_url: str, credential_id: str, version: CredentialVersion) -> IssuedCredential:
    """A stored version as the callers of this room get it."""
    return IssuedCredential(
        credential_id=credential_id,
        version=version.version,
        url=f"{base_url}/credentials/{credential_id}",
        document=version.document,
        jwt=version.jwt,
        digest=version.digest,
    )
