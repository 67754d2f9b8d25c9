"""What follows from where a person stands, and from what an assessor awarded. All may be repeated at any moment."""

from __future__ import annotations

from dataclasses import replace

from app.awards import prerequisites, renewals
from app.awards.jobs import ASSESSOR, AwardDeps, Handler, bind_badges
from app.awards.proposals.errors import AwardFell, ProposalNotFound
from app.awards.proposals.events import ProposalAwarded
from app.awards.proposals.reading import stored
from app.awards.proposals.schemas import Proposal
from app.awards.proposals.service import fallen, has_to_look, propose, reserve_badge, set_back
from app.awards.renewals import RenewalOf
from app.awards.service import months_after, record_award
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.logging import get_logger
from app.core.outbox import Delivery, GiveUp, decode
from app.issuer import issuing, listing
from app.issuer.errors import CredentialErased
from app.issuer.schemas import IssueRequest
from app.pathways.events import EvidenceChanged, StandingChanged
from app.people import service as people
from app.programme import service as programme
from app.programme import stacks

log = get_logger()


def propose_from_standing(database: Database) -> Handler:
    """The listener to `pathways.StandingChanged`: opens or withdraws the proposal of that pathway."""

    def handle(delivery: Delivery) -> None:
        event = decode(StandingChanged, delivery.payload)
        _propose(database, event.person_id, event.pathway_key)

    return handle


def propose_from_evidence(database: Database) -> Handler:
    """The listener to `pathways.EvidenceChanged`: a conversation about a badge that is held changes no standing."""

    def handle(delivery: Delivery) -> None:
        person_id = decode(EvidenceChanged, delivery.payload).person_id
        with database.read() as session:
            own = [pathway.key for pathway in stacks.pathways(session) if pathway.achievement is not None]
        for key in own:
            _propose(database, person_id, key)

    return handle


def award_from_proposal(deps: AwardDeps) -> Handler:
    """The listener to `ProposalAwarded`: makes the badge, once, and notes who stands for it."""

    def handle(delivery: Delivery) -> None:
        event = decode(ProposalAwarded, delivery.payload)
        with deps.database.read() as session:
            try:
                proposal = stored(session, event.proposal_id)
            except ProposalNotFound:
                raise GiveUp("the proposal was erased with its person") from None
            erased = people.is_erased(session, proposal.person_id)
        if erased:
            raise GiveUp("the person was erased")
        if proposal.state != "awarded":
            raise GiveUp("the award was set back, as no badge could be made of it")
        if proposal.kind == "renewal":
            _renew(deps, proposal)
        else:
            _make(deps, proposal)
        # The address may have been confirmed while the badge was being signed; that event's own round missed this one.
        bind_badges(deps, proposal.person_id)

    return handle


def _propose(database: Database, person_id: str, pathway_key: str) -> None:
    with database.read() as reading:  # most of what changes about somebody's standing is nothing to propose
        if not has_to_look(reading, person_id, pathway_key):
            return
    with database.write() as session:
        outcome = propose(session, person_id, pathway_key)
    if outcome not in ("nothing", "stands"):
        log.info("awards.proposal", person_id=person_id, pathway=pathway_key, outcome=outcome)


def _make(deps: AwardDeps, proposal: Proposal) -> None:
    with deps.database.read() as session:
        request = _request(deps, session, proposal)
    try:
        credential_id = issuing.reserve(
            deps.database, deps.secret_box, deps.base_url, request,
            beside=lambda session, reserved: reserve_badge(session, proposal.id, reserved),
        )  # fmt: skip
    except AwardFell as error:
        _set_back(deps, proposal, error.why)
        return
    except CredentialErased:
        raise GiveUp("the badge of this award was issued before, and erased") from None
    issuing.finish(deps.database, deps.secret_box, deps.base_url, credential_id)
    record_award(
        deps.database,
        credential_id=credential_id,
        decision_id=proposal.id,
        decided_by_person_id=proposal.decided_by,
        decided_by_name=None,
        decided_by_role=ASSESSOR,
    )


def _renew(deps: AwardDeps, proposal: Proposal) -> None:
    """The next version of the badge; done once for each proposal, as the renewals see to."""
    with deps.database.read() as session:
        why = fallen(session, proposal.rests_on)
        info = programme.achievement(session, proposal.pathway_key, proposal.pathway_version)
        related = prerequisites.related(session, _below(session, proposal), achievement=info)
    if why is not None:
        _set_back(deps, proposal, why)
        return
    renewal = RenewalOf(
        source=f"proposal:{proposal.id}",
        credential_id=str(proposal.credential_id),
        achievement=info,
        results=proposal.results,
        decided_at=proposal.decided_at or now(),
        decided_by_person_id=str(proposal.decided_by),
        related=related,
    )
    renewals.renew(deps, renewal)


def _set_back(deps: AwardDeps, proposal: Proposal, why: str) -> None:
    with deps.database.write() as session:
        set_back(session, proposal.id, why)
    log.warning("awards.award_fell", proposal_id=proposal.id, why=why)


def _request(deps: AwardDeps, session: ReadSession, proposal: Proposal) -> IssueRequest:
    """What is to be issued: what was awarded, and nothing that came about since."""
    info = programme.achievement(session, proposal.pathway_key, proposal.pathway_version)
    confirmed = people.confirmed_email(session, proposal.person_id)
    awarded_at = (proposal.decided_at or now()).replace(microsecond=0)
    return IssueRequest(
        idempotency_key=f"proposal:{proposal.id}",
        issuer_key=deps.issuer_key,
        achievement_key=proposal.pathway_key,
        achievement_version=proposal.pathway_version,
        person_id=proposal.person_id,
        recipient_email=confirmed.email if confirmed else None,
        awarded_at=awarded_at,
        valid_until=months_after(awarded_at, info.validity_months),
        results=proposal.results,
        actor=Actor(kind="person", id=str(proposal.decided_by)),
        decided_by_role=ASSESSOR,
        related=prerequisites.related(session, _below(session, proposal), achievement=info),
    )


def _below(session: ReadSession, proposal: Proposal) -> list[listing.BadgeRecord]:
    """Our badges that it rests on, each in exactly the version that was in force when it was awarded."""
    wanted = {each.credential_id: each.version for each in proposal.rests_on}
    held = listing.badges_held(session, now(), credential_ids=wanted)
    return [
        replace(badge, version=wanted[badge.id], digest=listing.digest_of(session, badge.id, wanted[badge.id]))
        for badge in held
    ]
