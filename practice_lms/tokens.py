"""The access token endpoint: client credentials with a signed assertion (LTI Security Framework 1.0 §4.1, RFC 7523)."""

import json
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from joserfc import jws
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool

from practice_lms.errors import TokenRefused
from practice_lms.gate import service
from practice_lms.lms import PracticeLms
from practice_lms.scopes import ALL_SCOPES
from practice_lms.services import endpoints, lms_behind, require_user_agent
from practice_lms.tool_keys import NotVerified, moment_in, verified
from practice_lms.tools import ACTIVE, Tool

router = APIRouter(dependencies=[Depends(service("token", TokenRefused))])

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM: Final = "application/x-www-form-urlencoded"
LONGEST_LIFE: Final = 300


@router.post("/token")
async def token(request: Request) -> JSONResponse:
    """Give a bearer token for those of the asked-for scopes that exist here."""
    lms = lms_behind(request)
    require_user_agent(request, TokenRefused)
    fields = await _form(request)
    if fields.get("grant_type") != "client_credentials":
        raise TokenRefused("grant_type must be client_credentials.", code="unsupported_grant_type")
    if fields.get("client_assertion_type") != ASSERTION_TYPE:
        raise TokenRefused(f"client_assertion_type must be {ASSERTION_TYPE}.", code="invalid_request")
    if not fields.get("client_assertion"):
        raise TokenRefused("client_assertion is missing.", code="invalid_request")
    tool, claims = await _proven(lms, fields["client_assertion"])
    granted = ALL_SCOPES & tool.scopes & set(fields.get("scope", "").split())
    if not granted:
        raise TokenRefused("None of the scopes asked for exists here.", code="invalid_scope")
    lms.counts["token.granted"] += 1
    return JSONResponse(
        {
            "access_token": lms.issue_access_token(frozenset(granted), str(claims["sub"])),
            "token_type": "Bearer",
            "expires_in": lms.settings.access_token_seconds,
            "scope": " ".join(sorted(granted)),
        },
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
        media_type=lms.settings.plays.grant_media_type,
    )


async def _proven(lms: PracticeLms, assertion: str) -> tuple[Tool, dict[str, Any]]:
    """The tool that signed the assertion, and its claims. Raises TokenRefused."""
    try:
        tool = _tool_named(lms, assertion)
        # Fetching the tool's keys may take seconds, and the tool may be calling us at that very moment.
        claims = await run_in_threadpool(verified, lms.keys_of(tool), assertion, "client_assertion")
        _check_claims(lms, tool, claims)
    except NotVerified as error:
        raise TokenRefused(str(error), code="invalid_client") from error
    return tool, claims


def _tool_named(lms: PracticeLms, assertion: str) -> Tool:
    """The tool an assertion claims to come from, to know whose keys to fetch; the tool in use if it names none."""
    try:
        named = jws.extract_compact(assertion.encode()).payload
        claims = json.loads(named)
    except (JoseError, ValueError, RecursionError):
        raise NotVerified("client_assertion is not a JWT.") from None
    sub = claims.get("sub") if isinstance(claims, dict) else None
    tool = lms.tools.get(sub) if isinstance(sub, str) else None
    return tool if tool is not None and tool.state == ACTIVE else lms.tool


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise TokenRefused(f"The Content-Type header must be {FORM}.", code="invalid_request")
    form = await request.form(max_files=0, max_fields=20)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise TokenRefused("A parameter was sent twice.", code="invalid_request")
    return fields


def _check_claims(lms: PracticeLms, tool: Tool, claims: dict[str, Any]) -> None:
    """RFC 7523 §3 without mercy: no leeway on time, one audience, each `jti` once. Raises NotVerified."""
    now, of = lms.clock(), "client_assertion"
    for name in ("iss", "sub"):
        if claims.get(name) != tool.client_id:
            raise NotVerified(f"{name} of client_assertion must be the client_id.")
    wanted = audiences(lms, tool)
    if claims.get("aud") not in [*wanted, *([each] for each in wanted)]:
        raise NotVerified(f"aud of client_assertion must be exactly {' or '.join(wanted)}.")
    issued_at, expires_at = moment_in(claims, "iat", of), moment_in(claims, "exp", of)
    if issued_at > now:
        raise NotVerified("client_assertion was issued in the future.")
    if expires_at <= now:
        raise NotVerified("client_assertion has expired.")
    if expires_at > now + LONGEST_LIFE:
        raise NotVerified("client_assertion is valid for longer than five minutes.")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise NotVerified("client_assertion has no jti.")
    if not lms.use_once(lms.seen_assertions, jti, expires_at):
        raise NotVerified("This client_assertion was used before (same jti).")


def audiences(lms: PracticeLms, tool: Tool) -> list[str]:
    """What `aud` may be: the audience told by hand, or that of the configuration which the tool read."""
    settings = lms.settings
    if tool.source == "manual":
        return [settings.audience]
    told = settings.plays.configuration(endpoints(settings))
    named = (told.get("authorization_server"), settings.plays.audience(told["token_endpoint"]))
    return [audience for audience in named if audience]
