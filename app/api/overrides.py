"""Awards that were made although a prerequisite was missing: listed, and reviewed by somebody else."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from app.api.authentication import Caller, requires
from app.api.bodies import Sent, json_object
from app.api.paging import USUAL, Cursor, Limit, only, page_of, read_cursor
from app.api.problems import READING, problems
from app.api.shapes import OverrideOut, OverridesOut
from app.awards import overrides
from app.awards.award_input import Reason
from app.awards.errors import OverrideNotFound
from app.awards.overrides import Override
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import listing

router = APIRouter(prefix="/api/v1", tags=["overrides"])

Reader = Annotated[Caller, Depends(requires("audit:read"))]
LIST: Final = "overrides"
NO_STORE: Final = {"Cache-Control": "no-store"}
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ReviewIn(BaseModel):
    """What was found."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    note: Reason


@router.get(
    "/overrides",
    summary="List overrides",
    response_model=OverridesOut,
    responses=problems(*READING),
    dependencies=[Depends(only("reviewed", "limit", "cursor"))],
)
def list_overrides(
    request: Request,
    response: Response,
    caller: Reader,
    reviewed: Annotated[bool | None, Query(description="Only those that were reviewed, or were not.")] = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """List awards that were made although a prerequisite was missing, the newest first."""
    runtime: Runtime = request.app.state.runtime
    after = read_cursor(LIST, cursor)
    allowed = None if caller.achievements is None else listing.of_achievements(caller.achievements)
    with runtime.database.read() as session:
        found = overrides.listed(session, reviewed=reviewed, achievements=allowed, after=after, limit=limit + 1)
    shown, following = page_of(found, limit, place=lambda each: (each.created_at, each.id), list_name=LIST)
    response.headers.update(NO_STORE)
    return {"items": [_told(each) for each in shown], "next_cursor": following}


@router.post(
    "/overrides/{override_id}/review",
    summary="Review an override",
    dependencies=[Depends(only())],
    response_model=OverrideOut,
    openapi_extra=json_object(ReviewIn, {"fine": {"note": "The panel's minutes bear it out."}}),
    responses=problems(*READING, 404, 408, 409, 413, 415),
)
def review(request: Request, response: Response, override_id: str, caller: Reader, body: Sent) -> OverrideOut:
    """Note that somebody looked at it. A client does not review its own; the badge stays as it is."""
    given = body.read(ReviewIn)
    runtime: Runtime = request.app.state.runtime
    with runtime.database.write() as session:
        if not _ID.fullmatch(override_id) or not _may_see(session, caller, override_id):
            raise OverrideNotFound("There is no award under this id that was made without a prerequisite.")
        done = overrides.review(session, override_id, words=given.note, actor=caller.actor)
    response.headers.update(NO_STORE)
    return _told(done)


def _may_see(session: ReadSession, caller: Caller, override_id: str) -> bool:
    if caller.achievements is None:
        return True
    return overrides.is_among(session, override_id, listing.of_achievements(caller.achievements))


def _told(each: Override) -> OverrideOut:
    return OverrideOut(
        id=each.id,
        credential_id=each.credential_id,
        client_id=each.client_id,
        missing=list(each.missing),
        reason=each.reason,
        created_at=each.created_at,
        reviewed_at=each.reviewed_at,
        reviewed_by=f"{each.reviewer_kind}:{each.reviewer_id}" if each.reviewer_kind is not None else None,
        note=each.review_note,
    )
