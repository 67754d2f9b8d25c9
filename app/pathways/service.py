"""The public face of the pathways room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.core.clock import now
from app.core.db import ReadSession
from app.pathways.authority import may_assess, may_confirm
from app.pathways.confirming import confirm, confirmation_rule, confirmations_of, withdraw_confirmation
from app.pathways.conversing import conversations_of, record_conversation
from app.pathways.external import add_external_badge, external_badges_of, remove_external_badge
from app.pathways.gathering import evidence_of
from app.pathways.progress import progress
from app.pathways.recognising import recognise, recognitions_of, withdraw_recognition
from app.pathways.records import ConfirmationGiven, ConversationRecorded, ExternalBadge, RecognitionGranted
from app.pathways.schemas import Progress
from app.programme import service as programme
from app.programme import stacks

__all__ = [
    "ConfirmationGiven",
    "ConversationRecorded",
    "ExternalBadge",
    "RecognitionGranted",
    "add_external_badge",
    "all_progress",
    "confirm",
    "confirmation_rule",
    "confirmations_of",
    "conversations_of",
    "effort_of",
    "evidence_of",
    "external_badges_of",
    "may_assess",
    "may_confirm",
    "progress_of",
    "recognise",
    "recognitions_of",
    "record_conversation",
    "remove_external_badge",
    "withdraw_confirmation",
    "withdraw_recognition",
]

MINUTES = 60


def progress_of(session: ReadSession, person_id: str, pathway_key: str, at: datetime | None = None) -> Progress:
    """How far a person has come on a pathway, by its current version.

    Args:
        session: for reading.
        person_id: the id they go by now.
        pathway_key: which.
        at: the moment asked for, in UTC; None for this one.

    Raises:
        PathwayUnknown: there is no such pathway.
        ValueError: `at` has no time zone.
    """
    pathway = stacks.current_pathway(session, pathway_key)
    evidence = evidence_of(session, (person_id,))[person_id]
    return progress(pathway, evidence, at or now(), effort_of(session))


def all_progress(session: ReadSession, person_id: str, at: datetime | None = None) -> tuple[Progress, ...]:
    """The same on every pathway: the basic ones first."""
    evidence = evidence_of(session, (person_id,))[person_id]
    effort, moment = effort_of(session), at or now()
    return tuple(progress(pathway, evidence, moment, effort) for pathway in stacks.pathways(session))


def effort_of(session: ReadSession) -> Mapping[str, int]:
    """The effort for each achievement of the programme as it is now, in minutes; for a stack with all below it."""
    minutes = {module.key: module.hours * MINUTES for module in programme.modules(session)}
    stacked = {
        pathway.key: pathway.achievement.hours * MINUTES
        for pathway in stacks.pathways(session)
        if pathway.achievement is not None
    }
    return minutes | stacked
