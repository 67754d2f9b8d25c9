"""What goes into the awards room and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AwardInfo:
    """A badge that was awarded, and the decision it came from, if one of our assessors made it."""

    credential_id: str
    decision_id: str | None
    created_at: datetime


@dataclass(frozen=True)
class OperatorAward:
    """A badge that an operator issues on somebody's decision.

    Attributes:
        achievement_key: e.g. `M01`; the current version is issued.
        email: the recipient's address, for which the operator vouches.
        idempotency_key: the same key and the same request issue the same badge.
        decided_by_name: the person who decided; kept with the award, never in the badge, the audit or a log.
        decided_by_role: that person's role, e.g. `programme lead`; audited.
        issuer_key: who issues.
        shared: whether strangers may see it from the start.
    """

    achievement_key: str
    email: str
    idempotency_key: str
    decided_by_name: str
    decided_by_role: str
    issuer_key: str
    shared: bool = False
