"""Enrolment: a person, a module, and the version the person is judged under.

A whole module may be done a second time, when its badge is gone. Then there is a second enrolment with a higher number,
and the newest one is meant wherever a person's enrolment in a module is asked for. Renewals have numbers among them;
what tells them apart is that a renewal asks for certain steps only.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import audit
from app.core.audit import Actor
from app.core.db import ReadSession, WriteSession
from app.core.rows import table
from app.learning.errors import ActivityNotFound, EnrolmentNotFound, WorkLocked
from app.learning.models import EnrolmentRecord, LessonCompletionRecord, SubmissionRecord
from app.learning.renewal_errors import NotDoneAgain
from app.learning.schemas import Enrolment
from app.programme import service as programme
from app.programme.renewals import update_of
from app.programme.schemas import Activity, ActivityKind, Module

RACES = 5
_COLUMNS = table(EnrolmentRecord).c
_WHOLE = (
    sa.select(*_COLUMNS)
    .where(
        _COLUMNS.person_id == sa.bindparam("person_id"),
        _COLUMNS.module_key == sa.bindparam("module_key"),
        _COLUMNS.renewal_steps.is_(sa.null()),
    )
    .order_by(_COLUMNS.number.desc())
    .limit(1)
)


def enrol(session: WriteSession, *, person_id: str, module: Module, organisation_id: str | None) -> Enrolment:
    """The person's enrolment in a module, made at the first call.

    The version stays that of the first call, whatever is published later: begun work is judged under the rules it
    began with. Two calls at the same moment make one enrolment.
    """
    found = enrolment_of(session, person_id=person_id, module_key=module.key)
    if found is not None:
        return found
    row = EnrolmentRecord(
        person_id=person_id, module_key=module.key, module_version=module.version, organisation_id=organisation_id
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        found = enrolment_of(session, person_id=person_id, module_key=module.key)
        if found is None:
            raise
        return found
    _note(session, row, "learning.enrolled")
    return to_enrolment(row)


def begin_again(session: WriteSession, *, person_id: str, module: Module, organisation_id: str | None) -> Enrolment:
    """An enrolment by which the person does a whole module once more, made at the first call.

    All that hangs on the earlier one stays as it is. Two calls at the same moment make one.

    Args:
        session: the caller's transaction.
        person_id: who does it again; the caller has made sure that nothing is left of what the first time led to.
        module: in its newest version.
        organisation_id: from whose LMS, if that is known.

    Raises:
        NotDoneAgain: the person has never been awarded this module.
    """
    for _ in range(RACES):
        # Asked first: whoever begins the same between the two questions is found by the second, or has the number.
        number = last_number(session, person_id, module.key) + 1
        newest = enrolment_of(session, person_id=person_id, module_key=module.key)
        if newest is None:
            raise NotDoneAgain
        if _newest_state(session, newest.id) != "awarded":
            if newest.number == 0:
                raise NotDoneAgain
            return newest
        row = EnrolmentRecord(
            person_id=person_id,
            module_key=module.key,
            module_version=module.version,
            organisation_id=organisation_id,
            number=number,
        )
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError as error:  # somebody else took the number, perhaps for the same
            race = error
            continue
        _note(session, row, "learning.begun_again")
        return to_enrolment(row)
    raise race


def last_number(session: ReadSession, person_id: str, module_key: str) -> int:
    """The highest number among a person's enrolments in a module, renewals too; 0 where there is none."""
    newest = session.exec(
        select(sa.func.max(EnrolmentRecord.number)).where(
            EnrolmentRecord.person_id == person_id, EnrolmentRecord.module_key == module_key
        )
    ).one()
    return newest or 0


def enrolment(session: ReadSession, enrolment_id: str) -> Enrolment:
    """An enrolment by id.

    Raises:
        EnrolmentNotFound: there is none.
    """
    row = session.get(EnrolmentRecord, enrolment_id)
    if row is None:
        raise EnrolmentNotFound
    return to_enrolment(row)


def enrolment_of(session: ReadSession, *, person_id: str, module_key: str) -> Enrolment | None:
    """A person's newest enrolment in a whole module, if there is one; never one by which they renew its badge."""
    row = session.run(_WHOLE, {"person_id": person_id, "module_key": module_key}).one_or_none()
    return to_enrolment(row) if row is not None else None


def is_left_behind(session: ReadSession, of: Enrolment) -> bool:
    """Whether it is a renewal, and its person has begun the whole module again since."""
    if not of.is_renewal:
        return False
    whole = enrolment_of(session, person_id=of.person_id, module_key=of.module_key)
    return whole is not None and whole.is_again and whole.enrolled_at > of.enrolled_at


def own_enrolment(session: ReadSession, *, enrolment_id: str, person_id: str) -> Enrolment:
    """An enrolment that must be this person's.

    Raises:
        EnrolmentNotFound: there is none, or it is somebody else's: the two look the same from outside.
    """
    found = enrolment(session, enrolment_id)
    if found.person_id != person_id:
        raise EnrolmentNotFound
    return found


def module_of(session: ReadSession, of: Enrolment) -> Module:
    """The module in the version the person began under; of a renewal what that asks for."""
    return _module(session, of.module_key, of.module_version, of.renewal_steps)


def module_of_work(session: ReadSession, row: SubmissionRecord) -> Module:
    """The module that a piece of work was handed in for, as `module_of` its enrolment."""
    steps = None if row.renewal_steps is None else tuple(row.renewal_steps)
    return _module(session, row.module_key, row.module_version, steps)


def _module(session: ReadSession, key: str, version: int, steps: tuple[str, ...] | None) -> Module:
    whole = programme.module_version(session, key, version)
    return whole if steps is None else update_of(whole, steps)


def activity_of(module: Module, activity_key: str, *kinds: ActivityKind) -> Activity:
    """An activity of the module that must be of one of these kinds.

    Raises:
        ActivityNotFound: there is none.
    """
    for activity in module.activities:
        if activity.key == activity_key and activity.kind in kinds:
            return activity
    raise ActivityNotFound


def complete_lesson(session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str) -> None:
    """Note that a lesson was read; a second time changes nothing.

    Raises:
        EnrolmentNotFound: it is not this person's.
        ActivityNotFound: the module has no such lesson.
    """
    own = lock(session, enrolment_id=enrolment_id, person_id=person_id)
    activity_of(module_of(session, own), activity_key, "lesson")
    if activity_key not in lessons_read(session, enrolment_id):
        session.add(LessonCompletionRecord(enrolment_id=enrolment_id, activity_key=activity_key))
        session.flush()


def lessons_read(session: ReadSession, enrolment_id: str) -> frozenset[str]:
    """Keys of the lessons that were read."""
    return frozenset(
        session.exec(
            select(LessonCompletionRecord.activity_key).where(LessonCompletionRecord.enrolment_id == enrolment_id)
        ).all()
    )


def lock(session: WriteSession, *, enrolment_id: str, person_id: str) -> Enrolment:
    """The person's own enrolment, with its row locked: changes to one enrolment happen one after another.

    More weakly than for a deletion, here and wherever else an enrolment is locked: whoever decides holds the
    submission's row and then refers to the enrolment's, and must not wait there for somebody who waits for them.

    Raises:
        EnrolmentNotFound: there is none, or it is somebody else's.
    """
    row = session.exec(
        select(EnrolmentRecord)
        .where(EnrolmentRecord.id == enrolment_id, EnrolmentRecord.person_id == person_id)
        .with_for_update(key_share=True)
    ).first()
    if row is None:
        raise EnrolmentNotFound
    return to_enrolment(row)


def refuse_if_locked(session: ReadSession, enrolment_id: str) -> None:
    """Refuse changes while the work is with an assessor, or once it is awarded.

    Raises:
        WorkLocked: it is.
    """
    state = _newest_state(session, enrolment_id)
    if state == "submitted":
        raise WorkLocked(
            "Your work is with an assessor, so it cannot be changed now.",
            kept="What you handed in is kept exactly as it was.",
            next_step="Wait for the answer. If the work comes back, you can go on writing where you stopped.",
        )
    if state == "awarded":
        raise WorkLocked(
            "This module has been awarded to you, so its work cannot be changed any more.",
            kept="What you handed in is kept exactly as it was.",
            next_step="Open the module's page to see your badge.",
        )


def _newest_state(session: ReadSession, enrolment_id: str) -> str | None:
    """The state of the newest round of work; None before anything is handed in."""
    return session.exec(
        select(SubmissionRecord.state)
        .where(SubmissionRecord.enrolment_id == enrolment_id)
        .order_by(col(SubmissionRecord.number).desc())
    ).first()


def _note(session: WriteSession, row: EnrolmentRecord, action: str) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=row.person_id),
        action=action,
        subject="enrolment",
        subject_id=row.id,
        module=row.module_key,
        version=row.module_version,
    )


def to_enrolment(row: EnrolmentRecord | sa.Row[Any]) -> Enrolment:
    """The row as other rooms see it."""
    return Enrolment(
        id=row.id,
        person_id=row.person_id,
        module_key=row.module_key,
        module_version=row.module_version,
        organisation_id=row.organisation_id,
        enrolled_at=row.enrolled_at,
        number=row.number,
        renews=row.renews,
        renewal_steps=None if row.renewal_steps is None else tuple(row.renewal_steps),
        renew_by=row.renew_by,
    )
