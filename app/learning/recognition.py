"""Recognition of prior learning: who can do it already shows it without the lessons. All the evidence stays."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.learning.enrolments import lock, refuse_if_locked
from app.learning.models import RecognitionRecord


def is_chosen(session: ReadSession, enrolment_id: str) -> bool:
    """Whether a learner chose to show what they can do without the lessons."""
    found = session.exec(select(RecognitionRecord.id).where(RecognitionRecord.enrolment_id == enrolment_id)).first()
    return found is not None


def choose(session: WriteSession, *, enrolment_id: str, person_id: str, chosen: bool) -> None:
    """Choose recognition, or take the choice back; the same choice again changes nothing.

    Lessons stay open to read, and those read stay read.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who chooses.
        chosen: True for no lessons, False for the lessons.

    Raises:
        EnrolmentNotFound: it is not this person's.
        WorkLocked: the work is with an assessor or awarded.
    """
    lock(session, enrolment_id=enrolment_id, person_id=person_id)
    refuse_if_locked(session, enrolment_id)
    if is_chosen(session, enrolment_id) == chosen:
        return
    if chosen:
        session.add(RecognitionRecord(enrolment_id=enrolment_id))
        session.flush()
    else:
        session.exec(sa.delete(RecognitionRecord).where(col(RecognitionRecord.enrolment_id) == enrolment_id))
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action="learning.recognition_chosen" if chosen else "learning.recognition_withdrawn",
        subject="enrolment",
        subject_id=enrolment_id,
    )
