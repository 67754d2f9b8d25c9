"""The pathways room's part in joining two records: all that was shown under either counts for the person.

What one of two records vouched for the other counts for nothing once they are one: see `gathering`.
"""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import WriteSession
from app.pathways.models import (
    PathwayConfirmation,
    PathwayConversation,
    PathwayExternalBadge,
    PathwayRecognition,
    PathwayStanding,
)
from app.people.merging import QUIETLY, Moves


class PathwaysMerge(Moves):
    """Confirmations, conversations, recognitions and others' badges; where each record stood is worked out anew."""

    room = "pathways"
    moved: ClassVar = {
        PathwayConfirmation: ("person_id", "given_by", "withdrawn_by"),
        PathwayConversation: ("person_id", "decided_by"),
        PathwayRecognition: ("person_id", "granted_by", "withdrawn_by"),
    }
    moved_unless_there: ClassVar = {PathwayExternalBadge: ("person_id", ("digest",))}
    by_hand = frozenset({"pathway_standing.person_id"})

    def absorb(self, session: WriteSession, from_id: str, to_id: str) -> None:
        """End what may be in force once only, then move everything."""
        session.execute(
            sa.delete(PathwayStanding).where(col(PathwayStanding.person_id) == from_id), execution_options=QUIETLY
        )
        _end_own_words(session, from_id, to_id)
        _end_double_words(session, from_id, to_id)
        super().absorb(session, from_id, to_id)


def _end_own_words(session: WriteSession, from_id: str, to_id: str) -> None:
    """What one record vouched for the other ends: it counts for nothing now, and must not keep another's out."""
    for model, by in (
        (PathwayConfirmation, col(PathwayConfirmation.given_by)),
        (PathwayRecognition, col(PathwayRecognition.granted_by)),
    ):
        of = col(model.person_id)
        session.execute(
            sa.update(model)
            .where(
                sa.or_(sa.and_(of == from_id, by == to_id), sa.and_(of == to_id, by == from_id)),
                col(model.withdrawn_at).is_(None),
            )
            .values(withdrawn_at=now(), withdrawn_by=to_id),
            execution_options=QUIETLY,
        )


def _end_double_words(session: WriteSession, from_id: str, to_id: str) -> None:
    """Of two words that say the same one ends."""
    theirs = session.exec(
        select(
            PathwayConfirmation.pathway_key, PathwayConfirmation.confirmation_key, PathwayConfirmation.given_as
        ).where(PathwayConfirmation.person_id == to_id, col(PathwayConfirmation.withdrawn_at).is_(None))
    ).all()
    for pathway_key, confirmation_key, given_as in theirs:
        session.execute(
            sa.update(PathwayConfirmation)
            .where(
                col(PathwayConfirmation.person_id) == from_id,
                col(PathwayConfirmation.pathway_key) == pathway_key,
                col(PathwayConfirmation.confirmation_key) == confirmation_key,
                col(PathwayConfirmation.given_as) == given_as,
                col(PathwayConfirmation.withdrawn_at).is_(None),
            )
            .values(withdrawn_at=now(), withdrawn_by=to_id),
            execution_options=QUIETLY,
        )
