"""What a button of the workbench decides: by one assessor at once, or as a member's mark where a panel decides."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.runtime import Runtime
from app.learning import panel_marks
from app.learning import service as learning
from app.learning.rounds import marks_of
from app.learning.schemas import CriterionMark
from app.web.panel import give
from app.web.sessions import LaunchSession


class MarksChanged(Exception):
    """A level is another one than when the assessor was asked whether they award."""


def return_or_give(
    runtime: Runtime, session: LaunchSession, submission_id: str, comment: str
) -> tuple[str, str | None]:
    """Return the work, or give one's mark for that; what became of it, and the work if it is not done with."""
    with runtime.database.write() as db:
        if panel_marks.decides(db, submission_id):
            return give(db, session, submission_id, "returned", comment)
        learning.return_work(db, submission_id=submission_id, assessor_id=session.person_id, comment=comment)
    return "returned", None


def award_or_give(
    runtime: Runtime,
    session: LaunchSession,
    submission_id: str,
    comment: str,
    seen: str | None,
    *,
    below_standard: bool,
) -> tuple[str, str | None]:
    """Award, or give one's mark for that, on the levels that were shown; otherwise as `return_or_give`."""
    with runtime.database.write() as db:
        if panel_marks.decides(db, submission_id):
            done = give(db, session, submission_id, "awarded", comment)
            marks: Mapping[str, CriterionMark] = panel_marks.written(db, submission_id, session.person_id)
        else:
            learning.award(
                db, submission_id=submission_id, assessor_id=session.person_id, comment=comment,
                below_standard=below_standard,
            )  # fmt: skip
            done, marks = ("awarded", None), marks_of(db, submission_id)
        # Only now nobody can change them any more.
        if seen is not None and seen != levels_of(marks):
            raise MarksChanged
    return done


def levels_of(marks: Mapping[str, CriterionMark]) -> str:
    """The levels as a form carries them from the question to the award."""
    return " ".join(f"{key}={marks[key].level}" for key in sorted(marks))
