"""What a new round closes: an appeal against the return before it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import WriteSession
from app.learning.models import AppealRecord, SubmissionRecord


def overtake(session: WriteSession, handed_in: SubmissionRecord) -> None:
    """Close an open appeal of this enrolment: new work was handed in, and that is what is decided now.

    The caller holds the enrolment's lock, as whoever answers an appeal does.
    """
    is_open = (col(AppealRecord.enrolment_id) == handed_in.enrolment_id, col(AppealRecord.state) == "open")
    for appeal_id in session.exec(select(AppealRecord.id).where(*is_open)).all():
        session.exec(
            sa.update(AppealRecord)
            .where(col(AppealRecord.id) == appeal_id)
            .values(state="overtaken", answered_at=now())
        )
        audit.record(
            session,
            actor=Actor(kind="person", id=handed_in.person_id),
            action="learning.appeal_overtaken",
            subject="submission",
            subject_id=handed_in.id,
            appeal_id=appeal_id,
        )
