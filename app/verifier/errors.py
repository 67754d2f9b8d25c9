"""What can go wrong around verifying. A badge that fails is a verdict, not an error."""

from __future__ import annotations

from typing import Literal

from app.core.errors import BadInput, TooLarge, TooManyRequests

Reason = Literal["failed", "refused", "missing", "busy", "silent", "budget"]


class SourceUnavailable(Exception):
    """A document that a badge points at could not be had.

    `reason`: failed, refused (an address that is not asked), missing (404, 410), busy (too many ask that host), silent
    (that host kept others waiting a moment ago), or budget (this verification has asked enough).
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class NothingPresented(BadInput):
    """There is nothing to check."""

    slug = "nothing-presented"
    title = "There is no badge to check"


class RequestUnreadable(BadInput):
    """The request does not have the documented form."""

    slug = "request-unreadable"
    title = "The request could not be read"


class KindUnsupported(BadInput):
    """The body is of a kind no badge comes in."""

    status = 415
    slug = "kind-unsupported"
    title = "That kind of file holds no badge"


class BadgeTooLarge(TooLarge):
    """The file is larger than any badge."""

    slug = "badge-too-large"
    title = "That file is too large to be a badge"


class BadgeTooSlow(BadInput):
    """The request did not come to its end in time."""

    status = 408
    slug = "badge-too-slow"
    title = "Your badge did not arrive in time"

    def __init__(self) -> None:
        super().__init__("The badge came in too slowly, so we stopped waiting for the rest.", next_step="Try again.")


class TooManyChecks(TooManyRequests):
    """One visitor asked for too many fetches."""

    slug = "too-many-checks"
    title = "Please wait a moment before the next check"


class KnownIssuersUnreadable(Exception):
    """The register of known issuers cannot be read; the message says in which file and line, and why."""
