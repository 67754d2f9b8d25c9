"""The VC API that conformance suites drive, under `/vc-api`; only in conformance mode.

Whatever cannot be read, issued or verified is status 400 and problem+json with the W3C's problem type, never 500.
https://w3c-ccg.github.io/vc-api/ docs/conformance.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.core.clock import now
from app.core.errors import NotFound
from app.vc import json_text
from app.vc.conformance import SUITES, Conformance, Expected
from app.vc.errors import PARSING_ERROR, PROOF_VERIFICATION_ERROR, ModelError, ParseError, VcError

router = APIRouter(prefix="/vc-api", tags=["conformance"])

PROBLEM: Final = "application/problem+json"
STATUS_LIST: Final = "/vc-api/bitstring/lists/1"
_MAX_BODY: Final = 1_000_000


class VerifiedOut(BaseModel):
    """What held. A verification that fails is a problem instead."""

    verified: Literal[True] = True
    checks: list[str] = ["proof"]
    warnings: list[str] = []
    errors: list[str] = []


class DidsOut(BaseModel):
    """The did:keys of this server, one for each kind of key."""

    ed25519: str
    p256: str
    p384: str


@dataclass(frozen=True)
class Body:
    """A request's body: its members if it is one JSON object, else what is wrong with it."""

    members: Mapping[str, Any]
    problem: VcError | None = None


async def read_body(request: Request) -> Body:
    """Read the body strictly; what is wrong with it is told by `_required`, in the one shape of this API."""
    try:
        return Body(json_text.loads(await request.body(), max_bytes=_MAX_BODY))
    except VcError as problem:
        return Body({}, problem)


Sent = Annotated[Body, Depends(read_body)]


@router.get("/dids", summary="The did:keys of this server")
def dids(request: Request) -> DidsOut:
    """Return them; ed25519 is the one that issues."""
    found = _conformance(request).dids
    return DidsOut(ed25519=found.ed25519, p256=found.p256, p384=found.p384)


@router.post("/credentials/issue", summary="Issue a credential", status_code=201)
def issue(request: Request, body: Sent) -> JSONResponse:
    """Issue with the suite that every verifier reads."""
    return _issue(request, body, SUITES[0])


@router.post("/bitstring/credentials/issue", summary="Issue a credential with a status", status_code=201)
def issue_with_status(request: Request, body: Sent) -> JSONResponse:
    """Issue with a place in this server's status list."""
    try:
        credential, _ = _required(body, "credential")
        issued = _conformance(request).issue_with_status(credential, at=now())
    except VcError as problem:
        return _refused(request, problem)
    return JSONResponse({"verifiableCredential": issued}, status_code=201)


@router.post("/{suite}/credentials/issue", summary="Issue a credential with one suite", status_code=201)
def issue_by_suite(request: Request, suite: str, body: Sent) -> JSONResponse:
    """Issue with the suite of the address."""
    if suite not in SUITES:
        raise NotFound("This server does not issue with that suite.", next_step=f"Use one of {', '.join(SUITES)}.")
    return _issue(request, body, suite)


@router.get(STATUS_LIST.removeprefix("/vc-api"), summary="The status list")
def status_list(request: Request) -> JSONResponse:
    """Return the list that issued credentials name."""
    return JSONResponse(_conformance(request).status_list(at=now()))


@router.post("/credentials/verify", summary="Verify a credential", response_model=VerifiedOut)
def verify_credential(request: Request, body: Sent) -> JSONResponse:
    """Verify form and proofs of a credential, embedded or enveloped."""
    try:
        credential, options = _required(body, "verifiableCredential")
        _conformance(request).verify_credential(credential, at=now(), expected=_expected(options))
    except VcError as problem:
        return _refused(request, problem, verifying=True)
    return JSONResponse(VerifiedOut().model_dump())


@router.post("/presentations/verify", summary="Verify a presentation", response_model=VerifiedOut)
def verify_presentation(request: Request, body: Sent) -> JSONResponse:
    """Verify form and proofs of a presentation, embedded or enveloped, and of every credential in it."""
    try:
        presentation, options = _required(body, "verifiablePresentation")
        _conformance(request).verify_presentation(presentation, at=now(), expected=_expected(options))
    except VcError as problem:
        return _refused(request, problem, verifying=True)
    return JSONResponse(VerifiedOut().model_dump())


def _conformance(request: Request) -> Conformance:
    found: Conformance = request.app.state.conformance
    return found


def _issue(request: Request, body: Body, suite: str) -> JSONResponse:
    try:
        credential, _ = _required(body, "credential")
        issued = _conformance(request).issue(credential, at=now(), suite=suite)
    except VcError as problem:
        return _refused(request, problem)
    return JSONResponse({"verifiableCredential": issued}, status_code=201)


def _required(body: Body, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document that a request is about, and its options."""
    if body.problem is not None:
        raise body.problem
    document, options = body.members.get(name), body.members.get("options", {})
    if not isinstance(document, dict):
        raise ParseError("parse_error", f"The request must have {name}, an object.")
    if not isinstance(options, dict):
        raise ParseError("parse_error", "The options of a request must be an object.")
    return document, options


def _expected(options: Mapping[str, Any]) -> Expected:
    domain = options.get("domain")
    if isinstance(domain, list) and domain and all(isinstance(each, str) for each in domain):
        domain = tuple(domain)
    elif not isinstance(domain, str | None):
        raise _malformed_option("domain")
    purpose, challenge = (_text(options, name) for name in ("expectedProofPurpose", "challenge"))
    return Expected(purpose=purpose, domain=domain, challenge=challenge)


def _text(options: Mapping[str, Any], name: str) -> str | None:
    value = options.get(name)
    if not isinstance(value, str | None):
        raise _malformed_option(name)
    return value


def _malformed_option(name: str) -> ModelError:
    return ModelError("malformed_value", f"The option {name} must be text.")


def _refused(request: Request, problem: VcError, *, verifying: bool = False) -> JSONResponse:
    """A problem (RFC 9457) whose type is the W3C's own; a verification that failed says so in its words too."""
    other = PROOF_VERIFICATION_ERROR if verifying else PARSING_ERROR
    found: dict[str, Any] = {
        "type": problem.problem_type or other,
        "title": (problem.problem_type or other).rpartition("#")[2],
        "status": 400,
        "detail": problem.detail,
        "code": problem.code,
        "reference": getattr(request.state, "request_id", "unknown"),
    }
    told = {"verified": False, "errors": [dict(found)]} if verifying else {}
    headers = {"Cache-Control": "no-store"}
    return JSONResponse({**found, **told}, status_code=400, media_type=PROBLEM, headers=headers)
