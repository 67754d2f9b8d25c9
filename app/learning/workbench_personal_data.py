"""What the workbench keeps of a person: appeals, second marks, marks of panels, saved comments; for `personal_data`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.db import ReadSession, WriteSession
from app.learning.models import (
    AppealRecord,
    DecisionRecord,
    PanelMarkRecord,
    SavedCommentRecord,
    SecondMarkRecord,
    SubmissionRecord,
)
from app.people.exporting import section
from app.people.schemas import Count, Kept, Section

TABLES = frozenset({"saved_comment", "second_mark", "appeal", "panel_mark"})
KEPT = (
    Kept(
        "That decisions were appealed against, marked a second time or made by a panel: the levels, the outcome and "
        "when, by ids only",
        "Decisions must be defensible, and how far assessors agree must stay true. No text of it stays.",
    ),
)
_QUIETLY = {"synchronize_session": False}


def export(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """Of a learner: their appeals and second marks of their work. Of an assessor: what they saved and gave."""
    work = _work(person_id)
    made = section(
        session, "learning.appeals",
        "Appeals you made, and how they were answered; without your reason where the work is in quarantine.",
        AppealRecord, col(AppealRecord.submission_id).in_(work), without=("answered_by",),
    )  # fmt: skip
    of_mine = section(
        session, "learning.second_marks", "Second marks of your work, given without sight of the first.",
        SecondMarkRecord, col(SecondMarkRecord.submission_id).in_(work) & col(SecondMarkRecord.marked_at).is_not(None),
        without=("decided_by", "marked_by", "conclusion", "concluded_by", "concluded_at"),
    )  # fmt: skip
    given = section(
        session, "learning.second_marks_you_gave", "When you marked others’ work a second time.",
        SecondMarkRecord, col(SecondMarkRecord.marked_by) == person_id,
        without=("id", "decision_id", "submission_id", "decided_by", "marked_by", "levels", "reason", "outcome",
                 "conclusion", "concluded_by", "concluded_at"),
    )  # fmt: skip
    answered = section(
        session, "learning.appeals_you_answered", "When you answered others’ appeals, and how.",
        AppealRecord, col(AppealRecord.answered_by) == person_id,
        without=("id", "decision_id", "submission_id", "enrolment_id", "new_submission_id", "reason", "answer",
                 "answered_by"),
    )  # fmt: skip
    saved = section(
        session, "learning.saved_comments", "Comments you keep for writing them again.",
        SavedCommentRecord, col(SavedCommentRecord.person_id) == person_id, without=("person_id",),
    )  # fmt: skip
    appeals = _without_put_away(session, made, person_id)
    return appeals, of_mine, given, answered, saved, *_of_panels(session, person_id)


def erase(session: WriteSession, person_id: str) -> tuple[Count, ...]:
    """Before the work goes: take the words from appeals and second marks, and what a person saved for themselves."""
    work = _work(person_id)
    emptied = session.execute(
        sa.update(AppealRecord)
        .where(col(AppealRecord.submission_id).in_(work))
        .values(reason="", answer="", new_submission_id=None),
        execution_options=_QUIETLY,
    )
    session.execute(
        sa.update(AppealRecord)
        .where(col(AppealRecord.submission_id).in_(work), col(AppealRecord.state) == "open")
        .values(state="overtaken"),
        execution_options=_QUIETLY,
    )
    session.execute(
        sa.update(SecondMarkRecord)
        .where(col(SecondMarkRecord.submission_id).in_(work))
        .values(reason="", conclusion=""),
        execution_options=_QUIETLY,
    )
    _erase_panel_marks(session, person_id)
    undone = session.execute(
        delete(SecondMarkRecord).where(
            col(SecondMarkRecord.submission_id).in_(work), col(SecondMarkRecord.marked_at).is_(None)
        ),
        execution_options=_QUIETLY,
    )
    saved = session.execute(
        delete(SavedCommentRecord).where(col(SavedCommentRecord.person_id) == person_id), execution_options=_QUIETLY
    )
    return (
        Count("texts of appeals, with their answers", emptied.rowcount),  # type: ignore[attr-defined]
        Count("second marks that were not given yet", undone.rowcount),  # type: ignore[attr-defined]
        Count("comments saved as an assessor", saved.rowcount),  # type: ignore[attr-defined]
    )


def _without_put_away(session: ReadSession, appeals: Section, person_id: str) -> Section:
    """The same without the reasons of appeals about work in quarantine: what they say of a client goes nowhere."""
    mine = (SubmissionRecord.person_id == person_id, col(SubmissionRecord.quarantined_at).is_not(None))
    away = frozenset(session.exec(select(SubmissionRecord.id).where(*mine)).all())
    records = ({**each, "reason": None} if each["submission_id"] in away else each for each in appeals.records)
    return replace(appeals, records=tuple(records))


def _of_panels(session: ReadSession, person_id: str) -> tuple[Section, ...]:
    """Of a learner: what the members of a panel gave, once it is decided. Of an assessor: when they gave a mark."""
    decided = select(DecisionRecord.submission_id).where(col(DecisionRecord.submission_id).in_(_work(person_id)))
    seated = col(PanelMarkRecord.seat).is_not(None)
    of_mine = section(
        session, "learning.panel_marks", "What each of the two assessors gave who decided about your work together.",
        PanelMarkRecord, col(PanelMarkRecord.submission_id).in_(decided) & seated, without=("marked_by", "draft"),
    )  # fmt: skip
    given = section(
        session, "learning.panel_marks_you_gave", "When you marked others’ work as one of two.",
        PanelMarkRecord, col(PanelMarkRecord.marked_by) == person_id,
        without=("id", "submission_id", "marked_by", "outcome", "levels", "comments", "comment", "draft"),
    )  # fmt: skip
    return of_mine, given


def _erase_panel_marks(session: WriteSession, person_id: str) -> None:
    """Take the words from what was decided; what was not goes with the work, and what nobody was given, at once."""
    of_work = col(PanelMarkRecord.submission_id).in_(_work(person_id))
    decided = select(DecisionRecord.submission_id)
    undecided = delete(PanelMarkRecord).where(of_work, col(PanelMarkRecord.submission_id).not_in(decided))
    session.execute(undecided, execution_options=_QUIETLY)
    only_written = delete(PanelMarkRecord).where(
        sa.or_(of_work, col(PanelMarkRecord.marked_by) == person_id), col(PanelMarkRecord.seat).is_(None)
    )
    session.execute(only_written, execution_options=_QUIETLY)
    emptied = sa.update(PanelMarkRecord).where(of_work).values(comment="", comments={}, draft={})
    session.execute(emptied, execution_options=_QUIETLY)


def _work(person_id: str) -> Any:
    return select(SubmissionRecord.id).where(SubmissionRecord.person_id == person_id)
