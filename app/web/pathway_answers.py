"""What others said on somebody's pathway: words that can be asked for, and what became of a proposed badge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.awards.proposals import asking, reading
from app.core.db import ReadSession
from app.pathways import service as pathways
from app.programme import stacks
from app.programme.pathways import ConfirmationRule, leaves
from app.web.assessor_page import Said

DONE: Final = {
    "asked": Said("success", "Asked", "Whoever can confirm it gets a mail, and sees it in Waymark."),
    "taken-back": Said("success", "Taken back", "Nobody is asked any more."),
}
WHO: Final = {"manager": "your manager", "supervisor": "your supervisor", "assessor": "an assessor"}


@dataclass(frozen=True)
class AskedStep:
    """A word that the pathway wants.

    Attributes:
        who: gives it, in words.
        state: `there`, `asked`, `declined`, `taken_back` (by whoever gave it) or `open`.
        at: since when.
        reason: why it was declined or taken back.
    """

    key: str
    title: str
    text: str
    who: str
    state: str
    at: datetime | None = None
    reason: str = field(default="", repr=False)


@dataclass(frozen=True)
class PathwayAnswers:
    """What a learner sees of it on the page of a pathway.

    Attributes:
        proposal: `open`, `declined` or `awarded` (with a note), of the latest proposal; empty where there is nothing
            to say of one.
        proposed_at: since when it waits, or when it was decided.
        reason: why it was declined, or the assessor's note on the award.
        is_renewal: whether the badge was there before.
    """

    words: tuple[AskedStep, ...]
    proposal: str = ""
    proposed_at: datetime | None = None
    reason: str = field(default="", repr=False)
    is_renewal: bool = False
    said: Said | None = None


def answers_on(db: ReadSession, person_id: str, pathway_key: str, done: str = "") -> PathwayAnswers:
    """What others said on a person's pathway, in its current version."""
    rules = [
        leaf for leaf in leaves(stacks.current_pathway(db, pathway_key).rule) if isinstance(leaf, ConfirmationRule)
    ]
    words = tuple(_word(db, person_id, pathway_key, rule) for rule in rules)
    latest = next(iter(reading.proposals_of(db, person_id, (pathway_key,))), None)
    is_silent = latest is not None and latest.state == "awarded" and not latest.reason
    if latest is None or latest.state == "withdrawn" or is_silent:
        return PathwayAnswers(words, said=DONE.get(done))
    is_open = latest.state == "open"
    return PathwayAnswers(
        words=words,
        proposal=latest.state,
        proposed_at=latest.proposed_at if is_open else latest.decided_at,
        reason="" if is_open else latest.reason or "",
        is_renewal=latest.kind == "renewal",
        said=DONE.get(done),
    )


def _word(db: ReadSession, person_id: str, pathway_key: str, rule: ConfirmationRule) -> AskedStep:
    given = [
        each
        for each in pathways.confirmations_of(db, person_id)
        if (each.pathway_key, each.confirmation_key, each.by) == (pathway_key, rule.key, rule.by)
    ]
    asked = [each for each in asking.requests_of(db, person_id, pathway_key) if each.confirmation_key == rule.key]
    state, at, reason = "open", None, ""
    standing = next((each for each in given if each.withdrawn_at is None), None)
    if standing is not None:
        state, at = "there", standing.given_at
    elif asked and asked[0].state == "open":
        state, at = "asked", asked[0].asked_at
    elif asked and asked[0].state == "declined":
        state, at, reason = "declined", asked[0].answered_at, asked[0].reason or ""
    elif given:
        state, at, reason = "taken_back", given[0].withdrawn_at, given[0].withdrawn_reason or ""
    return AskedStep(rule.key, rule.title, rule.text, WHO[rule.by], state, at, reason)
