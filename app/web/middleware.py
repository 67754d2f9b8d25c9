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

from app.awards.batches.errors import MAX_BYTES, too_many_bytes
from app.core import metrics
from app.core.errors import AppError, BadInput, TooLarge
from app.core.ids import new_token
from app.core.logging import get_logger
from app.learning.files import FileTooLarge
from app.web.errors import error_response, unexpected_response

log = get_logger()

MAX_BODY = 6_000_000
# The one address to which files are sent, and what a form weighs besides. A file a little too large is read and thrown
# away before it is refused: a browser that still sends would show a broken connection in place of our page.
UPLOAD = re.compile(r"/at/[^/]+/activity/[^/]+/files/[^/]+")
BATCHES = "/api/v1/batches"  # read to a file, not into memory
AROUND_A_FILE = 100_000
MOST_THROWN_AWAY = 60_000_000
FRAMED_PATHS = ("/at/", "/lti/")
# Addresses that are secrets: errors too are kept nowhere.
CAPABILITIES = ("/claim/", "/observe/", "/mail/", "/refresh/")
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
MOST_DIGITS = 12  # of a length that is read as a number
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
        file_mb: how many MB a file of a learner may have.
    """

    def __init__(self, app: ASGIApp, *, https: bool, file_mb: int) -> None:
        self.app = app
        self.https = https
        self.file_mb = file_mb

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
        most, too_large = self._most(scope)

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise too_large
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                self._add_headers(scope, headers, request_id)
                if status == TooLarge.status:
                    # Else the server would go on taking in what was refused, for as long as somebody sends.
                    headers["Connection"] = "close"
            await send(message)

        try:
            refusal = _refusal(scope, most, too_large)
            if isinstance(refusal, FileTooLarge):
                await _throw_away(scope, receive)
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

    def _most(self, scope: Scope) -> tuple[int, AppError]:
        """How many bytes may come in, and what is said of more: a file has a bound of its own."""
        if scope["method"] == "POST" and scope["path"] == BATCHES:
            return MAX_BYTES, too_many_bytes()
        if scope["method"] == "POST" and UPLOAD.fullmatch(scope["path"]):
            return self.file_mb * 1_000_000 + AROUND_A_FILE, FileTooLarge(self.file_mb, scope["path"])
        return MAX_BODY, BodyTooLarge()

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
        if path.startswith((*FRAMED_PATHS, *CAPABILITIES)):
            headers.setdefault("Cache-Control", "no-store")


async def _throw_away(scope: Scope, receive: Receive) -> None:
    """Read what is on its way, if it is not too much, and keep nothing of it."""
    if _announced_length(dict(scope["headers"]).get(b"content-length", b"")) > MOST_THROWN_AWAY:
        return
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


def _refusal(scope: Scope, most: int, too_large: AppError) -> AppError | None:
    """Why a request is not looked at any further, if so."""
    headers = dict(scope["headers"])
    if _announced_length(headers.get(b"content-length", b"")) > most:
        return too_large
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
    return int(value) if len(value) <= MOST_DIGITS else 10**MOST_DIGITS
