"""A server with a client that sends batches, and workers that may be stopped at any step."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.awards.batches import control, intake
from app.awards.batches.models import AwardBatch, AwardBatchChunk
from app.awards.batches.schemas import BatchInfo, BatchRequest, Media, RowInfo
from app.awards.batches.work import BatchDeps, BatchWorker
from app.awards.models import AwardRequest
from app.awards.schemas import IssuingRights
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.issuer.models import Credential
from app.wiring import Services

CLIENT = "client-1"
SCOPES = frozenset({"credentials:issue", "credentials:issue:advanced"})


class Killed(BaseException):
    """Stands for kill -9: nothing below catches it."""


def row(number: int, **members: Any) -> dict[str, Any]:
    """A row that asks for M01 for a person of this number."""
    return {
        "achievement": "M01",
        "recipient": {"email": f"person-{number}@example.org", "name": f"Person {number}"},
        "decided_by": {"name": "Priya Raman", "role": "panel chair"},
        "awarded_at": "2026-03-04T15:00:00+11:00",
        **members,
    }


def jsonl(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(each) + "\n" for each in rows).encode()


@dataclass
class Desk:
    """Where batches come in and are worked on; `rights` is what the client may do now."""

    services: Services
    rights: IssuingRights | None = field(default_factory=lambda: IssuingRights(CLIENT, SCOPES, None))

    @property
    def database(self) -> Database:
        return self.services.runtime.database

    def worker(self) -> BatchWorker:
        """A worker."""

        def rights_now(_session: ReadSession, _client_id: str) -> IssuingRights | None:
            return self.rights

        runtime = self.services.runtime
        return BatchWorker(BatchDeps(runtime.database, runtime.secret_box, runtime.settings.base_url, rights_now))

    def send(self, body: bytes, *, key: str = "batch-1", media: Media = "jsonl", all_or_nothing: bool = False) -> str:
        """Take an upload in; its id."""
        box = self.services.runtime.secret_box
        digests = intake.fingerprints(box, body.hex(), media, all_or_nothing=all_or_nothing)
        asked = BatchRequest(CLIENT, key, digests, media, all_or_nothing, SCOPES)
        return intake.take_in(self.database, box, asked, io.BytesIO(body))

    def info(self, batch_id: str) -> BatchInfo:
        """How it stands."""
        with self.database.read() as session:
            return control.info(session, CLIENT, batch_id)

    def rows(self, batch_id: str) -> tuple[RowInfo, ...]:
        """What became of its rows."""
        return tuple(control.every_row(self.database, batch_id))

    def told(self, batch_id: str) -> dict[int, str]:
        """Line and code of each row that was refused."""
        return {each.line: each.code or "" for each in self.rows(batch_id) if each.state == "failed"}

    def badges(self) -> list[Credential]:
        """Every badge there is, reserved ones too."""
        with self.database.read() as session:
            return list(session.exec(select(Credential).order_by(col(Credential.id))).all())

    def requests(self) -> int:
        """How many awards were asked for by clients."""
        with self.database.read() as session:
            return len(session.exec(select(AwardRequest)).all())

    def let_leases_run_out(self) -> None:
        """As if a minute and a half had gone by since a worker died."""
        with self.database.write() as session:
            session.execute(sa.update(AwardBatchChunk).values(leased_until=now()))

    def batch(self, batch_id: str) -> AwardBatch:
        """Its row."""
        with self.database.read() as session:
            return session.get_one(AwardBatch, batch_id)


@pytest.fixture
def desk(services: Services) -> Desk:
    """See `Desk`."""
    return Desk(services)
