"""How far a person is with a module, and where a launch should land."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.db import ReadSession
from app.learning.drafts import drafts_of
from app.learning.enrolments import enrolment, lessons_read, module_of
from app.learning.knowledge_check import states_of
from app.learning.models import SubmissionRecord
from app.learning.readiness import missing_for_submission, missing_texts
from app.learning.rounds import decision_on, marks_of
from app.learning.schemas import (
    ActivityProgress,
    ActivityState,
    CriterionFeedback,
    Draft,
    Feedback,
    KnowledgeCheckState,
    Landing,
    OverallState,
    Progress,
    SubmissionSummary,
)
from app.learning.submissions import rounds_of, to_submission
from app.learning.texts import fields_of, word_count
from app.programme.schemas import Activity, Module

_OVERALL: Mapping[str, OverallState] = {"submitted": "submitted", "returned": "returned", "awarded": "awarded"}


def progress(session: ReadSession, enrolment_id: str) -> Progress:
    """How far the enrolled person is, in one look.

    Raises:
        EnrolmentNotFound: there is none. Whether it is the caller's own is for the caller to check (`own_enrolment`).
    """
    own = enrolment(session, enrolment_id)
    module = module_of(session, own)
    lessons = lessons_read(session, enrolment_id)
    checks = states_of(session, enrolment_id, module.activities, module.award_rule)
    drafts = drafts_of(session, enrolment_id, module.activities)
    activities = tuple(_activity(activity, lessons, checks, drafts) for activity in module.activities)
    latest = next(iter(rounds_of(session, enrolment_id)), None)
    state = _OVERALL[latest.state] if latest is not None else "working"
    feedback = _feedback(session, latest, module) if latest is not None else None
    next_activity = next((activity.key for activity in activities if activity.state != "done"), None)
    return Progress(
        enrolment=own,
        state=state,
        activities=activities,
        next_activity=next_activity,
        landing=_landing(state, next_activity),
        knowledge_check=next(iter(checks), None),
        missing=missing_for_submission(module, lessons=lessons, checks=checks, drafts=drafts),
        submission=_summary(latest) if latest is not None else None,
        returned=feedback if state == "returned" else None,
        awarded=feedback if state == "awarded" else None,
        decision_id=feedback.decision_id if feedback is not None and state == "awarded" else None,
    )


def _landing(state: OverallState, next_activity: str | None) -> Landing:
    if state == "working":
        return "activity" if next_activity is not None else "submit"
    settled: Mapping[OverallState, Landing] = {"submitted": "wait", "returned": "revise", "awarded": "done"}
    return settled[state]


def _activity(
    activity: Activity,
    lessons: frozenset[str],
    checks: Sequence[KnowledgeCheckState],
    drafts: Mapping[str, Draft],
) -> ActivityProgress:
    state: ActivityState = "done" if activity.key in lessons else "not_started"
    detail: str | None = None
    if activity.kind == "knowledge_check":
        check = next(check for check in checks if check.activity_key == activity.key)
        state, detail = _check_progress(check)
    elif fields_of(activity):
        state, detail = _text_progress(activity, drafts[activity.key].content)
    return ActivityProgress(
        key=activity.key,
        kind=activity.kind,
        title=activity.title,
        minutes=activity.minutes,
        state=state,
        detail=detail,
    )


def _check_progress(check: KnowledgeCheckState) -> tuple[ActivityState, str | None]:
    detail = f"{check.last.correct} of {check.last.total} right" if check.last is not None else None
    if check.passed:
        return "done", detail
    return ("in_progress" if check.tries or check.open is not None else "not_started"), detail


def _text_progress(activity: Activity, content: Mapping[str, str]) -> tuple[ActivityState, str | None]:
    written = [text for text in content.values() if text.strip()]
    if not written:
        return "not_started", None
    done = not list(missing_texts(activity, content))
    if activity.kind == "reflection":
        words = sum(word_count(text) for text in written)
        detail = f"{words} {'word' if words == 1 else 'words'}" + ("" if done else " so far")
    else:
        detail = f"{len(written)} of {len(content)} filled in"
    return ("done" if done else "in_progress"), detail


def _summary(row: SubmissionRecord) -> SubmissionSummary:
    submission = to_submission(row)
    return SubmissionSummary(
        id=submission.id,
        number=submission.number,
        state=submission.state,
        submitted_at=submission.submitted_at,
        decided_at=submission.decided_at,
        quarantined_at=submission.quarantined_at,
    )


def _feedback(session: ReadSession, row: SubmissionRecord, module: Module) -> Feedback | None:
    """What was decided and said about a round; criteria without a level and a word are left out."""
    decision = decision_on(session, row.id)
    if decision is None:
        return None
    marks = marks_of(session, row.id)
    return Feedback(
        decision_id=decision.id,
        submission_id=row.id,
        number=row.number,
        outcome=decision.outcome,
        decided_at=decision.decided_at,
        comment=decision.comment,
        criteria=tuple(
            CriterionFeedback(criterion.key, criterion.title, mark.level, mark.comment)
            for criterion in module.rubric.criteria
            if (mark := marks.get(criterion.key)) is not None and (mark.level is not None or mark.comment)
        ),
    )
