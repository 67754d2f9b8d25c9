"""How far a person is with a module, and where a launch should land."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.db import ReadSession
from app.learning.enrolments import enrolment, module_of
from app.learning.models import SubmissionRecord
from app.learning.observation.words import path_line
from app.learning.readiness import missing_for_submission, missing_texts
from app.learning.rounds import awards_wait_for, decision_on, marks_of
from app.learning.schemas import (
    ActivityProgress,
    ActivityState,
    CriterionFeedback,
    Feedback,
    KnowledgeCheckState,
    Landing,
    OverallState,
    Progress,
    SubmissionSummary,
)
from app.learning.standing import Standing, standing_of
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
    standing = standing_of(session, enrolment_id, module)
    activities = tuple(_activity(module, activity, standing) for activity in module.activities)
    latest = next(iter(rounds_of(session, enrolment_id)), None)
    state = _OVERALL[latest.state] if latest is not None else "working"
    feedback = _feedback(session, latest, module) if latest is not None else None
    missing = missing_for_submission(module, standing)
    # What is not required, an observation say, holds nobody up, however far it is.
    next_activity = _next(activities) if missing else None
    return Progress(
        enrolment=own,
        state=state,
        activities=activities,
        next_activity=next_activity,
        landing=_landing(state, next_activity),
        knowledge_check=next(iter(standing.checks), None),
        missing=missing,
        submission=_summary(latest) if latest is not None else None,
        returned=feedback if state == "returned" else None,
        awarded=feedback if state == "awarded" else None,
        decision_id=feedback.decision_id if feedback is not None and state == "awarded" else None,
        recognition=standing.lessons_left_out,
        needed_first=() if state == "awarded" else awards_wait_for(session, own, module),
    )


def _landing(state: OverallState, next_activity: str | None) -> Landing:
    if state == "working":
        return "activity" if next_activity is not None else "submit"
    settled: Mapping[OverallState, Landing] = {"submitted": "wait", "returned": "revise", "awarded": "done"}
    return settled[state]


def _next(activities: Sequence[ActivityProgress]) -> str | None:
    """What the learner can do themselves comes before what waits for somebody else."""
    for states in (("not_started", "in_progress"), ("waiting",)):
        for activity in activities:
            if activity.state in states:
                return activity.key
    return None


def _activity(module: Module, activity: Activity, standing: Standing) -> ActivityProgress:
    state: ActivityState = "not_started"
    detail: str | None = None
    if activity.kind == "lesson":
        state, detail = _lesson_progress(activity, standing)
    elif activity.kind == "knowledge_check":
        check = next(check for check in standing.checks if check.activity_key == activity.key)
        state, detail = _check_progress(check)
    elif activity.kind == "observation":
        state, detail = path_line(standing.observations[activity.key])
    elif activity.kind == "attendance":
        there = activity.key in standing.attended
        state, detail = ("done", "Confirmed") if there else ("waiting", "Not confirmed yet")
    elif fields_of(activity):
        state, detail = _text_progress(module, activity, standing.drafts[activity.key].content, standing.files)
    return ActivityProgress(
        key=activity.key,
        kind=activity.kind,
        title=activity.title,
        minutes=activity.minutes,
        state=state,
        detail=detail,
    )


def _lesson_progress(activity: Activity, standing: Standing) -> tuple[ActivityState, str | None]:
    if activity.key in standing.lessons:
        return "done", None
    return ("left_out", "Open to read all the same") if standing.lessons_left_out else ("not_started", None)


def _check_progress(check: KnowledgeCheckState) -> tuple[ActivityState, str | None]:
    detail = f"{check.last.correct} of {check.last.total} right" if check.last is not None else None
    if check.passed:
        return "done", detail
    return ("in_progress" if check.tries or check.open is not None else "not_started"), detail


def _text_progress(
    module: Module, activity: Activity, content: Mapping[str, str], files: frozenset[tuple[str, str]]
) -> tuple[ActivityState, str | None]:
    written = [text for key, text in content.items() if text.strip() or (activity.key, key) in files]
    if not written:
        return "not_started", None
    done = not list(missing_texts(module, activity, content, files))
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
