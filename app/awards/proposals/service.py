"""Proposals: opened and withdrawn by the machine, awarded or declined by a named person, each exactly once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.awards.models import AwardRenewal
from app.awards.proposals.errors import AwardFell, NoLongerMet, ProposalChanged, ProposalDecided, ProposalNotFound
from app.awards.proposals.events import ProposalAwarded, ProposalDeclined
from app.awards.proposals.finding import find
from app.awards.proposals.models import AwardProposal
from app.awards.proposals.reading import stored, to_proposal
from app.awards.proposals.schemas import Finding, Proposal
from app.core import audit, metrics, outbox, rows
from app.core.audit import SYSTEM, Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.issuer import erasing, listing
from app.learning.marking_errors import ReasonMissing
from app.learning.texts import clean_comment
from app.pathways.authority import require_assessor
from app.pathways.schemas import BadgeVersion
from app.people import service as people

Outcome = Literal["opened", "renewed", "withdrawn", "stands", "nothing"]
DECIDED: Final = ("awarded", "declined")
_ROW = rows.table(AwardProposal).c
_IS_OPEN = sa.select(_ROW.id).where(
    _ROW.person_id == sa.bindparam("person"), _ROW.pathway_key == sa.bindparam("pathway"), _ROW.state == "open"
)


def has_to_look(session: ReadSession, person_id: str, pathway_key: str) -> bool:
    """Whether `propose` may come to anything at this moment: something is proposed, or could be. It locks nothing.

    Raises:
        PathwayUnknown: there is no such pathway.
    """
    is_open = session.run(_IS_OPEN, {"person": person_id, "pathway": pathway_key}).first() is not None
    return is_open or find(session, person_id, pathway_key) is not None


def propose(session: WriteSession, person_id: str, pathway_key: str, at: datetime | None = None) -> Outcome:
    """Bring the proposal of a person and pathway into line with the evidence. May be repeated, and at once.

    Args:
        session: the caller's transaction.
        person_id: of whom; somebody who was erased or joined into another has none.
        pathway_key: of the pathway.
        at: the moment, in UTC; None for now.

    Returns:
        What it came to: `opened`; `renewed`, as what it rests on is another now; `withdrawn`; `stands`; `nothing`.

    Raises:
        PathwayUnknown: there is no such pathway.
    """
    is_there = people.standing_id(session, person_id) == person_id and not people.is_erased(session, person_id)
    found = find(session, person_id, pathway_key, at) if is_there else None
    row = _open_of(session, person_id, pathway_key)
    if row is not None:
        return _withdraw(session, row) if found is None else _follow(session, row, found)
    if found is None or _was_decided(session, person_id, pathway_key, found):
        return "nothing"
    if _is_being_made(session, person_id, pathway_key) or _is_being_renewed(session, found):
        return "nothing"
    return _open(session, person_id, pathway_key, found, SYSTEM)


def propose_again(session: WriteSession, *, proposal_id: str, assessor_id: str) -> str:
    """Open anew what was declined, or awarded and lost again, though nothing has changed since: a person's word.

    Args:
        session: the caller's transaction.
        proposal_id: of the one that was decided.
        assessor_id: who wants it.

    Returns:
        The id of the open proposal.

    Raises:
        ProposalNotFound: there is none.
        NotAnAssessor, NotForYourself, TooNear: this person may not.
        NoLongerMet: there is nothing to propose.
    """
    old = stored(session, proposal_id)
    require_assessor(session, person_id=old.person_id, assessor_id=assessor_id)
    found = find(session, old.person_id, old.pathway_key)
    if found is None or _is_being_made(session, old.person_id, old.pathway_key) or _is_being_renewed(session, found):
        raise NoLongerMet
    _open(session, old.person_id, old.pathway_key, found, Actor("person", assessor_id))
    opened = _open_of(session, old.person_id, old.pathway_key)
    if opened is None:  # somebody decided it at the same moment
        raise ProposalDecided
    return opened.id


def award(
    session: WriteSession, *, proposal_id: str, assessor_id: str, comment: str = "", seen: str | None = None
) -> Proposal:
    """Award what was proposed, as it stands in this transaction; the badge follows by itself.

    Args:
        session: the caller's transaction.
        proposal_id: the proposal.
        assessor_id: the person who decides.
        comment: for the person; may be empty.
        seen: the facts that they were shown (`Finding.facts`); None where nobody was shown any.

    Raises:
        ProposalNotFound: there is none.
        NotAnAssessor, NotForYourself, TooNear: this person may not decide it.
        ProposalDecided: somebody was faster, or the machine has withdrawn it.
        NoLongerMet: the rule is not met at this moment, or the badge is held already.
        ProposalChanged: it rests on something else than what was seen.
        CommentTooLong, UnusableText: the comment cannot be used.
    """
    row = _locked(session, proposal_id, assessor_id)
    found = find(session, row.person_id, row.pathway_key)
    if found is None:
        raise NoLongerMet
    if seen is not None and seen != found.facts:
        raise ProposalChanged
    said = clean_comment(comment)
    _decide(session, row, assessor_id, "awarded", said or None, _facts_of(found))
    outbox.emit(session, ProposalAwarded(proposal_id=row.id, person_id=row.person_id))
    return to_proposal(row)


def decline(session: WriteSession, *, proposal_id: str, assessor_id: str, reason: str) -> Proposal:
    """Decline what was proposed; of the same facts the machine does not propose it again.

    Args:
        session: the caller's transaction.
        proposal_id: the proposal.
        assessor_id: the person who decides.
        reason: for the person.

    Raises:
        ProposalNotFound, NotAnAssessor, NotForYourself, TooNear, ProposalDecided: as `award`.
        ReasonMissing, CommentTooLong, UnusableText: the reason cannot be used.
    """
    row = _locked(session, proposal_id, assessor_id)
    said = clean_comment(reason)
    if not said:
        raise ReasonMissing
    _decide(session, row, assessor_id, "declined", said, {})
    outbox.emit(session, ProposalDeclined(proposal_id=row.id, person_id=row.person_id))
    return to_proposal(row)


def reserve_badge(session: WriteSession, proposal_id: str, credential_id: str) -> None:
    """Write down which badge is made of an award, in the transaction that reserves it. May be repeated.

    Raises:
        AwardFell: what it rests on was revoked or suspended since it was awarded, or the person got the badge in
            another way, or the award is gone.
    """
    row = session.exec(
        select(AwardProposal)
        .where(AwardProposal.id == proposal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None or row.state != "awarded":
        raise AwardFell("gone")
    if row.credential_id == credential_id:
        return
    why = fallen(session, to_proposal(row).rests_on)
    if why is None and _is_held(session, row, besides=credential_id):
        why = "held"
    if why is not None:
        raise AwardFell(why)
    row.credential_id = credential_id
    session.add(row)


def fallen(session: ReadSession, rests_on: Collection[BadgeVersion]) -> str | None:
    """Why no badge can stand on these any more, a code; None where all of them stand, or have merely expired since."""
    if any(erasing.is_erased(session, each.credential_id) for each in rests_on):
        return "badge_ended"
    held = listing.badges_held(session, now(), credential_ids={each.credential_id for each in rests_on})
    return "badge_ended" if any(badge.standing in ("revoked", "suspended") for badge in held) else None


def _is_held(session: ReadSession, row: AwardProposal, *, besides: str) -> bool:
    """Whether the person has another badge of the same, as from a program, that is in force or suspended."""
    held = listing.badges_held(session, now(), person_ids=(row.person_id,), achievements=(row.pathway_key,))
    return any(badge.id != besides and badge.standing in ("issued", "suspended") for badge in held)


def set_back(session: WriteSession, proposal_id: str, why: str) -> None:
    """Withdraw an award of which no badge is to be made any more.

    Args:
        session: the caller's transaction.
        proposal_id: the proposal.
        why: a code, `badge_ended` or `held`.
    """
    changed = session.exec(
        sa.update(AwardProposal)
        .where(col(AwardProposal.id) == proposal_id, col(AwardProposal.state) == "awarded")
        .values(state="withdrawn", reason=why)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:
        _note(session, SYSTEM, "awards.proposal_set_back", proposal_id)
        metrics.PROPOSALS.labels("set_back").inc()


def _open(session: WriteSession, person_id: str, pathway_key: str, found: Finding, actor: Actor) -> Outcome:
    row = AwardProposal(person_id=person_id, pathway_key=pathway_key, **_facts_of(found))
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Somebody else opened it at the same moment: a person and pathway have one open proposal.
        if _open_of(session, person_id, pathway_key) is None:
            raise
        return "stands"
    _note(session, actor, "awards.proposed", row.id, person_id=person_id, talk_id=found.talk_id)
    metrics.PROPOSALS.labels("opened").inc()
    return "opened"


def _follow(session: WriteSession, row: AwardProposal, found: Finding) -> Outcome:
    """Keep an open proposal in step with what it rests on."""
    known = (row.facts, row.rests_on)
    values = _facts_of(found)
    if known == (values["facts"], values["rests_on"]):
        return "stands"
    changed = _update_open(session, row.id, values)
    if changed:
        _note(session, SYSTEM, "awards.proposal_followed", row.id, person_id=row.person_id)
    return "renewed" if changed else "stands"


def _withdraw(session: WriteSession, row: AwardProposal) -> Outcome:
    if not _update_open(session, row.id, {"state": "withdrawn", "reason": "not_met", "decided_at": now()}):
        return "stands"
    _note(session, SYSTEM, "awards.proposal_withdrawn", row.id, person_id=row.person_id)
    metrics.PROPOSALS.labels("withdrawn").inc()
    return "withdrawn"


def _decide(
    session: WriteSession, row: AwardProposal, assessor_id: str, state: str, reason: str | None, more: dict[str, Any]
) -> None:
    """Write the decision once: the state leaves `open` in one atomic step, or somebody else took it."""
    decision = {"state": state, "reason": reason, "decided_by": assessor_id, "decided_at": now()}
    if not _update_open(session, row.id, {**more, **decision}):
        raise ProposalDecided
    session.refresh(row)
    actor = Actor("person", assessor_id)
    _note(session, actor, f"awards.proposal_{state}", row.id, person_id=row.person_id, talk_id=row.talk_id)
    metrics.PROPOSALS.labels(state).inc()


def _update_open(session: WriteSession, proposal_id: str, values: dict[str, Any]) -> bool:
    changed = session.exec(
        sa.update(AwardProposal)
        .where(col(AwardProposal.id) == proposal_id, col(AwardProposal.state) == "open")
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)


def _facts_of(found: Finding) -> dict[str, Any]:
    progress = found.progress
    return {
        "kind": found.kind,
        "pathway_version": progress.version,
        "rule_digest": progress.digest,
        "rests_on": [[each.achievement, each.credential_id, each.version] for each in sorted(progress.rests_on)],
        "waived": sorted(progress.root.waived_by),
        "talk_id": found.talk_id,
        "results": [list(each) for each in found.results],
        "facts": found.facts,
        "credential_id": found.credential_id,
    }


def _locked(session: WriteSession, proposal_id: str, assessor_id: str) -> AwardProposal:
    """The proposal with its row locked, if this person may decide it and nobody has yet."""
    row = session.exec(
        select(AwardProposal)
        .where(AwardProposal.id == proposal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise ProposalNotFound
    require_assessor(session, person_id=row.person_id, assessor_id=assessor_id)
    if row.state != "open":
        raise ProposalDecided
    return row


def _open_of(session: ReadSession, person_id: str, pathway_key: str) -> AwardProposal | None:
    return session.exec(
        select(AwardProposal)
        .where(
            AwardProposal.person_id == person_id,
            AwardProposal.pathway_key == pathway_key,
            AwardProposal.state == "open",
        )
        .execution_options(populate_existing=True)
    ).first()


def _was_decided(session: ReadSession, person_id: str, pathway_key: str, found: Finding) -> bool:
    """Whether a person has decided about these very facts before."""
    return (
        session.exec(
            select(AwardProposal.id).where(
                AwardProposal.person_id == person_id,
                AwardProposal.pathway_key == pathway_key,
                AwardProposal.facts == found.facts,
                col(AwardProposal.state).in_(DECIDED),
            )
        ).first()
        is not None
    )


def _is_being_made(session: ReadSession, person_id: str, pathway_key: str) -> bool:
    """Whether it was awarded, and the worker has not made the badge yet."""
    return (
        session.exec(
            select(AwardProposal.id).where(
                AwardProposal.person_id == person_id,
                AwardProposal.pathway_key == pathway_key,
                AwardProposal.state == "awarded",
                AwardProposal.kind == "award",
                col(AwardProposal.credential_id).is_(None),
            )
        ).first()
        is not None
    )


def _is_being_renewed(session: ReadSession, found: Finding) -> bool:
    """Whether the renewal of this badge was awarded, and the worker has not made the new version yet."""
    if found.kind != "renewal":
        return False
    awarded = session.exec(
        select(AwardProposal.id).where(
            AwardProposal.kind == "renewal",
            AwardProposal.credential_id == found.credential_id,
            AwardProposal.state == "awarded",
        )
    ).all()
    sources = {f"proposal:{each}" for each in awarded}
    done = session.exec(select(AwardRenewal.source).where(col(AwardRenewal.source).in_(sources))).all()
    return bool(sources - set(done))


def _note(session: WriteSession, actor: Actor, action: str, proposal_id: str, **ids: str | None) -> None:
    audit.record(session, actor=actor, action=action, subject="award_proposal", subject_id=proposal_id, **ids)
