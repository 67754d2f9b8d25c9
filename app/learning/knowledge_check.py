"""The knowledge check: a gate before the work that counts. Tries without limit, with a pause after the second."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.check_errors import (
    AttemptAlreadyAnswered,
    AttemptNotFound,
    KnowledgeCheckPassed,
    KnowledgeCheckWaits,
    Unanswered,
    UnknownAnswer,
)
from app.learning.enrolments import activity_of, enrolment, lock, module_of, own_enrolment, refuse_if_locked
from app.learning.models import KnowledgeCheckAttemptRecord
from app.learning.schemas import AnsweredQuestion, KnowledgeCheckAttempt, KnowledgeCheckResult, KnowledgeCheckState
from app.learning.shuffling import asked, drawn_questions
from app.programme.schemas import Activity, AwardRule, Question


def knowledge_check(
    session: ReadSession, *, enrolment_id: str, person_id: str, activity_key: str
) -> KnowledgeCheckState:
    """How a learner stands with a knowledge check: the open try, the last result, when the next try opens.

    Raises:
        EnrolmentNotFound: it is not this person's.
        ActivityNotFound: the module has no such knowledge check.
    """
    module = module_of(session, own_enrolment(session, enrolment_id=enrolment_id, person_id=person_id))
    activity = activity_of(module, activity_key, "knowledge_check")
    return state_of(activity, module.award_rule, _attempts(session, enrolment_id, activity_key))


def states_of(
    session: ReadSession, enrolment_id: str, activities: Sequence[Activity], rule: AwardRule
) -> tuple[KnowledgeCheckState, ...]:
    """The states of several knowledge checks of one enrolment."""
    return tuple(
        state_of(activity, rule, _attempts(session, enrolment_id, activity.key))
        for activity in activities
        if activity.kind == "knowledge_check"
    )


def start_attempt(
    session: WriteSession, *, enrolment_id: str, person_id: str, activity_key: str
) -> KnowledgeCheckAttempt:
    """Begin a try, or go on with the one that waits for its answers.

    Raises:
        EnrolmentNotFound: it is not this person's.
        ActivityNotFound: the module has no such knowledge check.
        KnowledgeCheckPassed: there is nothing more to try.
        KnowledgeCheckWaits: the next try is not open yet.
        WorkLocked: the work is with an assessor or awarded.
    """
    module = module_of(session, lock(session, enrolment_id=enrolment_id, person_id=person_id))
    activity = activity_of(module, activity_key, "knowledge_check")
    attempts = _attempts(session, enrolment_id, activity_key)
    state = state_of(activity, module.award_rule, attempts)
    if state.passed:
        raise KnowledgeCheckPassed
    refuse_if_locked(session, enrolment_id)
    if state.open is not None:
        return state.open
    if state.opens_at is not None:
        raise KnowledgeCheckWaits(state.opens_at)
    row = KnowledgeCheckAttemptRecord(
        enrolment_id=enrolment_id, activity_key=activity_key, number=len(attempts) + 1, total=state.total
    )
    session.add(row)
    session.flush()
    return _open(activity, row)


def answer_attempt(
    session: WriteSession, *, attempt_id: str, person_id: str, answers: Mapping[str, str]
) -> KnowledgeCheckResult:
    """Answer all questions of a try; the result says for each whether it was right, and why.

    Args:
        session: the caller's transaction.
        attempt_id: the try.
        person_id: whose it is.
        answers: option key by question key.

    Raises:
        AttemptNotFound: there is no such try, or it is somebody else's.
        UnknownAnswer: an answer names a question or an option that this try does not have.
        Unanswered: a question has no answer. The try does not count.
        AttemptAlreadyAnswered: it was answered before, with other answers; the same answers give the same result.
    """
    found = session.get(KnowledgeCheckAttemptRecord, attempt_id)
    if found is None or enrolment(session, found.enrolment_id).person_id != person_id:
        raise AttemptNotFound
    module = module_of(session, lock(session, enrolment_id=found.enrolment_id, person_id=person_id))
    activity = activity_of(module, found.activity_key, "knowledge_check")
    session.refresh(found)
    questions = drawn_questions(activity, attempt_id)
    _check_answers(questions, answers)
    if found.answered_at is not None:
        if found.answers != dict(answers):
            raise AttemptAlreadyAnswered
        return _result(activity, found, found.answered_at)
    moment = now()
    found.answers = dict(answers)
    found.answered_at = moment
    found.correct = sum(answers[question.key] == question.correct_key for question in questions)
    found.passed = found.correct >= pass_count(module.award_rule, found.total)
    session.add(found)
    session.flush()
    return _result(activity, found, moment)


def state_of(
    activity: Activity, rule: AwardRule, attempts: Sequence[KnowledgeCheckAttemptRecord]
) -> KnowledgeCheckState:
    """How tries add up; `attempts` in the order in which they were made."""
    answered = [(row, row.answered_at) for row in attempts if row.answered_at is not None]
    waiting = next((row for row in attempts if row.answered_at is None), None)
    passed = any(row.passed for row, _ in answered)
    failed = sum(not row.passed for row, _ in answered)
    total = activity.draw or len(activity.questions)
    return KnowledgeCheckState(
        activity_key=activity.key,
        passed=passed,
        open=_open(activity, waiting) if waiting is not None and not passed else None,
        last=_result(activity, *answered[-1]) if answered else None,
        tries=len(answered),
        failed=failed,
        opens_at=None if passed or waiting else _opens_at(activity, failed, answered[-1][1] if answered else None),
        pass_share=rule.knowledge_check_pass,
        pass_count=pass_count(rule, total),
        total=total,
    )


def pass_count(rule: AwardRule, total: int) -> int:
    """How many of `total` questions must be right. Exact: 0.8 of 10 is 8, whatever binary fractions make of it."""
    return math.ceil(Fraction(str(rule.knowledge_check_pass)) * total)


def _opens_at(activity: Activity, failed: int, last: datetime | None) -> datetime | None:
    """When the next try opens, if that is still to come: each try after the free ones waits (programme §4.0)."""
    if last is None or failed < activity.tries_before_wait or activity.wait_minutes == 0:
        return None
    opens_at = last + timedelta(minutes=activity.wait_minutes)
    return opens_at if opens_at > now() else None


def _attempts(session: ReadSession, enrolment_id: str, activity_key: str) -> Sequence[KnowledgeCheckAttemptRecord]:
    return session.exec(
        select(KnowledgeCheckAttemptRecord)
        .where(
            KnowledgeCheckAttemptRecord.enrolment_id == enrolment_id,
            KnowledgeCheckAttemptRecord.activity_key == activity_key,
        )
        .order_by(col(KnowledgeCheckAttemptRecord.number))
        .execution_options(populate_existing=True)
    ).all()


def _check_answers(questions: Sequence[Question], answers: Mapping[str, str]) -> None:
    options = {question.key: {option.key for option in question.options} for question in questions}
    if any(key not in options or chosen not in options[key] for key, chosen in answers.items()):
        raise UnknownAnswer
    unanswered = tuple(question.key for question in questions if question.key not in answers)
    if unanswered:
        raise Unanswered(unanswered)


def _open(activity: Activity, row: KnowledgeCheckAttemptRecord) -> KnowledgeCheckAttempt:
    questions = tuple(asked(question, row.id) for question in drawn_questions(activity, row.id))
    return KnowledgeCheckAttempt(id=row.id, number=row.number, questions=questions)


def _result(activity: Activity, row: KnowledgeCheckAttemptRecord, answered_at: datetime) -> KnowledgeCheckResult:
    return KnowledgeCheckResult(
        attempt_id=row.id,
        number=row.number,
        correct=row.correct,
        total=row.total,
        passed=row.passed,
        answered_at=answered_at,
        questions=tuple(
            _answered(question, row.id, row.answers[question.key]) for question in drawn_questions(activity, row.id)
        ),
    )


def _answered(question: Question, attempt_id: str, chosen: str) -> AnsweredQuestion:
    by_key = {option.key: option for option in question.options}
    taken, best = by_key[chosen], by_key[question.correct_key]
    return AnsweredQuestion(
        key=question.key,
        stem=question.stem,
        options=asked(question, attempt_id).options,
        chosen=chosen,
        right=taken.correct,
        feedback=taken.feedback or question.feedback,
        # A question's own feedback is about its right answer already; an option's is about that option alone.
        right_feedback=None if taken.correct or not taken.feedback else best.feedback or question.feedback or None,
        right_text=None if taken.correct or not taken.feedback else best.text,
    )
