"""What goes into this room and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.core.audit import SYSTEM, Actor

State = Literal["reserved", "issued", "revoked"]
KeyState = Literal["next", "in use", "retired", "revoked"]


@dataclass(frozen=True)
class IssuerInfo:
    """An issuer as others may see it.

    Attributes:
        key: its short name in addresses, e.g. `orygen`.
        did: its identifier in every badge, e.g. `did:web:ips.example.au:issuers:orygen`.
        name: the organisation's name.
        description: one sentence about it.
        url: its web page.
    """

    key: str
    did: str
    name: str
    description: str
    url: str


@dataclass(frozen=True)
class IssueRequest:
    """What is to be issued, by whose word.

    Attributes:
        idempotency_key: the same key issues the same badge however often it is asked, e.g. `decision:…`.
        issuer_key: who issues.
        achievement_key: key of the achievement, e.g. `M01`.
        achievement_version: version of its module.
        person_id: the holder, if that is a person we know.
        recipient_email: the holder's confirmed e-mail address; bound to the badge as a salted hash.
        awarded_at: when it was decided; not in the future.
        valid_until: when it ends, if it does.
        results: criterion keys and the levels (1–4) reached.
        shared: whether strangers may see it from the start; only for an operator's own badges and the demonstration.
        actor: who caused it, for the audit.
        decided_by_role: the role of the person who decided, for the audit; never a name.
        fingerprint: keyed digest of a caller's whole request: a repeat with another one is refused.
        related: documents of ours that it rests on, which never change: path on this server, SHA-256 in hex.
        older_fingerprints: the same under older master keys, for requests that were made before the key changed.
        subject_id: the holder's DID, if whoever asks vouches for it; else the badge gets a fresh identifier.
    """

    idempotency_key: str
    issuer_key: str
    achievement_key: str
    achievement_version: int
    person_id: str | None
    recipient_email: str | None
    awarded_at: datetime
    valid_until: datetime | None = None
    results: tuple[tuple[str, int], ...] = ()
    shared: bool = False
    actor: Actor = SYSTEM
    decided_by_role: str | None = None
    fingerprint: str | None = None
    older_fingerprints: tuple[str, ...] = ()
    subject_id: str | None = field(default=None, repr=False)
    related: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class IssuedCredential:
    """A signed badge as it is stored.

    Attributes:
        credential_id: the last part of its address.
        version: 1, or higher after a re-issue.
        url: its address and the credential's `id`.
        document: the JSON with its embedded proof, byte for byte as signed.
        jwt: the same credential as a VC-JWT.
        digest: SHA-256 of `document` in hex.
    """

    credential_id: str
    version: int
    url: str
    document: bytes
    jwt: str
    digest: str


@dataclass(frozen=True)
class VersionSummary:
    """One version of a credential."""

    version: int
    signed_at: datetime
    valid_from: datetime
    digest: str


@dataclass(frozen=True)
class PublicCredential:
    """A credential in its current version, with what a page or a verifier needs around it.

    `identified` says whether a confirmed e-mail address is bound to it. `person_id` must never be shown.
    """

    id: str
    state: Literal["issued", "revoked"]
    shared: bool
    version: int
    versions: tuple[VersionSummary, ...]
    document: bytes
    jwt: str
    digest: str
    signed_at: datetime
    issuer_key: str
    achievement_key: str
    achievement_version: int
    awarded_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None
    person_id: str | None
    identified: bool


@dataclass(frozen=True)
class CredentialSummary:
    """A credential in its holder's list; `name` is the achievement's."""

    id: str
    name: str
    state: Literal["issued", "revoked"]
    shared: bool
    version: int
    achievement_key: str
    achievement_version: int
    awarded_at: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None
    identified: bool


@dataclass(frozen=True)
class EndingBadge:
    """A badge in force that ends soon: when it does, and since when it has been its holder's."""

    id: str
    valid_until: datetime
    issued_at: datetime | None


@dataclass(frozen=True)
class KeyInfo:
    """A signing key as an operator sees it: everything but the key.

    Attributes:
        kid: its name here.
        issuer_key: whose it is.
        algorithm: Ed25519, P-256 or RSA.
        use: what it signs, in words.
        created_at: when it was entered here.
        retired_at: when it was or will be taken out of use.
        state: where it stands now.
        active_from: when it was or will be taken into use; published since `created_at`.
        revoked_at: when it was revoked, if it was.
        remote_name: its name at the signing service, if that keeps it.
    """

    kid: str
    issuer_key: str
    algorithm: str
    use: str
    created_at: datetime
    retired_at: datetime | None
    state: KeyState
    active_from: datetime
    revoked_at: datetime | None
    remote_name: str | None
