"""Steps that somebody need not show, because an assessor decided that they have them already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.texts import clean_comment
from app.pathways.authority import lock, require_assessor
from app.pathways.errors import NotRecognisable, ReasonMissing, RecognitionNotFound, StepUnknown
from app.pathways.events import EvidenceChanged
from app.pathways.models import PathwayRecognition
from app.pathways.records import RecognitionGranted
from app.pathways.rules import step_key
from app.pathways.schemas import LeafKind
from app.programme import stacks
from app.programme.pathways import Pathway, leaves


def recognise(
    session: WriteSession,
    *,
    person_id: str,
    kind: LeafKind,
    key: str,
    pathway_key: str | None,
    reason: str,
    granted_by: str,
) -> str:
    """Decide that somebody need not show a step. The same decision in force already is returned.

    Args:
        session: the caller's transaction.
        person_id: who.
        kind: of the step; a conversation cannot be recognised.
        key: of the step as `rules.step_key` gives it: empty for time in a role.
        pathway_key: the only pathway that it shall count for; None for all that ask for it.
        reason: why, in a sentence or two.
        granted_by: the assessor.

    Returns:
        The decision's id.

    Raises:
        PersonNotFound: nobody goes by this id, or not any more.
        PathwayUnknown, StepUnknown: no such pathway asks for this.
        NotRecognisable: it is a conversation.
        NotForYourself, NotAnAssessor, TooNear: another assessor has to decide it.
        ReasonMissing, CommentTooLong, UnusableText: the reason is missing, or cannot be kept.
    """
    lock(session, person_id)
    if kind == "conversation":
        raise NotRecognisable
    among = stacks.pathways(session) if pathway_key is None else (stacks.current_pathway(session, pathway_key),)
    if not _asked_for(among, kind, key):
        raise StepUnknown
    require_assessor(session, person_id=person_id, assessor_id=granted_by)
    why = _reason(reason)
    for row in _in_force(session, person_id):
        if (row.kind, row.key, row.pathway_key) == (kind, key, pathway_key):
            return row.id
    row = PathwayRecognition(
        person_id=person_id, kind=kind, key=key, pathway_key=pathway_key, reason=why, granted_by=granted_by
    )
    session.add(row)
    session.flush()
    _note(session, "pathways.recognised", granted_by, row)
    return row.id


def withdraw_recognition(session: WriteSession, recognition_id: str, *, reason: str, by: str) -> None:
    """Take a recognition back; badges that were awarded by it stay.

    Args:
        session: the caller's transaction.
        recognition_id: which.
        reason: why, in a sentence or two.
        by: an assessor, the same as before or another.

    Raises:
        RecognitionNotFound: no recognition in force has this id.
        NotForYourself, NotAnAssessor, TooNear: another assessor has to decide it.
        ReasonMissing, CommentTooLong, UnusableText: the reason is missing, or cannot be kept.
    """
    row = session.get(PathwayRecognition, recognition_id)
    if row is None:
        raise RecognitionNotFound
    require_assessor(session, person_id=row.person_id, assessor_id=by)
    ended = session.exec(
        sa.update(PathwayRecognition)
        .where(col(PathwayRecognition.id) == recognition_id, col(PathwayRecognition.withdrawn_at).is_(None))
        .values(withdrawn_at=now(), withdrawn_by=by, withdrawn_reason=_reason(reason))
    )
    if ended.rowcount != 1:
        raise RecognitionNotFound
    _note(session, "pathways.recognition_withdrawn", by, row)


def recognitions_of(session: ReadSession, person_id: str) -> tuple[RecognitionGranted, ...]:
    """Every recognition of a person, those taken back among them, the newest first."""
    rows = session.exec(
        select(PathwayRecognition)
        .where(PathwayRecognition.person_id == person_id)
        .order_by(col(PathwayRecognition.granted_at).desc(), PathwayRecognition.id)
        .execution_options(populate_existing=True)
    ).all()
    return tuple(
        RecognitionGranted(
            id=row.id,
            person_id=row.person_id,
            kind=cast(LeafKind, row.kind),
            key=row.key,
            pathway_key=row.pathway_key,
            reason=row.reason,
            granted_by=row.granted_by,
            granted_at=row.granted_at,
            withdrawn_by=row.withdrawn_by,
            withdrawn_at=row.withdrawn_at,
            withdrawn_reason=row.withdrawn_reason,
        )
        for row in rows
    )


def _asked_for(pathways: Iterable[Pathway], kind: LeafKind, key: str) -> bool:
    return any((leaf.kind, step_key(leaf)) == (kind, key) for pathway in pathways for leaf in leaves(pathway.rule))


def _reason(reason: str) -> str:
    said = clean_comment(reason)
    if not said:
        raise ReasonMissing
    return said


def _in_force(session: ReadSession, person_id: str) -> Iterable[PathwayRecognition]:
    return session.exec(
        select(PathwayRecognition).where(
            PathwayRecognition.person_id == person_id, col(PathwayRecognition.withdrawn_at).is_(None)
        )
    ).all()


def _note(session: WriteSession, action: str, by: str, row: PathwayRecognition) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=by),
        action=action,
        subject="person",
        subject_id=row.person_id,
        recognition_id=row.id,
        step_kind=row.kind,
        step_key=row.key,
        pathway_key=row.pathway_key,
    )
    outbox.emit(session, EvidenceChanged(row.person_id))
