"""A worker's part in batches: take a chunk in hand, check its rows, reserve, sign, store.

Whatever stops on the way leaves the chunk leased until the lease runs out. The rows that were reserved by then are
found by their keys and finished with the same ids; nothing is counted, issued or told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import col, select

from app.awards import checking
from app.awards.batches import inputs, leasing, recording
from app.awards.batches.faults import ROW, refused
from app.awards.batches.leasing import Claim, LeaseLost
from app.awards.batches.models import AwardBatchChunk, AwardBatchRow
from app.awards.batches.ports import ClientRights
from app.awards.batches.recording import Asked
from app.awards.errors import FieldProblem
from app.awards.requests import HolderChanged
from app.awards.schemas import CheckedAward, IssuingRights
from app.core import metrics, rows
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.errors import AppError
from app.core.logging import get_logger
from app.core.secrets import SecretBox, SecretUnreadable
from app.issuer import bulk
from app.issuer.errors import CredentialErased, IdempotencyConflict, IssueRefused, KeysUnreadable
from app.issuer.key_errors import SigningServiceDown, SigningServiceWrong

log = get_logger()

RACES: Final = 5
WAIT_FOR_SIGNING: Final = timedelta(seconds=10)
WAIT_AFTER_ERROR: Final = timedelta(seconds=2)
CHANGED: Final = "changed-since-checked"
DISABLED: Final = "client-disabled"
UNREADABLE: Final = "rows-unreadable"
ENDS_WORKERS: Final = FieldProblem(ROW, "ends-workers", "ended each worker that took it in hand, so it was given up")
UNEXPECTED: Final = FieldProblem(ROW, "unexpected-error", "met an error on our side that its log tells of")


@dataclass(frozen=True)
class BatchDeps:
    """What the worker works with; bound by wiring.

    Attributes:
        database: the database.
        secret_box: opens rows and keys.
        base_url: this server's address.
        rights: what a client may do now.
    """

    database: Database
    secret_box: SecretBox
    base_url: str
    rights: ClientRights


@dataclass
class _Settled:
    """What became of some rows: the badges of the good ones, the problems of the others, by line.

    Attributes:
        addresses: of the badges that are nobody's yet, by their ids.
    """

    issued: dict[int, str] = field(default_factory=dict)
    failed: dict[int, list[FieldProblem]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict, repr=False)


class _StandStill(Exception):
    """The batch cannot go on until somebody has done something."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BatchWorker:
    """Works on batches. Any number of workers may run on one database."""

    def __init__(self, deps: BatchDeps) -> None:
        self._deps = deps
        self._database = deps.database

    def run_once(self) -> bool:
        """Work on one chunk, or bring a batch on whose chunks are done; whether there was anything to do."""
        claim = leasing.claim(self._database)
        if claim is None:
            return leasing.close_finished(self._database) > 0
        try:
            self._work(claim)
        except LeaseLost:
            metrics.BATCH_CHUNKS.labels("lost").inc()
            log.warning("batch.lease_lost", **claim.ids)
        except _StandStill as still:
            self._pause(claim, still.reason)
        except (SigningServiceDown, SigningServiceWrong, KeysUnreadable) as error:
            metrics.BATCH_CHUNKS.labels("waiting").inc()
            log.error("batch.waits", **claim.ids, reason=error.slug)
            leasing.give_back(self._database, claim, wait=WAIT_FOR_SIGNING)
            leasing.note_reason(self._database, claim, error.slug)
        except IssueRefused as error:
            # The programme's own part of the document cannot be signed: no row is at fault, and no other would pass.
            self._pause(claim, error.slug)
        except SQLAlchemyError:
            leasing.give_back(self._database, claim, wait=WAIT_AFTER_ERROR)
            raise
        except Exception as error:
            metrics.BATCH_CHUNKS.labels("failed").inc()
            log.error("batch.chunk_failed", **claim.ids, error=type(error).__name__, exc_info=True)
            leasing.give_back(self._database, claim, wait=WAIT_AFTER_ERROR, was_tried=True)
        else:
            metrics.BATCH_CHUNKS.labels("done").inc()
            leasing.note_reason(self._database, claim, None)
        return True

    def run_until_idle(self, limit: int = 10_000) -> int:
        """Work until nothing is due; returns how many pieces of work were done. For tests and the command line."""
        done = 0
        while done < limit and self.run_once():
            done += 1
        return done

    def _pause(self, claim: Claim, reason: str) -> None:
        leasing.give_back(self._database, claim)
        if leasing.stand_still(self._database, claim.batch.id, reason):
            metrics.BATCH_CHUNKS.labels("waiting").inc()
            log.error("batch.paused", **claim.ids, reason=reason)

    def _work(self, claim: Claim) -> None:
        with self._database.read() as session:
            waiting = session.exec(
                select(AwardBatchRow)
                .where(
                    AwardBatchRow.batch_id == claim.batch.id,
                    AwardBatchRow.chunk == claim.number,
                    AwardBatchRow.state == "waiting",
                )
                .order_by(col(AwardBatchRow.line))
            ).all()
        pieces = [[row] for row in waiting] if claim.row_by_row else [list(waiting)]
        for number, piece in enumerate(pieces, 1):
            settled = self._settle_alone(claim, piece[0]) if claim.row_by_row else self._settle(claim, piece)
            self._store(claim, settled, is_last=number == len(pieces))
        if not pieces:
            self._store(claim, _Settled(), is_last=True)

    def _settle_alone(self, claim: Claim, row: AwardBatchRow) -> _Settled:
        if not leasing.begin_row(self._database, claim, row.line):
            log.error("batch.row_ends_workers", **claim.ids, line=row.line)
            return _Settled(failed={row.line: [ENDS_WORKERS]})
        try:
            return self._settle(claim, [row])
        except (AppError, SQLAlchemyError, LeaseLost, _StandStill):
            raise
        except Exception as error:
            log.error("batch.row_failed", **claim.ids, line=row.line, error=type(error).__name__, exc_info=True)
            return _Settled(failed={row.line: [UNEXPECTED]})

    def _settle(self, claim: Claim, piece: Sequence[AwardBatchRow]) -> _Settled:
        """Everything up to the signed badges; see `_store`."""
        asked = [self._asked(claim, row) for row in piece]
        for race in range(RACES):
            try:
                return self._reserved(claim, asked)
            except (IntegrityError, HolderChanged):
                # Somebody reserved one of the keys, opened the same list, or was erased, at the same moment.
                if race == RACES - 1:
                    raise
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _asked(self, claim: Claim, row: AwardBatchRow) -> Asked:
        try:
            award, own, media = inputs.unseal(self._deps.secret_box, row.sealed_input or "")
        except SecretUnreadable:
            raise _StandStill(UNREADABLE) from None
        key = inputs.row_key(claim.batch.idempotency_key, row.line, own)
        told = tuple(FieldProblem(**each) for each in row.problems or ())
        return recording.asked(self._deps.secret_box, row.line, award, key, media, told)

    def _reserved(self, claim: Claim, asked: Sequence[Asked]) -> _Settled:
        settled, box = _Settled(), self._deps.secret_box
        with self._database.read() as session:
            known = recording.known(session, claim.batch.client_id, asked)
            states = bulk.states_of(session, [each.credential_id for each in known.values()])
            new = [each for each in asked if each.line not in known]
            rights = self._rights(session, claim) if new and not claim.only_reserved else None
            found = [] if rights is None else checking.check_many(session, box, [x.award for x in new], rights, now())
        for each in asked:
            if each.line in known:
                self._note_known(each, known[each.line], states, settled)
        good: list[tuple[Asked, CheckedAward]] = []
        for each, answer in zip(new, found, strict=rights is not None):
            if isinstance(answer, AppError):
                settled.failed[each.line] = [*each.told, _problem(each, answer)]
            elif each.told:
                settled.failed[each.line] = list(each.told)
            else:
                good.append((each, answer))
        if claim.batch.checking:
            return _Settled(failed=settled.failed)
        if claim.batch.all_or_nothing and settled.failed:
            self._store_failed(claim, settled.failed)
            raise _StandStill(CHANGED)
        if good and rights is not None:
            with self._database.write() as session:
                leasing.hold(session, claim)
                answers = recording.reserve(session, box, self._deps.base_url, rights, good)
            for (each, checked), made in zip(good, answers, strict=True):
                if isinstance(made, AppError):
                    settled.failed[each.line] = [_problem(each, made)]
                    continue
                settled.issued[each.line] = made
                if checked.person_id is None:
                    settled.addresses[made] = each.award.email
        return settled

    def _rights(self, session: Any, claim: Claim) -> IssuingRights:
        """What the client may do now, and its token might when it sent the batch."""
        rights = self._deps.rights(session, claim.batch.client_id)
        if rights is None:
            raise _StandStill(DISABLED)
        return replace(rights, scopes=rights.scopes & frozenset(map(str, claim.batch.scopes)))

    def _note_known(self, each: Asked, found: recording.Known, states: dict[str, str], settled: _Settled) -> None:
        if found.fingerprint is not None and found.fingerprint not in each.fingerprints:
            error: AppError = IdempotencyConflict("This idempotency key was used before for another award.")
            settled.failed[each.line] = [_problem(each, error)]
        elif states.get(found.credential_id) in (None, "erased"):
            settled.failed[each.line] = [FieldProblem(ROW, CredentialErased.slug, "was issued before, and erased")]
        else:
            settled.issued[each.line] = found.credential_id
            settled.addresses[found.credential_id] = each.award.email

    def _store_failed(self, claim: Claim, failed: dict[int, list[FieldProblem]]) -> None:
        with self._database.write() as session:
            leasing.hold(session, claim, failed=_CHUNK.failed + len(failed))
            _write_rows(session, claim, _Settled(failed=failed))

    def _store(self, claim: Claim, settled: _Settled, *, is_last: bool) -> None:
        """Sign, and write 2."""
        deps = self._deps
        badges = bulk.sign_many(self._database, deps.secret_box, deps.base_url, list(settled.issued.values()))
        changes: dict[str, Any] = {
            "issued": _CHUNK.issued + len(settled.issued),
            "failed": _CHUNK.failed + len(settled.failed),
        }
        if is_last:
            end = "checked" if claim.batch.checking else "done"
            changes |= {"state": end, "lease": None, "leased_until": None, "finished_at": now()}
        with self._database.write() as session:
            leasing.hold(session, claim, **changes)
            bulk.store_many(session, badges)
            _write_rows(session, claim, settled)
        recording.adopt(self._database, settled.addresses)
        metrics.BATCH_ROWS.labels("issued").inc(len(settled.issued))
        metrics.BATCH_ROWS.labels("refused").inc(len(settled.failed))
        if is_last:
            log.info("batch.chunk_done", **claim.ids, issued=len(settled.issued), failed=len(settled.failed))
            leasing.close_finished(self._database)


def _problem(each: Asked, error: AppError) -> FieldProblem:
    return refused(error, each.media, has_own_key=each.has_own_key)


_CHUNK: Final = rows.table(AwardBatchChunk).c
_ROWS: Final = rows.table(AwardBatchRow)
_THIS_ROW: Final = sa.and_(
    _ROWS.c.batch_id == sa.bindparam("of_batch"), _ROWS.c.line == sa.bindparam("of_line"), _ROWS.c.state == "waiting"
)
_ISSUED: Final = (
    sa.update(_ROWS).where(_THIS_ROW).values(state="issued", credential_id=sa.bindparam("badge"), sealed_input=None)
)
_FAILED: Final = (
    sa.update(_ROWS)
    .where(_THIS_ROW)
    .values(state="failed", error_code=sa.bindparam("code"), problems=sa.bindparam("told"), sealed_input=None)
)


def _write_rows(session: WriteSession, claim: Claim, settled: _Settled) -> None:
    """Note what became of rows; their input is of no more use to anybody, and goes."""
    batch_id = claim.batch.id
    issued = [{"of_batch": batch_id, "of_line": line, "badge": badge} for line, badge in settled.issued.items()]
    failed = [
        {"of_batch": batch_id, "of_line": line, "code": told[0].code, "told": [asdict(each) for each in told]}
        for line, told in settled.failed.items()
    ]
    for statement, values in ((_ISSUED, issued), (_FAILED, failed)):
        if values:
            session.connection().execute(statement, values)
