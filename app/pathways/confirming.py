"""Words that persons give for a step of a pathway, and take back."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.texts import clean_comment
from app.pathways.authority import lock, require_confirmer
from app.pathways.errors import NotConfirmed, StepUnknown
from app.pathways.events import EvidenceChanged
from app.pathways.models import PathwayConfirmation
from app.pathways.records import ConfirmationGiven
from app.programme import stacks
from app.programme.pathways import ConfirmationRule, ConfirmedBy, leaves


def confirm(
    session: WriteSession, *, person_id: str, pathway_key: str, confirmation_key: str, by: ConfirmedBy, given_by: str
) -> None:
    """Give one's word for a step of somebody's pathway; twice is the same as once.

    Args:
        session: the caller's transaction.
        person_id: for whom.
        pathway_key: of which pathway, in its current version.
        confirmation_key: of the step.
        by: as what the word is given.
        given_by: who gives it.

    Raises:
        PersonNotFound: nobody goes by this id, or not any more.
        PathwayUnknown, StepUnknown: the pathway does not ask for this, or not for the word of such a one.
        NotForYourself, NotYoursToConfirm, NotAnAssessor, TooNear: somebody else has to give it.
    """
    lock(session, person_id)
    rule = confirmation_rule(session, pathway_key, confirmation_key)
    if rule.by != by:
        raise StepUnknown
    require_confirmer(session, person_id=person_id, by=by, given_by=given_by)
    if _in_force(session, person_id, pathway_key, confirmation_key) is not None:
        return
    row = PathwayConfirmation(
        person_id=person_id,
        pathway_key=pathway_key,
        confirmation_key=confirmation_key,
        given_as=by,
        given_by=given_by,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Somebody else gave theirs between our look and our insert: one is enough.
        if _in_force(session, person_id, pathway_key, confirmation_key) is None:
            raise
        return
    audit.record(
        session,
        actor=Actor(kind="person", id=given_by),
        action="pathways.confirmed",
        subject="person",
        subject_id=person_id,
        pathway_key=pathway_key,
        confirmation_key=confirmation_key,
        confirmed_as=by,
        confirmation_id=row.id,
    )
    outbox.emit(session, EvidenceChanged(person_id))


def withdraw_confirmation(
    session: WriteSession,
    *,
    person_id: str,
    pathway_key: str,
    confirmation_key: str,
    withdrawn_by: str,
    reason: str = "",
) -> None:
    """Take a word back: by whoever gave it, or by another who might give it.

    Args:
        session: the caller's transaction.
        person_id: for whom it was given.
        pathway_key: see `confirm`.
        confirmation_key: see `confirm`.
        withdrawn_by: who takes it back.
        reason: why, for the person; may be empty.

    Raises:
        NotConfirmed: no such word is in force.
        NotForYourself, NotYoursToConfirm, NotAnAssessor, TooNear: it is not theirs to take back.
        CommentTooLong, UnusableText: the reason cannot be kept.
    """
    row = _in_force(session, person_id, pathway_key, confirmation_key)
    if row is None:
        raise NotConfirmed
    if row.given_by != withdrawn_by:
        by = cast(ConfirmedBy, row.given_as)
        require_confirmer(session, person_id=person_id, by=by, given_by=withdrawn_by)
    said = clean_comment(reason)
    ended = session.exec(
        sa.update(PathwayConfirmation)
        .where(col(PathwayConfirmation.id) == row.id, col(PathwayConfirmation.withdrawn_at).is_(None))
        .values(withdrawn_at=now(), withdrawn_by=withdrawn_by, withdrawn_reason=said or None)
    )
    if ended.rowcount != 1:
        raise NotConfirmed
    audit.record(
        session,
        actor=Actor(kind="person", id=withdrawn_by),
        action="pathways.confirmation_withdrawn",
        subject="person",
        subject_id=person_id,
        pathway_key=pathway_key,
        confirmation_key=confirmation_key,
        confirmation_id=row.id,
    )
    outbox.emit(session, EvidenceChanged(person_id))


def confirmation_rule(session: ReadSession, pathway_key: str, confirmation_key: str) -> ConfirmationRule:
    """The step of a pathway, in its current version, that asks for this word.

    Raises:
        PathwayUnknown: there is no such pathway.
        StepUnknown: it has no such step.
    """
    for leaf in leaves(stacks.current_pathway(session, pathway_key).rule):
        if isinstance(leaf, ConfirmationRule) and leaf.key == confirmation_key:
            return leaf
    raise StepUnknown


def confirmations_of(session: ReadSession, person_id: str) -> tuple[ConfirmationGiven, ...]:
    """Every word that was given for a person, those taken back among them, the newest first."""
    rows = session.exec(
        select(PathwayConfirmation)
        .where(PathwayConfirmation.person_id == person_id)
        .order_by(col(PathwayConfirmation.given_at).desc(), PathwayConfirmation.id)
        .execution_options(populate_existing=True)
    ).all()
    return tuple(
        ConfirmationGiven(
            id=row.id,
            person_id=row.person_id,
            pathway_key=row.pathway_key,
            confirmation_key=row.confirmation_key,
            by=cast(ConfirmedBy, row.given_as),
            given_by=row.given_by,
            given_at=row.given_at,
            withdrawn_by=row.withdrawn_by,
            withdrawn_at=row.withdrawn_at,
            withdrawn_reason=row.withdrawn_reason,
        )
        for row in rows
    )


def _in_force(
    session: ReadSession, person_id: str, pathway_key: str, confirmation_key: str
) -> PathwayConfirmation | None:
    return session.exec(
        select(PathwayConfirmation).where(
            PathwayConfirmation.person_id == person_id,
            PathwayConfirmation.pathway_key == pathway_key,
            PathwayConfirmation.confirmation_key == confirmation_key,
            col(PathwayConfirmation.withdrawn_at).is_(None),
        )
    ).first()
