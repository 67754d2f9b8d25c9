"""Awards: the link between a decision and a badge, and who stands for it."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from app.awards.batches.models import AwardBatchRow
from app.awards.consequences import personal_data as consequences
from app.awards.models import Award, AwardChange, AwardOverride, AwardRenewal, AwardRequest
from app.awards.schemas import AwardInfo
from app.core.db import Database, Look, ReadSession, WriteSession
from app.core.rows import table
from app.learning import renewing

_AWARD = table(Award)
_TOLD = sa.select(_AWARD.c.id).where(_AWARD.c.credential_id == sa.bindparam("wanted"), _AWARD.c.decision_id.is_(None))


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and time a number of months later; the month's last day where it has no such day."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)


def decision_key(decision_id: str) -> str:
    """The idempotency key of the badge that a decision leads to: it is issued once, however often it is asked for."""
    return f"decision:{decision_id}"


def award_for_decision(session: ReadSession, decision_id: str) -> AwardInfo | None:
    """The award a decision led to, once its badge is issued."""
    row = session.exec(select(Award).where(Award.decision_id == decision_id)).first()
    return None if row is None else AwardInfo(row.credential_id, row.decision_id, row.created_at)


def record_award(
    database: Database,
    *,
    credential_id: str,
    decision_id: str | None,
    decided_by_person_id: str | None,
    decided_by_name: str | None,
    decided_by_role: str,
) -> None:
    """Note who stands for a badge; done once however often it is asked.

    Args:
        database: not a session, so that losing a race costs the caller nothing.
        credential_id: the badge.
        decision_id: the assessor's decision, if there was one here.
        decided_by_person_id: the person who decided, if one of ours.
        decided_by_name: that person's name, if not one of ours.
        decided_by_role: in what role.
    """
    with database.read() as session:
        if session.exec(select(Award).where(Award.credential_id == credential_id)).first() is not None:
            return
    award = Award(
        credential_id=credential_id,
        decision_id=decision_id,
        decided_by_person_id=decided_by_person_id,
        decided_by_name=decided_by_name,
        decided_by_role=decided_by_role,
    )
    try:
        with database.write() as session:
            session.add(award)
    except IntegrityError:
        with database.read() as session:  # somebody was faster; anything else that went wrong still shows
            session.exec(select(Award).where(Award.credential_id == credential_id)).one()


def decider_of(session: ReadSession, credential_id: str) -> tuple[str, str] | None:
    """Name and role of the person who decided a badge, where that is nobody of ours: for the mail to its recipient."""
    row = session.exec(select(Award).where(Award.credential_id == credential_id)).first()
    return (row.decided_by_name, row.decided_by_role) if row is not None and row.decided_by_name else None


def was_told(session: ReadSession | Look, credential_id: str) -> bool:
    """Whether this server was only told of the decision: by a client of the API, or at the terminal.

    Then nobody here marked the work, and nothing is known of how it was judged but what came with the award.
    """
    return session.run(_TOLD, {"wanted": credential_id}).one_or_none() is not None


def forget_award(session: WriteSession, credential_id: str) -> None:
    """Delete who stands for a badge and by which decision: for one that is being erased. May be repeated.

    Of a request by a client of the API stays that its key was used, so that a repeat does not issue the badge again.

    Args:
        session: the transaction in which the badge is erased.
        credential_id: the badge.
    """
    forget_awards(session, (credential_id,))


def forget_awards(session: WriteSession, credential_ids: Sequence[str]) -> int:
    """The same for several; returns how many records of who stands for a badge, or did something to it, are gone."""
    gone = consequences.forget(session, credential_ids)
    renewing.forget(session, credential_ids)
    for model in (Award, AwardChange, AwardOverride, AwardRenewal):
        deleted = session.execute(delete(model).where(col(model.credential_id).in_(credential_ids)))
        gone += deleted.rowcount  # type: ignore[attr-defined]
    session.execute(
        sa.update(AwardRequest)
        .where(col(AwardRequest.credential_id).in_(credential_ids))
        .values(fingerprint=None, recipient_digest=None, sealed_recipient=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        sa.update(AwardBatchRow)
        .where(col(AwardBatchRow.credential_id).in_(credential_ids))
        .values(credential_id=None, sealed_input=None)
        .execution_options(synchronize_session=False)
    )
    return int(gone)
