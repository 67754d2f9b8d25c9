"""A panel of two: both judge apart, see each other's mark when both are given, and decide only what they agree on.

Each step happens with the submission's row locked, so of two members who give their marks at the same moment the
second finds the first's. When both are for an award, the lower level of each criterion stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.core import audit, metrics
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import WriteSession
from app.learning import panel_marks
from app.learning.assessors import foreign_work, require_assessor
from app.learning.decisions import conclude
from app.learning.enrolments import module_of_work
from app.learning.errors import NotReady
from app.learning.marking import lock_for_decision, locked_row
from app.learning.marking_errors import CommentMissing, PanelMarkNotGiven
from app.learning.models import CriterionMarkRecord, PanelMarkRecord, SubmissionRecord
from app.learning.rounds import missing_now
from app.learning.schemas import Decision, Outcome
from app.learning.texts import clean_comment
from app.programme.schemas import Module


@dataclass(frozen=True)
class PanelStep:
    """What came of a mark: it waits for the other, the two differ, or something is decided."""

    state: Literal["waiting", "differ", "decided"]
    decision: Decision | None = None


def give_panel_mark(
    session: WriteSession, *, submission_id: str, assessor_id: str, outcome: Outcome, comment: str
) -> PanelStep:
    """Give one's mark as a member of the panel, with the levels and comments saved before; or change it, where both
    are given and differ.

    Args:
        session: the caller's transaction.
        submission_id: the work.
        assessor_id: who gives it.
        outcome: what they are for.
        comment: why; the other member reads it when both are given, the learner after the decision.

    Raises:
        NotAnAssessor, OwnWork, NotIndependent, SubmissionNotFound: this person may not decide it, or two others do.
        AlreadyDecided: it is decided.
        PanelMarkGiven: theirs is given, and the other is not.
        CommentMissing, CommentTooLong, UnusableText: the comment cannot be used.
        NotReady: they are for an award, and by their marks the rule is not fulfilled.
    """
    row = lock_for_decision(session, submission_id, assessor_id)
    module = module_of_work(session, row)
    said = clean_comment(comment)
    if not said:
        raise CommentMissing
    marks = panel_marks.written(session, row.id, assessor_id)
    missing = missing_now(session, row, module, marks) if outcome == "awarded" else ()
    if missing:
        raise NotReady("This work cannot be awarded yet.", missing, kept="Your marks and comments are kept.")
    _leave_empty_seats(session, row, assessor_id)
    other = next((one for one in panel_marks.given_rows(session, row.id) if one.marked_by != assessor_id), None)
    mine = panel_marks.mark_row(session, row.id, assessor_id)
    if mine is None:
        mine = PanelMarkRecord(submission_id=row.id, marked_by=assessor_id)
    changes = mine.seat is not None
    if not changes:
        mine.seat = 1 if other is None or other.seat != 1 else 2
    mine.outcome, mine.comment, mine.given_at = outcome, said, now()
    mine.levels = {key: mark.level for key, mark in marks.items()}
    mine.comments = {key: mark.comment for key, mark in marks.items() if mark.comment}
    session.add(mine)
    session.flush()
    _note(session, row, mine, assessor_id, "changed" if changes else "given", module.rubric.version)
    if other is None:
        return PanelStep("waiting")
    if other.outcome != outcome:
        return PanelStep("differ")
    members = sorted((mine, other), key=lambda one: one.seat or 0)
    _put_together(session, row, module, members)
    comment = _in_turn([(one, one.comment) for one in members])
    return PanelStep("decided", conclude(session, row, assessor_id, outcome, comment, beside=other.marked_by))


def step_back(session: WriteSession, *, submission_id: str, assessor_id: str) -> None:
    """Leave the panel before anything is decided: another assessor takes the seat. What was written stays a draft.

    Raises:
        NotAnAssessor, OwnWork, SubmissionNotFound: this person is no assessor of this work.
        PanelMarkNotGiven: they hold no seat, or it is decided.
    """
    require_assessor(session, assessor_id)
    row = foreign_work(locked_row(session, submission_id), assessor_id)
    mine = panel_marks.mark_row(session, row.id, assessor_id)
    if mine is None or mine.seat is None or row.state != "submitted":
        raise PanelMarkNotGiven
    _vacate(session, row, mine, assessor_id, "stepped_back")


def _leave_empty_seats(session: WriteSession, row: SubmissionRecord, assessor_id: str) -> None:
    """A mark whose giver may not decide this work any more takes no part in it."""
    for mark in panel_marks.given_rows(session, row.id):
        if mark.marked_by != assessor_id and not panel_marks.counts(session, row, mark):
            _vacate(session, row, mark, assessor_id, "set_aside")


def _vacate(
    session: WriteSession,
    row: SubmissionRecord,
    mark: PanelMarkRecord,
    by: str,
    step: Literal["stepped_back", "set_aside"],
) -> None:
    mark.seat, mark.outcome, mark.given_at = None, None, None
    mark.levels, mark.comments, mark.comment = {}, {}, ""
    session.add(mark)
    session.flush()
    module = module_of_work(session, row)
    _note(session, row, mark, by, step, module.rubric.version)


def _put_together(
    session: WriteSession, row: SubmissionRecord, module: Module, members: Sequence[PanelMarkRecord]
) -> None:
    """The marks of the round: of each criterion the lower level, by whoever gave it, and what both said."""
    for criterion in module.rubric.criteria:
        key = criterion.key
        given = [one for one in members if one.levels.get(key) is not None]
        lower = min(given, key=lambda one: (one.levels[key], one.seat), default=None)
        said = _in_turn([(one, one.comments.get(key, "")) for one in members])
        if lower is None and not said:
            continue
        session.add(
            CriterionMarkRecord(
                submission_id=row.id,
                criterion_key=key,
                level=lower.levels[key] if lower is not None else None,
                comment=said,
                marked_by=(lower or members[0]).marked_by,
            )
        )
    session.flush()


def _in_turn(said: Sequence[tuple[PanelMarkRecord, str]]) -> str:
    """What the members wrote, one after the other, by their seats: the learner is told no names."""
    words = [(one.seat, text) for one, text in said if text]
    if len(words) < 2:
        return "".join(text for _, text in words)
    return "\n\n".join(f"Assessor {seat}: {text}" for seat, text in words)


def _note(
    session: WriteSession, row: SubmissionRecord, mark: PanelMarkRecord, by: str, step: str, rubric_version: int
) -> None:
    audit.record(
        session,
        actor=Actor(kind="person", id=by),
        action=f"learning.panel_mark_{step}",
        subject="submission",
        subject_id=row.id,
        panel_mark_id=mark.id,
        member_id=mark.marked_by,
        rubric_version=rubric_version,
    )
    metrics.PANEL_MARKS.labels(step).inc()
