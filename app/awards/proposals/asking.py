"""Words that a person asks for, as a pathway wants them: asked, given, declined, taken back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.awards.proposals.errors import CannotBeAsked, RequestAnswered, RequestNotFound
from app.awards.proposals.events import ConfirmationAnswered, ConfirmationAsked
from app.awards.proposals.models import ConfirmationRequest
from app.awards.proposals.schemas import Request, RequestState
from app.core import audit, metrics, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.marking_errors import ReasonMissing
from app.learning.texts import clean_comment
from app.pathways import service as pathways
from app.pathways.authority import require_confirmer
from app.people import service as people
from app.people.exporting import in_chunks
from app.programme.pathways import ConfirmedBy

MOST_A_DAY: Final = 3  # of one step: each sends a mail to a colleague
MOST_SHOWN: Final = 100


def ask(session: WriteSession, *, person_id: str, pathway_key: str, confirmation_key: str) -> str:
    """Ask for a word; asking twice is the same as once.

    Args:
        session: the caller's transaction.
        person_id: who asks, for themselves.
        pathway_key: of which pathway, in its current version.
        confirmation_key: of the step.

    Returns:
        The id of the open request.

    Raises:
        PathwayUnknown, StepUnknown: there is no such step.
        CannotBeAsked: it is there already, or nobody can give it, or it was asked for three times today.
    """
    rule = pathways.confirmation_rule(session, pathway_key, confirmation_key)
    known = _open_of(session, person_id, pathway_key, confirmation_key)
    if known is not None:
        return known.id
    if _is_given(session, person_id, pathway_key, confirmation_key):
        raise CannotBeAsked("This is confirmed already.", "Look at the pathway: the step is there.")
    if not who_may_give(session, person_id, rule.by):
        raise CannotBeAsked(
            "Nobody is entered here who can confirm this for you.",
            "Ask your centre’s manager to enter who manages you in Waymark. Then ask again.",
        )
    if _asked_today(session, person_id, pathway_key, confirmation_key) >= MOST_A_DAY:
        raise CannotBeAsked("You have asked for this three times today.", "Talk to them, or ask again tomorrow.")
    row = ConfirmationRequest(
        person_id=person_id, pathway_key=pathway_key, confirmation_key=confirmation_key, asked_of=rule.by
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # A second click at the same moment: one request is enough.
        known = _open_of(session, person_id, pathway_key, confirmation_key)
        if known is None:
            raise
        return known.id
    _note(session, "awards.confirmation_asked", person_id, row.id)
    outbox.emit(session, ConfirmationAsked(row.id))
    metrics.CONFIRMATIONS.labels("asked").inc()
    return row.id


def give(session: WriteSession, *, request_id: str, given_by: str) -> None:
    """Give the word that was asked for.

    Raises:
        RequestNotFound, RequestAnswered: there is no such open request.
        NotForYourself, NotYoursToConfirm, NotAnAssessor, TooNear: it is somebody else's to give.
    """
    row = _locked(session, request_id, given_by)
    pathways.confirm(
        session, person_id=row.person_id, pathway_key=row.pathway_key, confirmation_key=row.confirmation_key,
        by=cast(ConfirmedBy, row.asked_of), given_by=given_by,
    )  # fmt: skip
    _answer(session, row, "confirmed", given_by, None)


def decline(session: WriteSession, *, request_id: str, declined_by: str, reason: str) -> None:
    """Decline it, with a reason for whoever asked.

    Raises:
        RequestNotFound, RequestAnswered, NotForYourself, NotYoursToConfirm, NotAnAssessor, TooNear: as `give`.
        ReasonMissing, CommentTooLong, UnusableText: the reason cannot be used.
    """
    row = _locked(session, request_id, declined_by)
    said = clean_comment(reason)
    if not said:
        raise ReasonMissing
    _answer(session, row, "declined", declined_by, said)


def take_back(session: WriteSession, *, person_id: str, pathway_key: str, confirmation_key: str) -> None:
    """Ask no more: by whoever asked.

    Raises:
        RequestAnswered: nothing is open.
    """
    row = _open_of(session, person_id, pathway_key, confirmation_key)
    if row is None or not _update_open(session, row.id, {"state": "taken_back", "answered_at": now()}):
        raise RequestAnswered
    _note(session, "awards.confirmation_taken_back", person_id, row.id)


def withdraw(session: WriteSession, *, request_id: str, withdrawn_by: str, reason: str) -> None:
    """Take back a word that was given on a request, with the reason.

    Raises:
        RequestNotFound: there is no such request.
        NotConfirmed: the word is not in force.
        NotForYourself, NotYoursToConfirm, NotAnAssessor, TooNear: it is somebody else's.
        ReasonMissing, CommentTooLong, UnusableText: the reason cannot be used.
    """
    row = session.get(ConfirmationRequest, request_id)
    if row is None:
        raise RequestNotFound
    if not clean_comment(reason):
        raise ReasonMissing
    pathways.withdraw_confirmation(
        session, person_id=row.person_id, pathway_key=row.pathway_key, confirmation_key=row.confirmation_key,
        withdrawn_by=withdrawn_by, reason=reason,
    )  # fmt: skip


def who_may_give(session: ReadSession, person_id: str, by: ConfirmedBy) -> tuple[str, ...]:
    """Ids of those who may give a person's word of this kind, the line manager first."""
    if by == "assessor":
        asked: list[str] = list(people.people_with_role(session, "assessor"))
    else:
        asked = [line.other_id for line in people.lines_of(session, person_id) if line.relation == "line_manager"]
        for centre in people.centres_of(session, person_id):
            staff = people.staff_of(session, centre.id)
            asked.extend(member.person_id for member in staff if member.function == "supervisor")
    return tuple(
        each
        for each in dict.fromkeys(asked)
        if pathways.may_confirm(session, person_id=person_id, by=by, given_by=each)
    )


def to_answer(session: ReadSession, person_id: str) -> tuple[Request, ...]:
    """The open requests that a person may answer, the oldest first."""
    found: list[ConfirmationRequest] = []
    for some in in_chunks(sorted(_below(session, person_id))):
        found.extend(
            session.exec(
                select(ConfirmationRequest).where(
                    ConfirmationRequest.state == "open", col(ConfirmationRequest.person_id).in_(some)
                )
            ).all()
        )
    found.sort(key=lambda row: (row.asked_at, row.id))
    return tuple(
        to_request(row)
        for row in found
        if pathways.may_confirm(
            session, person_id=row.person_id, by=cast(ConfirmedBy, row.asked_of), given_by=person_id
        )
    )


def answered_by(session: ReadSession, person_id: str) -> tuple[Request, ...]:
    """What a person has answered, the newest first; a hundred at most.

    Only of those for whom they could still answer: who has left a centre reads no more of its people.
    """
    rows = session.exec(
        select(ConfirmationRequest)
        .where(ConfirmationRequest.answered_by == person_id)
        .order_by(col(ConfirmationRequest.answered_at).desc(), col(ConfirmationRequest.id))
        .limit(MOST_SHOWN)
    ).all()
    below, assesses = _below(session, person_id), people.has_role(session, person_id, "assessor")
    return tuple(
        to_request(row) for row in rows if (assesses if row.asked_of == "assessor" else row.person_id in below)
    )


def requests_of(session: ReadSession, person_id: str, pathway_key: str | None = None) -> tuple[Request, ...]:
    """What a person has asked for, the newest first; on one pathway, or on all."""
    wanted = select(ConfirmationRequest).where(ConfirmationRequest.person_id == person_id)
    if pathway_key is not None:
        wanted = wanted.where(ConfirmationRequest.pathway_key == pathway_key)
    rows = session.exec(wanted.order_by(col(ConfirmationRequest.asked_at).desc(), col(ConfirmationRequest.id))).all()
    return tuple(map(to_request, rows))


def stored_request(session: ReadSession, request_id: str) -> Request | None:
    """One request, whatever became of it; None if it is gone with its person."""
    row = session.get(ConfirmationRequest, request_id, populate_existing=True)
    return to_request(row) if row is not None else None


def to_request(row: ConfirmationRequest) -> Request:
    """A row as other rooms see it."""
    return Request(
        id=row.id,
        person_id=row.person_id,
        pathway_key=row.pathway_key,
        confirmation_key=row.confirmation_key,
        asked_of=cast(ConfirmedBy, row.asked_of),
        state=cast(RequestState, row.state),
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        reason=row.reason,
    )


def _below(session: ReadSession, person_id: str) -> Collection[str]:
    """Everybody for whom a person could possibly give a word: whom they manage, and the staff of their centres."""
    found = set(people.reports_of(session, person_id))
    for centre in people.centres_of(session, person_id):
        if "supervisor" in people.functions_at(session, person_id, centre.id):
            found |= {member.person_id for member in people.staff_of(session, centre.id)}
    if people.has_role(session, person_id, "assessor"):
        asking = select(ConfirmationRequest.person_id).where(
            ConfirmationRequest.state == "open", ConfirmationRequest.asked_of == "assessor"
        )
        found |= set(session.exec(asking).all())
    return found - {person_id}


def _locked(session: WriteSession, request_id: str, person_id: str) -> ConfirmationRequest:
    """The request with its row locked, if it is open and this person's to answer."""
    row = session.exec(
        select(ConfirmationRequest)
        .where(ConfirmationRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise RequestNotFound
    require_confirmer(session, person_id=row.person_id, by=cast(ConfirmedBy, row.asked_of), given_by=person_id)
    if row.state != "open":
        raise RequestAnswered
    return row


def _answer(session: WriteSession, row: ConfirmationRequest, state: str, person_id: str, reason: str | None) -> None:
    values = {"state": state, "answered_by": person_id, "answered_at": now(), "reason": reason}
    if not _update_open(session, row.id, values):
        raise RequestAnswered
    _note(session, f"awards.confirmation_{state}", person_id, row.id, person_id=row.person_id)
    outbox.emit(session, ConfirmationAnswered(row.id))
    metrics.CONFIRMATIONS.labels(state).inc()


def _update_open(session: WriteSession, request_id: str, values: dict[str, Any]) -> bool:
    changed = session.exec(
        sa.update(ConfirmationRequest)
        .where(col(ConfirmationRequest.id) == request_id, col(ConfirmationRequest.state) == "open")
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)


def _open_of(
    session: ReadSession, person_id: str, pathway_key: str, confirmation_key: str
) -> ConfirmationRequest | None:
    return session.exec(
        select(ConfirmationRequest)
        .where(
            ConfirmationRequest.person_id == person_id,
            ConfirmationRequest.pathway_key == pathway_key,
            ConfirmationRequest.confirmation_key == confirmation_key,
            ConfirmationRequest.state == "open",
        )
        .execution_options(populate_existing=True)
    ).first()


def _asked_today(session: ReadSession, person_id: str, pathway_key: str, confirmation_key: str) -> int:
    return session.exec(
        select(sa.func.count())
        .select_from(ConfirmationRequest)
        .where(
            ConfirmationRequest.person_id == person_id,
            ConfirmationRequest.pathway_key == pathway_key,
            ConfirmationRequest.confirmation_key == confirmation_key,
            col(ConfirmationRequest.asked_at) > now() - timedelta(days=1),
        )
    ).one()


def _is_given(session: ReadSession, person_id: str, pathway_key: str, confirmation_key: str) -> bool:
    return any(
        each.withdrawn_at is None and (each.pathway_key, each.confirmation_key) == (pathway_key, confirmation_key)
        for each in pathways.confirmations_of(session, person_id)
    )


def _note(session: WriteSession, action: str, by: str, request_id: str, **ids: str) -> None:
    audit.record(
        session, actor=Actor("person", by), action=action, subject="confirmation_request", subject_id=request_id, **ids
    )
