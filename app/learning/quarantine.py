"""Quarantine: an assessor puts a text away in one action, takes that back for ten minutes, or removes every copy of it.

All rounds of the work, the drafts, the files and the reasons of appeals go together, for what stands in one mostly
stands in the others. Levels, outcomes and the digests stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import col, select

from app.core import audit, metrics
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.logging import get_logger
from app.core.outbox import emit
from app.learning.appeal_reasons import remove_reason
from app.learning.assessors import foreign_work, require_assessor
from app.learning.errors import NotQuarantined, UndoTooLate
from app.learning.events import WorkQuarantined
from app.learning.files.putting_away import bring_all_back, purge_aside, put_aside
from app.learning.models import ActivityDraftRecord, DecisionRecord, EnrolmentRecord, SubmissionRecord

UNDO = timedelta(minutes=10)
Step = Literal["quarantined", "undone", "purged"]


@dataclass(frozen=True)
class PutAway:
    """Texts that are put away.

    Attributes:
        person_id: whose.
        module_key, module_version: of which module.
        final_at: from when on nobody can take it back.
        awarded: whether the module was awarded all the same.
    """

    person_id: str
    module_key: str
    module_version: int
    final_at: datetime
    awarded: bool


log = get_logger()


def quarantine(session: WriteSession, *, submission_id: str, assessor_id: str) -> None:
    """Hide the texts of a piece of work, of its earlier rounds, drafts and appeals, from everybody at once.

    What waited for a decision no longer does; the learner may write anew and hand in. Doing it twice changes nothing.

    Raises:
        NotAnAssessor, SubmissionNotFound, OwnWork: this person may not.
    """
    row = _locked(session, submission_id, assessor_id)
    if row.quarantined_at is not None:
        return
    moment = now()
    for one in _rounds(session, row):
        if one.quarantined_at is None:
            one.quarantined_at, one.quarantined_by = moment, assessor_id
            if one.state == "submitted":
                one.state = "returned"
            session.add(one)
    for draft in _drafts(session, row):
        # Kept apart and not thrown away: the action can be taken back. The revision tells an open page of the change.
        draft.put_aside, draft.content, draft.revision = dict(draft.content), {}, draft.revision + 1
        session.add(draft)
    put_aside(session, row.enrolment_id, moment)
    _told(session, row, assessor_id, "quarantined")
    emit(session, WorkQuarantined(submission_id=row.id, person_id=row.person_id))


def undo(session: WriteSession, *, submission_id: str, assessor_id: str) -> None:
    """Bring everything back as it was; what the learner has written since stays where it is.

    Raises:
        NotAnAssessor, SubmissionNotFound, OwnWork: this person may not.
        NotQuarantined: there is nothing to take back.
        UndoTooLate: it was another assessor, ten minutes are over, new work was handed in, or the texts are gone.
    """
    row = _locked(session, submission_id, assessor_id)
    if row.quarantined_at is None:
        raise NotQuarantined
    rounds = _rounds(session, row)
    if not can_undo(row, assessor_id) or rounds[0].quarantined_at is None:
        raise UndoTooLate
    moment = row.quarantined_at
    for one in rounds:
        if one.quarantined_at == moment:
            one.quarantined_at = one.quarantined_by = None
            if one is rounds[0] and one.state == "returned" and not _decided(session, one):
                one.state = "submitted"
            session.add(one)
    for draft in _drafts(session, row):
        if draft.put_aside is not None:
            written = {key: text for key, text in draft.content.items() if text}
            draft.content, draft.put_aside = {**draft.put_aside, **written}, None
            draft.revision += 1
            session.add(draft)
    bring_all_back(session, row.enrolment_id)
    _told(session, row, assessor_id, "undone")


def purge(session: WriteSession, *, submission_id: str, assessor_id: str) -> None:
    """Remove every copy of the texts that were put away. It cannot be taken back; doing it twice changes nothing.

    Raises:
        NotAnAssessor, SubmissionNotFound, OwnWork: this person may not.
        NotQuarantined: only what was put away before can be removed.
    """
    row = _locked(session, submission_id, assessor_id)
    if row.quarantined_at is None:
        raise NotQuarantined
    if row.purged_at is not None:
        return
    moment = now()
    for one in _rounds(session, row):
        if one.quarantined_at is not None and one.purged_at is None:
            one.texts, one.kept_findings, one.purged_at = {}, {}, moment
            session.add(one)
            remove_reason(session, one.id)
    for draft in _drafts(session, row):
        draft.put_aside = None
        session.add(draft)
    purge_aside(session, row.enrolment_id)
    _told(session, row, assessor_id, "purged")


def put_away(session: ReadSession, submission_id: str) -> PutAway | None:
    """What the learner is to be told of texts that are put away now; None if they are not, or there is no such work."""
    row = session.get(SubmissionRecord, submission_id)
    if row is None or row.quarantined_at is None:
        return None
    rounds = _rounds(session, row)
    return PutAway(
        person_id=row.person_id,
        module_key=row.module_key,
        module_version=row.module_version,
        final_at=row.purged_at or row.quarantined_at + UNDO,
        awarded=any(one.state == "awarded" for one in rounds),
    )


def can_undo(row: SubmissionRecord, assessor_id: str) -> bool:
    """Whether this assessor may still take it back."""
    return (
        row.quarantined_at is not None
        and row.purged_at is None
        and row.quarantined_by == assessor_id
        and now() - row.quarantined_at < UNDO
    )


def _locked(session: WriteSession, submission_id: str, assessor_id: str) -> SubmissionRecord:
    """The work with its enrolment's row locked first, as whoever hands in or saves a draft does."""
    require_assessor(session, assessor_id)
    row = foreign_work(session.get(SubmissionRecord, submission_id), assessor_id)
    session.exec(
        select(EnrolmentRecord.id).where(EnrolmentRecord.id == row.enrolment_id).with_for_update(key_share=True)
    ).one()
    session.exec(
        select(SubmissionRecord)
        .where(SubmissionRecord.enrolment_id == row.enrolment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return row


def _rounds(session: ReadSession, row: SubmissionRecord) -> list[SubmissionRecord]:
    return list(
        session.exec(
            select(SubmissionRecord)
            .where(SubmissionRecord.enrolment_id == row.enrolment_id)
            .order_by(col(SubmissionRecord.number).desc())
        ).all()
    )


def _drafts(session: ReadSession, row: SubmissionRecord) -> list[ActivityDraftRecord]:
    of_it = ActivityDraftRecord.enrolment_id == row.enrolment_id
    return list(session.exec(select(ActivityDraftRecord).where(of_it)).all())


def _decided(session: ReadSession, row: SubmissionRecord) -> bool:
    return session.exec(select(DecisionRecord.id).where(DecisionRecord.submission_id == row.id)).first() is not None


def _told(session: WriteSession, row: SubmissionRecord, assessor_id: str, step: Step) -> None:
    session.flush()
    audit.record(
        session,
        actor=Actor(kind="person", id=assessor_id),
        action=f"learning.{step}",
        subject="submission",
        subject_id=row.id,
        enrolment_id=row.enrolment_id,
        number=row.number,
    )
    metrics.QUARANTINES.labels(step).inc()
    log.warning("learning.quarantine", step=step, submission_id=row.id)
