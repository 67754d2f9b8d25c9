"""Texts and files of work, and the reasons of appeals about it, go when their time is over.

What was decided by the rubric, and the digests, stay.

Australian Privacy Principle 11.2 wants what is no longer needed destroyed:
https://www.oaic.gov.au/privacy/australian-privacy-principles
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, metrics
from app.core.audit import SYSTEM
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.scrubbing import empty_log
from app.learning.appeal_reasons import clear_reasons, remove_reason
from app.learning.files.models import EvidenceFileRecord, SubmissionFileRecord
from app.learning.files.putting_away import purge_files
from app.learning.files.store import clear_removed
from app.learning.models import ActivityDraftRecord, AppealRecord, EnrolmentRecord, SubmissionRecord

AT_ONCE: Final = 50  # pieces of work in one go: each is a short change of its own


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of the month so many months earlier; the 28th for the days after it, which not every month has."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))


def delete_old(database: Database, months: int) -> int:
    """Delete texts and files of work that was decided more than so many months ago; how many pieces it were.

    With them go the reasons of appeals about it.

    Work of which an appeal is open is left alone, and so is what a learner still works on. Once the newest round of an
    awarded module is over, its drafts and current files go too.

    Args:
        database: of the house.
        months: from the decision; 0 keeps everything.
    """
    with database.write() as session:
        clear_removed(session)
        clear_reasons(session)
    if months == 0:
        return 0
    before = months_before(now(), months)
    with database.read() as session:
        due = _due(session, before)
    done = 0
    for submission_id in due:
        with database.write() as session:
            done += _delete(session, submission_id, before)
    if done:
        empty_log(database)
    metrics.EVIDENCE_EXPIRED.inc(done)
    return done


def _over(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    under_appeal = select(AppealRecord.enrolment_id).where(AppealRecord.state == "open")
    return (
        col(SubmissionRecord.decided_at) < before,
        col(SubmissionRecord.purged_at).is_(None),
        col(SubmissionRecord.enrolment_id).not_in(under_appeal),
    )


def _due(session: ReadSession, before: datetime) -> Sequence[str]:
    return session.exec(
        select(SubmissionRecord.id).where(*_over(before)).order_by(col(SubmissionRecord.decided_at)).limit(AT_ONCE)
    ).all()


def _delete(session: WriteSession, submission_id: str, before: datetime) -> int:
    """One piece of work, looked at anew under the lock that whoever hands in or appeals takes."""
    enrolment_id = session.exec(
        select(SubmissionRecord.enrolment_id).where(SubmissionRecord.id == submission_id)
    ).first()
    if enrolment_id is None:
        return 0
    session.exec(select(EnrolmentRecord.id).where(EnrolmentRecord.id == enrolment_id).with_for_update()).one()
    row = session.exec(
        select(SubmissionRecord)
        .where(SubmissionRecord.id == submission_id, *_over(before))
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        return 0
    row.texts, row.kept_findings, row.purged_at = {}, {}, now()
    session.add(row)
    session.flush()
    remove_reason(session, submission_id)
    finished = row.state == "awarded" and not _later(session, row)
    if finished:
        session.execute(
            sa.update(ActivityDraftRecord)
            .where(col(ActivityDraftRecord.enrolment_id) == enrolment_id)
            .values(content={}, put_aside=None, revision=ActivityDraftRecord.revision + 1),
            execution_options={"synchronize_session": False},
        )
    files = purge_files(session, _files_over(session, enrolment_id, finished=finished))
    audit.record(
        session,
        actor=SYSTEM,
        action="learning.evidence_expired",
        subject="submission",
        subject_id=submission_id,
        enrolment_id=enrolment_id,
        files=files,
    )
    return 1


def _later(session: ReadSession, row: SubmissionRecord) -> bool:
    later = select(SubmissionRecord.id).where(
        SubmissionRecord.enrolment_id == row.enrolment_id, col(SubmissionRecord.number) > row.number
    )
    return session.exec(later).first() is not None


def _files_over(session: ReadSession, enrolment_id: str, *, finished: bool) -> Sequence[str]:
    """Files that stand in no round that is still kept; and, unless all is over, not in what is worked on now."""
    kept = (
        select(SubmissionFileRecord.file_id)
        .join(SubmissionRecord, col(SubmissionRecord.id) == SubmissionFileRecord.submission_id)
        .where(SubmissionRecord.enrolment_id == enrolment_id, col(SubmissionRecord.purged_at).is_(None))
    )
    over = [
        col(EvidenceFileRecord.enrolment_id) == enrolment_id,
        col(EvidenceFileRecord.purged_at).is_(None),
        col(EvidenceFileRecord.id).not_in(kept),
    ]
    if not finished:
        handed_in = select(SubmissionFileRecord.file_id)
        over += [col(EvidenceFileRecord.removed_at).is_not(None), col(EvidenceFileRecord.id).in_(handed_in)]
    return session.exec(select(EvidenceFileRecord.id).where(*over)).all()
