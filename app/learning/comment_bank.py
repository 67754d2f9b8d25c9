"""An assessor's own saved comments. Nobody else sees them; what is inserted is part of a comment like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.assessors import require_assessor
from app.learning.evidence import scan
from app.learning.evidence.places import invented_names
from app.learning.marking_errors import CommentBankFull, ReasonMissing, SavedCommentNotFound
from app.learning.models import SavedCommentRecord
from app.learning.texts import clean_comment
from app.learning.workbench_schemas import SavedComment
from app.people import service as people
from app.programme import service as programme

MOST = 200  # of one assessor
KEPT_AFTER_DELETING = timedelta(days=1)


def saved_comments(
    session: ReadSession, *, assessor_id: str, module_key: str | None = None
) -> tuple[SavedComment, ...]:
    """An assessor's saved comments, those for one module and criterion first, then the newest.

    Args:
        session: for reading.
        assessor_id: whose.
        module_key: only what is offered in this module; all if not given.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
    """
    require_assessor(session, assessor_id)
    wanted = select(SavedCommentRecord).where(
        SavedCommentRecord.person_id == assessor_id, col(SavedCommentRecord.deleted_at).is_(None)
    )
    if module_key is not None:
        offered = (col(SavedCommentRecord.module_key) == module_key, col(SavedCommentRecord.module_key).is_(None))
        wanted = wanted.where(sa.or_(*offered))
    rows = session.exec(wanted.order_by(col(SavedCommentRecord.saved_at).desc(), col(SavedCommentRecord.id))).all()
    ordered = sorted(rows, key=lambda row: (row.module_key is None, row.module_key or "", row.criterion_key is None))
    return tuple(_saved(session, row) for row in ordered)


def save(
    session: WriteSession,
    *,
    assessor_id: str,
    text: str,
    module_key: str | None = None,
    criterion_key: str | None = None,
) -> SavedComment:
    """Keep a comment for writing it again; the same one at the same place is kept once.

    Args:
        session: the caller's transaction.
        assessor_id: whose it is.
        text: the comment.
        module_key: where it is offered; everywhere if not given.
        criterion_key: at which criterion of that module; at all if not given, or if its newest version has none such.

    Raises:
        NotAnAssessor: the person does not hold the assessor grant.
        ReasonMissing, CommentTooLong, UnusableText: the text cannot be used.
        ModuleUnknown: there is no such module.
        CommentBankFull: there are 200 already.
    """
    require_assessor(session, assessor_id)
    said = _clean(text)
    criterion_key = _criterion(session, module_key, criterion_key)
    _sweep(session, assessor_id)
    held = _held(session, assessor_id)
    for row in held:
        if (row.text, row.module_key, row.criterion_key) == (said, module_key, criterion_key):
            return _saved(session, row)
    if len(held) >= MOST:
        raise CommentBankFull(MOST)
    row = SavedCommentRecord(person_id=assessor_id, module_key=module_key, criterion_key=criterion_key, text=said)
    session.add(row)
    session.flush()
    return _saved(session, row)


def edit(session: WriteSession, *, comment_id: str, assessor_id: str, text: str) -> SavedComment:
    """Change the words of a saved comment. Comments that learners were given stay as they are.

    Raises:
        NotAnAssessor, SavedCommentNotFound: it is not theirs.
        ReasonMissing, CommentTooLong, UnusableText: the text cannot be used.
    """
    row = _own(session, comment_id, assessor_id)
    row.text, row.saved_at = _clean(text), now()
    session.add(row)
    session.flush()
    return _saved(session, row)


def delete_saved(session: WriteSession, *, comment_id: str, assessor_id: str) -> None:
    """Take a comment out of the bank; for a day it can be brought back.

    Raises:
        NotAnAssessor, SavedCommentNotFound: it is not theirs.
    """
    row = _own(session, comment_id, assessor_id)
    row.deleted_at = now()
    session.add(row)
    session.flush()
    _sweep(session, assessor_id)


def restore(session: WriteSession, *, comment_id: str, assessor_id: str) -> SavedComment:
    """Bring back a comment that was deleted; one that is there stays there.

    Raises:
        NotAnAssessor, SavedCommentNotFound: it is not theirs, or a day has passed.
        CommentBankFull: there are 200 again.
    """
    row = _own(session, comment_id, assessor_id, deleted=True)
    if row.deleted_at is not None:
        if row.deleted_at < now() - KEPT_AFTER_DELETING:
            raise SavedCommentNotFound
        if len(_held(session, assessor_id)) >= MOST:
            raise CommentBankFull(MOST)
    row.deleted_at = None
    session.add(row)
    session.flush()
    return _saved(session, row)


def _own(session: ReadSession, comment_id: str, assessor_id: str, *, deleted: bool = False) -> SavedCommentRecord:
    require_assessor(session, assessor_id)
    row = session.get(SavedCommentRecord, comment_id)
    if row is None or row.person_id != assessor_id or (row.deleted_at is not None and not deleted):
        raise SavedCommentNotFound
    return row


def _held(session: ReadSession, assessor_id: str) -> Sequence[SavedCommentRecord]:
    return session.exec(
        select(SavedCommentRecord).where(
            SavedCommentRecord.person_id == assessor_id, col(SavedCommentRecord.deleted_at).is_(None)
        )
    ).all()


def _clean(text: str) -> str:
    said = clean_comment(text)
    if not said:
        raise ReasonMissing
    return said


def _criterion(session: ReadSession, module_key: str | None, criterion_key: str | None) -> str | None:
    if module_key is None:
        return None
    criteria = programme.current_module(session, module_key).rubric.criteria
    return criterion_key if criterion_key in {one.key for one in criteria} else None


def _sweep(session: WriteSession, assessor_id: str) -> None:
    """What was deleted more than a day ago is gone."""
    session.exec(
        delete(SavedCommentRecord).where(
            col(SavedCommentRecord.person_id) == assessor_id,
            col(SavedCommentRecord.deleted_at) < now() - KEPT_AFTER_DELETING,
        )
    )


def _saved(session: ReadSession, row: SavedCommentRecord) -> SavedComment:
    allowed = {people.display_name(session, row.person_id)}
    if row.module_key is not None:
        allowed |= invented_names(programme.current_module(session, row.module_key))
    return SavedComment(
        id=row.id,
        module_key=row.module_key,
        criterion_key=row.criterion_key,
        text=row.text,
        saved_at=row.saved_at,
        kinds=Counter(finding.kind for finding in scan(row.text, allowed_names=allowed)),
    )
