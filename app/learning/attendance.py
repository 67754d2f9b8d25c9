"""Attendance: that somebody was at a session. A person of the course confirms it, or shows a code there.

A code belongs to one session of one course: typed in another course, of another agency say, it is simply not known.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from app.core import audit, metrics
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.learning.attendance_errors import (
    AttendanceByOther,
    AttendanceDateUnusable,
    AttendanceSettled,
    CodeNotKnown,
    OwnAttendance,
    TooManyCodes,
)
from app.learning.enrolments import activity_of, enrolment_of, lock, module_of
from app.learning.errors import EnrolmentNotFound
from app.learning.models import AttendanceCodeRecord, AttendanceRecord, AttendanceTryRecord, SubmissionRecord
from app.programme import service as programme
from app.programme.schemas import Confirmation, Module

# Read from the back of a room and typed on a phone: no letter or digit that looks or sounds like another one.
ALPHABET = "ACDEFHJKMNPRTVWXY3479"
CODE_LENGTH = 6
CODE_LIFETIME = timedelta(hours=4)
MOST_TRIES = 10
TRIES_FORGOTTEN = timedelta(hours=1)
LOOK_BACK = timedelta(days=366)
EASTERN = timedelta(hours=10)


@dataclass(frozen=True)
class Course:
    """A course of an LMS, by our id of its deployment and the LMS's id of the course."""

    deployment_id: str
    context_id: str


@dataclass(frozen=True)
class Session:
    """A session that people attend: one activity of one module, in one course."""

    course: Course
    module_key: str
    activity_key: str


@dataclass(frozen=True)
class Attendance:
    """That somebody was there; the course is where that was confirmed."""

    course: Course
    held_on: date
    how: Confirmation
    confirmed_by: str
    confirmed_at: datetime


@dataclass(frozen=True)
class OpenCode:
    """A code that is shown now."""

    code: str
    opened_at: datetime
    expires_at: datetime


def day_of(moment: datetime) -> date:
    """The day in eastern Australia: there a session of nine in the morning falls on yesterday by UTC."""
    return (moment + EASTERN).date()


def attended(session: ReadSession, enrolment_id: str) -> dict[str, Attendance]:
    """The sessions of an enrolment at which presence was confirmed, by activity key."""
    rows = session.exec(
        select(AttendanceRecord)
        .where(AttendanceRecord.enrolment_id == enrolment_id)
        .execution_options(populate_existing=True)
    ).all()
    return {
        row.activity_key: Attendance(
            Course(row.deployment_id, row.context_id),
            row.held_on,
            cast(Confirmation, row.how),
            row.confirmed_by,
            row.confirmed_at,
        )
        for row in rows
    }


def confirm(
    session: WriteSession, *, at: Session, person_ids: Collection[str], held_on: date, confirmed_by: str
) -> int:
    """Confirm that people were there; who is confirmed already stays as they are. How many were added.

    Args:
        session: the caller's transaction.
        at: the session.
        person_ids: learners of that course: that they are is for the caller to know.
        held_on: the day of the session.
        confirmed_by: a teacher of the course or an assessor: likewise.

    Raises:
        OwnAttendance: somebody confirms their own.
        AttendanceByOther: this session is confirmed by a code only.
        AttendanceDateUnusable: the day is still to come, or more than a year ago.
        EnrolmentNotFound: somebody has not begun the module.
        ActivityNotFound: their module has no such session.
    """
    today = day_of(now())
    if not today - LOOK_BACK <= held_on <= today:
        raise AttendanceDateUnusable
    if confirmed_by in person_ids:
        raise OwnAttendance
    return sum(_confirm(session, at, each, "roster", held_on, confirmed_by) for each in sorted(set(person_ids)))


def undo(session: WriteSession, *, at: Session, person_id: str, undone_by: str) -> None:
    """Take back what was confirmed in this course; a second time changes nothing.

    Raises:
        OwnAttendance: it is their own.
        EnrolmentNotFound: they have not begun the module.
        AttendanceSettled: the module was awarded on it.
    """
    if person_id == undone_by:
        raise OwnAttendance
    own = enrolment_of(session, person_id=person_id, module_key=at.module_key)
    if own is None:
        raise EnrolmentNotFound
    lock(session, enrolment_id=own.id, person_id=person_id)
    if _awarded(session, own.id):
        raise AttendanceSettled
    removed = session.exec(
        delete(AttendanceRecord).where(
            col(AttendanceRecord.enrolment_id) == own.id,
            col(AttendanceRecord.activity_key) == at.activity_key,
            col(AttendanceRecord.deployment_id) == at.course.deployment_id,
            col(AttendanceRecord.context_id) == at.course.context_id,
        )
    )
    if removed.rowcount:
        _note(session, "learning.attendance_undone", undone_by, own.id, at)


def open_code(session: WriteSession, *, at: Session, opened_by: str) -> OpenCode:
    """Show a code for a session; the one that is shown already, if there is one.

    Raises:
        ActivityNotFound: the module has no such session.
        AttendanceByOther: this session is confirmed by name only.
    """
    _require(programme.current_module(session, at.module_key), at.activity_key, "code")
    session.exec(
        sa.update(AttendanceCodeRecord)
        .where(*_at(at), col(AttendanceCodeRecord.closed_at).is_(None), col(AttendanceCodeRecord.expires_at) <= now())
        .values(closed_at=now())
    )
    found = code_shown(session, at)
    if found is not None:
        return found
    row = AttendanceCodeRecord(
        deployment_id=at.course.deployment_id,
        context_id=at.course.context_id,
        module_key=at.module_key,
        activity_key=at.activity_key,
        code="".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)),
        opened_by=opened_by,
        expires_at=now() + CODE_LIFETIME,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        found = code_shown(session, at)
        if found is None:
            raise
        return found
    audit.record(
        session,
        actor=Actor(kind="person", id=opened_by),
        action="learning.attendance_code_opened",
        subject="attendance_code",
        subject_id=row.id,
        module=at.module_key,
        activity=at.activity_key,
    )
    return OpenCode(row.code, row.opened_at, row.expires_at)


def code_shown(session: ReadSession, at: Session) -> OpenCode | None:
    """The code that is shown for a session now, if there is one."""
    row = _code_row(session, at)
    return OpenCode(row.code, row.opened_at, row.expires_at) if row is not None else None


def close_code(session: WriteSession, *, at: Session) -> None:
    """Nobody can use the code any more; a second time changes nothing."""
    session.exec(
        sa.update(AttendanceCodeRecord)
        .where(*_at(at), col(AttendanceCodeRecord.closed_at).is_(None))
        .values(closed_at=now())
    )


def use_code(database: Database, *, at: Session, enrolment_id: str, person_id: str, code: str) -> None:
    """A learner types the code that is shown; when it is right they were there. Right a second time changes nothing.

    The try is counted in a transaction of its own, before the code is looked at: an error would roll it back, and
    leave the code to be guessed without end.

    Args:
        database: do not hold a write session while calling.
        at: the session, in the course of the learner's own launch.
        enrolment_id: theirs, in the module of that session.
        person_id: who types.
        code: as typed; capitals, spaces and hyphens do not matter.

    Raises:
        EnrolmentNotFound, ActivityNotFound: there is nothing of theirs to confirm.
        AttendanceByOther: this session is confirmed by name only.
        TooManyCodes: ten were tried within an hour.
        CodeNotKnown: it is not the one that is shown now in this course.
    """
    with database.write() as session:
        own = lock(session, enrolment_id=enrolment_id, person_id=person_id)
        if own.module_key != at.module_key:
            raise EnrolmentNotFound
        _require(module_of(session, own), at.activity_key, "code")
        if at.activity_key in attended(session, enrolment_id):
            return
        _count_try(session, enrolment_id, at.activity_key)
    typed = "".join(code.split()).replace("-", "").upper()
    with database.write() as session:
        row = _code_row(session, at)
        if row is None or not secrets.compare_digest(row.code.encode(), typed.encode()):
            metrics.ATTENDANCE_CODES.labels("wrong").inc()
            raise CodeNotKnown
        _confirm(session, at, person_id, "code", day_of(row.opened_at), row.opened_by)
    metrics.ATTENDANCE_CODES.labels("right").inc()


def _confirm(
    session: WriteSession, at: Session, person_id: str, how: Confirmation, held_on: date, confirmed_by: str
) -> bool:
    if person_id == confirmed_by:
        raise OwnAttendance
    own = enrolment_of(session, person_id=person_id, module_key=at.module_key)
    if own is None:
        raise EnrolmentNotFound
    lock(session, enrolment_id=own.id, person_id=person_id)
    _require(module_of(session, own), at.activity_key, how)
    if at.activity_key in attended(session, own.id):
        return False
    session.add(
        AttendanceRecord(
            enrolment_id=own.id,
            activity_key=at.activity_key,
            deployment_id=at.course.deployment_id,
            context_id=at.course.context_id,
            how=how,
            held_on=held_on,
            confirmed_by=confirmed_by,
        )
    )
    session.flush()
    _note(session, "learning.attendance_confirmed", confirmed_by, own.id, at, how=how)
    return True


def _require(module: Module, activity_key: str, how: Literal["roster", "code"]) -> None:
    if how not in activity_of(module, activity_key, "attendance").confirmed_by:
        raise AttendanceByOther(how)


def _count_try(session: WriteSession, enrolment_id: str, activity_key: str) -> None:
    """Note a try, or refuse it; the enrolment's row is locked, so that tries at one moment are counted one by one."""
    mine = (
        col(AttendanceTryRecord.enrolment_id) == enrolment_id,
        col(AttendanceTryRecord.activity_key) == activity_key,
    )
    session.exec(delete(AttendanceTryRecord).where(*mine, col(AttendanceTryRecord.tried_at) < now() - TRIES_FORGOTTEN))
    tries = session.exec(select(sa.func.count()).select_from(AttendanceTryRecord).where(*mine)).one()
    if tries >= MOST_TRIES:
        raise TooManyCodes
    session.add(AttendanceTryRecord(enrolment_id=enrolment_id, activity_key=activity_key))
    session.flush()


def _code_row(session: ReadSession, at: Session) -> AttendanceCodeRecord | None:
    return session.exec(
        select(AttendanceCodeRecord).where(
            *_at(at), col(AttendanceCodeRecord.closed_at).is_(None), col(AttendanceCodeRecord.expires_at) > now()
        )
    ).first()


def _at(at: Session) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(AttendanceCodeRecord.deployment_id) == at.course.deployment_id,
        col(AttendanceCodeRecord.context_id) == at.course.context_id,
        col(AttendanceCodeRecord.module_key) == at.module_key,
        col(AttendanceCodeRecord.activity_key) == at.activity_key,
    )


def _awarded(session: WriteSession, enrolment_id: str) -> bool:
    """Whether the module was awarded; an award that is being written is waited for."""
    rounds = select(SubmissionRecord.state).where(SubmissionRecord.enrolment_id == enrolment_id)
    return "awarded" in session.exec(rounds.order_by(SubmissionRecord.id).with_for_update()).all()


def _note(session: WriteSession, action: str, by: str, enrolment_id: str, at: Session, how: str | None = None) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=by),
        action=action,
        subject="enrolment",
        subject_id=enrolment_id,
        activity=at.activity_key,
        how=how,
    )
