"""Dynamic registration: a tool reads our configuration and enters itself (LTI Dynamic Registration 1.0)."""

import json
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from practice_lms.errors import RegistrationRefused
from practice_lms.gate import service
from practice_lms.lms import PracticeLms
from practice_lms.profiles.documents import TOOL_CONFIGURATION, Registration
from practice_lms.scopes import ALL_SCOPES
from practice_lms.services import endpoints, lms_behind, read_json, require_user_agent
from practice_lms.tool_keys import NotVerified, ToolKeys
from practice_lms.tools import PENDING, Tool

router = APIRouter(dependencies=[Depends(service("registration", RegistrationRefused))])

TOKEN_SECONDS: Final = 3600
NEW: Final = "reg"
UPDATE: Final = "reg-update"
CANVAS_CONFIG_URL: Final = "https://canvas.instructure.com/lti/registration_config_url"


@dataclass(frozen=True)
class Begun:
    """A registration an administrator began: the tool's page to open, with everything it needs.

    `client_id` is the one the tool will get; `token` is empty on platforms that send none.
    """

    id: str
    client_id: str
    url: str
    configuration_url: str
    token: str


@dataclass(frozen=True)
class _Permit:
    """What a request to register is allowed to do."""

    client_id: str
    update: bool


def begin_registration(lms: PracticeLms, *, update: str | None = None, tool_url: str | None = None) -> Begun:
    """Begin to register a tool, or to update the one whose client id is `update`.

    Raises ValueError where there is no such tool, or the platform updates none.

    `tool_url` is the page the tool shows for this, `/lti/register` of the usual tool unless given.
    """
    settings, plays = lms.settings, lms.settings.plays
    known = lms.tools.get(update) if update is not None else None
    if update is not None and (known is None or not plays.updates_registrations):
        raise ValueError("There is no such tool to update here.")
    begun_id = token_urlsafe(12)
    client_id = known.client_id if known is not None else plays.new_client_id(lms.campus.next_number())
    lms.registrations_begun[begun_id] = lms.clock() + TOKEN_SECONDS
    configuration_url, token = settings.configuration_url, ""
    if plays.wants_registration_token:
        token = _token(lms, client_id, UPDATE if known is not None else NEW, begun_id)
        if not plays.knows_deployment_at_once:
            configuration_url += f"?{urlencode({'registration_token': token})}"
    else:
        configuration_url += f"?{urlencode({'request': begun_id, 'client': client_id})}"
    query = {"openid_configuration": configuration_url} | ({"registration_token": token} if token else {})
    page = tool_url or settings.tool_registration_url
    url = f"{page}{'&' if '?' in page else '?'}{urlencode(query)}"
    return Begun(begun_id, client_id, url, configuration_url, token)


def _token(lms: PracticeLms, client_id: str, scope: str, begun_id: str) -> str:
    key, now = lms.keys.current, int(lms.clock())
    claims = {"sub": client_id, "scope": scope, "jti": begun_id, "iat": now, "exp": now + TOKEN_SECONDS}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, ["RS256"])


@router.get("/.well-known/openid-configuration")
async def configuration(request: Request) -> JSONResponse:
    """What a tool needs to know of this platform; Canvas tells it only to somebody with a registration token."""
    lms = lms_behind(request)
    settings = lms.settings
    if not settings.plays.knows_deployment_at_once:
        _permit_of_token(lms, _bearer(request) or request.query_params.get("registration_token", ""))
    registration_url = settings.registration_url
    if not settings.plays.wants_registration_token and request.url.query:
        registration_url += f"?{request.url.query}"
    return JSONResponse(settings.plays.configuration(endpoints(settings, registration_url)))


@router.get("/register")
async def read(request: Request) -> Response:
    """The registration as it is kept, for a tool that wants to update it."""
    lms = lms_behind(request)
    permit = _permit(request, lms)
    if not permit.update:
        raise RegistrationRefused("No registration found.", status=404, code="not_found")
    return JSONResponse(_answer(lms, lms.tools[permit.client_id]))


@router.post("/register")
@router.put("/register")
async def register(request: Request) -> Response:
    """Enter a tool, pending until Ali activates it; or bring the one of the token up to date."""
    lms = lms_behind(request)
    require_user_agent(request, RegistrationRefused)
    permit = _permit(request, lms)
    document = await read_json(request, RegistrationRefused, "application/json")
    plays = lms.settings.plays
    kept = plays.read_registration(document, ALL_SCOPES)
    if plays.names_tools_once:
        _check_new(lms, kept)
    if plays.checks_keys_at_registration:
        await run_in_threadpool(_check_keys, lms, kept)
    tool = _enter(lms, permit, kept, document)
    lms.counts["registration.done"] += 1
    return JSONResponse(_answer(lms, tool), 200)


def _permit(request: Request, lms: PracticeLms) -> _Permit:
    plays = lms.settings.plays
    if plays.wants_registration_token:
        return _permit_of_token(lms, _bearer(request))
    begun, client_id = request.query_params.get("request", ""), request.query_params.get("client", "")
    if lms.registrations_begun.get(begun, 0.0) < lms.clock() or not client_id:
        raise RegistrationRefused("Nobody here began this registration, or it was too long ago.", status=401)
    if client_id in lms.tools:
        raise RegistrationRefused("This registration was finished before.", status=401, code="token_already_used")
    return _Permit(client_id, update=False)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _permit_of_token(lms: PracticeLms, token: str) -> _Permit:
    if not token:
        raise RegistrationRefused("missing_registration_token", status=401, code="missing_registration_token")
    try:
        keys = KeySet([lms.keys.current, lms.keys.upcoming])
        claims = jwt.decode(token, keys, ["RS256"]).claims
    except (JoseError, ValueError) as error:
        raise RegistrationRefused("The registration token is not ours.", status=401, code="invalid_token") from error
    if claims["exp"] <= lms.clock():
        raise RegistrationRefused("The registration token has expired.", status=401, code="invalid_token")
    client_id, update = claims["sub"], claims["scope"] == UPDATE
    if not update and client_id in lms.tools:
        raise RegistrationRefused("token_already_used", status=401, code="token_already_used")
    if update and client_id not in lms.tools:
        raise RegistrationRefused("Unknown client", status=400, code="invalid_client")
    return _Permit(client_id, update)


def _check_new(lms: PracticeLms, kept: Registration) -> None:
    """Only registered ones count: the one entered by hand is the house's own."""
    for tool in lms.tools.values():
        if tool.source == "dynamic" and kept.name == tool.name:
            raise RegistrationRefused("A tool of this name is registered already.", code="invalid_client_metadata")
        if tool.source == "dynamic" and kept.domain == tool.domain:
            raise RegistrationRefused("A tool of this domain is registered already.", code="invalid_client_metadata")


def _check_keys(lms: PracticeLms, kept: Registration) -> None:
    try:
        ToolKeys(lms.settings.seen_from_here(kept.jwks_url), lms.fetch_jwks).load()
    except NotVerified as error:
        raise RegistrationRefused(str(error), code="invalid_client_metadata") from error


def _enter(lms: PracticeLms, permit: _Permit, kept: Registration, document: dict[str, Any]) -> Tool:
    before = lms.tools.get(permit.client_id)
    deployment_id = before.deployment_id if before else lms.settings.plays.new_deployment_id(lms.campus.next_number())
    tool = Tool(
        client_id=permit.client_id,
        deployment_id=deployment_id,
        name=kept.name,
        login_url=kept.login_url,
        redirect_uris=kept.redirect_uris,
        target_link_uri=kept.target_link_uri,
        jwks_url=kept.jwks_url,
        scopes=kept.scopes - lms.withheld_scopes,
        shared=kept.shared,
        custom=dict(kept.custom),
        deep_linking_url=kept.deep_linking_url,
        domain=kept.domain,
        source="dynamic",
        state=before.state if before else PENDING,
        document=document,
    )
    lms.enter_tool(tool)
    return tool


def _answer(lms: PracticeLms, tool: Tool) -> dict[str, Any]:
    """The registration as kept, in the members the tool sent, with what was granted."""
    plays = lms.settings.plays
    configuration = dict(tool.document.get(TOOL_CONFIGURATION) or {})
    configuration |= {"domain": tool.domain, "target_link_uri": tool.target_link_uri}
    if plays.knows_deployment_at_once:
        configuration["deployment_id"] = tool.deployment_id
        configuration["claims"] = ["sub", "iss", *sorted(tool.shared)]
    else:
        configuration[CANVAS_CONFIG_URL] = f"{lms.settings.front_url}/admin"
    return dict(tool.document) | {
        "client_id": tool.client_id,
        "client_name": tool.name,
        "initiate_login_uri": tool.login_url,
        "redirect_uris": list(tool.redirect_uris),
        "jwks_uri": tool.jwks_url,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(sorted(tool.scopes)),
        TOOL_CONFIGURATION: configuration,
    }


def refusal_response(lms: PracticeLms, refused: RegistrationRefused) -> Response:
    """A refusal in the platform's own shape: Moodle's word as text, Canvas's list of errors, or RFC 7591's object."""
    plays = lms.settings.plays
    if plays.registration_errors_are_text:
        return Response(refused.reason, refused.status, media_type="text/html; charset=utf-8")
    if refused.status == 422:
        return JSONResponse({"errors": [refused.reason]}, 422)
    body = {"error": refused.code or "invalid_client_metadata", "error_description": refused.reason}
    return Response(json.dumps(body), refused.status, media_type="application/json")
