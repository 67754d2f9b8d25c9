"""What goes with time: uploads that never became complete, and the input of rows that nobody will work on any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.batches.control import OPEN
from app.awards.batches.intake import RECEIVING, forget
from app.awards.batches.models import AwardBatch, AwardBatchRow
from app.core.clock import now
from app.core.db import Database
from app.core.logging import get_logger

log = get_logger()

KEEP_INPUT: Final = timedelta(days=30)
KEEP_HALVES: Final = timedelta(hours=1)


def purge(database: Database) -> int:
    """Forget what is due; returns how many batches. A worker's chore, by any number of workers.

    A settled row's input went when it was settled. What is left are the rows of batches that were cancelled or failed:
    their input goes 30 days after the end. The rows keep their lines, states, badges' ids and problems.
    """
    moment, purged = now(), 0
    over = col(AwardBatch.state).not_in((*OPEN, RECEIVING))
    with database.read() as session:
        halves = session.exec(
            select(AwardBatch.id, AwardBatch.intake).where(
                AwardBatch.state == RECEIVING, col(AwardBatch.created_at) < moment - KEEP_HALVES
            )
        ).all()
        old = session.exec(
            select(AwardBatch.id).where(
                over, col(AwardBatch.purged_at).is_(None), col(AwardBatch.ended_at) < moment - KEEP_INPUT
            )
        ).all()
    for batch_id, intake in halves:
        if forget(database, batch_id, intake or ""):
            log.warning("batch.half_forgotten", batch_id=batch_id)
            purged += 1
    for batch_id in old:
        with database.write() as session:
            session.execute(
                sa.update(AwardBatchRow)
                .where(col(AwardBatchRow.batch_id) == batch_id, col(AwardBatchRow.sealed_input).is_not(None))
                .values(sealed_input=None)
                .execution_options(synchronize_session=False)
            )
            session.execute(
                sa.update(AwardBatch)
                .where(col(AwardBatch.id) == batch_id)
                .values(purged_at=moment)
                .execution_options(synchronize_session=False)
            )
        purged += 1
    return purged
