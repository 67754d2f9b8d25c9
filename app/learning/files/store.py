"""Files in the database: added, removed and brought back by the learner, fixed when work is handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core import audit, metrics, rows
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning import independence
from app.learning.cleaning.results import Cleaned
from app.learning.enrolments import activity_of, lock, module_of, own_enrolment, refuse_if_locked
from app.learning.errors import ActivityNotFound
from app.learning.files.errors import FileNotFound, NoRoomForFile, RemovalTooLate
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord, SubmissionFileRecord
from app.learning.files.naming import harmless
from app.learning.files.schemas import EvidenceFile, OpenedFile
from app.learning.marking_errors import NotAnAssessor, OwnWork
from app.learning.models import SubmissionRecord
from app.people import service as people
from app.programme.schemas import ExerciseField, Module

MOST_IN_FIELD: Final = 5
MOST_BYTES: Final = 40_000_000  # of a person's files in one module
MOST_STORED: Final = 160_000_000  # of the same with what was handed in before or just removed
UNDO: Final = timedelta(minutes=10)

_COLUMNS = list(EvidenceFileRecord.__table__.c)  # type: ignore[attr-defined]


def file_field(module: Module, activity_key: str, field_key: str) -> ExerciseField:
    """The field of an exercise that takes files.

    Raises:
        ActivityNotFound: the module has no such field.
    """
    activity = activity_of(module, activity_key, "exercise")
    for field in activity.fields:
        if field.key == field_key and field.kind == "file":
            return field
    raise ActivityNotFound


def check_room(
    session: ReadSession, *, enrolment_id: str, person_id: str, activity_key: str, field_key: str, size: int = 1
) -> Module:
    """Whether another file may be added here now; gives the module back.

    Args:
        session: for reading, or the transaction that adds it.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who adds it.
        activity_key: the exercise.
        field_key: its field.
        size: of the file, in bytes.

    Raises:
        EnrolmentNotFound, ActivityNotFound: it is not this person's, or there is no such field.
        WorkLocked: the work is with an assessor or awarded.
        NoRoomForFile: five files are there, or 40 MB in the module.
    """
    module = module_of(session, own_enrolment(session, enrolment_id=enrolment_id, person_id=person_id))
    file_field(module, activity_key, field_key)
    refuse_if_locked(session, enrolment_id)
    current = files_of(session, enrolment_id)
    if sum((one.activity_key, one.field_key) == (activity_key, field_key) for one in current) >= MOST_IN_FIELD:
        raise NoRoomForFile(f"There are {MOST_IN_FIELD} files here, and no more fit.")
    stored = session.exec(
        select(sa.func.coalesce(sa.func.sum(EvidenceFileRecord.size), 0)).where(
            EvidenceFileRecord.enrolment_id == enrolment_id, col(EvidenceFileRecord.purged_at).is_(None)
        )
    ).one()
    if sum(one.size for one in current) + size > MOST_BYTES or stored + size > MOST_STORED:
        raise NoRoomForFile(f"Your files in this module would be more than {MOST_BYTES // 1_000_000} MB together.")
    return module


def add_file(
    session: WriteSession,
    *,
    enrolment_id: str,
    person_id: str,
    activity_key: str,
    field_key: str,
    name: str,
    clean: Cleaned,
    kept: Mapping[str, int],
) -> EvidenceFile:
    """Store a clean file. The same bytes in the same field twice are one file.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who adds it.
        activity_key: the exercise.
        field_key: its field.
        name: as the browser told it.
        clean: what cleaning gave back.
        kept: places by kind of which the learner says that none is about a real person.

    Raises:
        EnrolmentNotFound, ActivityNotFound, WorkLocked, NoRoomForFile: see `check_room`.
    """
    lock(session, enrolment_id=enrolment_id, person_id=person_id)
    digest = hashlib.sha256(clean.content).hexdigest()
    for one in files_of(session, enrolment_id):
        if (one.activity_key, one.field_key, one.sha256) == (activity_key, field_key, digest):
            return one
    clear_removed(session, enrolment_id)
    check_room(
        session, enrolment_id=enrolment_id, person_id=person_id, activity_key=activity_key, field_key=field_key,
        size=len(clean.content),
    )  # fmt: skip
    row = EvidenceFileRecord(
        enrolment_id=enrolment_id,
        activity_key=activity_key,
        field_key=field_key,
        name=harmless(name, clean.suffix),
        media_type=clean.media_type,
        size=len(clean.content),
        sha256=digest,
        taken_out=list(clean.removed),
        kept_findings=dict(kept),
    )
    session.add(row)
    session.flush()
    # Not as an object: the session would hold the bytes for as long as it lives.
    rows.insert(session, EvidenceContentRecord, file_id=row.id, content=clean.content)
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action="learning.file_added",
        subject="evidence_file",
        subject_id=row.id,
        enrolment_id=enrolment_id,
    )
    metrics.FILES.labels("stored").inc()
    return to_file(row)


def remove_file(session: WriteSession, *, enrolment_id: str, person_id: str, file_id: str) -> None:
    """Take a file out of one's work; for ten minutes it can be brought back. Rounds handed in keep it.

    Raises:
        EnrolmentNotFound, FileNotFound: it is not this person's.
        WorkLocked: the work is with an assessor or awarded.
    """
    row = _own(session, enrolment_id, person_id, file_id)
    if row.removed_at is None:
        row.removed_at = now()
        session.add(row)
        session.flush()


def bring_back(session: WriteSession, *, enrolment_id: str, person_id: str, file_id: str) -> None:
    """Undo a removal.

    Raises:
        EnrolmentNotFound, FileNotFound, WorkLocked: as for `remove_file`.
        RemovalTooLate: ten minutes are over.
        NoRoomForFile: others took its place.
    """
    row = _own(session, enrolment_id, person_id, file_id)
    if row.removed_at is None:
        return
    if now() - row.removed_at >= UNDO:
        raise RemovalTooLate
    check_room(
        session, enrolment_id=enrolment_id, person_id=person_id, activity_key=row.activity_key,
        field_key=row.field_key, size=row.size,
    )  # fmt: skip
    row.removed_at = None
    session.add(row)
    session.flush()


def files_of(session: ReadSession, enrolment_id: str) -> tuple[EvidenceFile, ...]:
    """The files that are in a person's work now, in the order they came."""
    return _files(session, _current(enrolment_id))


def removed_lately(session: ReadSession, enrolment_id: str) -> tuple[EvidenceFile, ...]:
    """Files that can still be brought back."""
    return _files(session, *_lately(enrolment_id))


def fields_with_files(session: ReadSession, enrolment_id: str) -> frozenset[tuple[str, str]]:
    """Fields that hold a file now: activity and field."""
    found = session.execute(
        sa.select(col(EvidenceFileRecord.activity_key), col(EvidenceFileRecord.field_key))
        .where(_current(enrolment_id))
        .distinct()
    )
    return frozenset((activity, field) for activity, field in found)


def files_of_submission(session: ReadSession, submission_id: str) -> tuple[EvidenceFile, ...]:
    """The files of a round as it was handed in; none while it is in quarantine."""
    return _files(session, col(EvidenceFileRecord.id).in_(_handed_in(submission_id)))


def attach_to_submission(
    session: WriteSession, *, enrolment_id: str, submission_id: str, activities: Collection[str]
) -> None:
    """Fix the files that are in the work on these activities now as those of a round."""
    for one in _of_activities(session, enrolment_id, activities):
        session.add(SubmissionFileRecord(submission_id=submission_id, file_id=one.id))
    session.flush()


def carry_over(session: WriteSession, *, from_id: str, to_id: str) -> None:
    """Give a new round that is judged anew the files of the one it repeats."""
    for file_id in session.exec(
        select(SubmissionFileRecord.file_id).where(SubmissionFileRecord.submission_id == from_id)
    ).all():
        session.add(SubmissionFileRecord(submission_id=to_id, file_id=file_id))
    session.flush()


def kept_in_files(session: ReadSession, enrolment_id: str, activities: Collection[str]) -> dict[str, int]:
    """Places by kind that the scan found in the files of these activities now, and their learner answered for."""
    answered = session.exec(
        select(EvidenceFileRecord.kept_findings).where(
            _current(enrolment_id), col(EvidenceFileRecord.activity_key).in_(sorted(activities))
        )
    ).all()
    total: dict[str, int] = {}
    for kinds in answered:
        for kind, number in kinds.items():
            total[kind] = total.get(kind, 0) + number
    return total


def digests_of(session: ReadSession, enrolment_id: str, activities: Collection[str]) -> list[list[str]]:
    """What a round's digest covers of the files: where each stands, and the SHA-256 of its bytes."""
    found = _of_activities(session, enrolment_id, activities)
    return sorted([one.activity_key, one.field_key, one.sha256] for one in found)


def own_file(session: ReadSession, *, file_id: str, person_id: str, enrolment_id: str) -> OpenedFile:
    """A file of one's own: in the work now, removed a moment ago, or handed in.

    Raises:
        FileNotFound: it is not this person's, or put away, or gone.
    """
    own_enrolment(session, enrolment_id=enrolment_id, person_id=person_id)
    file = col(EvidenceFileRecord.id)
    seen = sa.or_(_current(enrolment_id), sa.and_(*_lately(enrolment_id)), file.in_(_visible()))
    mine = col(EvidenceFileRecord.enrolment_id) == enrolment_id
    return _opened(session, next(iter(_files(session, file == file_id, mine, seen)), None))


def open_for_assessor(session: WriteSession, *, file_id: str, assessor_id: str) -> OpenedFile:
    """A file that was handed in, for an assessor; who opened it is noted.

    Raises:
        NotAnAssessor, OwnWork, NotIndependent: this person may not, as for the work that it is part of.
        FileNotFound: it was not handed in, is in quarantine, or gone.
    """
    if not people.has_role(session, assessor_id, "assessor"):
        raise NotAnAssessor
    submission = session.exec(
        select(SubmissionRecord)
        .join(SubmissionFileRecord, col(SubmissionFileRecord.submission_id) == SubmissionRecord.id)
        .where(SubmissionFileRecord.file_id == file_id, col(SubmissionRecord.quarantined_at).is_(None))
        .order_by(col(SubmissionRecord.number).desc())
    ).first()
    if submission is None:
        raise FileNotFound
    if submission.person_id == assessor_id:
        raise OwnWork
    if submission.state == "submitted":
        independence.require_independent(session, submission, assessor_id)
    opened = _opened(session, next(iter(_files(session, col(EvidenceFileRecord.id) == file_id)), None))
    audit.record(
        session,
        actor=Actor(kind="person", id=assessor_id),
        action="learning.file_opened",
        subject="evidence_file",
        subject_id=file_id,
        submission_id=submission.id,
    )
    return opened


def clear_removed(session: WriteSession, enrolment_id: str | None = None) -> int:
    """Delete what was removed more than ten minutes ago and never handed in; how many files that were."""
    over = [
        col(EvidenceFileRecord.removed_at) <= now() - UNDO,
        col(EvidenceFileRecord.purged_at).is_(None),
        col(EvidenceFileRecord.aside_at).is_(None),
        col(EvidenceFileRecord.id).not_in(select(SubmissionFileRecord.file_id)),
    ]
    if enrolment_id is not None:
        over.append(col(EvidenceFileRecord.enrolment_id) == enrolment_id)
    ids = session.exec(select(EvidenceFileRecord.id).where(*over).limit(200)).all()
    for model, key in (
        (EvidenceContentRecord, EvidenceContentRecord.file_id),
        (EvidenceFileRecord, EvidenceFileRecord.id),
    ):
        session.execute(delete(model).where(col(key).in_(ids)), execution_options={"synchronize_session": False})
    return len(ids)


def to_file(row: EvidenceFileRecord | sa.Row[Any]) -> EvidenceFile:
    """The row as others see it."""
    return EvidenceFile(
        id=row.id,
        activity_key=row.activity_key,
        field_key=row.field_key,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        stored_at=row.stored_at,
        purged_at=row.purged_at,
        taken_out=tuple(row.taken_out),
    )


def _files(session: ReadSession, *where: sa.ColumnElement[bool]) -> tuple[EvidenceFile, ...]:
    found: Sequence[sa.Row[Any]] = session.execute(
        sa.select(*_COLUMNS).where(*where).order_by(col(EvidenceFileRecord.stored_at), col(EvidenceFileRecord.id))
    ).all()
    return tuple(to_file(row) for row in found)


def _of_activities(session: ReadSession, enrolment_id: str, activities: Collection[str]) -> tuple[EvidenceFile, ...]:
    asked = col(EvidenceFileRecord.activity_key).in_(sorted(activities))
    return _files(session, _current(enrolment_id), asked)


def _current(enrolment_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(EvidenceFileRecord.enrolment_id) == enrolment_id,
        col(EvidenceFileRecord.removed_at).is_(None),
        col(EvidenceFileRecord.aside_at).is_(None),
        col(EvidenceFileRecord.purged_at).is_(None),
    )


def _lately(enrolment_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(EvidenceFileRecord.enrolment_id) == enrolment_id,
        col(EvidenceFileRecord.removed_at) > now() - UNDO,
        col(EvidenceFileRecord.aside_at).is_(None),
        col(EvidenceFileRecord.purged_at).is_(None),
    )


def _visible() -> Any:
    """Ids of files that stand in a round that is not put away."""
    return (
        select(SubmissionFileRecord.file_id)
        .join(SubmissionRecord, col(SubmissionRecord.id) == SubmissionFileRecord.submission_id)
        .where(col(SubmissionRecord.quarantined_at).is_(None))
    )


def _handed_in(submission_id: str) -> Any:
    return _visible().where(SubmissionFileRecord.submission_id == submission_id)


def _opened(session: ReadSession, file: EvidenceFile | None) -> OpenedFile:
    content = None
    if file is not None and file.purged_at is None:
        content = session.exec(
            select(EvidenceContentRecord.content).where(EvidenceContentRecord.file_id == file.id)
        ).first()
    if file is None or content is None:
        raise FileNotFound
    return OpenedFile(file, content)


def _own(session: WriteSession, enrolment_id: str, person_id: str, file_id: str) -> EvidenceFileRecord:
    lock(session, enrolment_id=enrolment_id, person_id=person_id)
    row = session.exec(
        select(EvidenceFileRecord).where(
            EvidenceFileRecord.id == file_id,
            EvidenceFileRecord.enrolment_id == enrolment_id,
            col(EvidenceFileRecord.aside_at).is_(None),
            col(EvidenceFileRecord.purged_at).is_(None),
        )
    ).first()
    if row is None:
        raise FileNotFound
    refuse_if_locked(session, enrolment_id)
    return row
