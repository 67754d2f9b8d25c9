"""Who may look at work as an assessor."""

from __future__ import annotations

from app.core.db import ReadSession
from app.learning.errors import SubmissionNotFound
from app.learning.marking_errors import NotAnAssessor, OwnWork
from app.learning.models import SubmissionRecord
from app.people import service as people


def require_assessor(session: ReadSession, person_id: str) -> None:
    """Refuse whoever does not hold the assessor grant, whatever an LMS calls them.

    Raises:
        NotAnAssessor: they do not.
    """
    if not people.has_role(session, person_id, "assessor"):
        raise NotAnAssessor


def foreign_work(row: SubmissionRecord | None, assessor_id: str) -> SubmissionRecord:
    """The submission, if there is one and it is somebody else's.

    Raises:
        SubmissionNotFound, OwnWork: it is not.
    """
    if row is None:
        raise SubmissionNotFound
    if row.person_id == assessor_id:
        raise OwnWork
    return row
