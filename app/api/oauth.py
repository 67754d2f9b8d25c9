"""`POST /oauth/token`: access tokens for clients of the API (RFC 6749 §4.4, client credentials).

Its errors have the form of RFC 6749 §5.2, because OAuth libraries read that one; everything else here answers in
problem+json.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from app.api import client_authentication, limits, lockout, scopes, tokens
from app.api.authentication import TOKEN_PATH
from app.api.errors import REALM, ClientLimited, OAuthRefused, ScopeRefused
from app.api.places import place_of
from app.core import metrics
from app.core.logging import get_logger
from app.core.rate import PerMinute
from app.core.runtime import Runtime

log = get_logger()

FORM: Final = "application/x-www-form-urlencoded"
MAX_BYTES: Final = 20_000
MOST_FIELDS: Final = 20
SECONDS_TO_ARRIVE: Final = 10
REQUESTS_A_MINUTE: Final = 1_200
GRANT: Final = "client_credentials"
NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenOut(BaseModel):
    """An access token (RFC 6749 §5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.", examples=[600])
    scope: str = Field(description="What the token is good for.", examples=["credentials:issue credentials:read"])


class TokenErrorOut(BaseModel):
    """Why there is none (RFC 6749 §5.2)."""

    error: str = Field(examples=["invalid_client", "invalid_request", "invalid_scope", "unsupported_grant_type"])
    error_description: str


class TokenLimit:
    """How often one place on the network may ask, counted in this process's memory: before anything is looked up.

    Args:
        a_minute: how many requests are allowed in one minute.
    """

    def __init__(self, a_minute: int = REQUESTS_A_MINUTE) -> None:
        self._limit = PerMinute(a_minute)

    def spend(self, visitor: str) -> None:
        """Count one request of `visitor` (a place on the network).

        Raises:
            OAuthRefused: beyond the limit.
        """
        if not self._limit.allows(visitor):
            raise OAuthRefused(
                "temporarily_unavailable", "Too many requests for tokens come from here: wait a minute.", status=429,
                outcome="limited", retry_after=60,
            )  # fmt: skip


class _OAuthRoute(APIRoute):
    """A route whose refusals are told as OAuth libraries expect them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handler(request)
            except OAuthRefused as refused:
                return _refusal(refused)

        return told


router = APIRouter(tags=["tokens"], route_class=_OAuthRoute)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a request, each there once; those without a value count as left out (RFC 6749 §3.2).

    Raises OAuthRefused: another kind of body, too much, too slow, a field that is there twice, or an address with a
    query, for whatever stands in an address is written into logs.
    """
    if request.url.query:
        raise OAuthRefused("invalid_request", "Everything goes into the body, and nothing into the address.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthRefused("invalid_request", f"The body is to be a form, {FORM}.")
    try:
        async with asyncio.timeout(SECONDS_TO_ARRIVE):
            body = await _body(request)
    except TimeoutError:
        raise OAuthRefused("invalid_request", "The request arrived too slowly.", status=408) from None
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise OAuthRefused("invalid_request", "The body is not a form, or has too many fields.") from None
    form = dict(fields)
    if len(form) != len(fields):
        raise OAuthRefused("invalid_request", "A field of the form is there more than once.")
    return {name: value for name, value in form.items() if value}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise OAuthRefused("invalid_request", "The request is larger than a request for a token is.", status=413)
    return bytes(body)


@router.post(
    TOKEN_PATH,
    summary="Get an access token",
    description=(
        "OAuth 2 client credentials. The client shows itself by its id and secret in the header Authorization: Basic, "
        "or by a statement that it signed (private_key_jwt, RFC 7523) in client_assertion. Without scope the token is "
        "good for all that the client may do. A token is good for ten minutes; get a new one when it is over."
    ),
    response_model=TokenOut,
    responses={
        400: {"model": TokenErrorOut, "description": "The request or its scope cannot be used."},
        401: {"model": TokenErrorOut, "description": "The client did not show who it is."},
        408: {"model": TokenErrorOut, "description": "The request arrived too slowly."},
        413: {"model": TokenErrorOut, "description": "The request is too large."},
        429: {"model": TokenErrorOut, "description": "Too many requests; Retry-After says when to try again."},
        503: {"model": TokenErrorOut, "description": "The client's own key set could not be fetched."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {"type": "string", "const": GRANT},
                            "scope": {"type": "string", "description": "Scopes with one space between them."},
                            "client_id": {"type": "string"},
                            "client_assertion_type": {
                                "type": "string",
                                "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                            },
                            "client_assertion": {"type": "string"},
                        },
                    },
                    "examples": {
                        "with a secret": {"value": {"grant_type": GRANT, "scope": "credentials:issue"}},
                    },
                }
            },
        }
    },
)  # fmt: skip
def token(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> JSONResponse:
    """Get an access token."""
    runtime: Runtime = request.app.state.runtime
    limit: TokenLimit = request.app.state.token_limit
    place = place_of(request.client.host if request.client else None, request.headers.getlist("x-forwarded-for"))
    limit.spend(place)
    if "grant_type" not in form:
        raise OAuthRefused("invalid_request", f"grant_type is missing: it is to be {GRANT}.")
    if form["grant_type"] != GRANT:
        raise OAuthRefused("unsupported_grant_type", f"The only grant_type here is {GRANT}.")
    shown = client_authentication.presented(request.headers.getlist("authorization"), form)
    given = _give(runtime, shown, form.get("scope"), place)
    metrics.API_TOKENS.labels("given").inc()
    return JSONResponse(
        {
            "access_token": given.value,
            "token_type": "Bearer",
            "expires_in": given.seconds,
            "scope": scopes.joined(given.scopes),
        },
        headers=NOT_KEPT,
    )


def _give(runtime: Runtime, shown: client_authentication.Presented, asked: str | None, place: str) -> tokens.GivenToken:
    base_url = runtime.settings.base_url
    client = client_authentication.known(
        runtime, shown, place=place, audiences=frozenset({base_url, base_url + TOKEN_PATH})
    )
    try:
        limits.spend(runtime.database, client.id, client.per_minute)
        with runtime.database.write() as session:
            held, until = client_authentication.still(session, client)
            if client.tried is not None:
                lockout.note_right(session, client.tried)
            return tokens.give(session, client.id, scopes.granted(asked, held), until=until)
    except ClientLimited as error:
        raise OAuthRefused(
            "temporarily_unavailable", "This client asks too often.", status=429, outcome="limited",
            retry_after=error.seconds,
        ) from None  # fmt: skip
    except ScopeRefused as error:
        raise OAuthRefused("invalid_scope", error.detail, outcome="scope") from None


def _refusal(refused: OAuthRefused) -> JSONResponse:
    metrics.API_TOKENS.labels(refused.outcome).inc()
    log.info("api.token_refused", error=refused.error, outcome=refused.outcome)
    headers = dict(NOT_KEPT)
    if refused.status == 401:
        headers["WWW-Authenticate"] = f'Basic realm="{REALM}", charset="UTF-8"'
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    return JSONResponse(
        {"error": refused.error, "error_description": refused.description}, status_code=refused.status, headers=headers
    )
