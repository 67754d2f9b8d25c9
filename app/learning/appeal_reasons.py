"""The reasons of appeals tell of the work: where its texts are removed they go too; the appeal and its answer stay."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.db import WriteSession
from app.learning.models import AppealRecord, SubmissionRecord


def remove_reason(session: WriteSession, submission_id: str) -> None:
    """Remove what was written in an appeal about a round whose texts are removed."""
    session.execute(
        sa.update(AppealRecord).where(col(AppealRecord.submission_id) == submission_id).values(reason=""),
        execution_options={"synchronize_session": False},
    )


def clear_reasons(session: WriteSession) -> None:
    """Remove those of all work without texts: earlier versions removed the texts and left the reasons."""
    gone = select(SubmissionRecord.id).where(col(SubmissionRecord.purged_at).is_not(None))
    session.execute(
        sa.update(AppealRecord)
        .where(col(AppealRecord.reason) != "", col(AppealRecord.submission_id).in_(gone))
        .values(reason=""),
        execution_options={"synchronize_session": False},
    )
