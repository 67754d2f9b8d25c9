"""Who works on which chunk: a lease that runs out, so that a worker which dies gives its chunk back.

A chunk that has ended two workers is worked row by row from then on, and each row is named before it is begun. The one
that ends three more is refused, and the rest of the batch goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.batches.models import AwardBatch, AwardBatchChunk
from app.core import audit
from app.core.audit import SYSTEM
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.ids import new_id

LEASE: Final = timedelta(seconds=90)
ATTEMPTS_AS_A_WHOLE: Final = 2
MOST_TRIES: Final = 3
WORKABLE: Final = ("queued", "running")


class LeaseLost(Exception):
    """The lease ran out and somebody else has the chunk: whatever was to be written is theirs to write."""


@dataclass(frozen=True)
class Claim:
    """A chunk in this worker's hands.

    Attributes:
        batch: whose chunk it is, as it was when it was taken.
        number: which chunk.
        lease: the name of this hold.
        attempt: which try this is, from 1.
        only_reserved: the batch was cancelled while a worker that died had this chunk: only what that one had
            reserved is finished.
    """

    batch: AwardBatch
    number: int
    lease: str
    attempt: int
    only_reserved: bool

    @property
    def row_by_row(self) -> bool:
        """Whether each row is worked alone."""
        return self.attempt > ATTEMPTS_AS_A_WHOLE

    @property
    def ids(self) -> dict[str, Any]:
        """What the log calls it."""
        return {"batch_id": self.batch.id, "chunk": self.number, "attempt": self.attempt}


def claim(database: Database) -> Claim | None:
    """Take the next chunk in hand: the earliest of each batch before the later ones of any, so that a small batch does
    not wait for a large one; and one that ended a worker after all others, as it may end the next.
    """
    moment = now()
    free = sa.or_(col(AwardBatchChunk.leased_until).is_(None), col(AwardBatchChunk.leased_until) <= moment)
    waiting = sa.and_(col(AwardBatch.state).in_(WORKABLE), col(AwardBatchChunk.state) == "waiting")
    left = sa.and_(col(AwardBatch.state).in_((*WORKABLE, "cancelled")), col(AwardBatchChunk.state) == "in_hand")
    due = (
        select(AwardBatchChunk, AwardBatch)
        .join(AwardBatch, col(AwardBatch.id) == AwardBatchChunk.batch_id)
        .where(col(AwardBatchChunk.state).in_(("waiting", "in_hand")), sa.or_(waiting, left), free)
        .order_by(col(AwardBatchChunk.attempt), col(AwardBatchChunk.number), col(AwardBatch.created_at))
        .limit(1)
    )
    with database.read() as reading:
        if reading.exec(due).first() is None:
            return None
    with database.write() as session:
        found = session.exec(due.with_for_update(of=AwardBatchChunk, skip_locked=True)).first()
        if found is None:
            return None
        chunk, batch = found
        chunk.state, chunk.lease, chunk.leased_until = "in_hand", new_id(), moment + LEASE
        chunk.attempt += 1
        session.add(chunk)
        if batch.state == "queued":
            session.execute(
                sa.update(AwardBatch)
                .where(col(AwardBatch.id) == batch.id, col(AwardBatch.state) == "queued")
                .values(state="running", started_at=sa.func.coalesce(col(AwardBatch.started_at), moment))
                .execution_options(synchronize_session=False)
            )
        return Claim(batch, chunk.number, chunk.lease, chunk.attempt, only_reserved=batch.state == "cancelled")


def hold(session: WriteSession, claim: Claim, **changes: Any) -> None:
    """Change the chunk in the caller's transaction, if it is still ours, and hold it for another while.

    Raises:
        LeaseLost: it is not; the caller's transaction must not be committed.
    """
    values = {"leased_until": now() + LEASE, **changes}
    held = session.execute(
        sa.update(AwardBatchChunk)
        .where(
            col(AwardBatchChunk.batch_id) == claim.batch.id,
            col(AwardBatchChunk.number) == claim.number,
            col(AwardBatchChunk.lease) == claim.lease,
        )
        .values(values)
        .returning(col(AwardBatchChunk.number))
        .execution_options(synchronize_session=False)
    ).first()
    if held is None:
        raise LeaseLost


def begin_row(database: Database, claim: Claim, line: int) -> bool:
    """Name the row that is worked alone next; whether it may be begun, or has ended too many workers."""
    with database.write() as session:
        hold(session, claim)
        chunk = session.get_one(AwardBatchChunk, (claim.batch.id, claim.number))
        tries = chunk.tries + 1 if chunk.at_line == line else 1
        hold(session, claim, at_line=line, tries=tries)
    return tries <= MOST_TRIES


def give_back(database: Database, claim: Claim, *, wait: timedelta = timedelta(0), was_tried: bool = False) -> None:
    """Put the chunk back for anybody, in a while; if it is not ours any more there is nothing to give."""
    # What was never the chunk's fault, such as a signing service that is down, must not count against it.
    attempt = claim.attempt if was_tried else claim.attempt - 1
    try:
        with database.write() as session:
            hold(session, claim, state="waiting", lease=None, leased_until=now() + wait, attempt=attempt)
    except LeaseLost:
        pass


def stand_still(database: Database, batch_id: str, reason: str) -> bool:
    """Pause a batch of our own accord, until somebody has seen to the reason and resumes it; whether it ran."""
    with database.write() as session:
        paused = session.execute(
            sa.update(AwardBatch)
            .where(col(AwardBatch.id) == batch_id, col(AwardBatch.state).in_(WORKABLE))
            .values(state="paused", reason=reason)
            .returning(col(AwardBatch.id))
            .execution_options(synchronize_session=False)
        ).first()
        if paused is not None:
            audit.record(
                session,
                actor=SYSTEM,
                action="awards.batch_paused",
                subject="award_batch",
                subject_id=batch_id,
                reason=reason,
            )
    return paused is not None


def note_reason(database: Database, claim: Claim, reason: str | None) -> None:
    """Say what a batch that runs is waiting for, or that it waits no more."""
    if claim.batch.reason == reason:
        return
    with database.write() as session:
        session.execute(
            sa.update(AwardBatch)
            .where(col(AwardBatch.id) == claim.batch.id, col(AwardBatch.state).in_(WORKABLE))
            .values(reason=reason)
            .execution_options(synchronize_session=False)
        )


def close_finished(database: Database) -> int:
    """Bring batches on whose every chunk is done: from looking to issuing, or to their end; returns how many.

    Asked after the last chunk was written, in a transaction of its own: of two workers that finish the last two chunks
    at once, at least one then sees both. If both die before, whoever looks for work next does it.
    """
    unfinished = (
        sa.select(col(AwardBatchChunk.number))
        .where(
            col(AwardBatchChunk.batch_id) == col(AwardBatch.id),
            sa.case(
                (col(AwardBatch.checking), col(AwardBatchChunk.state) != "checked"),
                else_=col(AwardBatchChunk.state).not_in(("done", "cancelled")),
            ),
        )
        .exists()
    )
    ripe = select(AwardBatch).where(col(AwardBatch.state) == "running", ~unfinished)
    with database.read() as reading:
        if reading.exec(ripe).first() is None:
            return 0
    with database.write() as session:
        found = session.exec(ripe.with_for_update(skip_locked=True)).all()
        for batch in found:
            _bring_on(session, batch, now())
    return len(found)


def _bring_on(session: WriteSession, batch: AwardBatch, moment: datetime) -> None:
    chunks = col(AwardBatchChunk.batch_id) == batch.id
    issued, failed = session.execute(
        sa.select(sa.func.sum(col(AwardBatchChunk.issued)), sa.func.sum(col(AwardBatchChunk.failed))).where(chunks)
    ).one()
    refused = batch.refused + (failed or 0)
    if batch.checking and not refused:
        batch.checking = False
        session.execute(
            sa.update(AwardBatchChunk)
            .where(chunks)
            .values(state="waiting", lease=None, leased_until=None, attempt=0, at_line=None, tries=0)
            .execution_options(synchronize_session=False)
        )
    else:
        batch.state = "failed" if batch.checking else "done"
        batch.ended_at, batch.reason, batch.checking = moment, None, False
        audit.record(
            session,
            actor=SYSTEM,
            action=f"awards.batch_{batch.state}",
            subject="award_batch",
            subject_id=batch.id,
            issued=issued or 0,
            failed=refused,
        )
    session.add(batch)
