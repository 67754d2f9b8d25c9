"""Taking an observer's comments away for good when somebody can be recognised in them; the answers stay."""

from __future__ import annotations

import hashlib
import json

from sqlmodel import select

from app.core import audit, metrics
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.assessors import require_assessor
from app.learning.enrolments import enrolment
from app.learning.observation.errors import ObservationUnknown, OwnObservation
from app.learning.observation.models import ObservationRecord


def may_remove(session: ReadSession, *, observation_id: str, assessor_id: str) -> None:
    """Make sure that this assessor may take the comments away.

    Raises:
        NotAnAssessor, ObservationUnknown, OwnObservation: they may not, or there is no such observation.
    """
    require_assessor(session, assessor_id)
    row = session.get(ObservationRecord, observation_id)
    if row is None:
        raise ObservationUnknown
    if enrolment(session, row.enrolment_id).person_id == assessor_id:
        raise OwnObservation


def remove_comments(session: WriteSession, *, observation_id: str, assessor_id: str) -> None:
    """Remove every comment of one observation. It cannot be taken back; a digest stays. Twice changes nothing.

    Args:
        session: the caller's transaction.
        observation_id: the observation.
        assessor_id: who removes them.

    Raises:
        NotAnAssessor, ObservationUnknown, OwnObservation: as for `may_remove`.
    """
    may_remove(session, observation_id=observation_id, assessor_id=assessor_id)
    row = session.exec(
        select(ObservationRecord)
        .where(ObservationRecord.id == observation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if row.comments_removed_at is not None:
        return
    text = json.dumps(row.comments, sort_keys=True, ensure_ascii=False)
    row.comments_digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    row.comments, row.comments_removed_at = {}, now()
    session.add(row)
    audit.record(
        session,
        actor=Actor(kind="person", id=assessor_id),
        action="learning.observer_comments_removed",
        subject="observation",
        subject_id=row.id,
        enrolment_id=row.enrolment_id,
    )
    metrics.QUARANTINES.labels("observer_comments_removed").inc()
