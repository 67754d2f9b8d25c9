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
    """A key of an issuer. Public parts stay published for ever; a retired key signs nothing new."""

    __tablename__ = "signing_key"

    kid: str = Field(primary_key=True)
    issuer_id: str = Field(foreign_key="issuer.id", index=True)
    algorithm: str  # Ed25519 | P-256
    sealed_private: str
    public_multikey: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


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
    __table_args__ = (sa.UniqueConstraint("status_list_number", "status_index"),)

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
    awarded_at: datetime = Field(sa_type=UTCDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    status_list_number: int = Field(foreign_key="status_list.number")
    status_index: int
    state: str = Field(default="reserved", index=True)  # reserved | issued | revoked
    current_version: int = Field(default=0)
    shared: bool = Field(default=False)
    reserved_at: datetime = Field(default_factory=now, sa_type=UTCDateTime, index=True)
    issued_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revocation_reason: str | None = Field(default=None)


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
