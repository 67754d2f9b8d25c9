"""What every request and answer passes: a request id, a look at the door, a bound on the body, security headers, the
last answer to what nobody expected, a log line, a count.
"""

from __future__ import annotations

import re
import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import metrics
from app.core.errors import AppError, BadInput, TooLarge
from app.core.ids import new_token
from app.core.logging import get_logger
from app.web.errors import error_response, unexpected_response

log = get_logger()

MAX_BODY = 6_000_000
FRAMED_PATHS = ("/at/", "/lti/")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
)
CLIENT_LEFT = 499
_ORIGIN = re.compile(r"https?://([A-Za-z0-9.\-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
_CHARSET = re.compile(rb";\s*charset\s*=\s*\"?([^\";\s]*)", re.IGNORECASE)
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def frame_ancestors(path: str, origins: tuple[str, ...] | None) -> str:
    """Who may frame an answer: a launch's own platform, else nobody; anybody, for errors before a launch is known.

    An error inside an LMS's frame must be readable, and such a page offers nothing that a click could be stolen for.
    """
    if origins is not None:
        known = [origin for origin in origins if _ORIGIN.fullmatch(origin)]
        return " ".join(("frame-ancestors 'self'", *known))
    return "frame-ancestors *" if path.startswith(FRAMED_PATHS) else "frame-ancestors 'none'"


class BodyTooLarge(TooLarge):
    """More bytes came in than any form of ours needs."""

    slug = "body-too-large"

    def __init__(self) -> None:
        super().__init__(
            f"What was sent is larger than {MAX_BODY // 1_000_000} MB, which is more than Waymark accepts.",
            kept="Nothing was changed.",
        )


class RequestOdd(BadInput):
    """A request that no browser and no sensible client sends."""

    slug = "request-odd"
    title = "This request could not be read"


class Gatekeeper:
    """The outermost layer.

    Args:
        app: what it wraps.
        https: whether the server is reached by https, for HSTS.
    """

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_token(9)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        received = 0

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise BodyTooLarge
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(scope, MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            refusal = _refusal(scope)
            if refusal is None:
                await self.app(scope, bounded_receive, send_with_headers)
            else:
                await error_response(Request(scope), refusal)(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = status or CLIENT_LEFT
        except Exception as error:
            # Answered here and not further out: there the page would lack the headers, and the server would write the
            # error's words, which may quote a person's, into its log.
            if status:
                raise
            await unexpected_response(Request(scope), error)(scope, receive, send_with_headers)
        finally:
            # Any word may be a method; only those in use become a label of their own.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.REQUESTS.labels(method, str(status)).inc()
            # The pattern of the route, not the address: addresses hold badge ids and claim tokens.
            log.info(
                "http.answered",
                method=method,
                route=getattr(scope.get("route"), "path", "unmatched"),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    def _add_headers(self, scope: Scope, headers: MutableHeaders, request_id: str) -> None:
        path: str = scope["path"]
        ancestors = frame_ancestors(path, scope["state"].get("frame_ancestors"))
        # One page hands a form back to an LMS; all others post to us only.
        forms = " ".join(("form-action 'self'", *scope["state"].get("form_targets", ())))
        headers.setdefault("Content-Security-Policy", "; ".join((*CONTENT_SECURITY_POLICY, forms, ancestors)))
        headers["X-Content-Type-Options"] = "nosniff"
        # Not "no-referrer": browsers then send "Origin: null" with our own forms, which the origin check refuses.
        headers["Referrer-Policy"] = "same-origin"
        headers["X-Request-Id"] = request_id
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        if self.https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if path.startswith((*FRAMED_PATHS, "/claim/")):
            headers.setdefault("Cache-Control", "no-store")


def _refusal(scope: Scope) -> AppError | None:
    """Why a request is not looked at any further, if so."""
    headers = dict(scope["headers"])
    if _announced_length(headers.get(b"content-length", b"")) > MAX_BODY:
        return BodyTooLarge()
    if "\0" in scope["path"]:
        return RequestOdd("No address has the character NUL.")
    kind = headers.get(b"content-type", b"")
    charset = _CHARSET.search(kind)
    if kind.lower().startswith(b"multipart/") and charset and charset.group(1).lower() not in (b"utf-8", b"utf8"):
        # RFC 7578 knows no such parameter; decoded by just any code, a field would hold what is no text.
        return RequestOdd("Forms are read as UTF-8 and in no other code.")
    return None


def _announced_length(value: bytes) -> int:
    if not value.isdigit():
        return 0
    return int(value) if len(value) <= len(str(MAX_BODY)) else MAX_BODY + 1
