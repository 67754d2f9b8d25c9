"""What is noted of a person's badges whose ground has ended: for the person, and how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlmodel import col

from app.awards.consequences.models import AwardFlag
from app.core.db import ReadSession, WriteSession
from app.issuer.personal_data import credential_ids
from app.people.exporting import in_chunks, section
from app.people.schemas import Section

TABLE: Final = "award_flag"
ABOUT: Final = "Badges of yours of which one that they rest on ended, what followed, and what an assessor decided."


def export(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """What followed for the person's badges; who decided is an assessor, whose id is not told."""
    records = tuple(
        record
        for some in in_chunks(credential_ids(session, person_id))
        for record in section(
            session, "", "", AwardFlag, col(AwardFlag.credential_id).in_(some), without=("decided_by",)
        ).records
    )
    return (Section("awards.consequences", ABOUT, records),)


def forget(session: WriteSession, credential_ids: Sequence[str]) -> int:
    """Delete what is noted of these badges, and of others because of these; returns how much that was."""
    about = sa.or_(
        col(AwardFlag.credential_id).in_(credential_ids), col(AwardFlag.because_credential_id).in_(credential_ids)
    )
    return int(session.execute(sa.delete(AwardFlag).where(about)).rowcount)  # type: ignore[attr-defined]
