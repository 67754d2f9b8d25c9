"""Which scores are due: written down in the transaction in which they fall due, and then sent one by one.

Each gradebook gets a row and a delivery of its own, so that one LMS in trouble hinders no other. How a score is sent is
in `sending`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.core import metrics, outbox, outbox_keeping, outbox_models
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.outbox_models import OutboxDelivery
from app.learning import service as learning
from app.lti import score_problems
from app.lti.events import ScoreDue
from app.lti.models import LtiGradeLink, LtiScore

WAITING, SENT, ALREADY_THERE, FAILED = "waiting", "sent", "already_there", "failed"
NOT_SENT = "not_sent"  # the gradebook takes none of ours
REPLACED = "replaced"  # a newer score of the same person was written down before this one was sent
THERE = frozenset({SENT, ALREADY_THERE})
STATES = (WAITING, SENT, ALREADY_THERE, FAILED, NOT_SENT, REPLACED)

FULL_SCORE = 100.0
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Score:
    """What is told: `given` of `maximum`, decided at `timestamp` (whole seconds, UTC)."""

    decision_id: str
    given: float
    maximum: float
    timestamp: datetime


def whole_second(moment: datetime) -> datetime:
    """The second a moment lies in, never ahead of the clock: Moodle counts in whole ones, and takes one of the future
    only to refuse every real score until then.
    """
    return min(moment, now()).replace(microsecond=0)


def second_after(moment: datetime) -> datetime:
    """This second, if it is later than that of `moment`; else the one after it, which may not have begun."""
    return max(whole_second(now()), moment.replace(microsecond=0) + SECOND)


def tell_states(session: ReadSession) -> None:
    """Set the gauge of scores by state. What a worker counts of its tries is seen nowhere else."""
    counts = dict(session.exec(select(LtiScore.state, sa.func.count()).group_by(col(LtiScore.state))).all())
    for state in STATES:
        metrics.LTI_SCORES_HELD.labels(state).set(counts.get(state, 0))


def award_score(session: ReadSession, decision_id: str) -> Score:
    """Full marks for an award, dated when it was decided.

    Raises:
        DecisionNotFound: there is no such decision.
    """
    outcome = learning.decision_outcome(session, decision_id)
    return Score(decision_id, FULL_SCORE, FULL_SCORE, whole_second(outcome.decided_at))


def plan_score(session: WriteSession, link: LtiGradeLink, score: Score, *, again: bool = False) -> None:
    """Write down that a score is due for a gradebook, once however often it is called.

    Args:
        session: the transaction in which it falls due.
        link: whose gradebook.
        score: what is told.
        again: whether one that was refused for good is to be tried once more.
    """
    row = _find(session, link.id, score.decision_id)
    if row is None:
        _write_down(session, link, score)
    elif row.state == FAILED and again:
        send_again(session, row)
    elif row.state == WAITING and not _is_in_hand(session, row):
        outbox.emit(session, ScoreDue(row.id))


def catch_up(session: WriteSession, link: LtiGradeLink, *, decision_id: str) -> None:
    """A launch told of a gradebook that is new, or another than before: send there what it should show.

    Args:
        session: the launch's transaction.
        link: as the launch left it.
        decision_id: the award that was decided before.
    """
    newest = newest_score(session, link.id)
    if newest is None:
        _write_down(session, link, award_score(session, decision_id))
        return
    moved = link.line_item_url is not None and newest.line_item_url not in (None, link.line_item_url)
    if newest.state in (FAILED, NOT_SENT) or (newest.state in THERE and moved):
        send_again(session, newest)


def send_again(session: WriteSession, row: LtiScore) -> None:
    """Have a score sent once more, whatever became of it; dated later than it was, if it was ever sent."""
    if row.attempts:
        row.timestamp = second_after(row.timestamp)
    if row.delivery_id is not None:
        outbox_keeping.replace(session, row.delivery_id)
    row.state, row.problem, row.last_error = WAITING, None, None
    row.delivery_id, row.attempts, row.sent_at = None, 0, None
    session.add(row)
    outbox.emit(session, ScoreDue(row.id))


def ask_again(session: WriteSession, link: LtiGradeLink) -> bool:
    """Somebody wants the newest score of a link sent again. One that is on its way already is tried now instead.

    Returns:
        Whether there is a score at all.
    """
    newest = newest_score(session, link.id, lock=True)
    if newest is None:
        return False
    if not is_queued(newest) and not (newest.state == WAITING and _hurry(session, newest.delivery_id)):
        send_again(session, newest)
    return True


def send_held_back(session: WriteSession, registration_id: str) -> None:
    """A platform is let in again: what fell due while it was switched off is sent now.

    Args:
        session: the transaction in which it is approved.
        registration_id: ours, of the platform.
    """
    held_back = session.exec(
        select(LtiScore)
        .join(LtiGradeLink, col(LtiGradeLink.id) == LtiScore.grade_link_id)
        .where(
            LtiGradeLink.registration_id == registration_id,
            LtiScore.state == NOT_SENT,
            LtiScore.problem == score_problems.SWITCHED_OFF,
        )
    ).all()
    for row in held_back:
        send_again(session, row)


def is_queued(row: LtiScore) -> bool:
    """Whether a score is written down and no worker has looked at it yet."""
    return row.state == WAITING and row.delivery_id is None and row.attempts == 0


def newest_score(session: ReadSession, grade_link_id: str, *, lock: bool = False) -> LtiScore | None:
    """What a gradebook should show of one person, if anything."""
    query = (
        select(LtiScore)
        .where(LtiScore.grade_link_id == grade_link_id)
        .order_by(col(LtiScore.created_at).desc(), col(LtiScore.id).desc())
        .limit(1)
    )
    return session.exec(query.with_for_update() if lock else query).first()


def _write_down(session: WriteSession, link: LtiGradeLink, score: Score) -> None:
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
        return  # another transaction was faster by a moment, and has told of it
    outbox.emit(session, ScoreDue(row.id))


def _find(session: ReadSession, grade_link_id: str, decision_id: str) -> LtiScore | None:
    return session.exec(
        select(LtiScore).where(LtiScore.decision_id == decision_id, LtiScore.grade_link_id == grade_link_id)
    ).first()


def _is_in_hand(session: ReadSession, row: LtiScore) -> bool:
    held = session.get(OutboxDelivery, row.delivery_id) if row.delivery_id else None
    return held is not None and held.state == outbox_models.WAITING


def _hurry(session: WriteSession, delivery_id: str | None) -> bool:
    """Have a delivery that waits made now; whether it waits."""
    made_now = (
        sa.update(OutboxDelivery)
        .where(col(OutboxDelivery.id) == delivery_id, col(OutboxDelivery.state) == outbox_models.WAITING)
        .values(due_at=now())
    )
    return delivery_id is not None and bool(session.exec(made_now).rowcount)
