"""Badges by API: issue, list, read, revoke, suspend, reinstate, correct."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import Caller, requires, requires_any
from app.api.bodies import Sent, json_object
from app.api.etags import etag_of, is_known, must_be_current
from app.api.idempotency import IdempotencyKey
from app.api.paging import USUAL, Cursor, Limit, moment_in, only, page_of, read_cursor
from app.api.problems import READING, WRITING, problems
from app.api.shapes import BadgeOut, BadgesOut, IssuedOut, Status, WholeBadgeOut, badge_members
from app.awards import changes, requests
from app.awards.award_input import (
    MOST_RESULTS,
    AwardIn,
    DeciderIn,
    Moment,
    Reason,
    ResultIn,
    award_from_json,
    read_moment,
)
from app.awards.changes import Decider, Means
from app.awards.errors import RecipientStays
from app.awards.schemas import IssuingRights
from app.core.clock import now
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import listing
from app.issuer.errors import CredentialErased, CredentialNotFound
from app.issuer.listing import BadgeFilter, BadgeRecord
from app.vc import json_text

router = APIRouter(prefix="/api/v1", tags=["credentials"])

LIST: Final = "credentials"
NO_STORE: Final = {"Cache-Control": "no-store"}
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXAMPLE: Final = {
    "achievement": "X1",
    "recipient": {"email": "tess@example.org", "name": "Tess"},
    "decided_by": {"name": "Priya Raman", "role": "panel chair"},
    "awarded_at": "2026-03-04T15:00:00+11:00",
    "results": [],
}


class _ChangeIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class RevokeIn(_ChangeIn):
    """Why a badge is revoked, and who decided, if a person is to be named."""

    reason: Reason
    decided_by: DeciderIn | None = None


class SuspendIn(_ChangeIn):
    """Why a badge is suspended, and who decided it."""

    reason: Reason
    decided_by: DeciderIn


class ReinstateIn(_ChangeIn):
    """Who decided that a badge stands again."""

    decided_by: DeciderIn


class CorrectIn(_ChangeIn):
    """What a badge should say, why, and who decided it. Results replace all there were."""

    reason: Reason
    decided_by: DeciderIn
    results: list[ResultIn] | None = Field(default=None, max_length=MOST_RESULTS)
    awarded_at: Moment | None = None


@router.post(
    "/credentials",
    summary="Issue a badge",
    dependencies=[Depends(only())],
    status_code=201,
    response_model=IssuedOut,
    openapi_extra=json_object(AwardIn, {"advanced": _EXAMPLE}),
    responses={**problems(*WRITING), 201: {"description": "Issued now, or by an earlier call with the same key."}},
)
def issue(
    request: Request,
    caller: Annotated[Caller, Depends(requires_any("credentials:issue", "credentials:issue:advanced"))],
    key: IdempotencyKey,
    body: Sent,
) -> JSONResponse:
    """Issue a badge on a named person's decision; the recipient is told by mail and claims it there.

    Safe to repeat: the same Idempotency-Key and the same award are always answered with the badge as it was issued
    first, even if it was revoked or corrected since. The same key with another award is a 409.
    """
    runtime = _runtime(request)
    award = award_from_json(body.members)
    fingerprint, *older = requests.fingerprints(runtime.secret_box, award)
    issued = requests.issue_by_client(
        runtime.database,
        runtime.secret_box,
        runtime.settings.base_url,
        award=award,
        rights=IssuingRights(caller.client_id, caller.scopes, caller.achievements),
        idempotency_key=key,
        fingerprint=fingerprint,
        older_fingerprints=tuple(older),
    )
    answer = IssuedOut(
        id=issued.credential_id,
        url=issued.url,
        status="issued",
        credential=json_text.loads(issued.document),
        jwt=issued.jwt,
    )
    headers = {"Location": f"/api/v1/credentials/{issued.credential_id}", "ETag": '"1-issued"', **NO_STORE}
    return JSONResponse(answer.model_dump(), status_code=201, headers=headers)


@router.get(
    "/credentials",
    summary="List badges",
    response_model=BadgesOut,
    responses=problems(*READING),
    dependencies=[
        Depends(only("achievement", "state", "issued_after", "issued_before", "issued_by", "limit", "cursor"))
    ],
)
def list_credentials(
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(requires("credentials:read"))],
    achievement: Annotated[str | None, Query(pattern="^[A-Za-z0-9-]{1,60}$")] = None,
    state: Annotated[Status | None, Query(description="Where they stand now.")] = None,
    issued_after: Annotated[str | None, Query(max_length=40, description="RFC 3339 with a zone.")] = None,
    issued_before: Annotated[str | None, Query(max_length=40, description="RFC 3339 with a zone.")] = None,
    issued_by: Annotated[
        Literal["me", "anybody"], Query(description="`me`: what this client issued. `anybody`: all that it may see.")
    ] = "me",
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """List badges, the newest first."""
    runtime = _runtime(request)
    keys = caller.achievements
    if achievement is not None:
        keys = frozenset({achievement}) if keys is None else keys & {achievement}
    wanted = BadgeFilter(
        among=requests.by_client(caller.client_id) if issued_by == "me" else None,
        achievements=keys,
        standing=state,
        issued_after=moment_in("issued_after", issued_after),
        issued_before=moment_in("issued_before", issued_before),
    )
    after = read_cursor(LIST, cursor)
    with runtime.database.read() as session:
        found = listing.badges(session, wanted, now(), after=after, limit=limit + 1)
    shown, following = page_of(found, limit, place=lambda badge: (badge.reserved_at, badge.id), list_name=LIST)
    response.headers.update(NO_STORE)
    items = [BadgeOut(**badge_members(runtime.settings.base_url, badge)) for badge in shown]
    return {"items": items, "next_cursor": following}


@router.get(
    "/credentials/{credential_id}",
    summary="Read a badge",
    dependencies=[Depends(only())],
    response_model=WholeBadgeOut,
    responses={**problems(*READING, 404, 410), 304: {"description": "As If-None-Match says."}},
)
def read_credential(
    request: Request, credential_id: str, caller: Annotated[Caller, Depends(requires("credentials:read"))]
) -> Response:
    """Read a badge as it stands, with the document in force. Its ETag is what a change is decided on."""
    return _badge_answer(request, caller, credential_id, conditional=True)


@router.post(
    "/credentials/{credential_id}/revoke",
    summary="Revoke a badge for good",
    dependencies=[Depends(only())],
    response_model=WholeBadgeOut,
    openapi_extra=json_object(RevokeIn, {"revoke": {"reason": "Awarded by mistake."}}),
    responses=problems(*WRITING),
)
def revoke(
    request: Request,
    credential_id: str,
    caller: Annotated[Caller, Depends(requires("credentials:revoke"))],
    body: Sent,
) -> Response:
    """Revoke a badge: its bit in the status list is set, for every verifier in the world. It cannot be undone.

    Safe to repeat: a badge that is revoked already is answered as it stands.
    """
    given = body.read(RevokeIn)
    badge = _seen(request, caller, credential_id)
    if badge.standing != "revoked":
        must_be_current(request, etag_of(badge))
        changes.revoke(
            _means(request, caller, badge.id), badge.id, reason=given.reason, decider=_decider(given.decided_by)
        )
    return _badge_answer(request, caller, credential_id)


@router.post(
    "/credentials/{credential_id}/suspend",
    summary="Suspend a badge for a while",
    dependencies=[Depends(only())],
    response_model=WholeBadgeOut,
    openapi_extra=json_object(
        SuspendIn,
        {
            "suspend": {
                "reason": "Under review.",
                "decided_by": {"name": "Priya Raman", "role": "programme lead"},
            }
        },
    ),
    responses=problems(*WRITING),
)
def suspend(
    request: Request,
    credential_id: str,
    caller: Annotated[Caller, Depends(requires("credentials:revoke"))],
    body: Sent,
) -> Response:
    """Suspend a badge: its page and every check on this server say so. Other verifiers cannot see it.

    Safe to repeat: a badge that is suspended already stays so, for the first reason.
    """
    given = body.read(SuspendIn)
    badge = _seen(request, caller, credential_id)
    if badge.standing != "suspended":
        must_be_current(request, etag_of(badge))
        changes.suspend(
            _means(request, caller, badge.id), badge.id, reason=given.reason, decider=_named(given.decided_by)
        )
    return _badge_answer(request, caller, credential_id)


@router.post(
    "/credentials/{credential_id}/reinstate",
    summary="End a suspension",
    dependencies=[Depends(only())],
    response_model=WholeBadgeOut,
    openapi_extra=json_object(
        ReinstateIn, {"reinstate": {"decided_by": {"name": "Priya Raman", "role": "programme lead"}}}
    ),
    responses=problems(*WRITING),
)
def reinstate(
    request: Request,
    credential_id: str,
    caller: Annotated[Caller, Depends(requires("credentials:revoke"))],
    body: Sent,
) -> Response:
    """Let a suspended badge stand again. Safe to repeat: one that is not suspended stays as it is."""
    given = body.read(ReinstateIn)
    badge = _seen(request, caller, credential_id)
    if badge.suspended_at is not None or badge.standing == "revoked":
        must_be_current(request, etag_of(badge))
        changes.reinstate(_means(request, caller, badge.id), badge.id, decider=_named(given.decided_by))
    return _badge_answer(request, caller, credential_id)


@router.post(
    "/credentials/{credential_id}/correct",
    summary="Correct what a badge says",
    dependencies=[Depends(only())],
    response_model=WholeBadgeOut,
    openapi_extra=json_object(
        CorrectIn,
        {
            "date": {
                "reason": "The panel met a day earlier.",
                "decided_by": {"name": "Priya Raman", "role": "panel chair"},
                "awarded_at": "2026-03-03T15:00:00+11:00",
            }
        },
    ),
    responses=problems(*WRITING, 428),
)
def correct(
    request: Request,
    credential_id: str,
    caller: Annotated[Caller, Depends(requires_any("credentials:issue", "credentials:issue:advanced"))],
    body: Sent,
) -> Response:
    """Issue the next version of a badge, with other results or another date. Needs If-Match; takes what issuing takes.

    Of a badge that another client or an assessor awarded it takes the scope credentials:revoke as well.
    Earlier versions stay readable. Whose a badge is cannot be corrected: revoke it and issue another. Safe to repeat:
    a badge that says so already is answered as it stands.
    """
    if "recipient" in body.members:
        raise RecipientStays(
            "A badge that was issued to the wrong address cannot be moved to another: whoever got its mail may have "
            "shared it, put their name on it or bound it to a wallet, and its earlier versions say so.",
            kept="The badge is as it was.",
            next_step="Revoke it, and issue one to the right address.",
        )
    given = body.read(CorrectIn)
    badge = _seen(request, caller, credential_id)
    results = None if given.results is None else tuple((each.criterion, each.level) for each in given.results)
    awarded_at = None if given.awarded_at is None else read_moment(given.awarded_at)
    changes.may_correct(_runtime(request).database, badge, caller.client_id, caller.scopes)
    if not changes.says_already(_runtime(request).database, badge.id, results=results, awarded_at=awarded_at):
        must_be_current(request, etag_of(badge), needed=True)
        changes.correct_award(
            _means(request, caller, badge.id),
            badge.id,
            seen=badge.version,
            results=results,
            awarded_at=awarded_at,
            reason=given.reason,
            decider=_named(given.decided_by),
        )
    return _badge_answer(request, caller, credential_id)


def _badge_answer(request: Request, caller: Caller, credential_id: str, *, conditional: bool = False) -> Response:
    """The badge as it stands now, in one look."""
    runtime = _runtime(request)
    with runtime.database.read() as session:
        badge = visible(session, caller, credential_id)
        tag = {"ETag": etag_of(badge), "Cache-Control": "private, no-cache"}
        if conditional and is_known(request, tag["ETag"]):
            return Response(status_code=304, headers=tag)
        current = listing.current_version(session, runtime.settings.base_url, badge.id)
    answer = WholeBadgeOut(
        **badge_members(runtime.settings.base_url, badge),
        credential=json_text.loads(current.document),
        jwt=current.jwt,
    )
    return JSONResponse(answer.model_dump(mode="json"), headers=tag)


def visible(session: ReadSession, caller: Caller, credential_id: str) -> BadgeRecord:
    """A badge that this client may know of.

    Raises:
        CredentialNotFound: there is none, or this client is limited to other achievements, without telling which.
        CredentialErased: it was erased, and the client is not limited or has issued it itself.
    """
    if not _ID.fullmatch(credential_id):
        raise _nothing()
    try:
        badge = listing.badge(session, credential_id, now())
    except CredentialErased:
        if caller.achievements is None or requests.is_of(session, credential_id, caller.client_id):
            raise
        raise _nothing() from None
    except CredentialNotFound:
        raise _nothing() from None
    if caller.achievements is not None and badge.achievement_key not in caller.achievements:
        raise _nothing()
    return badge


def _seen(request: Request, caller: Caller, credential_id: str) -> BadgeRecord:
    with _runtime(request).database.read() as session:
        return visible(session, caller, credential_id)


def _nothing() -> CredentialNotFound:
    return CredentialNotFound(
        "No badge has this id, or this client may not see it.",
        next_step="GET /api/v1/credentials lists what it may see.",
    )


def _named(decider: DeciderIn) -> Decider:
    return Decider(decider.name, decider.role)


def _decider(decider: DeciderIn | None) -> Decider | None:
    return None if decider is None else _named(decider)


def _means(request: Request, caller: Caller, credential_id: str) -> Means:
    runtime = _runtime(request)

    def still(session: ReadSession) -> None:
        must_be_current(request, etag_of(listing.badge(session, credential_id, now())))

    return Means(runtime.database, runtime.secret_box, runtime.settings.base_url, caller.actor, still)


def _runtime(request: Request) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found
