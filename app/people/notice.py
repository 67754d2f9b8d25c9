"""The notice at a person's first launch: what is kept and who sees it (Privacy Act 1988, APP 5).

It hinders nobody: it is shown until it is closed, and what was closed, and when, is remembered. A new version is shown
to everybody once more.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from app.core import rows
from app.core.db import ReadSession, WriteSession
from app.people.models import NoticeRecord

NOTICE_VERSION = "2026-11-22"


def notice_due(session: ReadSession, person_id: str) -> bool:
    """Whether a person has not closed the notice in its present version."""
    return rows.find(session, NoticeRecord, person_id=person_id, version=NOTICE_VERSION) is None


def close_notice(session: WriteSession, person_id: str, version: str) -> None:
    """Remember that a person closed the notice in the version they were shown; twice is the same as once.

    A version that is not the present one is left alone: the page was open since before the words changed, and the
    new words are still to be shown.
    """
    if version != NOTICE_VERSION or not notice_due(session, person_id):
        return
    try:
        with session.begin_nested():
            rows.insert(session, NoticeRecord, person_id=person_id, version=version)
    except IntegrityError:
        if notice_due(session, person_id):
            raise
