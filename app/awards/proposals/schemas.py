"""What comes out of proposals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.pathways.schemas import BadgeVersion, Progress
from app.programme.pathways import ConfirmedBy

Kind = Literal["award", "renewal"]
ProposalState = Literal["open", "awarded", "declined", "withdrawn"]
RequestState = Literal["open", "confirmed", "declined", "taken_back"]


@dataclass(frozen=True)
class Finding:
    """What is to be proposed to whoever decides, as things stand at a moment.

    Attributes:
        kind: a new badge, or the next version of one that ends.
        progress: with the rule that is met.
        talk_id: the decision about the conversation that meets its step; None where none does.
        results: criterion keys and the levels (1–4) that the conversation reached, in the rubric's order.
        credential_id: of a renewal, the badge that is renewed.
        facts: digest of what a decision rests on: the rule, the badges, what was recognised and the conversation.
    """

    kind: Kind
    progress: Progress
    talk_id: str | None
    results: tuple[tuple[str, int], ...]
    credential_id: str | None
    facts: str


@dataclass(frozen=True)
class Proposal:
    """A proposal as it is stored.

    Attributes:
        rests_on: the badge versions it rests on: those it was awarded on, or while it is open those known last.
        reason: why it was declined (in the assessor's words), or withdrawn (a code: `not_met`, `held`, `joined`,
            `badge_ended`); of an award the comment.
        decided_by: None where the machine withdrew it.
    """

    id: str
    person_id: str
    kind: Kind
    pathway_key: str
    pathway_version: int
    rule_digest: str
    rests_on: tuple[BadgeVersion, ...]
    waived_by: tuple[str, ...]
    talk_id: str | None
    results: tuple[tuple[str, int], ...]
    facts: str
    credential_id: str | None
    state: ProposalState
    proposed_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None = field(repr=False)


@dataclass(frozen=True)
class Request:
    """A word that somebody asked for, and what became of it."""

    id: str
    person_id: str
    pathway_key: str
    confirmation_key: str
    asked_of: ConfirmedBy
    state: RequestState
    asked_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    reason: str | None = field(repr=False)
