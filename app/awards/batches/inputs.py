"""A row's input as it waits in the database: sealed, as it holds an address and names."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import orjson

from app.awards.batches.models import AwardBatchRow
from app.awards.batches.schemas import Media
from app.awards.schemas import ClientAward
from app.core.resealing import SealedColumn
from app.core.secrets import SecretBox

PURPOSE: Final = "awards.batch-row"
_INPUT: Any = AwardBatchRow.sealed_input
SEALED: Final = (SealedColumn("rows of batches that wait", _INPUT, PURPOSE),)


def seal(secret_box: SecretBox, award: ClientAward, key: str | None, media: Media) -> str:
    """Close an award, the row's own idempotency key, and how the row was written."""
    return secret_box.encrypt(PURPOSE, orjson.dumps([key, asdict(award), media]))


def unseal(secret_box: SecretBox, sealed: str) -> tuple[ClientAward, str | None, Media]:
    """What `seal` closed.

    Raises:
        SecretUnreadable: no master key opens it.
    """
    key, members, *rest = orjson.loads(secret_box.decrypt(PURPOSE, sealed))
    moment = members["awarded_at"]
    members["awarded_at"] = None if moment is None else datetime.fromisoformat(moment)
    members["results"] = tuple((str(criterion), int(level)) for criterion, level in members["results"])
    # Rows that were taken in before it was noted do not say how they were written.
    return ClientAward(**members), key, rest[0] if rest else "jsonl"


def row_key(batch_key: str, line: int, own: str | None) -> str:
    """The idempotency key of a row: its own, else that of the batch and the line."""
    return own if own is not None else f"{batch_key}#{line}"
