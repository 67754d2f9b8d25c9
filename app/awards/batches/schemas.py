"""What goes into batches and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.awards.errors import FieldProblem
from app.core.audit import OPERATOR, Actor

Media = Literal["jsonl", "csv"]
State = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
RowState = Literal["waiting", "issued", "failed"]


def actor_of(client_id: str) -> Actor:
    """Who the audit says sent a batch: a client of the API, or the operator at the terminal."""
    return OPERATOR if client_id == OPERATOR.id else Actor(kind="client", id=client_id)


@dataclass(frozen=True)
class BatchRequest:
    """An upload, apart from its rows.

    Attributes:
        client_id: who sends it.
        idempotency_key: the client's own; the same key and the same upload are one batch.
        fingerprints: keyed digests of the upload, newest master key first; see `intake.fingerprints`.
        media: how its rows are written.
        all_or_nothing: whether one bad row keeps all others from being issued.
        scopes: of the token; a worker grants no more than these and no more than the client has by then.
    """

    client_id: str
    idempotency_key: str
    fingerprints: tuple[str, ...]
    media: Media
    all_or_nothing: bool
    scopes: frozenset[str]


@dataclass(frozen=True)
class BatchInfo:
    """How a batch stands.

    Attributes:
        id: part of its address.
        client_id: whose it is.
        state: see `State`; `done` says that every row is settled, not that every row is good.
        reason: slug of what it waits for while running, or why it stands still.
        all_or_nothing: as asked.
        checking: all or nothing, and its rows are still being looked at: none is issued yet.
        total: rows in the upload.
        issued: of them issued.
        failed: of them refused.
        rate: rows settled per second: over the last minute while running, over all its time once it ended.
        eta_seconds: how long the rest takes at that rate; None while nobody can tell.
        created_at: when the upload was complete.
        started_at: when a worker first took it in hand.
        ended_at: when the last row was settled, or it was cancelled.
    """

    id: str
    client_id: str
    state: State
    reason: str | None
    all_or_nothing: bool
    checking: bool
    total: int
    issued: int
    failed: int
    rate: float
    eta_seconds: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class RowInfo:
    """What became of one row; nothing of what it said.

    Attributes:
        line: on which it begins in the upload, from 1.
        state: see `RowState`.
        credential_id: the badge, if it was issued.
        code: why it was refused.
        problems: the places in it, and what is wrong there.
    """

    line: int
    state: RowState
    credential_id: str | None
    code: str | None
    problems: tuple[FieldProblem, ...]
