"""What the verifier asks of the rest of the house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from app.verifier.schemas import KnownIssuer, LookAlike

HostState = Literal["active", "suspended"]


class DocumentSource(Protocol):
    """Where the documents a badge points at come from."""

    def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
        """Return the bytes at an absolute http(s) address.

        `accept`: value of the Accept header; `timeout`: seconds for the whole exchange. Raises SourceUnavailable.
        """


@runtime_checkable
class KeepingSource(Protocol):
    """A source that also keeps copies, for a moment, of documents that are the same for everybody."""

    def get_kept(self, url: str, accept: str, *, timeout: float, renew: bool) -> tuple[bytes, bool]:
        """Return the bytes, and whether they are a kept copy: one is taken if there is one and `renew` is false.

        Otherwise as `DocumentSource.get`, and what comes is kept.
        """

    def keep_no_longer(self, url: str, seconds: float) -> None:
        """The document at `url` says itself that a copy is good for so many seconds from its fetch."""


class OwnDocuments(Protocol):
    """Public documents that this server itself answers for."""

    def __call__(self, url: str) -> bytes | None:
        """Return the bytes this server would serve at `url`, or None if the address is not ours."""


class HostStatus(Protocol):
    """The host's own word on one of our credentials, beyond what its status list says."""

    def __call__(self, credential_id: str) -> HostState:
        """Return the state of the credential with this id (its URL)."""


@dataclass(frozen=True)
class HostRecord:
    """What the host knows of one of our credentials.

    `newest_from`: from when its newest version stands, None where the host has none; `shared`: whether strangers may
    see that version at the credential's address.
    """

    state: HostState
    newest_from: datetime | None = None
    shared: bool = False


@runtime_checkable
class HostRecords(Protocol):
    """A host that also knows which version of a credential is its newest."""

    def record(self, credential_id: str) -> HostRecord:
        """Return what there is to say of the credential with this id (its URL)."""


class IssuerRegister(Protocol):
    """Who vouches for which issuer; `known_issuers.KnownIssuers` is one."""

    def get(self, issuer_id: str) -> KnownIssuer | None:
        """Return the entry of the issuer with this id, or None."""

    def resembled(self, issuer_id: str, claimed_name: str | None) -> LookAlike | None:
        """Return which known issuer an unknown one could be taken for, by its address or what it calls itself."""
