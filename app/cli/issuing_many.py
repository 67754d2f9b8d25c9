"""`waymark issue --file`: many badges from a file, by the way of the API's batches, for people without a client."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import Any, Final

import typer

from app.api.scopes import SCOPES
from app.awards.batches import control, intake
from app.awards.batches.errors import MAX_BYTES, too_many_bytes
from app.awards.batches.schemas import BatchInfo, BatchRequest, Media, RowInfo
from app.cli.keys import bound_house
from app.cli.support import EXIT_MISUSE, EXIT_NO, emit, fail
from app.core.audit import OPERATOR
from app.core.logging import configure
from app.core.runtime import Runtime
from app.wiring import Services, build_batch_worker

KINDS: Final[dict[str, Media]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
OVER: Final = ("done", "failed", "cancelled")
MOST_SHOWN: Final = 20
SECONDS_BETWEEN_LINES: Final = 2.0
SECONDS_BETWEEN_LOOKS: Final = 0.5


def issue_file(path: Path, *, key: str | None, all_or_nothing: bool, as_json: bool) -> None:
    """Issue what a file asks for, and print how many, and what is wrong with the rows that could not be issued.

    Args:
        path: JSON Lines or CSV; the end of its name says which.
        key: the same key and file are the same batch; made from the file if None.
        all_or_nothing: issue none if one row cannot be issued.
        as_json: for programs.

    Exit code 0 if every row is issued, 1 if not, 2 if it is no such file.
    """
    media = KINDS.get(path.suffix.lower())
    if media is None:
        fail(f"The name of the file must end in {', '.join(KINDS)}; that says how it is written.", code=EXIT_MISUSE)
    digest = _digest(path)
    with bound_house() as services:
        runtime = services.runtime
        configure(level="WARNING", json=runtime.settings.env == "production")  # progress is told in words
        batch_id = _taken_in(runtime, path, digest, media, key or digest, all_or_nothing=all_or_nothing)
        stands = _worked_off(services, batch_id, as_json)
        wrong = list(control.every_row(runtime.database, batch_id, state="failed"))
    emit(_data(stands, wrong), as_json, "\n".join(_lines(stands, wrong)))
    if stands.state != "done" or stands.failed:
        raise typer.Exit(EXIT_NO)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, hashlib.sha256).hexdigest()
    except OSError as error:
        fail(f"The file cannot be read: {error.strerror}: {path}", code=EXIT_MISUSE)


def _taken_in(runtime: Runtime, path: Path, digest: str, media: Media, key: str, *, all_or_nothing: bool) -> str:
    with path.open("rb") as upload:
        if path.stat().st_size > MAX_BYTES:
            raise too_many_bytes()
        asked = BatchRequest(
            client_id=OPERATOR.id,
            idempotency_key=key,
            fingerprints=intake.fingerprints(runtime.secret_box, digest, media, all_or_nothing=all_or_nothing),
            media=media,
            all_or_nothing=all_or_nothing,
            scopes=frozenset(SCOPES),
        )
        return intake.take_in(runtime.database, runtime.secret_box, asked, upload)


def _worked_off(services: Services, batch_id: str, as_json: bool) -> BatchInfo:
    """Work until the batch is over or stands still; workers that run beside this take their share."""
    database, worker = services.runtime.database, build_batch_worker(services)
    if _stands(services, batch_id).state == "paused":
        control.steer(database, OPERATOR.id, batch_id, "resume")
    told = time.monotonic()
    while True:
        stands = _stands(services, batch_id)
        if stands.state in (*OVER, "paused"):
            return stands
        if not as_json and time.monotonic() - told > SECONDS_BETWEEN_LINES:
            sys.stderr.write(f"{stands.issued + stands.failed:,} of {stands.total:,} rows\n")
            told = time.monotonic()
        if not worker.run_once():
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _stands(services: Services, batch_id: str) -> BatchInfo:
    with services.runtime.database.read() as session:
        return control.info(session, OPERATOR.id, batch_id)


def _data(stands: BatchInfo, wrong: list[RowInfo]) -> dict[str, Any]:
    errors = [
        {"line": row.line, "code": problem.code, "field": problem.field, "message": problem.message}
        for row in wrong
        for problem in row.problems
    ]
    return {
        "id": stands.id,
        "state": stands.state,
        "reason": stands.reason,
        "total": stands.total,
        "issued": stands.issued,
        "failed": stands.failed,
        "errors": errors,
    }


def _lines(stands: BatchInfo, wrong: list[RowInfo]) -> list[str]:
    told_how = " Each recipient is told by mail, by the worker." if stands.issued else ""
    lines = [f"Issued: {stands.issued:,} of {stands.total:,}.{told_how}"]
    told = [f"line {row.line}: {problem.field}: {problem.message}" for row in wrong for problem in row.problems]
    lines += told[:MOST_SHOWN]
    if len(told) > MOST_SHOWN:
        lines.append(f"… and {len(told) - MOST_SHOWN:,} more; --json shows all.")
    if stands.state == "failed":
        lines.append("Nothing was issued, as one row or more cannot be. Mend the rows and run it again.")
    elif wrong:
        stays = "What is issued stays. " if stands.issued else ""
        lines.append(f"{stays}Mend the rows and run it again: no row is issued twice that has a key.")
    if stands.state == "paused":
        lines.append(f"It stands still: {stands.reason}. When that is mended, run the same command again.")
    return lines
