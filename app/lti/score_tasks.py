"""A score that is due, as one delivery has it in hand: taken, dated, and what became of it written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import metrics, outbox_models
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.logging import get_logger
from app.core.outbox import Delivery
from app.core.outbox_models import OutboxDelivery
from app.learning import service as learning
from app.learning.errors import DecisionNotFound
from app.lti.grades import Gradebook, gradebook_of, know_link
from app.lti.models import LtiGradeLink, LtiScore
from app.lti.placements import find_link
from app.lti.quirks import Default, quirks_of
from app.lti.score_problems import CLOCK, CONFLICT, MAY_HAVE_ARRIVED, OTHER_MODULE, not_yet
from app.lti.scores import ALREADY_THERE, FAILED, NOT_SENT, REPLACED, SECOND, SENT, WAITING, second_after

log = get_logger()

AWARD_COMMENT = "Decided by an assessor in Waymark."
REPAIR_COMMENT = "Sent again by whoever runs Waymark."
LONGEST_ERROR = 300


@dataclass(frozen=True)
class Task:
    """One score in one delivery's hands, free of any database session."""

    score_id: str
    delivery_id: str
    gradebook: Gradebook
    quirks: Default
    given: float
    maximum: float
    comment: str
    submitted_at: datetime | None
    is_correction: bool
    was_late: bool  # the platform said at the last try that it holds a later one
    may_have_arrived: bool  # the last try came to no clear end


def take(session: WriteSession, score_id: str, delivery: Delivery) -> Task | None:
    """Take a score in hand, unless it is settled, replaced, another delivery's, or has nowhere to go."""
    row = session.exec(select(LtiScore).where(LtiScore.id == score_id).with_for_update()).first()
    if row is None or not _is_open(session, row, delivery.id):
        return None
    late, unclear = row.problem == CONFLICT, bool(row.attempts) and row.problem in MAY_HAVE_ARRIVED
    row.delivery_id, row.state = delivery.id, WAITING
    session.add(row)
    link = session.get_one(LtiGradeLink, row.grade_link_id)
    know_link(session, link)
    gradebook = gradebook_of(session, link)
    obstacle = gradebook.obstacle or (None if _is_for(session, row, link) else OTHER_MODULE)
    if _is_replaced(session, row):
        row.state, row.problem = REPLACED, None
    elif obstacle is not None:
        row.state, row.problem = NOT_SENT, obstacle
    if row.state != WAITING:
        _tell(row, gradebook)
        return None
    quirks = quirks_of(gradebook.platform.product_family)
    comment, submitted_at, is_correction = _words(session, row, quirks)
    return Task(
        score_id=row.id,
        delivery_id=delivery.id,
        gradebook=gradebook,
        quirks=quirks,
        given=row.score_given,
        maximum=row.score_maximum,
        comment=comment,
        submitted_at=submitted_at,
        is_correction=is_correction,
        was_late=late,
        may_have_arrived=unclear,
    )


def date(database: Database, task: Task, url: str, *, later: bool) -> datetime:
    """The timestamp of the next try, noted before it is made.

    Args:
        database: where it is noted.
        task: the score.
        url: the column.
        later: whether it must be later than that of the last try.

    Raises:
        SendingFailed: that second has not begun.
    """
    with database.write() as session:
        mine = select(LtiGradeLink.id).where(LtiGradeLink.id == task.gradebook.grade_link_id)
        session.exec(mine.with_for_update()).one()  # one score of a person after the other
        row = session.get_one(LtiScore, task.score_id)
        moment = second_after(row.timestamp) if later else row.timestamp
        others = _newest_of_others(session, row, url)
        if others is not None and moment <= others:
            moment = others + SECOND
        wait = (moment - now()).total_seconds()
        if wait <= 0:
            row.timestamp, row.line_item_url, row.problem = moment, url, None
            row.attempts += 1
            session.add(row)
    if wait > 0:
        raise not_yet(wait, CONFLICT if later else CLOCK)
    return moment


def note(database: Database, task: Task, state: str, problem: str | None = None, error: str | None = None) -> None:
    """Write down what became of a score, unless somebody else has it in hand by now."""
    with database.write() as session:
        row = session.exec(select(LtiScore).where(LtiScore.id == task.score_id).with_for_update()).first()
        if row is None or row.delivery_id != task.delivery_id:
            return
        row.state, row.problem, row.last_error = state, problem, error[:LONGEST_ERROR] if error else None
        row.sent_at = now() if state in (SENT, ALREADY_THERE) else None
        session.add(row)
        _tell(row, task.gradebook)


def _is_open(session: ReadSession, row: LtiScore, delivery_id: str) -> bool:
    if row.delivery_id in (None, delivery_id):
        # One that this very delivery gave up is open again: somebody has sent the delivery again.
        return row.state == WAITING or (row.state == FAILED and row.delivery_id == delivery_id)
    held = session.get(OutboxDelivery, row.delivery_id)
    return row.state == WAITING and (held is None or held.state != outbox_models.WAITING)


def _is_for(session: ReadSession, row: LtiScore, link: LtiGradeLink) -> bool:
    """Whether the link opens by now, for this person and for whoever opened it last, the module that was awarded."""
    try:
        awarded = learning.decision_outcome(session, row.decision_id).module_key
    except DecisionNotFound:
        return True  # an operator's score goes where the operator says
    placed = find_link(session, link.deployment_id, link.resource_link_id)
    return all(each.module_key == awarded for each in (link, placed) if each is not None)


def _is_replaced(session: ReadSession, row: LtiScore) -> bool:
    """Whether a newer score of the same person is there or on its way: this one would undo it."""
    newer = select(LtiScore.id).where(
        LtiScore.grade_link_id == row.grade_link_id,
        LtiScore.id != row.id,
        LtiScore.created_at > row.created_at,
        col(LtiScore.state).in_((WAITING, SENT, ALREADY_THERE)),
    )
    return session.exec(newer.limit(1)).first() is not None


def _words(session: ReadSession, row: LtiScore, quirks: Default) -> tuple[str, datetime | None, bool]:
    """What is said about a score, when the work was handed in, and whether it is an operator's correction."""
    try:
        outcome = learning.decision_outcome(session, row.decision_id)
    except DecisionNotFound:
        return REPAIR_COMMENT, None, True
    return AWARD_COMMENT, outcome.submitted_at if quirks.wants_submission_time else None, False


def _newest_of_others(session: ReadSession, row: LtiScore, url: str) -> datetime | None:
    """The latest timestamp that another score of the same person bore on its way to the same column."""
    link = session.get_one(LtiGradeLink, row.grade_link_id)
    latest: datetime | None = session.exec(
        select(LtiScore.timestamp)
        .join(LtiGradeLink, col(LtiGradeLink.id) == LtiScore.grade_link_id)
        .where(
            LtiGradeLink.person_id == link.person_id,
            LtiGradeLink.subject == link.subject,
            LtiScore.id != row.id,
            LtiScore.attempts > 0,
            sa.or_(
                col(LtiScore.line_item_url) == url,
                sa.and_(col(LtiScore.line_item_url).is_(None), col(LtiScore.grade_link_id) == link.id),
            ),
        )
        .order_by(col(LtiScore.timestamp).desc())
        .limit(1)
    ).first()
    return latest


_OUTCOMES = {FAILED: "refused"}


def _tell(row: LtiScore, gradebook: Gradebook) -> None:
    outcome = _OUTCOMES.get(row.state, row.state)
    metrics.LTI_SCORES.labels(outcome).inc()
    tell = log.warning if row.state == FAILED else log.info
    tell(
        "lti.score",
        outcome=outcome,
        score_id=row.id,
        registration_id=gradebook.platform.registration_id,
        problem=row.problem,
        reason=row.last_error,
    )
