"""Calls to a platform's services: pylti1p3's connector with tokens kept apart by tenant, and patience for odd answers.

The library keys its token cache by issuer and scopes only, so two schools on one Canvas would share a token; it knows
neither a revoked token nor the malformed paging links that Moodle sends. All calls pass the guard of `core.http`.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import requests
from pylti1p3.exception import LtiException, LtiServiceException
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector, TServiceConnectorResponse

from app.core.errors import AppError
from app.core.http import requests_session
from app.core.runtime import Runtime
from app.lti.errors import ServiceFailed
from app.lti.library import library_registration
from app.lti.schemas import Platform
from app.lti.toolkeys import ToolKey, ensure_tool_key

MOST_TOKENS = 1000
MARGIN_SECONDS = 60.0
LONGEST_LIFETIME = 86_400.0
LONGEST_RETRY_AFTER = 3600.0
_NEXT_LINK = re.compile(r"<([^<>]*)>\s*;[^,<]*?\brel\s*=[^A-Za-z0-9,<]*next\b", re.IGNORECASE | re.ASCII)


class TokenCache:
    """Access tokens in memory until shortly before they expire; shared by the threads of a process.

    Args:
        clock: seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}
        self._guard = threading.Lock()

    def get(self, key: str) -> str | None:
        """A token that is still good, if there is one."""
        with self._guard:
            token, until = self._tokens.get(key, ("", 0.0))
            return token if token and self._clock() < until else None

    def put(self, key: str, token: str, expires_in: float) -> None:
        """Keep a token; one that lives for no longer than the margin is not kept."""
        lifetime = min(expires_in, LONGEST_LIFETIME) - MARGIN_SECONDS
        if lifetime <= 0:
            return
        with self._guard:
            self._tokens.pop(key, None)
            while len(self._tokens) >= MOST_TOKENS:
                self._tokens.pop(next(iter(self._tokens)))
            self._tokens[key] = (token, self._clock() + lifetime)

    def drop(self, key: str) -> None:
        """Forget a token that the platform no longer takes."""
        with self._guard:
            self._tokens.pop(key, None)


class _KeyedRegistration(Registration):
    """A registration whose tool key bears our own id; the library would compute one."""

    kid = ""

    def get_kid(self) -> str:
        """The id under which `/lti/jwks` publishes the key."""
        return self.kid


class PlatformConnector(ServiceConnector):
    """The library's connector for one platform.

    Args:
        platform: whose services are called.
        tool_key: signs the token request.
        session: the guarded way out.
        cache: where tokens are kept.
    """

    def __init__(self, platform: Platform, tool_key: ToolKey, session: requests.Session, cache: TokenCache) -> None:
        registration = _KeyedRegistration()
        registration.__dict__.update(library_registration(platform).__dict__)
        registration.set_tool_private_key(tool_key.private_pem)
        registration.kid = tool_key.kid
        super().__init__(registration, session)
        self._platform = platform
        self._cache = cache

    def _scope_key(self, scopes: Any) -> str:
        whose = (
            self._platform.issuer,
            self._platform.client_id,
            self._platform.auth_token_url,
            self._platform.audience,
        )
        return hashlib.sha256(json.dumps([*whose, sorted(scopes)]).encode()).hexdigest()

    def _get_cached_access_token(self, scope_key: str) -> str | None:
        return self._cache.get(scope_key)

    def _cache_access_token(self, scope_key: str, access_token: str, expires_in: float) -> None:
        try:
            self._cache.put(scope_key, access_token, float(expires_in))
        except (TypeError, ValueError):
            return  # a lifetime that is not a number: the token is used once and not kept

    def get_access_token(self, scopes: Sequence[str]) -> str:
        """A token for these scopes (1EdTech Security Framework 1.0 §4.1).

        Raises:
            ServiceFailed: the platform gives none; never permanent, as an administrator may mend it.
        """
        try:
            token = super().get_access_token(scopes)
        except LtiServiceException as error:
            raise ServiceFailed(f"the token endpoint answered {error.response.status_code}") from None
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ServiceFailed("the token endpoint's answer has no access_token") from None
        except (requests.RequestException, AppError) as error:
            raise ServiceFailed(_reason("the token endpoint", error)) from None
        if not isinstance(token, str) or not token:
            raise ServiceFailed("the token endpoint's answer has no access_token")
        return token

    def make_service_request(
        self,
        scopes: Sequence[str],
        url: str,
        *,
        is_post: bool = False,
        data: str | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        case_insensitive_headers: bool = False,
    ) -> TServiceConnectorResponse:
        """One call with a token; a refused token is replaced once.

        Raises:
            ServiceFailed: with the platform's status, if it answered.
        """
        headers = {"Accept": accept} | ({"Content-Type": content_type} if is_post else {})
        content = (data or "") if is_post else None
        response = self._send(scopes, url, headers, content)
        if response.status_code == requests.codes.unauthorized:
            self._cache.drop(self._scope_key(scopes))
            response = self._send(scopes, url, headers, content)
        if not response.ok:
            raise ServiceFailed(
                f"the service answered {response.status_code}",
                status_code=response.status_code,
                retry_after=_retry_after(response.headers.get("retry-after")),
            )
        return {
            "headers": dict(response.headers),
            "body": None if is_post else _json(response),
            "next_page_url": next_page(response.headers.get("link", "")),
        }

    def _send(self, scopes: Sequence[str], url: str, headers: dict[str, str], data: str | None) -> requests.Response:
        token = self.get_access_token(scopes)
        sent = headers | {"Authorization": f"Bearer {token}"}
        try:
            if data is None:
                return self._requests_session.get(url, headers=sent)
            return self._requests_session.post(url, data=data, headers=sent)
        except (requests.RequestException, AppError) as error:
            raise ServiceFailed(_reason("the service", error)) from None


class Connectors:
    """Makes connectors that share one token cache.

    Args:
        runtime: database, secrets, the guarded way out.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._cache = TokenCache()

    def to(self, platform: Platform) -> PlatformConnector:
        """A connector to one platform; makes the tool's key on first need, so not inside a write."""
        key = ensure_tool_key(self._runtime.database, self._runtime.secret_box)
        return PlatformConnector(platform, key, requests_session(self._runtime.http), self._cache)


def next_page(link_header: str) -> str | None:
    """The next page's address in a Link header (RFC 8288), also with Moodle's typographic quotes and `&amp;`."""
    match = _NEXT_LINK.search(link_header.replace("\n", " "))
    return html.unescape(match.group(1)) if match else None


def library_failure(error: LtiException) -> ServiceFailed:
    """The library's own complaint about an answer, as ours."""
    return ServiceFailed(f"the service's answer could not be used ({type(error).__name__})")


def _json(response: requests.Response) -> Any:
    try:
        return cast(Any, response.json()) if response.content else None
    except (ValueError, RecursionError):
        raise ServiceFailed("the service answered with something that is not JSON") from None


def _retry_after(value: str | None) -> float | None:
    if value is None or not value.strip().isdecimal() or len(value) > 9:
        return None
    return min(float(value), LONGEST_RETRY_AFTER)


def _reason(who: str, error: Exception) -> str:
    slug = error.slug if isinstance(error, AppError) else type(error).__name__
    return f"{who} could not be reached ({slug})"
