"""The issuer room's part in joining two records: all badges are the one person's, and all links to them."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.db import ReadSession
from app.issuer.models import BadgeShare, Credential
from app.people.link_schemas import Holding
from app.people.merging import Moves

HELD = ("issued", "revoked")


class IssuerMerge(Moves):
    """Badges and links. Which address a badge carries is the awards room's to see to."""

    room = "issuer"
    moved: ClassVar = {Credential: ("person_id",), BadgeShare: ("person_id",)}

    def brings(self, session: ReadSession, person_id: str) -> tuple[Holding, ...]:
        """How many badges."""
        held = session.exec(
            select(sa.func.count())
            .select_from(Credential)
            .where(Credential.person_id == person_id, col(Credential.state).in_(HELD))
        ).one()
        return (Holding("Badges", held),)
