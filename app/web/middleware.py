"""What every answer passes on its way out: a request id, security headers, a bound on the body, a log line, a count."""

from __future__ import annotations

import re
import time
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import metrics
from app.core.ids import new_token
from app.core.logging import get_logger

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
    "form-action 'self'",
    "base-uri 'none'",
)
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?")


def frame_ancestors(path: str, origins: tuple[str, ...] | None) -> str:
    """Who may frame an answer: a launch's own platform, else nobody; anybody, for errors before a launch is known.

    An error inside an LMS's frame must be readable, and such a page offers nothing that a click could be stolen for.
    """
    if origins:
        known = [origin for origin in origins if _ORIGIN.fullmatch(origin)]
        return "frame-ancestors 'self' " + " ".join(known)
    return "frame-ancestors *" if path.startswith(FRAMED_PATHS) else "frame-ancestors 'none'"


class BodyTooLarge(Exception):
    """More bytes came in than any form of ours needs."""


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
        started, status = time.perf_counter(), 500
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
            if _announced_length(scope) > MAX_BODY:
                await _refuse_large(send_with_headers)
            else:
                await self.app(scope, bounded_receive, send_with_headers)
        except BodyTooLarge:
            await _refuse_large(send_with_headers)
        finally:
            metrics.REQUESTS.labels(scope["method"], str(status)).inc()
            # The pattern of the route, not the address: addresses hold badge ids and claim tokens.
            log.info(
                "http.answered",
                method=scope["method"],
                route=getattr(scope.get("route"), "path", "unmatched"),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    def _add_headers(self, scope: Scope, headers: MutableHeaders, request_id: str) -> None:
        path: str = scope["path"]
        ancestors = frame_ancestors(path, scope["state"].get("frame_ancestors"))
        headers.setdefault("Content-Security-Policy", "; ".join((*CONTENT_SECURITY_POLICY, ancestors)))
        headers["X-Content-Type-Options"] = "nosniff"
        # Not "no-referrer": browsers then send "Origin: null" with our own forms, which the origin check refuses.
        headers["Referrer-Policy"] = "same-origin"
        headers["X-Request-Id"] = request_id
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        if self.https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if path.startswith((*FRAMED_PATHS, "/claim/")):
            headers.setdefault("Cache-Control", "no-store")


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _refuse_large(send: Any) -> None:
    body = b"What was sent is larger than 6 MB, which is more than Waymark accepts. Nothing was changed.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
