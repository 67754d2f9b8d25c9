"""The marks of a panel of two: who holds its seats, and what each may see of the other.

A mark counts as long as whoever gave it could give it now: a member who has become the learner's manager, or is no
assessor any more, holds no seat, and somebody else takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning import independence
from app.learning.marking_errors import NotIndependent, PanelMarkGiven
from app.learning.models import PanelMarkRecord, SubmissionRecord
from app.learning.panel_schemas import PanelMark, PanelState, PanelView
from app.learning.schemas import CriterionMark, Outcome
from app.learning.workbench_schemas import Bar
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import Module

SEATS = (1, 2)


def applies(module: Module) -> bool:
    """Whether two assessors decide about work on this module."""
    return module.award_rule.panel > 1


def applies_to(session: ReadSession, row: SubmissionRecord) -> bool:
    """Whether two assessors decide about this round, by the version of the module that it was begun under."""
    return applies(programme.module_version(session, row.module_key, row.module_version))


def decides(session: ReadSession, submission_id: str) -> bool:
    """Whether two assessors decide about this round; no for one that is not there."""
    row = session.get(SubmissionRecord, submission_id)
    return row is not None and applies_to(session, row)


def mark_row(session: ReadSession, submission_id: str, assessor_id: str) -> PanelMarkRecord | None:
    """What one assessor has written or given, if anything."""
    return session.exec(
        select(PanelMarkRecord)
        .where(PanelMarkRecord.submission_id == submission_id, PanelMarkRecord.marked_by == assessor_id)
        .execution_options(populate_existing=True)
    ).first()


def given_rows(session: ReadSession, submission_id: str) -> tuple[PanelMarkRecord, ...]:
    """The marks that hold a seat, in the order of the seats, whether they count now or not."""
    return tuple(
        session.exec(
            select(PanelMarkRecord)
            .where(PanelMarkRecord.submission_id == submission_id, col(PanelMarkRecord.seat).is_not(None))
            .order_by(col(PanelMarkRecord.seat))
            .execution_options(populate_existing=True)
        ).all()
    )


def counts(session: ReadSession, row: SubmissionRecord, mark: PanelMarkRecord) -> bool:
    """Whether a mark may take part in a decision now."""
    by = mark.marked_by
    return by != row.person_id and people.has_role(session, by, "assessor") and not independence.bars(session, row, by)


def seated(session: ReadSession, row: SubmissionRecord) -> tuple[PanelMarkRecord, ...]:
    """The marks that hold a seat and count now."""
    return tuple(mark for mark in given_rows(session, row.id) if counts(session, row, mark))


def bars(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> tuple[Bar, ...]:
    """Why this assessor does not take part in deciding this work; empty where they may. A full panel is one reason."""
    found = independence.bars(session, row, assessor_id)
    if found or not applies_to(session, row):
        return found
    members = {mark.marked_by for mark in seated(session, row)}
    if len(members) < len(SEATS) or assessor_id in members:
        return ()
    return (Bar("panel_complete", independence.WORDS["panel_complete"]),)


def require_may_mark(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> None:
    """Refuse whoever has no part in the panel of this round, or has given their mark and waits for the other.

    Raises:
        NotIndependent: two others form the panel.
        PanelMarkGiven: their own mark is given, and the other is not.
    """
    found = bars(session, row, assessor_id)
    if found:
        raise NotIndependent(tuple(bar.words for bar in found))
    if state_for(session, row, assessor_id) == "given":
        raise PanelMarkGiven


def who_may(session: ReadSession, submission_id: str) -> tuple[str, ...]:
    """Names of the assessors who may take part in deciding this work, in the order of the alphabet."""
    row = session.get(SubmissionRecord, submission_id)
    if row is None:
        return ()
    assessors = [one for one in people.people_with_role(session, "assessor") if one != row.person_id]
    allowed = {one for one in assessors if not bars(session, row, one)}
    return tuple(sorted(people.display_names(session, allowed).values()))


def state_for(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> PanelState | None:
    """How the panel of this round stands for one assessor; None where one assessor decides."""
    if not applies_to(session, row):
        return None
    if row.state != "submitted":
        return "decided"
    members = [mark.marked_by for mark in seated(session, row)]
    if assessor_id in members:
        return "differ" if len(members) == len(SEATS) else "given"
    return "second" if members else "open"


def view(session: ReadSession, row: SubmissionRecord, assessor_id: str) -> PanelView | None:
    """What one assessor may see of the panel: nothing of the others' marks before they have given their own."""
    state = state_for(session, row, assessor_id)
    if state is None:
        return None
    if state in ("open", "second") or row.quarantined_at is not None:
        return PanelView(state, None, ())
    rows = given_rows(session, row.id) if state == "decided" else seated(session, row)
    marks = [_mark(session, mark) for mark in rows]
    mine = next((mark for mark in marks if mark.person_id == assessor_id), None)
    return PanelView(state, mine, tuple(mark for mark in marks if mark is not mine))


def written(session: ReadSession, submission_id: str, assessor_id: str) -> dict[str, CriterionMark]:
    """What one assessor has chosen and written so far, by criterion; only they see it."""
    row = mark_row(session, submission_id, assessor_id)
    if row is None:
        return {}
    return {
        key: CriterionMark(key, said.get("level"), said.get("comment", ""), assessor_id, row.begun_at)
        for key, said in row.draft.items()
    }


def put_draft(
    session: WriteSession, row: SubmissionRecord, assessor_id: str, criterion_key: str, level: int | None, comment: str
) -> CriterionMark:
    """Keep one criterion of what somebody is writing; the caller holds the submission's lock and has checked it."""
    mark = mark_row(session, row.id, assessor_id)
    if mark is None:
        mark = PanelMarkRecord(submission_id=row.id, marked_by=assessor_id)
    mark.draft = {**mark.draft, criterion_key: {"level": level, "comment": comment}}
    session.add(mark)
    session.flush()
    return CriterionMark(criterion_key, level, comment, assessor_id, now())


def drafted(session: ReadSession, submission_ids: list[str], assessor_id: str) -> Mapping[str, int]:
    """How many criteria of each round an assessor has chosen a level for, as a member of its panel."""
    rows = session.exec(
        select(PanelMarkRecord.submission_id, PanelMarkRecord.draft).where(
            col(PanelMarkRecord.submission_id).in_(submission_ids), PanelMarkRecord.marked_by == assessor_id
        )
    ).all()
    return {submission_id: _with_level(draft) for submission_id, draft in rows}


def _with_level(draft: Mapping[str, Any]) -> int:
    return sum(said.get("level") is not None for said in draft.values())


def _mark(session: ReadSession, row: PanelMarkRecord) -> PanelMark:
    return PanelMark(
        person_id=row.marked_by,
        name=people.display_name(session, row.marked_by),
        outcome=cast(Outcome, row.outcome),
        levels=dict(row.levels),
        comments=dict(row.comments),
        comment=row.comment,
        given_at=row.given_at or row.begun_at,
    )
