"""Calls to a platform's services: pylti1p3's connector with our tokens, and patience for odd answers.

The library knows neither a revoked token nor the malformed paging links that Moodle sends. All calls pass the guard of
`core.http`, which bounds their time and size.
"""

from __future__ import annotations

import codecs
import hashlib
import html
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

import requests
from pylti1p3.exception import LtiServiceException
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector, TServiceConnectorResponse

from app.core import metrics
from app.core.clock import now
from app.core.errors import AppError
from app.core.http import HttpClient, requests_session
from app.core.logging import get_logger
from app.core.runtime import Runtime
from app.lti.access_tokens import MARGIN_SECONDS, USUAL_LIFETIME, TokenCache
from app.lti.errors import ServiceFailed
from app.lti.kept_tokens import KeptTokens
from app.lti.library import library_registration
from app.lti.schemas import Platform
from app.lti.toolkeys import ToolKey, ensure_tool_key
from app.lti.urls import same_origin

log = get_logger()

LONGEST_RETRY_AFTER = 3600.0
MOST_PAGES = 50
PATIENCE = 60.0  # seconds for all pages together
SERVICES = frozenset({"services"})  # no scope: what is noted of a platform's services, whatever they are asked for
OAUTH_ERRORS = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope",
    }
)  # fmt: skip
THROTTLED = b"rate limit exceeded"
_NEXT_LINK = re.compile(r"<([^<>]*)>\s*;[^,<]*?\brel\s*=[^A-Za-z0-9,<]*next\b", re.IGNORECASE | re.ASCII)


class TokenFailed(ServiceFailed):
    """The platform gave no access token; never final, as an administrator may mend it.

    Args:
        reason: short and technical.
        answered: the HTTP status of the token endpoint, if it answered.
        retry_after: seconds it is left alone for.
    """

    def __init__(self, reason: str, *, answered: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.answered = answered


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
        granted: scopes that the platform gave: they are asked for together, so that one token serves all calls.
        kept: tokens that other processes were given; None asks anew.
    """

    def __init__(
        self,
        platform: Platform,
        tool_key: ToolKey,
        session: requests.Session,
        cache: TokenCache,
        granted: Collection[str] = (),
        kept: KeptTokens | None = None,
    ) -> None:
        registration = _KeyedRegistration()
        registration.__dict__.update(library_registration(platform).__dict__)
        registration.set_tool_private_key(tool_key.private_pem)
        registration.kid = tool_key.kid
        super().__init__(registration, session)
        self._platform = platform
        self._cache = cache
        self._granted = frozenset(granted)
        self._kept = kept
        self._tenant = _digest(
            platform.issuer, platform.client_id, platform.auth_token_url, platform.audience or platform.auth_token_url
        )
        self._tool_key = tool_key
        self._lifetime = 0.0  # of the token just given
        session.hooks["response"].append(_read_as_utf8)

    def encode_jwt(self, message: Mapping[str, Any], private_key: str, headers: Mapping[str, str]) -> str:
        """The token request, signed by our key."""
        del private_key, headers  # the key itself is at hand, and names its id
        return self._tool_key.sign(message)

    def _scope_key(self, scopes: Any) -> str:
        return _digest(self._tenant, *sorted(scopes))

    def _get_cached_access_token(self, scope_key: str) -> str | None:
        return None  # ours is asked before the library is

    def _cache_access_token(self, scope_key: str, access_token: str, expires_in: float) -> None:
        try:
            lifetime = float(expires_in)
        except (TypeError, ValueError, OverflowError):
            lifetime = 0.0
        self._lifetime = lifetime if lifetime > 0 else USUAL_LIFETIME

    def get_access_token(self, scopes: Sequence[str]) -> str:
        """A token for these scopes (1EdTech Security Framework 1.0 §4.1): a kept one, else one that is asked for now.

        Raises:
            TokenFailed: the platform gives none, or gave none a moment ago.
        """
        needed = frozenset(scopes)
        kept = self._cache.get(self._tenant, needed)
        if kept is not None:
            return kept
        with self._cache.asking(self._tenant):
            kept = self._cache.get(self._tenant, needed) or self._given_to_another_process(needed)
            if kept is not None:
                return kept
            if self._kept is None:
                return self._ask_for_token(needed)
            with self._kept.turn(self._tenant):
                return self._given_to_another_process(needed) or self._ask_for_token(needed)

    def _given_to_another_process(self, needed: frozenset[str]) -> str | None:
        found = self._kept.find(self._tenant, needed) if self._kept is not None else None
        if found is None or found.expires_in <= MARGIN_SECONDS:
            return None
        self._cache.put(self._tenant, found.scopes, found.value, found.expires_in)
        return found.value

    def _ask_for_token(self, needed: frozenset[str]) -> str:
        """One token for everything that was granted; if that is too much by now, for what is needed."""
        everything = needed | self._granted
        if everything != needed and not self._cache.closed_for(self._tenant, everything):
            try:
                return self._request_token(everything)
            except TokenFailed as error:
                if error.answered != requests.codes.bad_request:
                    raise
        return self._request_token(needed)

    def _request_token(self, scopes: frozenset[str]) -> str:
        closed = self._cache.closed_for(self._tenant, scopes)
        if closed:
            raise TokenFailed("the token endpoint gave no token a moment ago", retry_after=closed)
        try:
            token = self._given_token(sorted(scopes))
        except TokenFailed as error:
            self._cache.note_failure(self._tenant, scopes, error.retry_after)
            metrics.LTI_TOKENS.labels("failed").inc()
            log.warning("lti.no_token", registration_id=self._platform.registration_id, reason=error.reason)
            raise
        self._cache.put(self._tenant, scopes, token, self._lifetime)
        if self._kept is not None and self._lifetime > MARGIN_SECONDS:
            self._kept.keep(self._tenant, scopes, token, self._lifetime)
        metrics.LTI_TOKENS.labels("given").inc()
        return token

    def _given_token(self, scopes: list[str]) -> str:
        try:
            token = super().get_access_token(scopes)
        except LtiServiceException as error:
            answer = error.response
            raise TokenFailed(
                _refusal(answer),
                answered=answer.status_code,
                retry_after=_retry_after(answer.headers.get("retry-after")),
            ) from None
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
            raise TokenFailed("the token endpoint's answer has no access_token") from None
        except (requests.RequestException, AppError) as error:
            raise TokenFailed(_reason("the token endpoint", error)) from None
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise TokenFailed("the token endpoint's answer has no access_token")
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
        response, token = self._send(scopes, url, headers, content)
        if response.status_code == requests.codes.unauthorized and self._cache.replace(self._tenant, token):
            if self._kept is not None:
                self._kept.forget(self._tenant, token)
            response, token = self._send(scopes, url, headers, content)
        status = _status(response)
        if status == requests.codes.forbidden:
            self._cache.drop_old(self._tenant, token)
            if self._kept is not None:
                self._kept.forget(self._tenant, token, only_old=True)
        if not _is_success(response):
            raise ServiceFailed(
                f"the service answered {status}",
                status_code=status,
                retry_after=_retry_after(response.headers.get("retry-after")),
            )
        return {
            "headers": dict(response.headers),
            "body": _said(response) if is_post else _json(response),
            "next_page_url": next_page(response.headers.get("link", "")),
        }

    def pages(self, scopes: Sequence[str], url: str, *, accept: str) -> Iterator[list[Any]]:
        """A list that comes in pages, page by page.

        Raises:
            ServiceFailed: a page is no list; it lies on another host, which never gets our token; there is no end, or
                it does not come in a minute.
        """
        page_url: str | None = url
        seen: set[str] = set()
        until = time.monotonic() + PATIENCE
        while page_url:
            if time.monotonic() > until:
                raise ServiceFailed("the answer's pages take too long")
            if page_url in seen or len(seen) >= MOST_PAGES:
                raise ServiceFailed("the answer's pages have no end")
            if not same_origin(page_url, url):
                raise ServiceFailed("the answer's next page lies on another host")
            seen.add(page_url)
            answer = self.make_service_request(scopes, page_url, accept=accept)
            if not isinstance(answer["body"], list):
                raise ServiceFailed("the service answered with something that is not a list")
            yield answer["body"]
            page_url = urljoin(page_url, answer["next_page_url"]) if answer["next_page_url"] else None

    def silent_for(self) -> float:
        """Seconds for which the platform's services are left alone, because they kept us waiting for nothing."""
        return self._cache.closed_for(self._tenant, SERVICES)

    def note_silence(self) -> None:
        """A service kept us waiting and gave no usable answer: it is left alone for a while, longer each time."""
        self._cache.note_failure(self._tenant, SERVICES, None)

    def note_word(self) -> None:
        """A service has answered."""
        self._cache.note_success(self._tenant, SERVICES)

    def _send(
        self, scopes: Sequence[str], url: str, headers: dict[str, str], data: str | None
    ) -> tuple[requests.Response, str]:
        token = self.get_access_token(scopes)
        sent = headers | {"Authorization": f"Bearer {token}"}
        try:
            if data is None:
                return self._requests_session.get(url, headers=sent), token
            return self._requests_session.post(url, data=data, headers=sent), token
        except (requests.RequestException, AppError, UnicodeError) as error:  # the last for where it points to
            raise ServiceFailed(_reason("the service", error)) from None


class Connectors:
    """Makes connectors that share one token cache.

    Args:
        runtime: database, secrets, the guarded way out.
        cache: where tokens are kept; a fresh one if not given. See `shared`.
        kept: tokens that all processes share; none are if not given.
    """

    def __init__(self, runtime: Runtime, cache: TokenCache | None = None, kept: KeptTokens | None = None) -> None:
        self._runtime = runtime
        self._cache = cache or TokenCache()
        self._kept = kept

    @classmethod
    def shared(cls, runtime: Runtime) -> Connectors:
        """Connectors on this process's one token cache and on what all processes share: for every job and page."""
        kept = KeptTokens(runtime.database, runtime.secret_box)
        return cls(runtime, _SHARED.setdefault(runtime.http, TokenCache()), kept)

    def to(self, platform: Platform, granted: Collection[str] = ()) -> PlatformConnector:
        """A connector to one platform; makes the tool's key on first need, so not inside a write.

        Args:
            platform: whose services are called.
            granted: scopes that the platform gave, as far as they are known.
        """
        key = ensure_tool_key(self._runtime.database, self._runtime.secret_box)
        return PlatformConnector(platform, key, requests_session(self._runtime.http), self._cache, granted, self._kept)


_SHARED: WeakKeyDictionary[HttpClient, TokenCache] = WeakKeyDictionary()


def next_page(link_header: str) -> str | None:
    """The next page's address in a Link header (RFC 8288), also with Moodle's typographic quotes and `&amp;`."""
    match = _NEXT_LINK.search(link_header.replace("\n", " "))
    return html.unescape(match.group(1)) if match else None


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _read_as_utf8(response: requests.Response, **_options: Any) -> None:
    """JSON is UTF-8 (RFC 8259 §8.1), whatever a platform's Content-Type says.

    Some of the codes that one could name there, such as punycode, take minutes for a megabyte.
    """
    response.encoding = "utf-8-sig"


def _is_success(response: requests.Response) -> bool:
    """Whether a service has done what was asked; one that only points elsewhere has not."""
    return 200 <= response.status_code < 300


def _refusal(response: requests.Response) -> str:
    """Why there is no token, with the platform's own word for it if that is one of OAuth's (RFC 6749 §5.2)."""
    if _is_success(response):
        return "the token endpoint answered with something that is not JSON"
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        answer = None
    word = answer.get("error") if isinstance(answer, dict) else None
    told = f" ({word})" if isinstance(word, str) and word in OAUTH_ERRORS else ""
    return f"the token endpoint answered {response.status_code}{told}"


def _status(response: requests.Response) -> int:
    """The status; Canvas says 403 where it means 429, and says so in words only."""
    if response.status_code == requests.codes.forbidden and THROTTLED in response.content[:1000].lower():
        return int(requests.codes.too_many_requests)
    return response.status_code


def _json(response: requests.Response) -> Any:
    try:
        return cast(Any, response.json()) if response.content else None
    except (ValueError, RecursionError):
        raise ServiceFailed("the service answered with something that is not JSON") from None


def _said(response: requests.Response) -> Any:
    """What came back from a POST: JSON, or nothing worth knowing; but a web page means that nobody took it in.

    Raises:
        ServiceFailed: it is a web page, such as a proxy shows while the platform is being mended.
    """
    if response.content.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<":
        raise ServiceFailed("the service answered with a web page")
    try:
        return response.json() if response.content else None
    except (ValueError, RecursionError):
        return None


def _retry_after(value: str | None) -> float | None:
    """Seconds that a platform wants us to wait (RFC 9110 §10.2.3), within bounds."""
    text = (value or "").strip()
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        wait = (parsedate_to_datetime(text) - now()).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER)


def _reason(who: str, error: Exception) -> str:
    slug = error.slug if isinstance(error, AppError) else type(error).__name__
    return f"{who} could not be reached ({slug})"
