"""Files of a person, for the person; and how they go."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, Final

from sqlmodel import col, delete, select

from app.core.db import ReadSession, WriteSession
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord, SubmissionFileRecord
from app.learning.files.putting_away import purge_files
from app.learning.models import EnrolmentRecord, SubmissionRecord
from app.people.exporting import section
from app.people.schemas import Count, Kept, Section

TABLES: Final = frozenset({"evidence_file", "evidence_content", "submission_file"})
KEPT: Final = (
    Kept(
        "Of files in work that was decided: SHA-256, size, type and when they came. No bytes and no name",
        "With them it can be shown later that a given file was, or was not, what was judged.",
    ),
)
MOST_EXPORTED: Final = 20_000_000  # bytes of files in one export; the others are only named


def export(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """Every file that is not put away, with its bytes in base64 as long as the export stays of a size to open."""
    mine = col(EvidenceFileRecord.enrolment_id).in_(_enrolments(person_id))
    listed = section(
        session, "learning.files",
        "Files of your work, as they were stored: cleaned. `content_base64` holds the file; where an export would be "
        "too large it is empty, and you can open the file on the page of its exercise.",
        EvidenceFileRecord, mine, without=("aside_at",),
    )  # fmt: skip
    handed_in = section(
        session, "learning.files_handed_in", "Which files were handed in with which work.", SubmissionFileRecord,
        col(SubmissionFileRecord.file_id).in_(select(EvidenceFileRecord.id).where(mine)),
    )  # fmt: skip
    away = frozenset(session.exec(select(EvidenceFileRecord.id).where(mine, _is_away())).all())
    left, records = MOST_EXPORTED, []
    for record in listed.records:
        content = None
        if record["id"] not in away and int(str(record["size"])) <= left:
            found = session.exec(
                select(EvidenceContentRecord.content).where(EvidenceContentRecord.file_id == record["id"])
            ).first()
            if found is not None:
                left -= len(found)
                content = base64.b64encode(found).decode("ascii")
        # What an assessor put away may name a client, and so may its name.
        hidden = {"name": ""} if record["id"] in away else {}
        records.append({**record, **hidden, "content_base64": content})
    return (replace(listed, records=tuple(records)), handed_in)


def erase(session: WriteSession, person_id: str, decided: Any) -> tuple[Count, ...]:
    """Remove every byte and name; of files in decided work the digest stays.

    Args:
        session: the erasure's transaction.
        person_id: whose.
        decided: ids of submissions that were decided, as a question.
    """
    mine = col(EvidenceFileRecord.enrolment_id).in_(_enrolments(person_id))
    ids = session.exec(select(EvidenceFileRecord.id).where(mine)).all()
    gone = purge_files(session, ids)
    quietly = {"synchronize_session": False}
    judged = select(SubmissionFileRecord.file_id).where(col(SubmissionFileRecord.submission_id).in_(decided))
    session.execute(
        delete(SubmissionFileRecord).where(
            col(SubmissionFileRecord.file_id).in_(ids), col(SubmissionFileRecord.submission_id).not_in(decided)
        ),
        execution_options=quietly,
    )
    session.execute(
        delete(EvidenceFileRecord).where(mine, col(EvidenceFileRecord.id).not_in(judged)), execution_options=quietly
    )
    return (Count("files of the person's work; of decided work a digest stays", gone),)


def _enrolments(person_id: str) -> Any:
    return select(EnrolmentRecord.id).where(EnrolmentRecord.person_id == person_id)


def _is_away() -> Any:
    """In quarantine: put aside, or handed in with a round that is."""
    rounds = (
        select(SubmissionFileRecord.file_id)
        .join(SubmissionRecord, col(SubmissionRecord.id) == SubmissionFileRecord.submission_id)
        .where(col(SubmissionRecord.quarantined_at).is_not(None))
    )
    return col(EvidenceFileRecord.aside_at).is_not(None) | col(EvidenceFileRecord.id).in_(rounds)
