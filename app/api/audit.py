"""`GET /api/v1/audit`: who did what to what, and when, in the order in which it was written. Ids only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.authentication import Caller, requires
from app.api.paging import USUAL, Cursor, Limit, moment_in, only, page_of, read_cursor
from app.api.problems import READING, problems
from app.api.refusals import CursorRefused
from app.core import audit_reading, audit_seal
from app.core.audit_reading import Entry, Wanted
from app.core.audit_seal import SealNote
from app.core.clock import rfc3339
from app.core.runtime import Runtime

router = APIRouter(prefix="/api/v1", tags=["audit"])

LIST: Final = "audit"
_LARGEST_ID: Final = 2**31 - 1


def _text(description: str) -> Any:
    # Ids and actions have no other characters; NUL is one that PostgreSQL does not even compare.
    return Query(min_length=1, max_length=200, pattern="^[!-~]+$", description=description)


def _at(name: str, description: str) -> Any:
    return Query(alias=name, max_length=40, description=description, examples=["2026-03-01T09:00:00Z"])


class ActorOut(BaseModel):
    """Who did it."""

    kind: Literal["person", "client", "operator", "system"]
    id: str


class SubjectOut(BaseModel):
    """What it was done to."""

    kind: str = Field(examples=["credential"])
    id: str


class EntryOut(BaseModel):
    """One thing done. `ids` holds further ids and numbers; `sealed` says that it can no longer be changed unseen."""

    id: int
    at: str = Field(examples=["2026-03-01T09:00:00.123456Z"])
    actor: ActorOut
    action: str = Field(examples=["issuer.credential_revoked"])
    subject: SubjectOut
    ids: dict[str, str | int]
    sealed: bool


class SealOut(BaseModel):
    """The newest seal. Whoever notes its digest can tell later whether anything sealed by then was changed."""

    number: int
    digest: str = Field(min_length=64, max_length=64)
    last_id: int
    made_at: str


class AuditOut(BaseModel):
    """A page of the audit."""

    items: list[EntryOut]
    next_cursor: str | None
    newest_seal: SealOut | None


@router.get(
    "/audit",
    summary="Read the audit",
    responses=problems(*READING),
    dependencies=[Depends(only("actor", "action", "subject", "from", "to", "limit", "cursor"))],
)
def read_audit(
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(requires("audit:read"))],
    actor: Annotated[str | None, _text("Done by the person, client or other actor of this id.")] = None,
    action: Annotated[str | None, _text("Exactly this action, e.g. issuer.credential_revoked.")] = None,
    subject: Annotated[str | None, _text("Done to the badge, batch or other thing of this id.")] = None,
    since: Annotated[str | None, _at("from", "At this moment or later (RFC 3339, with its zone).")] = None,
    before: Annotated[str | None, _at("to", "Before this moment (RFC 3339, with its zone).")] = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> AuditOut:
    """Read who did what to what, and when, in the order in which it was written.

    The last page has no `next_cursor`; to go on later, ask again `from` the moment of the last entry and leave out the
    ids that you have. Entries that are not `sealed` yet may still be joined by others of the same moment.
    """
    runtime: Runtime = request.app.state.runtime
    wanted = Wanted(actor, action, subject, _moment("from", since), _moment("to", before))
    after_id = _after(cursor)
    with runtime.database.read() as session:
        # First the seal: an entry that is sealed meanwhile is then told as not sealed, never the other way round.
        seal = audit_seal.newest(session)
        rows = audit_reading.entries(session, wanted, only_actor_id=_only(caller), after_id=after_id, limit=limit + 1)
    response.headers["Cache-Control"] = "no-store"
    shown, next_cursor = page_of(rows, limit, place=lambda row: (row.at, str(row.id)), list_name=LIST)
    return AuditOut(items=[_entry(row, seal) for row in shown], next_cursor=next_cursor, newest_seal=_seal(seal))


def _only(caller: Caller) -> str | None:
    """A client that may award some achievements only is told what it did itself: entries name no achievement."""
    return caller.client_id if caller.achievements is not None else None


def _after(cursor: str | None) -> int:
    place = read_cursor(LIST, cursor)
    if place is None:
        return 0
    _, entry_id = place
    if not (entry_id.isascii() and entry_id.isdigit() and len(entry_id) < 12 and int(entry_id) <= _LARGEST_ID):
        raise CursorRefused
    return int(entry_id)


def _moment(name: str, text: str | None) -> datetime | None:
    """A moment in the address, to the microsecond: what was noted within one second is told apart.

    Raises:
        QueryRefused: it is none.
    """
    if text is None or moment_in(name, text) is None:
        return None
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _entry(row: Entry, seal: SealNote | None) -> EntryOut:
    return EntryOut(
        id=row.id,
        at=f"{row.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        actor=ActorOut.model_validate({"kind": row.actor_kind, "id": row.actor_id}),
        action=row.action,
        subject=SubjectOut(kind=row.subject, id=row.subject_id),
        ids=dict(row.ids),
        sealed=seal is not None and row.id <= seal.last_id,
    )


def _seal(seal: SealNote | None) -> SealOut | None:
    if seal is None:
        return None
    return SealOut(number=seal.number, digest=seal.digest, last_id=seal.last_id, made_at=rfc3339(seal.made_at))
