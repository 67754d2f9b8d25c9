"""Proposals as pages and jobs read them."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.proposals.errors import ProposalNotFound
from app.awards.proposals.models import AwardProposal
from app.awards.proposals.schemas import Kind, Proposal, ProposalState
from app.core.db import ReadSession
from app.pathways.schemas import BadgeVersion

MOST_DECIDED = 20


def stored(session: ReadSession, proposal_id: str) -> Proposal:
    """One proposal, whatever became of it.

    Raises:
        ProposalNotFound: there is none.
    """
    row = session.get(AwardProposal, proposal_id, populate_existing=True)
    if row is None:
        raise ProposalNotFound
    return to_proposal(row)


def open_proposals(session: ReadSession) -> tuple[Proposal, ...]:
    """All that wait for a person's decision, the oldest first."""
    rows = session.exec(
        select(AwardProposal)
        .where(AwardProposal.state == "open")
        .order_by(col(AwardProposal.proposed_at), col(AwardProposal.id))
    ).all()
    return tuple(map(to_proposal, rows))


def count_open(session: ReadSession) -> int:
    """How many wait."""
    return session.exec(select(sa.func.count()).select_from(AwardProposal).where(AwardProposal.state == "open")).one()


def decided_lately(session: ReadSession) -> tuple[Proposal, ...]:
    """What was decided or withdrawn last, the newest first; a few."""
    rows = session.exec(
        select(AwardProposal)
        .where(AwardProposal.state != "open")
        .order_by(col(AwardProposal.decided_at).desc(), col(AwardProposal.id))
        .limit(MOST_DECIDED)
    ).all()
    return tuple(map(to_proposal, rows))


def proposals_of(
    session: ReadSession, person_id: str, pathway_keys: Collection[str] | None = None
) -> tuple[Proposal, ...]:
    """Every proposal about a person, the newest first; of some pathways, or of all."""
    wanted = select(AwardProposal).where(AwardProposal.person_id == person_id)
    if pathway_keys is not None:
        wanted = wanted.where(col(AwardProposal.pathway_key).in_(sorted(pathway_keys)))
    rows = session.exec(wanted.order_by(col(AwardProposal.proposed_at).desc(), col(AwardProposal.id))).all()
    return tuple(map(to_proposal, rows))


def awarded_with(session: ReadSession, credential_id: str) -> Proposal | None:
    """The proposal by which a badge was awarded, not renewed; None where it came about in another way."""
    row = session.exec(
        select(AwardProposal).where(
            AwardProposal.credential_id == credential_id,
            AwardProposal.kind == "award",
            AwardProposal.state == "awarded",
        )
    ).first()
    return to_proposal(row) if row is not None else None


def to_proposal(row: AwardProposal) -> Proposal:
    """A row as other rooms see it."""
    return Proposal(
        id=row.id,
        person_id=row.person_id,
        kind=cast(Kind, row.kind),
        pathway_key=row.pathway_key,
        pathway_version=row.pathway_version,
        rule_digest=row.rule_digest,
        rests_on=tuple(BadgeVersion(key, credential_id, version) for key, credential_id, version in row.rests_on),
        waived_by=tuple(row.waived),
        talk_id=row.talk_id,
        results=tuple((key, level) for key, level in row.results),
        facts=row.facts,
        credential_id=row.credential_id,
        state=cast(ProposalState, row.state),
        proposed_at=row.proposed_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
    )
