"""The access token endpoint: client credentials with a signed assertion (LTI Security Framework 1.0 §4.1, RFC 7523)."""

import json
from collections.abc import Callable
from typing import Any, Final

import httpx2
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet
from starlette.concurrency import run_in_threadpool

from practice_lms.errors import TokenRefused
from practice_lms.lms import PracticeLms
from practice_lms.services import ALL_SCOPES, lms_behind, require_user_agent

router = APIRouter()

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM: Final = "application/x-www-form-urlencoded"
LONGEST_LIFE: Final = 300
LARGEST_JWKS: Final = 200_000
USER_AGENT: Final = "PracticeLMS/1.0"

JwksFetcher = Callable[[str], bytes]
"""Gets the bytes of a JWKS by URL; raises OSError or httpx2.HTTPError when it cannot."""


def fetch_by_http(url: str) -> bytes:
    """Get a JWKS over the network: five seconds, no redirects, at most 200 kB. Raises httpx2.HTTPError."""
    response = httpx2.get(url, timeout=5.0, follow_redirects=False, headers={"User-Agent": USER_AGENT})
    response.raise_for_status()
    return response.content[: LARGEST_JWKS + 1]


class ToolKeys:
    """The tool's public keys, fetched when first needed and once more for a `kid` not seen before."""

    def __init__(self, url: str, fetch: JwksFetcher) -> None:
        self._url = url
        self._fetch = fetch
        self._keys: KeySet | None = None

    def key(self, kid: str) -> Key:
        """The key named `kid`. Raises TokenRefused if the tool does not publish it."""
        if self._keys is None or not self._known(kid):
            self._keys = self._load()
        if not self._known(kid):
            raise TokenRefused("The kid of the client assertion is not in the tool's JWKS.", code="invalid_client")
        return self._keys.get_by_kid(kid)

    def _known(self, kid: str) -> bool:
        return self._keys is not None and any(key.kid == kid for key in self._keys.keys)

    def _load(self) -> KeySet:
        try:
            content = self._fetch(self._url)
            if len(content) > LARGEST_JWKS:
                raise ValueError("too large")
            return KeySet.import_key_set(json.loads(content))
        except (OSError, httpx2.HTTPError) as error:
            raise TokenRefused(
                f"The tool's JWKS at {self._url} could not be fetched.", code="invalid_client"
            ) from error
        except (ValueError, TypeError, KeyError, AttributeError, JoseError) as error:
            raise TokenRefused(f"What the tool shows at {self._url} is not a JWKS.", code="invalid_client") from error


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
    # Fetching the tool's keys may take seconds, and the tool may be calling us at that very moment.
    claims = await run_in_threadpool(_verified, request.app.state.tool_keys, fields["client_assertion"])
    _check_claims(lms, claims)
    granted = ALL_SCOPES & set(fields.get("scope", "").split())
    if not granted:
        raise TokenRefused("None of the scopes asked for exists here.", code="invalid_scope")
    return JSONResponse(
        {
            "access_token": lms.issue_access_token(frozenset(granted)),
            "token_type": "Bearer",
            "expires_in": lms.settings.access_token_seconds,
            "scope": " ".join(sorted(granted)),
        },
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
    )


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise TokenRefused(f"The Content-Type header must be {FORM}.", code="invalid_request")
    form = await request.form(max_files=0, max_fields=20)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise TokenRefused("A parameter was sent twice.", code="invalid_request")
    return fields


def _verified(tool_keys: ToolKeys, assertion: str) -> dict[str, Any]:
    """The claims of the assertion once its signature holds. Raises TokenRefused."""
    try:
        header = jws.extract_compact(assertion.encode()).headers()
    except (JoseError, ValueError) as error:
        raise TokenRefused("client_assertion is not a JWT.", code="invalid_client") from error
    if header.get("alg") != "RS256":
        raise TokenRefused("client_assertion must be signed with RS256.", code="invalid_client")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenRefused("client_assertion has no kid.", code="invalid_client")
    key = tool_keys.key(kid)
    try:
        return jwt.decode(assertion, key, ["RS256"]).claims
    except (JoseError, ValueError) as error:
        raise TokenRefused("The signature of client_assertion does not hold.", code="invalid_client") from error


def _check_claims(lms: PracticeLms, claims: dict[str, Any]) -> None:
    """RFC 7523 §3 without mercy: no leeway on time, one audience, each `jti` once."""
    settings, now = lms.settings, lms.clock()
    for name in ("iss", "sub"):
        if claims.get(name) != settings.client_id:
            raise TokenRefused(f"{name} of client_assertion must be the client_id.", code="invalid_client")
    if claims.get("aud") not in (settings.token_url, [settings.token_url]):
        raise TokenRefused(f"aud of client_assertion must be exactly {settings.token_url}.", code="invalid_client")
    issued_at, expires_at = _moment(claims, "iat"), _moment(claims, "exp")
    if issued_at > now:
        raise TokenRefused("client_assertion was issued in the future.", code="invalid_client")
    if expires_at <= now:
        raise TokenRefused("client_assertion has expired.", code="invalid_client")
    if expires_at > now + LONGEST_LIFE:
        raise TokenRefused("client_assertion is valid for longer than five minutes.", code="invalid_client")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise TokenRefused("client_assertion has no jti.", code="invalid_client")
    if not lms.use_once(lms.seen_assertions, jti, expires_at):
        raise TokenRefused("This client_assertion was used before (same jti).", code="invalid_client")


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"{name} of client_assertion is missing or not a number.", code="invalid_client")
    return float(value)
