"""Conversations with an assessor, judged by a pathway's own rubric."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.texts import clean_comment
from app.pathways.authority import lock, require_assessor
from app.pathways.errors import ConversationNotUsable, StepUnknown
from app.pathways.events import EvidenceChanged
from app.pathways.models import PathwayConversation
from app.pathways.records import ConversationRecorded
from app.programme import stacks
from app.programme.pathways import ConversationRule, conversation
from app.programme.schemas import Rubric

OLDEST = timedelta(days=365)  # what somebody said longer ago nobody judges fairly from memory
AHEAD = timedelta(days=1)  # a day begins up to 14 hours earlier than in UTC


def record_conversation(
    session: WriteSession,
    *,
    person_id: str,
    pathway_key: str,
    conversation_key: str,
    held_on: date,
    levels: Mapping[str, int],
    comment: str,
    decided_by: str,
) -> str:
    """Record what a conversation showed, whatever level it reached: one below the level is kept, and opens no step.

    The very same record once more, as by a form that was sent twice, is the one that is there.

    Args:
        session: the caller's transaction.
        person_id: who told about their work.
        pathway_key: of which pathway, in its current version.
        conversation_key: of the step.
        held_on: the day, as the assessor's calendar has it.
        levels: the level of every criterion of the rubric.
        comment: for the person; may be empty.
        decided_by: the assessor.

    Returns:
        The record's id.

    Raises:
        PersonNotFound: nobody goes by this id, or not any more.
        PathwayUnknown, StepUnknown: the pathway has no such conversation.
        NotForYourself, NotAnAssessor, TooNear: another assessor has to judge it.
        ConversationNotUsable: a criterion or a level is missing or unknown, or the day lies ahead or too far back.
        CommentTooLong, UnusableText: the comment cannot be kept.
    """
    lock(session, person_id)
    pathway = stacks.current_pathway(session, pathway_key)
    rule = conversation(pathway)
    if rule is None or rule.key != conversation_key:
        raise StepUnknown
    require_assessor(session, person_id=person_id, assessor_id=decided_by)
    _check_day(held_on)
    said, reached = clean_comment(comment), _checked(rule.rubric, levels)
    row = PathwayConversation(
        person_id=person_id,
        pathway_key=pathway_key,
        pathway_version=pathway.version,
        conversation_key=conversation_key,
        rubric_version=rule.rubric.version,
        held_on=held_on,
        levels=reached,
        comment=said,
        decided_by=decided_by,
    )
    there = _sent_before(session, row)
    if there is not None:
        return there
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=Actor(kind="person", id=decided_by),
        action="pathways.conversation_recorded",
        subject="person",
        subject_id=person_id,
        pathway_key=pathway_key,
        pathway_version=pathway.version,
        conversation_id=row.id,
        outcome="reached" if has_reached(rule, row.levels) else "below",
    )
    outbox.emit(session, EvidenceChanged(person_id))
    return row.id


def _sent_before(session: ReadSession, row: PathwayConversation) -> str | None:
    found = session.exec(
        select(PathwayConversation).where(
            PathwayConversation.person_id == row.person_id,
            PathwayConversation.pathway_key == row.pathway_key,
            PathwayConversation.conversation_key == row.conversation_key,
            PathwayConversation.held_on == row.held_on,
            PathwayConversation.decided_by == row.decided_by,
        )
    ).all()
    return next((each.id for each in found if (each.levels, each.comment) == (row.levels, row.comment)), None)


def has_reached(rule: ConversationRule, levels: Mapping[str, int]) -> bool:
    """Whether every criterion is at the level that is asked for."""
    return all(levels.get(each.key, 0) >= rule.minimum_level for each in rule.rubric.criteria)


def conversations_of(session: ReadSession, person_id: str) -> tuple[ConversationRecorded, ...]:
    """Every conversation of a person, the newest first, those below the level among them."""
    rows = session.exec(
        select(PathwayConversation)
        .where(PathwayConversation.person_id == person_id)
        .order_by(
            col(PathwayConversation.held_on).desc(),
            col(PathwayConversation.recorded_at).desc(),
            PathwayConversation.id,
        )
    ).all()
    return tuple(_record(session, row) for row in rows)


def _record(session: ReadSession, row: PathwayConversation) -> ConversationRecorded:
    rule = conversation(stacks.pathway_version(session, row.pathway_key, row.pathway_version))
    return ConversationRecorded(
        id=row.id,
        person_id=row.person_id,
        pathway_key=row.pathway_key,
        pathway_version=row.pathway_version,
        conversation_key=row.conversation_key,
        rubric_version=row.rubric_version,
        held_on=row.held_on,
        levels=dict(row.levels),
        comment=row.comment,
        decided_by=row.decided_by,
        recorded_at=row.recorded_at,
        reached=rule is not None and has_reached(rule, row.levels),
    )


def _check_day(held_on: date) -> None:
    today = now().date()
    if held_on > today + AHEAD:
        raise ConversationNotUsable("The day of the conversation lies ahead.", "Enter the day on which it was held.")
    if held_on < today - OLDEST:
        raise ConversationNotUsable(
            "The conversation was more than a year ago.", "Check the day. If it is right, hold the conversation again."
        )


def _checked(rubric: Rubric, levels: Mapping[str, int]) -> dict[str, int]:
    """The levels in the rubric's order, each criterion with one of its own."""
    if unknown := sorted(levels.keys() - {each.key for each in rubric.criteria}):
        raise ConversationNotUsable(
            f"The rubric has no criterion {unknown[0]!r}.", "Open the page again: the rubric may have changed."
        )
    chosen: dict[str, int] = {}
    for criterion in rubric.criteria:
        level = levels.get(criterion.key)
        if level is None:
            raise ConversationNotUsable(f"“{criterion.title}” has no level yet.", "Choose a level for every criterion.")
        if isinstance(level, bool) or level not in {each.level for each in criterion.levels}:
            raise ConversationNotUsable(
                f"“{criterion.title}” has no such level.", "Choose one of the levels of the rubric."
            )
        chosen[criterion.key] = level
    return chosen
