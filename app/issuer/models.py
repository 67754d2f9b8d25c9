"""Tables of the issuer room. Private keys are sealed; no table holds an e-mail address or a name of a learner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class Issuer(Record, table=True):
    """An organisation that issues badges."""

    __tablename__ = "issuer"

    id: str = Field(default_factory=new_id, primary_key=True)
    key: str = Field(unique=True)
    name: str
    description: str
    url: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class SigningKey(Record, table=True):
    """A key of an issuer. Public parts stay published for ever; a retired or revoked key signs nothing new.

    Its private half lies here, sealed, or with the signing service under `remote_name`; of a key that has done its work
    it is destroyed. `compromised_from` is when strangers may have got it, if that is known. `cleared_at` is when
    nothing in force rested on a revoked key any more.
    """

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    issuer_id: str = Field(foreign_key="issuer.id", index=True)
    algorithm: str  # Ed25519 | P-256 | RSA
    sealed_private: str | None = Field(default=None)
    remote_name: str | None = Field(default=None)
    public_multikey: str | None = Field(default=None)  # kinds that have this form; the others have a JWK
    public_jwk: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    active_from: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revocation_reason: str | None = Field(default=None)
    compromised_from: datetime | None = Field(default=None, sa_type=UTCDateTime)
    cleared_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class StatusList(Record, table=True):
    """A status list: the counter behind its indexes and the list credential as signed.

    `revision` grows with every bit that is set; the document is stale while `signed_revision` is behind it.
    """

    __tablename__ = "status_list"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    issuer_id: str = Field(foreign_key="issuer.id", index=True)
    length: int
    next_position: int = Field(default=0)
    sealed_permutation_key: str
    revision: int = Field(default=0)
    signed_revision: int = Field(default=-1)
    document: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    signed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Credential(Record, table=True):
    """A badge from its reservation on: everything that its document is made from, and where it stands."""

    __tablename__ = "credential"
    __table_args__ = (
        sa.UniqueConstraint("status_list_number", "status_index"),
        sa.Index("ix_credential_state_valid_until", "state", "valid_until"),  # which badges end soon
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    idempotency_key: str = Field(unique=True)
    fingerprint: str | None = Field(default=None)
    issuer_id: str = Field(foreign_key="issuer.id", index=True)
    achievement_key: str
    achievement_version: int
    person_id: str | None = Field(default=None, index=True)
    subject_id: str
    identity_salt: str
    identity_hash: str | None = Field(default=None)
    results: list[Any] = Field(default_factory=list, sa_type=sa.JSON)
    related: list[Any] | None = Field(default=None, sa_type=sa.JSON)  # what it rests on: path here, SHA-256 in hex
    awarded_at: datetime = Field(sa_type=UTCDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    status_list_number: int = Field(foreign_key="status_list.number")
    status_index: int
    state: str = Field(default="reserved", index=True)  # reserved | issued | revoked | erased
    current_version: int = Field(default=0)
    shared: bool = Field(default=False)
    reserved_at: datetime = Field(default_factory=now, sa_type=UTCDateTime, index=True)
    issued_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revocation_reason: str | None = Field(default=None)
    suspended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    suspension_reason: str | None = Field(default=None)
    holder_named: bool = Field(default=False)  # by the holder's choice the document carries their name
    framework_key: str | None = Field(default=None)  # by whose wording it was judged; None where it credits nothing
    framework_version: str | None = Field(default=None)
    framework_digest: str | None = Field(default=None)  # SHA-256 of the framework as canonical JSON, in hex


class CredentialVersion(Record, table=True):
    """One signed version of a credential; never changed after it is written."""

    __tablename__ = "credential_version"

    credential_id: str = Field(foreign_key="credential.id", primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    document: bytes = Field(sa_type=sa.LargeBinary)
    jwt: str = Field(sa_type=sa.Text)
    digest: str
    valid_from: datetime = Field(sa_type=UTCDateTime)
    signed_at: datetime = Field(sa_type=UTCDateTime)
    embedded_kid: str | None = Field(default=None, index=True)  # the keys that signed the document and the JWT
    token_kid: str | None = Field(default=None, index=True)


class StatusListVersion(Record, table=True):
    """A status list as it was told from `since` until `superseded_at`; its document never changes.

    `digest` is the SHA-256, in hexadecimal, of its bits and of its key's name. `thinned` counts the steps of thinning
    out that this version outlasted.
    """

    __tablename__ = "status_list_version"
    __table_args__ = (sa.Index(None, "thinned", "since"),)

    list_number: int = Field(foreign_key="status_list.number", primary_key=True)
    since: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    superseded_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    signed_at: datetime = Field(sa_type=UTCDateTime)
    digest: str
    document: bytes = Field(sa_type=sa.LargeBinary)
    thinned: int = Field(default=0)


class BadgeShare(Record, table=True):
    """A link that a holder made to show some of their badges for a while; only its digest is kept.

    Whose it is: a person's, signed in; or that of whoever has the award mail of one badge, which is then all it shows.
    """

    __tablename__ = "badge_share"

    id: str = Field(default_factory=new_id, primary_key=True)
    person_id: str | None = Field(default=None, index=True)
    claimed_credential_id: str | None = Field(default=None, foreign_key="credential.id", index=True)
    token_hash: str = Field(unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class BadgeShareItem(Record, table=True):
    """One badge behind a link, in the holder's order."""

    __tablename__ = "badge_share_item"

    share_id: str = Field(foreign_key="badge_share.id", primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", primary_key=True, index=True)
    position: int


class CredentialTombstone(Record, table=True):
    """That a badge was here and was erased: no more than whoever has its address must learn.

    `id_digest` is the SHA-256 of the badge's id in hexadecimal, so that the table itself leads to no badge.
    """

    __tablename__ = "credential_tombstone"

    id_digest: str = Field(primary_key=True)
    issued_on: datetime = Field(sa_type=UTCDateTime)
    erased_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
