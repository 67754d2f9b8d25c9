"""Provisional: a status on the way to all modules, by the programme's own rule. Inside Waymark only, never a badge.

It is worked out from awards and passed knowledge checks whenever somebody asks; nothing is kept of it. A badge in force
counts wherever it was awarded: whoever holds one has shown more than its check asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import prerequisites
from app.learning.models import EnrolmentRecord, KnowledgeCheckAttemptRecord, SubmissionRecord
from app.programme import service as programme
from app.programme.frameworks import ProvisionalRule

ProvisionalWord = Literal["not_offered", "not_begun", "on_the_way", "reached", "late"]
PartKind = Literal["award", "knowledge_check"]


@dataclass(frozen=True)
class ProvisionalPart:
    """One thing that the rule asks for.

    Attributes:
        title: of the module; None while it is not published.
        is_offered: whether learners can do it already.
    """

    kind: PartKind
    module_key: str
    title: str | None
    is_offered: bool
    is_done: bool


@dataclass(frozen=True)
class ProvisionalState:
    """How a person stands with the provisional status.

    Attributes:
        state: `not_offered`: a part is not published yet, so that nobody can reach it; `not_begun`: no module begun;
            `late`: the weeks are over and something is left, which takes nothing away.
        begun_at: when they began their first module.
        due_at: when the weeks are over.
    """

    state: ProvisionalWord
    parts: tuple[ProvisionalPart, ...]
    begun_at: datetime | None
    due_at: datetime | None

    @property
    def left(self) -> tuple[ProvisionalPart, ...]:
        """What can be done now and is not done yet."""
        return tuple(part for part in self.parts if part.is_offered and not part.is_done)


def provisional_state(session: ReadSession, person_id: str) -> ProvisionalState | None:
    """How a person stands with the provisional status; None where the programme has none."""
    rule = programme.current_programme(session).provisional
    if rule is None:
        return None
    parts = _parts(session, person_id, rule)
    begun_at = session.exec(
        select(sa.func.min(EnrolmentRecord.enrolled_at)).where(EnrolmentRecord.person_id == person_id)
    ).one()
    due_at = begun_at + timedelta(weeks=rule.within_weeks) if begun_at is not None else None
    return ProvisionalState(_word(parts, due_at), parts, begun_at, due_at)


def _word(parts: tuple[ProvisionalPart, ...], due_at: datetime | None) -> ProvisionalWord:
    if all(part.is_done for part in parts):
        return "reached"
    if due_at is None:
        return "not_begun"
    if not all(part.is_offered or part.is_done for part in parts):
        return "not_offered"
    return "late" if now() > due_at else "on_the_way"


def _parts(session: ReadSession, person_id: str, rule: ProvisionalRule) -> tuple[ProvisionalPart, ...]:
    titles = {module.key: module.title for module in programme.modules(session)}
    awarded = frozenset(
        session.exec(
            select(SubmissionRecord.module_key).where(
                SubmissionRecord.person_id == person_id, SubmissionRecord.state == "awarded"
            )
        ).all()
    )
    passed = frozenset(
        session.exec(
            select(EnrolmentRecord.module_key)
            .join(
                KnowledgeCheckAttemptRecord,
                col(KnowledgeCheckAttemptRecord.enrolment_id) == col(EnrolmentRecord.id),
            )
            .where(EnrolmentRecord.person_id == person_id, col(KnowledgeCheckAttemptRecord.passed))
        ).all()
    )

    badges = prerequisites.badges(session, person_id, {*rule.awarded, *rule.knowledge_checks})

    def part(kind: PartKind, key: str, done: frozenset[str]) -> ProvisionalPart:
        return ProvisionalPart(kind, key, titles.get(key), key in titles, key in done)

    return (
        *(part("award", key, awarded | badges) for key in rule.awarded),
        *(part("knowledge_check", key, passed | badges) for key in rule.knowledge_checks),
    )
