"""Sending scores (Assignment and Grade Services 2.0 §3.4), each exactly once as far as the platform can see.

A score's timestamp is the moment of the decision in whole seconds. A repeat after a crash therefore carries the same
one, and a platform that has it already says so with 409, which is the answer hoped for. It never lies ahead of the
clock: Moodle would take it and then refuse every real score until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.exception import LtiException
from pylti1p3.grade import Grade
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.core.clock import now, rfc3339
from app.core.db import Database, ReadSession, WriteSession
from app.core.logging import get_logger
from app.core.outbox import GiveUp, RetryLater
from app.core.runtime import Runtime
from app.lti.connector import Connectors, library_failure
from app.lti.errors import ServiceFailed
from app.lti.grades import takes_scores
from app.lti.models import ACTIVE, LtiGradeLink, LtiRegistration, LtiScore
from app.lti.quirks import quirks_of
from app.lti.registrations import platform_of
from app.lti.schemas import Platform

log = get_logger()

CONFLICT = 409
PERMANENT = frozenset({400, 404, 405, 410, 413, 415, 422})
LONGEST_ERROR = 300


@dataclass(frozen=True)
class Score:
    """What is told: `given` of `maximum`, decided at `timestamp` (whole seconds, UTC), with a short comment."""

    decision_id: str
    given: float
    maximum: float
    timestamp: datetime
    comment: str


@dataclass(frozen=True)
class _Task:
    score_id: str
    timestamp: datetime  # of the first try, so that every repeat is recognised
    link: LtiGradeLink
    platform: Platform


def whole_second(moment: datetime) -> datetime:
    """The second a moment lies in, never ahead of the clock."""
    return min(moment, now()).replace(microsecond=0)


def send_scores(runtime: Runtime, connectors: Connectors, links: Sequence[LtiGradeLink], score: Score) -> None:
    """Send one score to every link that takes it; each result is recorded, and one failure hinders no other.

    Raises:
        RetryLater: at least one platform could not take it yet.
        GiveUp: none is left to try, and at least one refused it for good.
    """
    reasons: list[str] = []
    retry_after: float | None = None
    for task in _open_tasks(runtime.database, links, score):
        try:
            state = _post(connectors, task, score)
        except ServiceFailed as error:
            permanent = error.status_code in PERMANENT
            _record(runtime.database, task.score_id, "failed" if permanent else "waiting", error.reason)
            log.warning("lti.score_not_sent", registration_id=task.platform.registration_id, reason=error.reason)
            if not permanent:
                reasons.append(error.reason)
                retry_after = max(retry_after or 0.0, error.retry_after or 0.0) or None
        else:
            _record(runtime.database, task.score_id, state, None)
    if reasons:
        raise RetryLater(reasons[0], retry_after)
    refused = _refusal(runtime.database, score.decision_id)
    if refused is not None:
        raise GiveUp(refused)


def _open_tasks(database: Database, links: Sequence[LtiGradeLink], score: Score) -> list[_Task]:
    tasks = []
    for link in links:
        if not takes_scores(link):
            continue
        with database.write() as session:
            registration = session.get_one(LtiRegistration, link.registration_id)
            if registration.state != ACTIVE:
                continue
            row = _score_row(session, link, score)
            if row.state == "waiting":
                row.attempts += 1
                session.add(row)
                tasks.append(_Task(row.id, row.timestamp, link, platform_of(registration)))
    return tasks


def _score_row(session: WriteSession, link: LtiGradeLink, score: Score) -> LtiScore:
    known = _find_score(session, link.id, score.decision_id)
    if known is not None:
        return known
    row = LtiScore(
        decision_id=score.decision_id,
        grade_link_id=link.id,
        score_given=score.given,
        score_maximum=score.maximum,
        timestamp=score.timestamp,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return _find_score(session, link.id, score.decision_id) or row
    return row


def _find_score(session: ReadSession, grade_link_id: str, decision_id: str) -> LtiScore | None:
    return session.exec(
        select(LtiScore).where(LtiScore.decision_id == decision_id, LtiScore.grade_link_id == grade_link_id)
    ).first()


def _post(connectors: Connectors, task: _Task, score: Score) -> str:
    """Post one score; returns the state it is in then.

    Raises:
        ServiceFailed: it is not there.
    """
    grade = (
        Grade()
        .set_score_given(score.given)
        .set_score_maximum(score.maximum)
        .set_activity_progress("Completed")
        .set_grading_progress("FullyGraded")
        .set_timestamp(rfc3339(task.timestamp))
        .set_user_id(task.link.subject)
        .set_comment(score.comment)
    )
    extras = quirks_of(task.platform.product_family).score_extras()
    if extras:
        grade.set_extra_claims(extras)
    service = AssignmentsGradesService(
        connectors.to(task.platform),
        {"scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"], "lineitem": task.link.line_item_url or ""},
    )
    try:
        service.put_grade(grade)
    except ServiceFailed as error:
        if error.status_code == CONFLICT:
            return "already_there"
        raise
    except LtiException as error:
        raise library_failure(error) from None
    return "sent"


def _record(database: Database, score_id: str, state: str, error: str | None) -> None:
    with database.write() as session:
        row = session.get_one(LtiScore, score_id)
        row.state, row.last_error = state, error[:LONGEST_ERROR] if error else None
        row.sent_at = now() if state in ("sent", "already_there") else None
        session.add(row)


def _refusal(database: Database, decision_id: str) -> str | None:
    with database.read() as session:
        row = session.exec(
            select(LtiScore).where(LtiScore.decision_id == decision_id, LtiScore.state == "failed")
        ).first()
        return (row.last_error or "refused") if row is not None else None
