"""`/api/v1/batches`: many awards in one upload, and how they get on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from app.api.authentication import Caller, requires, requires_any
from app.api.idempotency import IdempotencyKey
from app.api.paging import USUAL, Cursor, Limit, only, page_of, read_cursor
from app.api.problems import READING, WRITING, problems
from app.api.uploads import Upload, upload_in
from app.awards.batches import control, intake
from app.awards.batches.schemas import BatchInfo, BatchRequest, RowInfo
from app.core.clock import rfc3339
from app.core.runtime import Runtime

router = APIRouter(prefix="/api/v1", tags=["batches"])

LIST: Final = "batches"
ERRORS: Final = "batch-errors"
ISSUING: Final = ("credentials:issue", "credentials:issue:advanced")
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/jsonl": {
                "schema": {"type": "string", "description": "One object of POST /credentials on each line."},
            },
            "text/csv": {
                "schema": {"type": "string", "description": "The first row names the columns."},
            },
        },
    }
}


class BatchAcceptedOut(BaseModel):
    """A batch that was taken in."""

    id: str
    url: str = Field(description="Where it tells how it gets on.")


class BatchOut(BaseModel):
    """How a batch stands. `reason`: what it waits for or why it stands still, e.g. `client-disabled`."""

    id: str
    url: str
    state: Literal["queued", "running", "paused", "done", "failed", "cancelled"]
    reason: str | None
    mode: Literal["good_rows", "all_or_nothing"]
    checking: bool = Field(description="All or nothing, and its rows are being looked at: none is issued yet.")
    total: int
    issued: int
    failed: int
    rate: float = Field(
        description="Rows settled per second, over the last minute; once it is over, over all its time."
    )
    eta_seconds: int | None = Field(description="Null while nobody can tell.")
    errors_url: str
    created_at: str
    started_at: str | None
    ended_at: str | None


class BatchesOut(BaseModel):
    """A page of batches, the newest first."""

    items: list[BatchOut]
    next_cursor: str | None


class RowProblemOut(BaseModel):
    """What is wrong at one place of a row; never what stood there."""

    field: str
    code: str
    message: str


class RowErrorOut(BaseModel):
    """A row that was refused. `line` is where it begins in the upload, from 1."""

    line: int
    code: str
    problems: list[RowProblemOut]


class RowErrorsOut(BaseModel):
    """A page of refused rows, by line."""

    items: list[RowErrorOut]
    next_cursor: str | None


MayIssue = Annotated[Caller, Depends(requires_any(*ISSUING))]
MayLook = Annotated[Caller, Depends(requires("credentials:read"))]


@router.post(
    "/batches",
    summary="Issue many badges",
    operation_id="create_batch",
    status_code=202,
    response_model=BatchAcceptedOut,
    openapi_extra=_BODY,
    responses={**problems(*WRITING), 202: {"description": "Taken in now, or by an earlier call with the same key."}},
    dependencies=[Depends(only("mode"))],
)
def create(
    request: Request,
    caller: MayIssue,
    key: IdempotencyKey,
    upload: Annotated[Upload, Depends(upload_in)],
    mode: Annotated[
        Literal["good_rows", "all_or_nothing"],
        Query(description="good_rows issues what can be issued; all_or_nothing looks at every row first."),
    ] = "good_rows",
) -> JSONResponse:
    """Issue 1 to 100,000 badges from JSON Lines or CSV, up to 100 MB.

    Rows that cannot be issued hinder no others unless mode says so; what is wrong with each is under errors_url. Safe
    to repeat: the same Idempotency-Key and the same bytes are the same batch.
    """
    runtime = _runtime(request)
    all_or_nothing = mode == "all_or_nothing"
    digests = intake.fingerprints(runtime.secret_box, upload.sha256, upload.media, all_or_nothing=all_or_nothing)
    asked = BatchRequest(caller.client_id, key, digests, upload.media, all_or_nothing, caller.scopes)
    batch_id = intake.take_in(runtime.database, runtime.secret_box, asked, upload.file)
    url = _url(runtime, batch_id)
    return JSONResponse({"id": batch_id, "url": url}, status_code=202, headers={"Location": url})


@router.get(
    "/batches",
    summary="List batches",
    operation_id="list_batches",
    response_model=BatchesOut,
    responses=problems(*READING),
    dependencies=[Depends(only("limit", "cursor"))],
)
def list_batches(request: Request, caller: MayLook, limit: Limit = USUAL, cursor: Cursor = None) -> BatchesOut:
    """This client's batches, the newest first."""
    runtime = _runtime(request)
    with runtime.database.read() as session:
        found = control.batches(session, caller.client_id, limit=limit + 1, before=read_cursor(LIST, cursor))
    shown, following = page_of(found, limit, place=lambda each: (each.created_at, each.id), list_name=LIST)
    return BatchesOut(items=[_out(runtime, each) for each in shown], next_cursor=following)


@router.get(
    "/batches/{batch_id}",
    summary="How a batch gets on",
    dependencies=[Depends(only())],
    operation_id="get_batch",
    response_model=BatchOut,
    responses=problems(*READING, 404),
)
def show(request: Request, caller: MayLook, batch_id: str) -> BatchOut:
    """How many rows are issued and refused, how fast, and how long the rest will take."""
    return _out(_runtime(request), _info(request, caller, batch_id))


@router.get(
    "/batches/{batch_id}/errors",
    summary="What is wrong with the rows of a batch",
    operation_id="list_batch_errors",
    response_model=RowErrorsOut,
    responses={
        **problems(*READING, 404),
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "As JSON, or all rows as CSV."},
    },
    dependencies=[Depends(only("limit", "cursor", "format"))],
)
def errors(
    request: Request,
    caller: MayLook,
    batch_id: str,
    limit: Limit = USUAL,
    cursor: Cursor = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Any:
    """The rows that were refused, by line, with every place that is wrong in each; format=csv gives all of them."""
    runtime, batch = _runtime(request), _info(request, caller, batch_id)
    if form == "csv":
        found = control.every_row(runtime.database, batch_id, state="failed")
        headers = {"Content-Disposition": f'attachment; filename="batch-{batch_id}-errors.csv"'}
        return StreamingResponse(_csv(found), media_type="text/csv; charset=utf-8; header=present", headers=headers)
    place = read_cursor(ERRORS, cursor)
    after = int(place[1]) if place is not None and place[1].isdigit() and len(place[1]) < 12 else 0
    with runtime.database.read() as session:
        some = control.rows_of(session, batch_id, state="failed", after=after, limit=limit + 1)
    shown, following = page_of(some, limit, place=lambda row: (batch.created_at, str(row.line)), list_name=ERRORS)
    return RowErrorsOut(items=[_error(row) for row in shown], next_cursor=following)


@router.post(
    "/batches/{batch_id}/pause",
    summary="Pause a batch",
    dependencies=[Depends(only())],
    operation_id="pause_batch",
    response_model=BatchOut,
    responses=problems(*READING, 404, 409),
)
def pause(request: Request, caller: MayIssue, batch_id: str) -> BatchOut:
    """Let it rest. Up to 200 rows that a worker has in hand are still finished."""
    return _steered(request, caller, batch_id, "pause")


@router.post(
    "/batches/{batch_id}/resume",
    summary="Resume a batch",
    dependencies=[Depends(only())],
    operation_id="resume_batch",
    response_model=BatchOut,
    responses=problems(*READING, 404, 409),
)
def resume(request: Request, caller: MayIssue, batch_id: str) -> BatchOut:
    """Let it go on, whether you paused it or it stopped by itself for a reason that is mended."""
    return _steered(request, caller, batch_id, "resume")


@router.post(
    "/batches/{batch_id}/cancel",
    summary="Cancel a batch",
    dependencies=[Depends(only())],
    operation_id="cancel_batch",
    response_model=BatchOut,
    responses=problems(*READING, 404, 409),
)
def cancel(request: Request, caller: MayIssue, batch_id: str) -> BatchOut:
    """End it for good. What is issued stays issued; up to 200 rows that a worker has in hand are still finished."""
    return _steered(request, caller, batch_id, "cancel")


def _steered(request: Request, caller: Caller, batch_id: str, step: control.Step) -> BatchOut:
    runtime = _runtime(request)
    return _out(runtime, control.steer(runtime.database, caller.client_id, batch_id, step))


def _info(request: Request, caller: Caller, batch_id: str) -> BatchInfo:
    with _runtime(request).database.read() as session:
        return control.info(session, caller.client_id, batch_id)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _url(runtime: Runtime, batch_id: str) -> str:
    return f"{runtime.settings.base_url}/api/v1/batches/{batch_id}"


def _out(runtime: Runtime, batch: BatchInfo) -> BatchOut:
    url = _url(runtime, batch.id)
    return BatchOut(
        id=batch.id,
        url=url,
        state=batch.state,
        reason=batch.reason,
        mode="all_or_nothing" if batch.all_or_nothing else "good_rows",
        checking=batch.checking,
        total=batch.total,
        issued=batch.issued,
        failed=batch.failed,
        rate=batch.rate,
        eta_seconds=batch.eta_seconds,
        errors_url=f"{url}/errors",
        created_at=rfc3339(batch.created_at),
        started_at=_moment(batch.started_at),
        ended_at=_moment(batch.ended_at),
    )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _error(row: RowInfo) -> RowErrorOut:
    told = [RowProblemOut(field=each.field, code=each.code, message=each.message) for each in row.problems]
    return RowErrorOut(line=row.line, code=row.code or "", problems=told)


def _csv(found: Iterator[RowInfo]) -> Iterator[str]:
    yield "line,code,field,message\r\n"
    for row in found:
        for each in row.problems:
            text = io.StringIO()
            csv.writer(text).writerow([row.line, each.code, each.field, each.message])
            yield text.getvalue()
