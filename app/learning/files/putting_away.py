"""Files in quarantine, and the removal of every copy of their bytes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.clock import now
from app.core.db import WriteSession
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord, SubmissionFileRecord

_QUIETLY = {"synchronize_session": False}


def put_aside(session: WriteSession, enrolment_id: str, moment: datetime) -> None:
    """Hide the files that are in the work now, removed ones too; those handed in are hidden with their rounds."""
    session.execute(
        sa.update(EvidenceFileRecord)
        .where(
            col(EvidenceFileRecord.enrolment_id) == enrolment_id,
            col(EvidenceFileRecord.aside_at).is_(None),
            col(EvidenceFileRecord.purged_at).is_(None),
        )
        .values(aside_at=moment),
        execution_options=_QUIETLY,
    )


def bring_all_back(session: WriteSession, enrolment_id: str) -> None:
    """Undo it."""
    session.execute(
        sa.update(EvidenceFileRecord)
        .where(col(EvidenceFileRecord.enrolment_id) == enrolment_id, col(EvidenceFileRecord.purged_at).is_(None))
        .values(aside_at=None),
        execution_options=_QUIETLY,
    )


def purge_aside(session: WriteSession, enrolment_id: str) -> None:
    """Remove the bytes and names of what was put away. What came since stays."""
    purge_files(
        session,
        session.exec(
            select(EvidenceFileRecord.id).where(
                EvidenceFileRecord.enrolment_id == enrolment_id, col(EvidenceFileRecord.aside_at).is_not(None)
            )
        ).all(),
    )


def purge_files(session: WriteSession, ids: Collection[str]) -> int:
    """Remove the bytes and the names; digest, size and type stay. How many files had any."""
    mine = col(EvidenceContentRecord.file_id).in_(ids)
    gone: Any = session.execute(delete(EvidenceContentRecord).where(mine), execution_options=_QUIETLY)
    session.execute(
        sa.update(EvidenceFileRecord)
        .where(col(EvidenceFileRecord.id).in_(ids), col(EvidenceFileRecord.purged_at).is_(None))
        .values(purged_at=now(), name="", kept_findings={}),
        execution_options=_QUIETLY,
    )
    return int(gone.rowcount)


def files_handed_in(session: WriteSession, submission_ids: Collection[str]) -> list[str]:
    """Ids of the files of some rounds."""
    return list(
        session.exec(
            select(SubmissionFileRecord.file_id)
            .where(col(SubmissionFileRecord.submission_id).in_(submission_ids))
            .distinct()
        ).all()
    )
