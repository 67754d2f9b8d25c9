"""Writing an upload down: row by row, in small transactions, and for nobody to see until it is complete.

A process that dies on the way leaves a batch in the state `receiving`. The next call with the same key begins anew, and
if none comes, `purge` takes it away: half an upload is never worked on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.awards.batches import inputs, reading
from app.awards.batches.errors import (
    NOTHING_KEPT,
    BatchKeyConflict,
    BatchStillArriving,
    BatchTooLarge,
    BatchUnreadable,
)
from app.awards.batches.models import AwardBatch, AwardBatchChunk, AwardBatchRow
from app.awards.batches.reading import ReadRow
from app.awards.batches.schemas import BatchRequest, Media, actor_of
from app.awards.errors import FieldProblem
from app.core import audit, rows
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.secrets import SecretBox

PURPOSE: Final = "awards.batch"
MAX_ROWS: Final = 100_000
CHUNK_ROWS: Final = 200
CHUNKS_AT_ONCE: Final = 5
GIVEN_UP_AFTER: Final = timedelta(minutes=2)
RECEIVING: Final = "receiving"


def fingerprints(secret_box: SecretBox, sha256: str, media: Media, *, all_or_nothing: bool) -> tuple[str, ...]:
    """Keyed digests of an upload, newest master key first, from the SHA-256 of its bytes in hex."""
    said = f"{sha256} {media} {'all_or_nothing' if all_or_nothing else 'good_rows'}"
    return tuple(value.hex() for value in secret_box.derive_all(PURPOSE, said))


def take_in(database: Database, secret_box: SecretBox, asked: BatchRequest, upload: BinaryIO) -> str:
    """Write an upload down and queue it; the same upload under the same key is one batch.

    Args:
        database: not a session: this takes many small writes.
        secret_box: seals the rows.
        asked: what is wanted of it.
        upload: complete, at its beginning; read once, row by row.

    Returns:
        The batch's id.

    Raises:
        BatchUnreadable, BatchTooLarge: nothing of it is kept.
        BatchKeyConflict: the key was used for another upload.
        BatchStillArriving: the same upload is being written down by another process.
    """
    mine = new_id()
    batch_id, is_new = _begin(database, asked, mine)
    if not is_new:
        return batch_id
    writer = _Writer(database, secret_box, batch_id, mine, asked.media)
    try:
        for some in _grouped(_without_repeats(reading.rows_of(upload, asked.media)), CHUNK_ROWS * CHUNKS_AT_ONCE):
            writer.write(some)
        writer.complete(asked)
    except AppError:
        forget(database, batch_id, mine)
        raise
    return batch_id


def forget(database: Database, batch_id: str, intake: str) -> bool:
    """Take away an upload that is not complete, if it is still in these hands; returns whether it was."""
    with database.write() as session:
        held = session.exec(
            select(AwardBatch)
            .where(AwardBatch.id == batch_id, AwardBatch.state == RECEIVING, AwardBatch.intake == intake)
            .with_for_update()
        ).first()
        if held is None:
            return False
        _delete_rows(session, batch_id)
        session.delete(held)
    return True


def _delete_rows(session: WriteSession, batch_id: str) -> None:
    for model in (AwardBatchRow, AwardBatchChunk):
        session.execute(sa.delete(model).where(col(model.batch_id) == batch_id))


def _begin(database: Database, asked: BatchRequest, mine: str) -> tuple[str, bool]:
    """The batch of this key, and whether its rows are ours to write."""
    try:
        with database.write() as session:
            known = session.exec(
                select(AwardBatch)
                .where(AwardBatch.client_id == asked.client_id, AwardBatch.idempotency_key == asked.idempotency_key)
                .with_for_update()
            ).first()
            if known is not None:
                return known.id, _is_mine_now(session, known, asked, mine)
            batch = AwardBatch(
                client_id=asked.client_id,
                idempotency_key=asked.idempotency_key,
                fingerprint=asked.fingerprints[0],
                all_or_nothing=asked.all_or_nothing,
                checking=asked.all_or_nothing,
                scopes=sorted(asked.scopes),
                state=RECEIVING,
                intake=mine,
            )
            session.add(batch)
            return batch.id, True
    except IntegrityError:
        raise _still_arriving() from None


def _is_mine_now(session: WriteSession, known: AwardBatch, asked: BatchRequest, mine: str) -> bool:
    if known.fingerprint not in asked.fingerprints:
        raise BatchKeyConflict(
            "This idempotency key was used before for another upload, or with another mode.",
            kept="The earlier batch stands; nothing new was taken in.",
            next_step="Use a new key for a new batch, or repeat the earlier request unchanged.",
        )
    if known.state != RECEIVING:
        return False
    if known.created_at > now() - GIVEN_UP_AFTER:
        raise _still_arriving()
    _delete_rows(session, known.id)
    known.intake, known.total, known.refused, known.created_at = mine, 0, 0, now()
    session.add(known)
    return True


def _still_arriving() -> BatchStillArriving:
    return BatchStillArriving(
        "The same batch is being taken in at this moment.",
        kept="What arrived first is being kept.",
        next_step="Ask again in two minutes with the same key and the same file.",
    )


def _without_repeats(found: Iterable[ReadRow]) -> Iterator[ReadRow]:
    """Rows that repeat an earlier one get a problem more; those with keys of their own are repeats only by their key.

    A repeat that can be read keeps its award: a worker still tells what checking has to say of it. A row that cannot
    be read takes no key away from those after it.
    """
    seen: dict[bytes, int] = {}
    for row in found:
        said = _said(row)
        if said is not None:
            digest = hashlib.blake2b(said.encode(), digest_size=16).digest()
            first = seen.setdefault(digest, row.line) if row.award is not None else seen.get(digest, row.line)
            if first != row.line:
                yield replace(row, problems=(_repeated(row, first), *row.problems))
                continue
        yield row


def _said(row: ReadRow) -> str | None:
    """By what a repeat of a row is known."""
    if row.key is not None:
        return f"key {row.key}"
    return f"row {row.award.achievement_key} {row.award.email}" if row.award is not None else None


def _repeated(row: ReadRow, first: int) -> FieldProblem:
    if row.key is not None:
        return FieldProblem("idempotency_key", "repeated", f"is that of line {first}")
    return FieldProblem("row", "repeated", f"asks for the same achievement for the same address as line {first}")


def _grouped(found: Iterable[ReadRow], size: int) -> Iterator[list[ReadRow]]:
    some: list[ReadRow] = []
    for row in found:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


class _Writer:
    """Writes the rows of one upload, as long as it is in our hands."""

    def __init__(self, database: Database, secret_box: SecretBox, batch_id: str, mine: str, media: Media) -> None:
        self._database = database
        self._secret_box = secret_box
        self._batch_id = batch_id
        self._mine = mine
        self._media = media
        self._total = 0
        self._refused = 0
        self._chunks = 0

    def write(self, some: Sequence[ReadRow]) -> None:
        """Write some rows down, those that can be read in chunks."""
        good = [row for row in some if row.award is not None]
        self._total += len(some)
        self._refused += len(some) - len(good)
        if self._total > MAX_ROWS:
            raise BatchTooLarge(
                f"A batch has up to {MAX_ROWS:,} rows.",
                kept=NOTHING_KEPT,
                next_step="Split it into several files, and send each with a key of its own.",
            )
        made, chunks = [self._row(row, None) for row in some if row.award is None], []
        for start in range(0, len(good), CHUNK_ROWS):
            part = good[start : start + CHUNK_ROWS]
            chunks.append(self._chunk(len(part)))
            made += [self._row(row, self._chunks) for row in part]
            self._chunks += 1
        with self._database.write() as session:
            self._hold(session, {})
            insert_rows(session, rows.table(AwardBatchChunk), chunks)
            insert_rows(session, rows.table(AwardBatchRow), made)

    def complete(self, asked: BatchRequest) -> None:
        """Queue it; with no row that could be worked on it is over at once."""
        if not self._total:
            raise BatchUnreadable("There is no row in the upload.", kept=NOTHING_KEPT)
        over: dict[str, Any] = {"state": "queued"}
        if not self._chunks:
            over = {"state": "failed" if asked.all_or_nothing else "done", "ended_at": now(), "checking": False}
        with self._database.write() as session:
            self._hold(session, {**over, "intake": None})
            audit.record(
                session,
                actor=actor_of(asked.client_id),
                action="awards.batch_received",
                subject="award_batch",
                subject_id=self._batch_id,
                rows=self._total,
                unreadable=self._refused,
            )

    def _hold(self, session: WriteSession, changes: dict[str, Any]) -> None:
        """Keep the batch in our hands, with these changes."""
        held = session.execute(
            sa.update(AwardBatch)
            .where(col(AwardBatch.id) == self._batch_id, col(AwardBatch.intake) == self._mine)
            .values(created_at=now(), total=self._total, refused=self._refused, **changes)
            .returning(col(AwardBatch.id))
            .execution_options(synchronize_session=False)
        ).first()
        if held is None:
            raise _still_arriving()

    def _chunk(self, size: int) -> dict[str, Any]:
        start = {"attempt": 0, "tries": 0, "issued": 0, "failed": 0}
        return {"batch_id": self._batch_id, "number": self._chunks, "rows": size, "state": "waiting", **start}

    def _row(self, row: ReadRow, chunk: int | None) -> dict[str, Any]:
        sealed = None if row.award is None else inputs.seal(self._secret_box, row.award, row.key, self._media)
        return {
            "batch_id": self._batch_id,
            "line": row.line,
            "chunk": chunk,
            "state": "failed" if row.award is None else "waiting",
            "sealed_input": sealed,
            "error_code": row.problems[0].code if row.award is None else None,
            "problems": [asdict(problem) for problem in row.problems] or None,
        }
