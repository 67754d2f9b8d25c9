"""What goes into the awards room and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
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
        override_reason: why it is awarded although a prerequisite is missing.
    """

    achievement_key: str
    email: str
    idempotency_key: str
    decided_by_name: str
    decided_by_role: str
    issuer_key: str
    shared: bool = False
    override_reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ClientAward:
    """An award that a client of the API asks for, on a named person's decision.

    Attributes:
        achievement_key: e.g. `X1`; the current version is issued.
        email: the recipient's address, for which the client vouches; in lower case.
        name: what to call the recipient in the mail; never in the badge.
        did: the recipient's, for which the client vouches: the subject of the badge.
        decided_by_name: the person who decided; kept with the award, never in the badge, the audit or a log.
        decided_by_role: that person's role, e.g. `panel chair`; audited.
        awarded_at: when it was decided, whole seconds; None for now.
        results: criterion keys and the levels (1–4) reached.
        override_reason: why it is awarded although a prerequisite is missing.
    """

    achievement_key: str
    email: str = field(repr=False)
    name: str | None = field(repr=False)
    did: str | None = field(repr=False)
    decided_by_name: str = field(repr=False)
    decided_by_role: str
    awarded_at: datetime | None
    results: tuple[tuple[str, int], ...]
    override_reason: str | None = field(repr=False)


@dataclass(frozen=True)
class IssuingRights:
    """What a client may do.

    Attributes:
        client_id: who asks.
        scopes: of the token, e.g. `credentials:issue`.
        achievements: keys of those it is limited to; None for every one.
    """

    client_id: str
    scopes: frozenset[str]
    achievements: frozenset[str] | None


@dataclass(frozen=True)
class CheckedAward:
    """An award that can be made.

    Attributes:
        award: as asked for.
        achievement_version: the version to issue.
        person_id: who has confirmed the recipient's address, if anybody.
        recipient_digest: a keyed digest of the address, by which later badges and its confirmation find this one.
        awarded_at: when it was decided, whole seconds.
        valid_until: when the badge ends.
        related: what the badge rests on, as `IssueRequest.related` has it.
        missing: keys of the prerequisites that are missing and were overridden, e.g. `M01` or `M03|M04`.
    """

    award: ClientAward
    achievement_version: int
    person_id: str | None
    recipient_digest: str
    awarded_at: datetime
    valid_until: datetime | None
    missing: tuple[str, ...]
    related: tuple[tuple[str, str], ...] = ()
