"""What this room tells the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class CredentialIssued:
    """A version of a credential was signed and stored.

    Attributes:
        credential_id: which credential.
        version: 1 for a new badge; higher for a re-issue of the same one.
        person_id: its holder, if that is a person we know.
    """

    KIND: ClassVar[str] = "issuer.credential_issued"

    credential_id: str
    version: int
    person_id: str | None


@dataclass(frozen=True)
class CredentialGiven:
    """A credential that was nobody's here became a person's: they confirmed the address it was issued to."""

    KIND: ClassVar[str] = "issuer.credential_given"

    credential_id: str
    person_id: str


@dataclass(frozen=True)
class HolderBound:
    """A badge was bound to a wallet: a version of it names a DID as its holder.

    Attributes:
        credential_id: which credential.
        version: the version that names the DID.
        person_id: its holder, if that is a person we know.
    """

    KIND: ClassVar[str] = "issuer.holder_bound"

    credential_id: str
    version: int
    person_id: str | None


@dataclass(frozen=True)
class CredentialRevoked:
    """A credential was revoked for good."""

    KIND: ClassVar[str] = "issuer.credential_revoked"

    credential_id: str
    person_id: str | None


@dataclass(frozen=True)
class CredentialSuspended:
    """A credential was suspended until further notice."""

    KIND: ClassVar[str] = "issuer.credential_suspended"

    credential_id: str
    person_id: str | None


@dataclass(frozen=True)
class CredentialReinstated:
    """A credential's suspension ended."""

    KIND: ClassVar[str] = "issuer.credential_reinstated"

    credential_id: str
    person_id: str | None


@dataclass(frozen=True)
class SigningKeyRevoked:
    """A signing key was revoked; what rests on it is being signed again."""

    KIND: ClassVar[str] = "issuer.signing_key_revoked"

    kid: str
    issuer_id: str
