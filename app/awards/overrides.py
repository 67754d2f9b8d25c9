"""Awards that were made although a prerequisite was missing: on a named person's decision, with a reason, for review.

The reason is free text and may speak of people, so it is kept with the award and goes into no audit and no log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.errors import OverrideNotFound, OverrideReviewed, ReviewByAnother, ReviewNoteNeeded
from app.awards.models import AwardOverride
from app.awards.schemas import ClientAward
from app.core import audit, metrics
from app.core.audit import OPERATOR, Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession

NOTE_LENGTH: Final = 500


@dataclass(frozen=True)
class Override:
    """One such award.

    Attributes:
        missing: keys of the prerequisites that were missing; of several of which one is needed, `M03|M04`.
        reason: in the client's words.
        reviewed_at: when somebody else looked at it; None: nobody has.
    """

    id: str
    credential_id: str
    client_id: str
    missing: tuple[str, ...]
    reason: str = field(repr=False)
    created_at: datetime
    reviewed_at: datetime | None
    reviewer_kind: str | None
    reviewer_id: str | None
    review_note: str | None = field(repr=False)


def note(
    session: WriteSession, credential_id: str, client_id: str, award: ClientAward, missing: tuple[str, ...]
) -> None:
    """Note that a badge was awarded without what it rests on; nothing if nothing was missing.

    Args:
        session: the transaction that reserves the badge.
        credential_id: the badge.
        client_id: who asked; `command-line` for the operator at the terminal.
        award: with the reason.
        missing: keys of what was missing.
    """
    if not missing or award.override_reason is None:
        return
    session.add(
        AwardOverride(
            credential_id=credential_id, client_id=client_id, missing=list(missing), reason=award.override_reason
        )
    )
    audit.record(
        session,
        actor=OPERATOR if client_id == OPERATOR.id else Actor(kind="client", id=client_id),
        action="awards.prerequisite_overridden",
        subject="credential",
        subject_id=credential_id,
        missing=",".join(missing),
        decided_by_role=award.decided_by_role,
    )
    metrics.AWARDS_BY_CLIENTS.labels("overridden").inc()


def listed(
    session: ReadSession,
    *,
    reviewed: bool | None = None,
    achievements: sa.Select[Any] | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Override]:
    """Awards that were made so, the newest first.

    Args:
        session: for reading.
        reviewed: only those that somebody has looked at, or only the others; None for all.
        achievements: a selection of ids of the badges that may be told; None for all.
        after: moment and id of the last of the page before.
        limit: how many at most.
    """
    statement = select(AwardOverride)
    if reviewed is not None:
        seen = col(AwardOverride.reviewed_at).is_not(None)
        statement = statement.where(seen if reviewed else sa.not_(seen))
    if achievements is not None:
        statement = statement.where(col(AwardOverride.credential_id).in_(achievements))
    if after is not None:
        moment, last = after
        statement = statement.where(
            sa.or_(
                col(AwardOverride.created_at) < moment,
                sa.and_(col(AwardOverride.created_at) == moment, col(AwardOverride.id) > last),
            )
        )
    ordered = statement.order_by(col(AwardOverride.created_at).desc(), col(AwardOverride.id)).limit(limit)
    return [_told(row) for row in session.exec(ordered).all()]


def is_among(session: ReadSession, override_id: str, badges: sa.Select[Any]) -> bool:
    """Whether it is about one of these badges."""
    about = (col(AwardOverride.id) == override_id, col(AwardOverride.credential_id).in_(badges))
    return session.exec(select(AwardOverride.id).where(*about)).first() is not None


def waiting(session: ReadSession) -> int:
    """How many nobody has looked at; also sets the gauge."""
    number = session.exec(
        select(sa.func.count()).select_from(AwardOverride).where(col(AwardOverride.reviewed_at).is_(None))
    ).one()
    metrics.OVERRIDES_TO_REVIEW.set(number)
    return number


def review(session: WriteSession, override_id: str, *, words: str, actor: Actor) -> Override:
    """Note that somebody else has looked at an award that was made so. The badge stays as it is.

    Args:
        session: the caller's transaction.
        override_id: which.
        words: what they found, 1 to 500 characters; kept beside the reason.
        actor: who looks: not the client that made it.

    Raises:
        ReviewNoteNeeded: no words, or too many.
        OverrideNotFound: there is none of this id.
        ReviewByAnother: it is the client's own.
        OverrideReviewed: somebody did before.
    """
    words = words.strip()
    if not 0 < len(words) <= NOTE_LENGTH:
        raise ReviewNoteNeeded(f"A review says what was found, in 1 to {NOTE_LENGTH} characters.")
    row = session.exec(select(AwardOverride).where(AwardOverride.id == override_id).with_for_update()).first()
    if row is None:
        raise OverrideNotFound("There is no award under this id that was made without a prerequisite.")
    if actor.kind == "client" and actor.id == row.client_id:
        raise ReviewByAnother(
            "A client does not review what it awarded itself.",
            kept="It still waits for its review.",
            next_step="Let another client, or an operator with `waymark override review`, look at it.",
        )
    if row.reviewed_at is not None:
        raise OverrideReviewed("Somebody has reviewed this before.", kept="The first review stays.")
    row.reviewed_at, row.reviewer_kind, row.reviewer_id, row.review_note = now(), actor.kind, actor.id, words
    session.add(row)
    audit.record(
        session,
        actor=actor,
        action="awards.override_reviewed",
        subject="credential",
        subject_id=row.credential_id,
        override_id=row.id,
    )
    return _told(row)


def _told(row: AwardOverride) -> Override:
    return Override(
        id=row.id,
        credential_id=row.credential_id,
        client_id=row.client_id,
        missing=tuple(str(each) for each in row.missing),
        reason=row.reason,
        created_at=row.created_at,
        reviewed_at=row.reviewed_at,
        reviewer_kind=row.reviewer_kind,
        reviewer_id=row.reviewer_id,
        review_note=row.review_note,
    )
