"""`POST /api/v1/verify`: any badge in, the verdict out. Public; nothing that is sent is kept."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.datastructures import FormData, UploadFile

from app.api.paging import only
from app.vc import json_text
from app.vc.errors import VcError
from app.verifier import reading, recipient
from app.verifier.errors import BadgeTooLarge, BadgeTooSlow, KindUnsupported, NothingPresented, RequestUnreadable
from app.verifier.reading import MAX_BADGE_BYTES
from app.verifier.schemas import Presented
from app.verifier.service import Verifier

router = APIRouter(prefix="/api/v1", tags=["verification"])

_MEMBERS: Final = ("url", "credential", "jwt")
RECIPIENT: Final = "recipient_email"
_BADGE_KINDS: Final = frozenset(
    {
        "application/vc", "application/vc+ld+json", "application/ld+json", "application/vc+jwt", "application/jwt",
        "text/plain", "image/png", "image/svg+xml", "application/octet-stream",
    }
)  # fmt: skip
_HOW: Final = 'Send {"url": …}, {"credential": …} or {"jwt": …} as application/json, or the badge file itself.'


class CheckOut(BaseModel):
    """One named check."""

    name: str = Field(examples=["signature"])
    result: Literal["pass", "fail", "unknown"]
    code: str = Field(examples=["ok", "bad_signature", "status_unavailable"])
    detail: str


VerdictOut = Literal[
    "valid", "valid_unknown_issuer", "not_yet_valid", "expired", "suspended", "revoked", "invalid", "unknown"
]


class GroundOut(BaseModel):
    """One document the badge rests on; `verdict` is that of a badge that could be had."""

    url: str
    kind: Literal["badge", "document"]
    result: Literal["pass", "fail", "unknown"]
    verdict: VerdictOut | None
    code: str
    detail: str


class EndorsementOut(BaseModel):
    """One endorsement and its own verdict."""

    of: Literal["credential", "achievement", "issuer"]
    verdict: VerdictOut
    code: str
    detail: str


class RecipientOut(BaseModel):
    """Whether the badge names the address that was asked about."""

    result: Literal["pass", "fail", "unknown"]
    code: str = Field(examples=["ok", "recipient_mismatch", "recipient_unbound", "not_checked"])
    detail: str


class VerifyOut(BaseModel):
    """The verdict, the checks behind it in order, what hangs on the badge, and `recipient` where that was asked."""

    verdict: VerdictOut
    checked_at: str = Field(examples=["2026-03-01T09:00:00Z"])
    checks: list[CheckOut]
    chain: list[GroundOut]
    endorsements: list[EndorsementOut]
    recipient: RecipientOut | None = None


@dataclass(frozen=True)
class Requested:
    """What a request asks: a badge, and perhaps whether it is this person's."""

    badge: Presented
    recipient_email: str | None = field(default=None, repr=False)


async def requested(request: Request) -> Requested:
    """Read the badge, and what else is asked, out of a request of any documented kind.

    Raises RequestUnreadable, NothingPresented, BadgeTooLarge, BadgeTooSlow or KindUnsupported.
    """
    try:
        async with asyncio.timeout(reading.SECONDS_TO_ARRIVE):
            return await _arrived(request)
    except TimeoutError as error:
        raise BadgeTooSlow from error


async def _arrived(request: Request) -> Requested:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=2) as form:
            return await _uploaded(form)
    if kind != "application/json" and kind not in _BADGE_KINDS:
        raise KindUnsupported(f"A request of kind {kind[:80]!a} cannot be read.", next_step=_HOW)
    body = await request.body()
    if not body:
        raise NothingPresented("The request is empty.", next_step=_HOW)
    if len(body) > MAX_BADGE_BYTES:
        raise BadgeTooLarge(f"A badge may have up to {MAX_BADGE_BYTES // 1_000_000} MB.")
    return _from_json(body) if kind == "application/json" else Requested(Presented.from_bytes(body))


async def _uploaded(form: FormData) -> Requested:
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    others = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    if len(files) != 1 or any(name != RECIPIENT for name, _ in others) or len(others) > 1:
        raise NothingPresented("The form must hold exactly one file.", next_step=_HOW)
    data = await files[0].read(MAX_BADGE_BYTES + 1)
    if not data:
        raise NothingPresented("The file is empty.", next_step=_HOW)
    if len(data) > MAX_BADGE_BYTES:
        raise BadgeTooLarge(f"A badge may have up to {MAX_BADGE_BYTES // 1_000_000} MB.")
    return Requested(Presented.from_bytes(data), _address(others[0][1]) if others else None)


def _from_json(body: bytes) -> Requested:
    try:
        request = json_text.loads(body)
    except VcError as error:
        raise RequestUnreadable(error.detail, next_step=_HOW) from error
    email = _address(request.pop(RECIPIENT)) if RECIPIENT in request else None
    if len(request) != 1 or not set(request) <= set(_MEMBERS):
        raise RequestUnreadable("The request must have exactly one of url, credential and jwt.", next_step=_HOW)
    name, value = next(iter(request.items()))
    if not isinstance(value, dict if name == "credential" else str) or not value:
        raise RequestUnreadable(f"{name} has the wrong form or is empty.", next_step=_HOW)
    return Requested(_of(name, value), email)


def _address(value: Any) -> str:
    """The address to compare; what is refused is not repeated."""
    if not isinstance(value, str) or not recipient.is_address(value):
        raise RequestUnreadable(f"{RECIPIENT} must be one e-mail address.", next_step=_HOW)
    return value


def _of(name: str, value: Any) -> Presented:
    if name == "credential":
        return Presented.from_bytes(json_text.dumps(value))
    if name == "jwt":
        return Presented.from_bytes(value.encode())
    if not value.strip().lower().startswith(("https://", "http://")):
        raise RequestUnreadable("url must begin with https://.", next_step=_HOW)
    return Presented.from_url(value)


@router.post(
    "/verify",
    summary="Verify a badge",
    dependencies=[Depends(only(also_open=True))],
    response_model_exclude_unset=True,
    description=(
        "Judges an Open Badges 3.0 credential given by address, as JSON, as a JWT or as a file (JSON, JWT, PNG or SVG; "
        "multipart or as the body itself, up to 5 MB). A badge that fails is a verdict with status 200; a request that "
        "cannot be read is a problem with status 400, 413 or 415. Codes are listed in docs/verification.md. With "
        "recipient_email the answer also says whether the badge names that address; it is not kept, logged or repeated."
    ),
    responses={
        400: {"description": "The request cannot be read."},
        408: {"description": "It arrived too slowly."},
        413: {"description": "Too large."},
        415: {"description": "Not a kind of file that holds badges."},
        422: {"description": "A parameter in the address, which it takes none of."},
        429: {"description": "Too many checks."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "minProperties": 1,
                        "maxProperties": 2,
                        "properties": {
                            "url": {"type": "string", "format": "uri"},
                            "credential": {"type": "object"},
                            "jwt": {"type": "string"},
                            "recipient_email": {"type": "string", "format": "email"},
                        },
                    },
                    "examples": {"url": {"value": {"url": "https://badges.example.au/credentials/7f3a91c2"}}},
                },
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "recipient_email": {"type": "string", "format": "email"},
                        },
                    }
                },
                "image/png": {"schema": {"type": "string", "format": "binary"}},
                "image/svg+xml": {"schema": {"type": "string"}},
                "text/plain": {"schema": {"type": "string"}},
            },
        }
    },
)  # fmt: skip
def verify(request: Request, asked: Annotated[Requested, Depends(requested)]) -> VerifyOut:
    """Verify a badge."""
    verifier: Verifier = request.app.state.verifier
    verifier.limit.spend(request.client.host if request.client else "unknown")
    report = verifier.verify(asked.badge)
    found = report.as_dict()
    if asked.recipient_email is not None:
        found["recipient"] = asdict(recipient.compare(report, asked.recipient_email))
    return VerifyOut.model_validate(found)
