"""Drafts: what a learner has written so far, saved as they type, never silently overwritten."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import select

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.calibration import refuse_changed_marks
from app.learning.enrolments import activity_of, lock, module_of, own_enrolment, refuse_if_locked
from app.learning.errors import DraftConflict
from app.learning.models import ActivityDraftRecord
from app.learning.schemas import Draft
from app.learning.texts import fields_of, merged
from app.programme.schemas import Activity


def draft(session: ReadSession, *, enrolment_id: str, person_id: str, activity_key: str) -> Draft:
    """What is kept of an activity's texts; empty texts at revision 0 if nothing was saved yet.

    Raises:
        EnrolmentNotFound: it is not this person's.
        ActivityNotFound: the module has no such exercise or reflection.
    """
    module = module_of(session, own_enrolment(session, enrolment_id=enrolment_id, person_id=person_id))
    activity = activity_of(module, activity_key, "exercise", "reflection")
    return _draft(activity, _row(session, enrolment_id, activity_key))


def drafts_of(session: ReadSession, enrolment_id: str, activities: tuple[Activity, ...]) -> dict[str, Draft]:
    """The drafts of all exercises and reflections of an enrolment, by activity key."""
    rows = session.exec(
        select(ActivityDraftRecord)
        .where(ActivityDraftRecord.enrolment_id == enrolment_id)
        .execution_options(populate_existing=True)
    ).all()
    by_key = {row.activity_key: row for row in rows}
    return {activity.key: _draft(activity, by_key.get(activity.key)) for activity in activities if fields_of(activity)}


def save_draft(
    session: WriteSession,
    *,
    enrolment_id: str,
    person_id: str,
    activity_key: str,
    content: Mapping[str, str],
    base_revision: int,
) -> Draft:
    """Keep what was written.

    Fields that are not sent keep what is stored. Sending what is stored already changes nothing, also with an old
    revision: a save whose answer was lost on the way can simply be repeated.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who writes.
        activity_key: the exercise or reflection.
        content: text by field key.
        base_revision: the revision the writer had before them.

    Raises:
        EnrolmentNotFound: it is not this person's.
        ActivityNotFound: the module has no such exercise or reflection.
        WorkLocked: the work is with an assessor or awarded.
        DraftConflict: another text was saved since that revision; carries both.
        DraftTooLong: a field holds more than 20,000 characters.
        UnknownField: the activity has no such field.
        UnusableText: a text holds control characters.
        MarksAreKept: the agreed marks of a calibration set were shown, so those handed in stay.
    """
    module = module_of(session, lock(session, enrolment_id=enrolment_id, person_id=person_id))
    activity = activity_of(module, activity_key, "exercise", "reflection")
    refuse_if_locked(session, enrolment_id)
    row = _row(session, enrolment_id, activity_key)
    stored = _draft(activity, row)
    texts = merged(activity, stored.content, content)
    if texts == stored.content:
        return stored
    refuse_changed_marks(session, enrolment_id, module, activity_key, texts)
    if base_revision != stored.revision:
        raise DraftConflict(stored, dict(content))
    if row is None:
        row = ActivityDraftRecord(enrolment_id=enrolment_id, activity_key=activity_key, revision=0)
    row.content = texts
    row.revision += 1
    row.saved_at = now()
    session.add(row)
    session.flush()
    return _draft(activity, row)


def _row(session: ReadSession, enrolment_id: str, activity_key: str) -> ActivityDraftRecord | None:
    return session.exec(
        select(ActivityDraftRecord)
        .where(
            ActivityDraftRecord.enrolment_id == enrolment_id,
            ActivityDraftRecord.activity_key == activity_key,
        )
        .execution_options(populate_existing=True)
    ).first()


def _draft(activity: Activity, row: ActivityDraftRecord | None) -> Draft:
    stored = row.content if row is not None else {}
    return Draft(
        activity_key=activity.key,
        content={field.key: str(stored.get(field.key, "")) for field in fields_of(activity) if field.kind != "file"},
        revision=row.revision if row is not None else 0,
        saved_at=row.saved_at if row is not None else None,
    )
