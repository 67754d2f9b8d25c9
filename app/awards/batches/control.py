"""Looking at batches and steering them: progress, what became of the rows, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.batches.errors import BatchNotFound, BatchOver
from app.awards.batches.intake import RECEIVING
from app.awards.batches.models import AwardBatch, AwardBatchChunk, AwardBatchRow
from app.awards.batches.schemas import BatchInfo, RowInfo, RowState, actor_of
from app.awards.errors import FieldProblem
from app.core import audit, metrics
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession

Step = Literal["pause", "resume", "cancel"]

RATE_OVER: Final = timedelta(minutes=1)
ROWS_AT_ONCE: Final = 500
OPEN: Final = ("queued", "running", "paused")
STATES: Final = (*OPEN, "done", "failed", "cancelled")
_WORDS: Final = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


def info(session: ReadSession, client_id: str, batch_id: str) -> BatchInfo:
    """How a batch stands.

    Raises:
        BatchNotFound: there is none, it is another client's, or it is still being taken in.
    """
    return _infos(session, [_row(session, client_id, batch_id)])[0]


def batches(
    session: ReadSession, client_id: str, *, limit: int, before: tuple[datetime, str] | None = None
) -> tuple[BatchInfo, ...]:
    """A client's batches, the newest first.

    Args:
        session: for reading.
        client_id: whose.
        limit: at most so many.
        before: only those older than this one: its moment and id.
    """
    wanted = select(AwardBatch).where(AwardBatch.client_id == client_id, AwardBatch.state != RECEIVING)
    if before is not None:
        moment, batch_id = before
        wanted = wanted.where(
            sa.or_(
                col(AwardBatch.created_at) < moment,
                sa.and_(col(AwardBatch.created_at) == moment, col(AwardBatch.id) < batch_id),
            )
        )
    found = session.exec(wanted.order_by(col(AwardBatch.created_at).desc(), col(AwardBatch.id).desc()).limit(limit))
    return tuple(_infos(session, found.all()))


def rows_of(
    session: ReadSession, batch_id: str, *, state: RowState | None = None, after: int = 0, limit: int = ROWS_AT_ONCE
) -> tuple[RowInfo, ...]:
    """What became of rows, by line.

    Args:
        session: for reading.
        batch_id: of a batch that the caller may see.
        state: only rows in this state.
        after: only lines below this one.
        limit: at most so many.
    """
    wanted = select(AwardBatchRow).where(AwardBatchRow.batch_id == batch_id, col(AwardBatchRow.line) > after)
    if state is not None:
        wanted = wanted.where(AwardBatchRow.state == state)
    found = session.exec(wanted.order_by(col(AwardBatchRow.line)).limit(limit)).all()
    return tuple(_row_info(row) for row in found)


def every_row(database: Database, batch_id: str, *, state: RowState | None = None) -> Iterator[RowInfo]:
    """All rows, some at a time: each look at the database is short, however slowly they are read."""
    after = 0
    while True:
        with database.read() as session:
            some = rows_of(session, batch_id, state=state, after=after)
        yield from some
        if len(some) < ROWS_AT_ONCE:
            return
        after = some[-1].line


def steer(database: Database, client_id: str, batch_id: str, step: Step) -> BatchInfo:
    """Pause, resume or cancel a batch. What is in that state already stays in it.

    The chunk that a worker has in hand is finished in each case; what is issued stays issued.

    Args:
        database: the database.
        client_id: who asks.
        batch_id: which batch.
        step: what to do.

    Raises:
        BatchNotFound: there is no such batch of this client.
        BatchOver: it is done, failed or cancelled.
    """
    with database.write() as session:
        batch = _row(session, client_id, batch_id, lock=True)
        wanted = {"pause": "paused", "cancel": "cancelled"}.get(step, "running" if batch.started_at else "queued")
        if batch.state not in OPEN and batch.state != wanted:
            raise BatchOver(
                f"This batch is {batch.state}, so it can no longer be {_WORDS[step]}.",
                kept="What it issued stays issued.",
            )
        is_resting = step != "resume" or batch.state == "paused"
        if batch.state != wanted and is_resting:
            _change(session, batch, step, wanted)
            audit.record(
                session,
                actor=actor_of(client_id),
                action=f"awards.batch_{_WORDS[step]}",
                subject="award_batch",
                subject_id=batch_id,
            )
    with database.read() as session:
        return info(session, client_id, batch_id)


def _change(session: WriteSession, batch: AwardBatch, step: Step, wanted: str) -> None:
    batch.state, batch.reason = wanted, None
    if step == "cancel":
        batch.ended_at = now()
        session.execute(
            sa.update(AwardBatchChunk)
            .where(col(AwardBatchChunk.batch_id) == batch.id, col(AwardBatchChunk.state).in_(("waiting", "checked")))
            .values(state="cancelled")
            .execution_options(synchronize_session=False)
        )
    session.add(batch)


def tell(session: ReadSession) -> None:
    """Set the gauge of batches by state."""
    found = session.execute(sa.select(col(AwardBatch.state), sa.func.count()).group_by(col(AwardBatch.state))).all()
    counts: dict[str, int] = {row[0]: row[1] for row in found}
    for state in STATES:
        metrics.BATCHES.labels(state).set(counts.get(state, 0))


def _row(session: ReadSession, client_id: str, batch_id: str, *, lock: bool = False) -> AwardBatch:
    wanted = select(AwardBatch).where(
        AwardBatch.id == batch_id, AwardBatch.client_id == client_id, AwardBatch.state != RECEIVING
    )
    found = session.exec(wanted.with_for_update() if lock else wanted).first()
    if found is None:
        raise BatchNotFound("There is no batch of this id, or it is not yours.")
    return found


def _infos(session: ReadSession, found: Sequence[AwardBatch]) -> list[BatchInfo]:
    moment = now()
    recent = col(AwardBatchChunk.finished_at) > moment - RATE_OVER
    settled = col(AwardBatchChunk.issued) + col(AwardBatchChunk.failed)
    sums = session.execute(
        sa.select(
            col(AwardBatchChunk.batch_id),
            sa.func.sum(col(AwardBatchChunk.issued)),
            sa.func.sum(col(AwardBatchChunk.failed)),
            sa.func.sum(sa.case((recent, settled), else_=0)),
        )
        .where(col(AwardBatchChunk.batch_id).in_([each.id for each in found]))
        .group_by(col(AwardBatchChunk.batch_id))
    ).all()
    counts: dict[str, tuple[int, int, int]] = {row[0]: (row[1], row[2], row[3]) for row in sums}
    return [_info(each, *counts.get(each.id, (0, 0, 0)), moment) for each in found]


def _info(row: AwardBatch, issued: int, failed: int, lately: int, moment: datetime) -> BatchInfo:
    rate = _rate(row, issued + failed, lately, moment)
    left = row.total - row.refused - issued - failed
    knows = row.state == "running" and not row.checking and rate > 0 and row.reason is None
    state: Any = row.state
    return BatchInfo(
        id=row.id,
        client_id=row.client_id,
        state=state,
        reason=row.reason,
        all_or_nothing=row.all_or_nothing,
        checking=row.checking,
        total=row.total,
        issued=issued,
        failed=row.refused + failed,
        rate=round(rate, 1),
        eta_seconds=round(left / rate) if knows else None,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _rate(row: AwardBatch, settled: int, lately: int, moment: datetime) -> float:
    """Rows settled per second; 0 while it stands still or nobody can tell yet."""
    if row.started_at is None or row.state in ("queued", "paused"):
        return 0.0
    if row.ended_at is not None:
        return settled / max((row.ended_at - row.started_at).total_seconds(), 0.001)
    span = min(moment - row.started_at, RATE_OVER).total_seconds()
    return lately / span if span > 0 else 0.0


def _row_info(row: AwardBatchRow) -> RowInfo:
    state: Any = row.state
    return RowInfo(
        line=row.line,
        state=state,
        credential_id=row.credential_id,
        code=row.error_code,
        problems=tuple(FieldProblem(**each) for each in row.problems or ()),
    )
