"""What this room keeps of what people decided, as pages need it: frozen, with ids instead of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from app.pathways.schemas import LeafKind
from app.programme.pathways import ConfirmedBy


@dataclass(frozen=True)
class ConfirmationGiven:
    """Somebody's word for one step of a pathway, in force unless `withdrawn_at` is there.

    Attributes:
        by: as what they gave it.
        given_by: who.
        withdrawn_reason: why they took it back, in their words; None where they gave no reason.
    """

    id: str
    person_id: str
    pathway_key: str
    confirmation_key: str
    by: ConfirmedBy
    given_by: str
    given_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ConversationRecorded:
    """A conversation as an assessor recorded it.

    Attributes:
        levels: the level reached, by criterion; every criterion of the rubric.
        comment: the assessor's, for the person.
        reached: whether every criterion reached the level that the pathway asked for in that version.
    """

    id: str
    person_id: str
    pathway_key: str
    pathway_version: int
    conversation_key: str
    rubric_version: int
    held_on: date
    levels: Mapping[str, int]
    comment: str = field(repr=False)
    decided_by: str
    recorded_at: datetime
    reached: bool


@dataclass(frozen=True)
class RecognitionGranted:
    """That a step need not be shown, in force unless `withdrawn_at` is there.

    Attributes:
        kind, key: of the step, as `rules.step_key` gives the key.
        pathway_key: the only pathway that it counts for; None where it counts for all.
        reason: why, in the assessor's words.
    """

    id: str
    person_id: str
    kind: LeafKind
    key: str
    pathway_key: str | None
    reason: str = field(repr=False)
    granted_by: str
    granted_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ExternalBadge:
    """Another issuer's badge that its holder added.

    Attributes:
        issuer: the issuer's DID or URL, as the badge names it.
        achievement: the achievement's id.
        verdict: of our verifier, as of `checked_at`; only `valid` and `valid_unknown_issuer` count.
        counts: whether it does now.
        address: where it came from, if by an address.
        digest: SHA-256 of what was handed in, in hex.
    """

    id: str
    person_id: str
    issuer: str
    issuer_name: str
    achievement: str
    name: str
    awarded_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    verdict: str
    counts: bool
    checked_at: datetime
    added_at: datetime
    digest: str
    address: str | None = None
