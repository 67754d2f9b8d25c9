"""What happens to proposals, and to words that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ProposalAwarded:
    """An assessor awarded what was proposed: a badge, or the next version of one, is due."""

    KIND: ClassVar[str] = "awards.proposal_awarded"

    proposal_id: str
    person_id: str


@dataclass(frozen=True)
class ProposalDeclined:
    """An assessor declined what was proposed: the person is told, with the reason."""

    KIND: ClassVar[str] = "awards.proposal_declined"

    proposal_id: str
    person_id: str


@dataclass(frozen=True)
class ConfirmationAsked:
    """Somebody asked for a word that a step needs: whoever can give it is told."""

    KIND: ClassVar[str] = "awards.confirmation_asked"

    request_id: str


@dataclass(frozen=True)
class ConfirmationAnswered:
    """The word was given, or not: whoever asked is told."""

    KIND: ClassVar[str] = "awards.confirmation_answered"

    request_id: str
