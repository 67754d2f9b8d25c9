"""Who is to be talked with again: their badge ends soon or has ended, and a conversation renews it.

Nobody can ask for a conversation, so whoever holds them has to see who waits for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.awards.proposals.finding import RENEWED_FROM, RENEWED_UNTIL, ending_of, latest_talk
from app.core.clock import now
from app.core.db import ReadSession
from app.issuer import expiring
from app.pathways.gathering import evidence_of
from app.pathways.progress import progress
from app.pathways.schemas import Evidence
from app.pathways.summary import standing_from
from app.programme import stacks
from app.programme.pathways import Pathway, conversation


@dataclass(frozen=True)
class RenewalDue:
    """A badge of a pathway that can be renewed now, by a conversation.

    Attributes:
        ends: when it ends, or ended; `has_ended` says which.
        open_steps: how many other steps of the pathway are open.
        has_talk: whether a conversation that meets the rule was held since it could be renewed.
    """

    person_id: str
    pathway_key: str
    ends: datetime
    has_ended: bool
    open_steps: int
    has_talk: bool


def renewals_due(session: ReadSession, at: datetime | None = None) -> tuple[RenewalDue, ...]:
    """Everybody whose badge of a pathway with a conversation can be renewed, the earliest end first.

    Args:
        session: for reading.
        at: the moment, in UTC; None for now.
    """
    moment = at or now()
    judged = [each for each in stacks.pathways(session) if is_renewed_by_talk(each)]
    holders = expiring.holders(
        session, {each.ends_in for each in judged}, after=moment - RENEWED_UNTIL, until=moment + RENEWED_FROM
    )
    found = list(_of(session, sorted(holders), judged, moment))
    return tuple(sorted(found, key=lambda each: (each.ends, each.person_id, each.pathway_key)))


def renewal_due(
    session: ReadSession, person_id: str, pathway: Pathway, at: datetime | None = None
) -> RenewalDue | None:
    """The same for one person and pathway; None where nothing is to be renewed.

    Args:
        session: for reading.
        person_id: of whom.
        pathway: any pathway, in its current version.
        at: the moment, in UTC; None for now.
    """
    judged = [pathway] if is_renewed_by_talk(pathway) else []
    return next(_of(session, [person_id], judged, at or now()), None)


def is_renewed_by_talk(pathway: Pathway) -> bool:
    """Whether the pathway has a badge of its own, and a conversation by which it is judged."""
    return pathway.achievement is not None and conversation(pathway) is not None


def _of(session: ReadSession, person_ids: list[str], judged: list[Pathway], at: datetime) -> Iterator[RenewalDue]:
    if not person_ids or not judged:
        return
    for person_id, evidence in evidence_of(session, person_ids).items():
        for pathway in judged:
            due = _due(person_id, pathway, evidence, at)
            if due is not None:
                yield due


def _due(person_id: str, pathway: Pathway, evidence: Evidence, at: datetime) -> RenewalDue | None:
    found, rule = progress(pathway, evidence, at), conversation(pathway)
    ending = ending_of(found)
    if rule is None or ending is None or not ending.on - RENEWED_FROM <= at <= ending.on + RENEWED_UNTIL:
        return None
    talk = latest_talk(pathway, rule, evidence, at)
    others = [each for each in standing_from(person_id, found, evidence).open_steps if each.kind != "conversation"]
    return RenewalDue(
        person_id=person_id,
        pathway_key=pathway.key,
        ends=ending.on,
        has_ended=ending.on <= at,
        open_steps=len(others),
        has_talk=talk is not None and ending.is_fresh(talk),
    )
