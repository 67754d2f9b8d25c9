"""The one family of errors that people and machines get to see.

Each error knows its HTTP status, a stable slug, and three sentences: what happened, what was kept, what to do next.
The front door renders them as a page or as problem+json (RFC 9457, https://www.rfc-editor.org/rfc/rfc9457).
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """Something a person or a machine must be told.

    Args:
        detail: what happened, in plain words, without personal data.
        kept: what was kept, if anything was at stake.
        next_step: what to do next.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str, *, kept: str | None = None, next_step: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.kept = kept
        self.next_step = next_step


class BadInput(AppError):
    """What was sent cannot be used as it is."""

    status = 400
    slug = "bad-input"
    title = "That could not be used"


class SignInNeeded(AppError):
    """The page belongs to a launch and there is none."""

    status = 401
    slug = "sign-in-needed"
    title = "Please open this from your LMS"


class Forbidden(AppError):
    """The person is known and may not do this."""

    status = 403
    slug = "forbidden"
    title = "You may not do that"


class NotFound(AppError):
    """There is nothing here, or nothing this person may know of."""

    status = 404
    slug = "not-found"
    title = "There is nothing here"


class Conflict(AppError):
    """Somebody or something else was faster."""

    status = 409
    slug = "conflict"
    title = "Something changed in the meantime"


class Gone(AppError):
    """It was here and is not any more."""

    status = 410
    slug = "gone"
    title = "This is no longer here"


class TooLarge(AppError):
    """More was sent than is accepted."""

    status = 413
    slug = "too-large"
    title = "That is too large"


class TooManyRequests(AppError):
    """Asked too often."""

    status = 429
    slug = "too-many-requests"
    title = "Please wait a moment"


class Unavailable(AppError):
    """Something that is needed does not answer."""

    status = 503
    slug = "unavailable"
    title = "Something we need is not answering"
