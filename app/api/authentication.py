"""Who calls the API, and whether they may: `requires(...)` in an endpoint's signature.

The token comes in the header Authorization only (RFC 6750 §2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1):
addresses stand in logs, and a form field is one more thing that two readers can read differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from starlette.requests import HTTPConnection

from app.api import limits, tokens
from app.api.errors import AuthorizationOdd, ScopeMissing, TokenInvalid, TokenMissing
from app.api.scopes import MEANINGS, SCOPES
from app.core import metrics
from app.core.audit import Actor
from app.core.runtime import Runtime

__all__ = ["SCOPES", "TOKEN_PATH", "Caller", "requires", "requires_any"]

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address


@dataclass(frozen=True)
class Caller:
    """A client of the API, and what the token it came with is good for.

    Attributes:
        client_id: its id.
        name: what operators call it.
        scopes: of the token, not of the client.
        achievements: keys of what it may award, see and revoke; None: of everything.
    """

    client_id: str
    name: str
    scopes: frozenset[str]
    achievements: frozenset[str] | None

    @property
    def actor(self) -> Actor:
        """Who the audit says it was."""
        return Actor(kind="client", id=self.client_id)


class _Scheme(OAuth2):
    """How the OpenAPI description tells where tokens come from; it judges nothing itself."""

    async def __call__(self, request: HTTPConnection) -> str | None:
        return None


_SCHEME = _Scheme(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_PATH, scopes=dict(MEANINGS))),
    scheme_name="clientCredentials",
    description="A token from /oauth/token, in the header Authorization: Bearer TOKEN. It is good for ten minutes.",
)


def requires(*scopes: str) -> Callable[..., Caller]:
    """A dependency that lets in clients whose token has all of these scopes, and says who calls.

    Args:
        scopes: of `SCOPES`; none: any client.

    Raises (the dependency):
        TokenMissing, TokenInvalid, AuthorizationOdd: 401 or 400, with WWW-Authenticate (RFC 6750 §3).
        ClientLimited: 429, with Retry-After.
        ScopeMissing: 403.
    """
    needed = _known(scopes)

    def caller(request: Request, _shown: None = Security(_SCHEME, scopes=list(scopes))) -> Caller:
        found = _caller(request)
        if not needed <= found.scopes:
            raise _not_allowed(ScopeMissing(needed))
        return found

    return caller


def requires_any(*scopes: str) -> Callable[..., Caller]:
    """A dependency as `requires`, for which one of the scopes is enough."""
    needed = _known(scopes)

    def caller(request: Request, _shown: None = Security(_SCHEME)) -> Caller:
        found = _caller(request)
        if not needed & found.scopes:
            raise _not_allowed(ScopeMissing(needed, any_of=True))
        return found

    return caller


def _known(scopes: Sequence[str]) -> frozenset[str]:
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise ValueError(f"there is no scope {', '.join(sorted(unknown))}")
    return frozenset(scopes)


def _caller(request: Request) -> Caller:
    runtime: Runtime = request.app.state.runtime
    value = _bearer(request.headers.getlist("authorization"))
    with runtime.database.look() as look:
        holder = tokens.holder(look, value)
    if holder is None:
        metrics.API_REFUSALS.labels("token").inc()
        raise TokenInvalid
    limits.spend(runtime.database, holder.client_id, holder.per_minute)
    return Caller(holder.client_id, holder.name, holder.scopes, holder.achievements)


def _bearer(headers: Sequence[str]) -> str:
    """The token of the one Authorization header; the scheme's name is read in any case (RFC 9110 §11.1)."""
    if len(headers) > 1:
        raise AuthorizationOdd
    scheme, _, value = headers[0].strip().partition(" ") if headers else ("", "", "")
    if scheme.lower() != "bearer":
        metrics.API_REFUSALS.labels("token").inc()
        raise TokenMissing
    return value.strip()


def _not_allowed(error: ScopeMissing) -> ScopeMissing:
    metrics.API_REFUSALS.labels("scope").inc()
    return error
