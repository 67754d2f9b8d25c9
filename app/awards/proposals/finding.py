"""What the machine has to propose of a person and a pathway, as things stand; it follows from the evidence alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.awards.proposals.schemas import Finding, Kind
from app.core.clock import now
from app.core.db import ReadSession
from app.pathways import rules
from app.pathways.gathering import evidence_of
from app.pathways.progress import progress
from app.pathways.schemas import ConversationHeld, Evidence, Progress
from app.programme import stacks
from app.programme.pathways import ConversationRule, Pathway, conversation

RENEWED_FROM: Final = timedelta(days=90)  # before its end a badge can be renewed, as its holder is told
RENEWED_UNTIL: Final = timedelta(days=365)  # after its end; later it is a new badge


@dataclass(frozen=True)
class Ending:
    """A badge that ends soon, or has ended."""

    credential_id: str
    on: datetime

    def is_fresh(self, talk: ConversationHeld) -> bool:
        """Whether a conversation was held late enough to renew it."""
        return talk.held_at >= self.on - RENEWED_FROM


def find(session: ReadSession, person_id: str, pathway_key: str, at: datetime | None = None) -> Finding | None:
    """What is to be proposed; None where the rule is not met, or the badge is held and nothing asks for its renewal.

    A badge that ends within 90 days, or has ended, is not proposed again by itself: only after a conversation that was
    held since then.

    Args:
        session: for reading; of an award the transaction that awards.
        person_id: of whom.
        pathway_key: of any pathway; of one that ends in a module's badge nothing is ever proposed.
        at: the moment, in UTC; None for now.

    Raises:
        PathwayUnknown: there is no such pathway.
    """
    pathway = stacks.current_pathway(session, pathway_key)
    if pathway.achievement is None:
        return None  # an assessor awards the module with its work
    moment = at or now()
    evidence = evidence_of(session, (person_id,))[person_id]
    return finding(pathway, evidence, moment)


def finding(pathway: Pathway, evidence: Evidence, at: datetime) -> Finding | None:
    """The same of a pathway and evidence that are at hand."""
    found = progress(pathway, evidence, at)
    if not found.is_met or _nothing_to_do(found, at):
        return None
    rule = conversation(pathway)
    talk = None if rule is None else latest_talk(pathway, rule, evidence, at)
    if _was_taken_away(found, rule, talk):
        return None
    ending = ending_of(found)
    kind: Kind = "award"
    if ending is not None:
        if talk is None or not ending.is_fresh(talk):
            return None
        kind = "renewal" if at <= ending.on + RENEWED_UNTIL else "award"
    return Finding(
        kind=kind,
        progress=found,
        talk_id=talk.decision_id if talk is not None else None,
        results=() if talk is None or rule is None else _results(rule, talk),
        credential_id=ending.credential_id if ending is not None and kind == "renewal" else None,
        facts=_facts(kind, found, talk),
    )


def _was_taken_away(found: Progress, rule: ConversationRule | None, talk: ConversationHeld | None) -> bool:
    """Whether the badge was revoked, and no conversation has been held since: nobody is asked again on what was known.

    It was revoked by a person who had seen it all. Neither another version of the rule nor another badge below is new
    about that.
    """
    need = found.end.need
    if rule is None or need is None or need.reason != "revoked" or need.on is None:
        return False
    return talk is None or not talk.is_after(need.on)


def _nothing_to_do(found: Progress, at: datetime) -> bool:
    """Whether the badge is in force and does not end soon, is suspended, or waits for its first day."""
    end = found.end
    if end.is_met:
        return end.until is None or end.until - RENEWED_FROM > at
    return end.need is not None and end.need.reason in ("suspended", "begins")


def ending_of(found: Progress) -> Ending | None:
    """The badge at the end, where it is held but not for long, or has expired."""
    end = found.end
    if end.is_met and end.until is not None and end.rests_on:
        return Ending(end.rests_on[0].credential_id, end.until)
    if end.need is not None and end.need.reason == "expired" and end.need.badge is not None and end.need.on is not None:
        return Ending(end.need.badge.credential_id, end.need.on)
    return None


def latest_talk(pathway: Pathway, rule: ConversationRule, evidence: Evidence, at: datetime) -> ConversationHeld | None:
    """The latest conversation that meets the rule."""
    held = rules.conversations(rule, pathway.key, evidence)
    enough = [talk for talk in held if talk.held_at <= at and not rules.below_level(rule, talk)]
    return max(enough, key=lambda talk: talk.order, default=None)


def _results(rule: ConversationRule, talk: ConversationHeld) -> tuple[tuple[str, int], ...]:
    """The levels in the rubric's order; what an older rubric asked for and this one does not is left out."""
    reached = dict(talk.levels)
    return tuple((each.key, reached[each.key]) for each in rule.rubric.criteria)


def _facts(kind: Kind, found: Progress, talk: ConversationHeld | None) -> str:
    """A digest of what a decision rests on. Which version of a badge is left out: a new address makes a new one."""
    said = [
        kind,
        found.digest,
        sorted({(each.achievement, each.credential_id) for each in found.rests_on}),
        sorted(found.root.waived_by),
        talk.decision_id if talk is not None else None,
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
