"""What the pathways room keeps of a person, for the person; and how it goes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.core.db import ReadSession, WriteSession
from app.pathways.models import (
    PathwayConfirmation,
    PathwayConversation,
    PathwayExternalBadge,
    PathwayRecognition,
    PathwayStanding,
)
from app.people.exporting import section
from app.people.schemas import Count, Kept, Section

_TABLES: tuple[tuple[str, str, str, Any, tuple[str, ...]], ...] = (
    (
        "confirmations", "confirmations of steps", "What others confirmed for your pathways; by the role they have.",
        PathwayConfirmation, ("given_by", "withdrawn_by"),
    ),
    (
        "conversations", "records of conversations", "Conversations with an assessor and what they showed.",
        PathwayConversation, ("decided_by",),
    ),
    (
        "recognitions", "recognitions of steps", "Steps that an assessor recognised, and why.",
        PathwayRecognition, ("granted_by", "withdrawn_by"),
    ),
    (
        "external_badges", "badges of other issuers", "Badges of other issuers that you added.",
        PathwayExternalBadge, (),
    ),
    (
        "standings", "standings on pathways", "Where you stand on each pathway, as it was worked out last.",
        PathwayStanding, (),
    ),
)  # fmt: skip


class PathwaysPersonalData:
    """What was shown in other ways than by a badge of ours, and where the person stands."""

    room = "pathways"
    tables = frozenset(
        {
            "pathway_confirmation",
            "pathway_conversation",
            "pathway_recognition",
            "pathway_external_badge",
            "pathway_standing",
        }
    )
    kept = (
        Kept(
            "What the person confirmed, judged or recognised for others, by their id only",
            "It is those others' record, and their badges may rest on it.",
        ),
    )

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """All of it; whoever decided is left out, and so are the names by which others know them."""
        return tuple(
            section(
                session, f"pathways.{name}", about, model, col(model.person_id) == person_id,
                without=("person_id", *without),
            )
            for name, _what, about, model, without in _TABLES
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """Nothing here is under way without the person."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Remove all of it."""
        return tuple(
            Count(what, session.execute(sa.delete(model).where(col(model.person_id) == person_id)).rowcount)  # type: ignore[attr-defined]
            for _name, what, _about, model, _without in _TABLES
        )
