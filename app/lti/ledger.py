"""The ledger of a course: every learner's newest score for its gradebook, what became of it, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, outbox_models
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.errors import NotFound
from app.core.outbox import GIVE_UP_AFTER
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.learning.events import AwardDecided
from app.lti import score_problems
from app.lti.ledger_words import GIVEN_UP, OVERDUE, SOON, WORDS, Words
from app.lti.models import LtiGradeLink, LtiScore
from app.lti.scores import FAILED, FULL_SCORE, NOT_SENT, THERE, WAITING, ask_again, is_queued
from app.people import service as people

LedgerState = Literal["refused", "waiting", "not_sent", "sent"]

AWARD_LISTENER = "lti.post_award_score"
MOST_UNTOLD = 2_000
A_LONG_WAIT = timedelta(minutes=10)
CHUNK = 500
_ORDER: Sequence[LedgerState] = ("refused", "waiting", "not_sent", "sent")


class ScoreUnknown(NotFound):
    """The course has no such score."""

    slug = "score-unknown"
    title = "There is no such score in this course"


@dataclass(frozen=True)
class LedgerEntry:
    """One learner's newest score for one activity.

    Attributes:
        grade_link_id: names it in addresses.
        state: `not_sent` where the LMS has no place for it.
        moment: when it was sent, or else when it fell due.
        next_try: when one that waits is tried next; None if it is not known, or if that is now.
        words: why it is not there, and what to do; None if it is.
        technical: what the LMS answered, for its administrator.
        is_queued: whether it is on its way for the first time, so that asking for it again changes nothing.
    """

    grade_link_id: str
    person_id: str
    name: str
    module_key: str | None
    given: float
    maximum: float
    state: LedgerState
    moment: datetime
    next_try: datetime | None = None
    words: Words | None = None
    technical: str | None = None
    problem: str | None = None
    is_queued: bool = False


@dataclass(frozen=True)
class _Link:
    id: str
    person_id: str
    module_key: str | None


@dataclass(frozen=True)
class _Held:
    """The delivery that has a score in hand."""

    state: str
    due_at: datetime


def ledger(session: ReadSession, *, deployment_id: str, context_id: str) -> tuple[LedgerEntry, ...]:
    """Every learner of a course with a score: those that need somebody first, then by name.

    Args:
        session: for reading.
        deployment_id: ours, of the deployment.
        context_id: the LMS's id of the course.
    """
    links = _links(session, deployment_id, context_id)
    newest = _newest_scores(session, deployment_id, context_id)
    held = _held(session, [row.delivery_id for row in newest.values() if row.state == WAITING and row.delivery_id])
    entries = [_entry(links[link_id], row, held.get(row.delivery_id or "")) for link_id, row in newest.items()]
    entries += _untold(session, [link for link in links.values() if link.id not in newest])
    names = people.display_names(session, {entry.person_id for entry in entries}) if entries else {}
    named = (replace(entry, name=names[entry.person_id]) for entry in _without_parts(entries))
    return tuple(
        sorted(named, key=lambda each: (_ORDER.index(each.state), each.name.casefold(), each.person_id, each.moment))
    )


def send_one_again(
    session: WriteSession, *, grade_link_id: str, deployment_id: str, context_id: str, person_id: str
) -> None:
    """A teacher wants a score of their course sent again. Twice is the same as once.

    Args:
        session: the caller's transaction.
        grade_link_id: of the entry.
        deployment_id: ours, of the teacher's deployment.
        context_id: the LMS's id of the teacher's course.
        person_id: the teacher.

    Raises:
        ScoreUnknown: the teacher's course has no such score.
    """
    link = session.get(LtiGradeLink, grade_link_id)
    if link is None or (link.deployment_id, link.context_id) != (deployment_id, context_id):
        raise _unknown()
    if not ask_again(session, link) and not _untold(session, [_Link(link.id, link.person_id, link.module_key)]):
        raise _unknown()
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action="lti.score_sent_again",
        subject="lti_grade_link",
        subject_id=link.id,
    )


def _unknown() -> ScoreUnknown:
    return ScoreUnknown("The score is not one of this course.", next_step="Go back to the list of grades.")


def _links(session: ReadSession, deployment_id: str, context_id: str) -> dict[str, _Link]:
    rows = session.exec(
        select(LtiGradeLink.id, LtiGradeLink.person_id, LtiGradeLink.module_key).where(
            LtiGradeLink.deployment_id == deployment_id, LtiGradeLink.context_id == context_id
        )
    ).all()
    return {row[0]: _Link(*row) for row in rows}


def _newest_scores(session: ReadSession, deployment_id: str, context_id: str) -> dict[str, LtiScore]:
    rows = session.exec(
        select(LtiScore)
        .join(LtiGradeLink, col(LtiGradeLink.id) == LtiScore.grade_link_id)
        .where(LtiGradeLink.deployment_id == deployment_id, LtiGradeLink.context_id == context_id)
        .order_by(col(LtiScore.created_at), col(LtiScore.id))
    ).all()
    return {row.grade_link_id: row for row in rows}


def _held(session: ReadSession, delivery_ids: list[str]) -> dict[str, _Held]:
    found: dict[str, _Held] = {}
    for begin in range(0, len(delivery_ids), CHUNK):
        rows = session.exec(
            select(OutboxDelivery.id, OutboxDelivery.state, OutboxDelivery.due_at).where(
                col(OutboxDelivery.id).in_(delivery_ids[begin : begin + CHUNK])
            )
        ).all()
        found |= {delivery_id: _Held(state, due_at) for delivery_id, state, due_at in rows}
    return found


def _entry(link: _Link, row: LtiScore, held: _Held | None) -> LedgerEntry:
    entry = LedgerEntry(
        grade_link_id=link.id,
        person_id=link.person_id,
        name="",
        module_key=link.module_key,
        given=row.score_given,
        maximum=row.score_maximum,
        state="sent",
        moment=row.sent_at or row.created_at,
        technical=row.last_error,
        problem=row.problem,
        is_queued=is_queued(row),
    )
    if row.state in THERE:
        return entry
    words = WORDS.get(row.problem or "")
    if row.state == FAILED:
        return replace(entry, state="refused", words=words or WORDS[score_problems.REJECTED])
    if row.state == NOT_SENT:
        return replace(entry, state="not_sent", words=words or WORDS[score_problems.NO_COLUMN])
    if held is not None and held.state == outbox_models.DEAD:
        return replace(entry, state="refused", words=GIVEN_UP)
    due_at = held.due_at if held is not None else row.created_at
    if _is_overdue(due_at):
        return replace(entry, state="waiting", words=OVERDUE)
    return replace(entry, state="waiting", words=words or SOON, next_try=due_at if due_at > now() else None)


def _is_overdue(due_at: datetime) -> bool:
    """Whether its time has long come: then it waits for a worker, not for the LMS."""
    return now() - due_at > A_LONG_WAIT


def _untold(session: ReadSession, links: Iterable[_Link]) -> list[LedgerEntry]:
    """Awards that no worker has written down as scores yet: they wait as well."""
    by_person: dict[tuple[str, str | None], list[_Link]] = {}
    for link in links:
        by_person.setdefault((link.person_id, link.module_key), []).append(link)
    if not by_person:
        return []
    not_done = (
        sa.select(col(OutboxDelivery.id))
        .where(
            col(OutboxDelivery.event_id) == col(OutboxEvent.id),
            col(OutboxDelivery.handler) == AWARD_LISTENER,
            col(OutboxDelivery.state).in_((outbox_models.WAITING, outbox_models.DEAD)),
        )
        .exists()
    )
    events = session.exec(
        select(OutboxEvent.payload, OutboxEvent.created_at)
        .where(
            OutboxEvent.kind == AwardDecided.KIND,
            col(OutboxEvent.created_at) > now() - 2 * GIVE_UP_AFTER,
            sa.or_(col(OutboxEvent.dispatched_at).is_(None), not_done),
        )
        .order_by(col(OutboxEvent.created_at).desc())
        .limit(MOST_UNTOLD)
    ).all()
    return [
        LedgerEntry(
            grade_link_id=link.id,
            person_id=link.person_id,
            name="",
            module_key=link.module_key,
            given=FULL_SCORE,
            maximum=FULL_SCORE,
            state="waiting",
            moment=decided_at,
            words=OVERDUE if _is_overdue(decided_at) else SOON,
            is_queued=True,
        )
        for payload, decided_at in events
        for link in by_person.get((payload["person_id"], payload["module_key"]), ())
    ]


def _without_parts(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Leave out links to one activity of a module where the same learner has one to the whole module."""
    whole = {(each.person_id, each.module_key) for each in entries if each.problem != score_problems.PART_ONLY}
    return [
        each
        for each in entries
        if each.problem != score_problems.PART_ONLY or (each.person_id, each.module_key) not in whole
    ]
