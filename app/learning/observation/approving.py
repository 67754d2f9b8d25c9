"""Proposals before an assessor: who is to observe whom, from which domain; approved or declined with a reason."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.assessors import require_assessor
from app.learning.enrolments import enrolment, module_of
from app.learning.events import ObservationAsked, ObserverApproved, ObserverRefused
from app.learning.models import EnrolmentRecord
from app.learning.observation.errors import ObserverNotUsable, OwnObservation, ProposalDecided, RefusalNeedsReason
from app.learning.observation.links import is_awarded
from app.learning.observation.models import ObservationRequestRecord
from app.learning.observation.observers import domain_of, is_own, refuse_own
from app.learning.observation.requests import LIFETIME, check_address_pace, to_request
from app.learning.observation.schemas import RequestState, WaitingProposal
from app.learning.texts import clean_comment
from app.people import service as people

MOST_SHOWN = 200


def proposals(session: ReadSession, *, assessor_id: str) -> tuple[WaitingProposal, ...]:
    """Proposals that wait, oldest first, at most 200; those of the assessor's own practice are left out.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_id)
    rows = session.exec(
        select(ObservationRequestRecord)
        .join(EnrolmentRecord, col(EnrolmentRecord.id) == ObservationRequestRecord.enrolment_id)
        .where(ObservationRequestRecord.state == "proposed", EnrolmentRecord.person_id != assessor_id)
        .order_by(col(ObservationRequestRecord.created_at), col(ObservationRequestRecord.id))
        .limit(MOST_SHOWN)
    ).all()
    return tuple(_proposal(session, row) for row in rows)


def proposals_waiting(session: ReadSession, *, assessor_id: str) -> int:
    """How many proposals wait for this assessor."""
    return session.exec(
        select(sa.func.count())
        .select_from(ObservationRequestRecord)
        .join(EnrolmentRecord, col(EnrolmentRecord.id) == ObservationRequestRecord.enrolment_id)
        .where(ObservationRequestRecord.state == "proposed", EnrolmentRecord.person_id != assessor_id)
    ).one()


def approve(session: WriteSession, *, request_id: str, assessor_id: str) -> None:
    """Approve the proposed observer: now their mail goes out.

    Args:
        session: the caller's transaction.
        request_id: the proposal.
        assessor_id: who approves.

    Raises:
        NotAnAssessor: this person may not.
        ProposalDecided: it is no longer open.
        OwnObservation: it is about the assessor's own practice, or the proposed observer is the assessor.
        ObserverNotUsable: the address has turned out to be the learner's own; or the assessors themselves were asked.
        TooManyAsked: twenty mails went to that address within a day.
    """
    row, learner_id = _locked(session, request_id, assessor_id)
    if not row.observer_email:
        raise ObserverNotUsable("observer", "Here an assessor is asked to observe.", "Observe it, or decline.")
    if is_own(row.observer_email, people.addresses_of(session, assessor_id)):
        raise OwnObservation
    refuse_own(session, learner_id, row.observer_email)
    if is_awarded(session, row.enrolment_id):
        raise ProposalDecided
    check_address_pace(session, row.observer_email)
    moment = now()
    _decide(session, row, assessor_id, "asked", moment, asked_at=moment, ends_at=moment + LIFETIME)
    outbox.emit(session, ObserverApproved(request_id=row.id))
    outbox.emit(session, ObservationAsked(request_id=row.id, reminder=0))


def refuse(session: WriteSession, *, request_id: str, assessor_id: str, reason: str) -> None:
    """Decline the proposal with a reason for the learner. No mail ever goes to the person proposed.

    Raises:
        NotAnAssessor, ProposalDecided, OwnObservation: as for `approve`.
        RefusalNeedsReason, CommentTooLong, UnusableText: the reason is missing or cannot be used.
    """
    row, _learner_id = _locked(session, request_id, assessor_id)
    said = clean_comment(reason)
    if not said:
        raise RefusalNeedsReason
    moment = now()
    _decide(session, row, assessor_id, "refused", moment, refusal=said, closed_at=moment)
    outbox.emit(session, ObserverRefused(request_id=row.id))


def _locked(session: WriteSession, request_id: str, assessor_id: str) -> tuple[ObservationRequestRecord, str]:
    require_assessor(session, assessor_id)
    row = session.exec(
        select(ObservationRequestRecord)
        .where(ObservationRequestRecord.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None or row.state != "proposed":
        raise ProposalDecided
    learner_id = enrolment(session, row.enrolment_id).person_id
    theirs = people.addresses_of(session, learner_id)
    if learner_id == assessor_id or any(is_own(each, theirs) for each in people.addresses_of(session, assessor_id)):
        raise OwnObservation
    return row, learner_id


def _decide(
    session: WriteSession,
    row: ObservationRequestRecord,
    assessor_id: str,
    state: RequestState,
    moment: datetime,
    **values: datetime | str,
) -> None:
    changed = session.exec(
        sa.update(ObservationRequestRecord)
        .where(col(ObservationRequestRecord.id) == row.id, col(ObservationRequestRecord.state) == "proposed")
        .values(state=state, decided_by=assessor_id, decided_at=moment, **values)
    )
    if changed.rowcount != 1:
        raise ProposalDecided
    audit.record(
        session,
        actor=Actor(kind="person", id=assessor_id),
        action="learning.observer_approved" if state == "asked" else "learning.observer_refused",
        subject="observation_request",
        subject_id=row.id,
        enrolment_id=row.enrolment_id,
    )


def _proposal(session: ReadSession, row: ObservationRequestRecord) -> WaitingProposal:
    own = enrolment(session, row.enrolment_id)
    module = module_of(session, own)
    activity = module.activity(row.activity_key)
    known = {domain_of(address) for address in people.addresses_of(session, own.person_id)}
    return WaitingProposal(
        request=to_request(row),
        enrolment=own,
        learner_name=people.display_name(session, own.person_id),
        module=module,
        activity=activity,
        email=row.observer_email,
        domain=domain_of(row.observer_email),
        learner_domains=tuple(sorted(known)),
        asks_assessors=not row.observer_email,
        assessor_may="assessor" in activity.observers,
    )
