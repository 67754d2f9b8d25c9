"""What the pathways room asks of rooms that it may not know; wiring binds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class JudgedBadge:
    """What a verifier found in somebody else's badge.

    Attributes:
        verdict: `valid`, `valid_unknown_issuer`, `not_yet_valid`, `expired`, `suspended`, `revoked`, `invalid` or
            `unknown`.
        document: what was judged, as bytes that can be judged again.
        issuer, issuer_name, achievement, name: as the badge names them; empty unless its signature holds, as all below.
        is_of: whether the badge names one of the addresses or DIDs that it was compared with.
        ours: whether one of this server's own issuers signed it.
        why: one plain sentence on what did not pass; empty where all did.
    """

    verdict: str
    document: bytes
    issuer: str = ""
    issuer_name: str = ""
    achievement: str = ""
    name: str = ""
    awarded_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    is_of: bool = False
    ours: bool = False
    why: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is in force."""
        return self.verdict in ("valid", "valid_unknown_issuer")


class BadgeChecker(Protocol):
    """Judges somebody else's badge; it may ask other servers, so never within a transaction."""

    def __call__(
        self, *, data: bytes | None, address: str | None, emails: Sequence[str], dids: Sequence[str]
    ) -> JudgedBadge:
        """Judge a badge now.

        Args:
            data: a JSON or JWT text, a PNG or an SVG; or
            address: where it is to be fetched; exactly one of the two.
            emails: confirmed addresses of the person whose it is said to be.
            dids: DIDs that they have shown to be theirs.
        """
