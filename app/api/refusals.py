"""Requests of the API that cannot be acted on as they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from app.awards.errors import FieldProblem
from app.core.errors import AppError, BadInput, TooLarge

NOTHING_CHANGED = "Nothing was changed."


class BodyUnreadable(BadInput):
    """The body is no JSON object, or one that two readers could take differently."""

    slug = "body-unreadable"
    title = "The body of the request cannot be read"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, kept=NOTHING_CHANGED, next_step="Send one JSON object in UTF-8, each member once.")


class MembersRefused(BadInput):
    """Members of the body are missing, unknown or have the wrong form.

    Args:
        problems: each place that is wrong.
    """

    slug = "members-refused"
    title = "Something in the request has the wrong form"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(
            "; ".join(f"{problem.field} {problem.message}" for problem in problems) + ".",
            kept=NOTHING_CHANGED,
            next_step="Mend the members that are named, and send it again.",
        )
        self.members: Mapping[str, Any] = {"problems": [asdict(problem) for problem in problems]}


class KindNotTaken(BadInput):
    """The body is of a kind that this address does not take."""

    status = 415
    slug = "kind-not-taken"
    title = "This address does not take that kind of body"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, kept=NOTHING_CHANGED, next_step="Send Content-Type: application/json.")


class BodyTooLarge(TooLarge):
    """More was sent than is read.

    Args:
        most: in bytes.
    """

    slug = "body-too-large"
    title = "The body of the request is too large"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A body may have up to {most // 1_000_000} MB.",
            kept=NOTHING_CHANGED,
            next_step="For many awards at once there are batches: POST /api/v1/batches.",
        )


class BodyTooSlow(AppError):
    """The body did not arrive in time."""

    status = 408
    slug = "body-too-slow"
    title = "The request took too long to arrive"
    headers: ClassVar[Mapping[str, str]] = {"Connection": "close"}  # RFC 9110 §15.5.9

    def __init__(self) -> None:
        super().__init__(
            "The body of the request did not arrive in time.",
            kept=NOTHING_CHANGED,
            next_step="Send it again, with the same Idempotency-Key if it has one.",
        )


class IdempotencyKeyNeeded(BadInput):
    """A call that creates something came without a key, or with one that cannot be one."""

    slug = "idempotency-key-needed"
    title = "A usable Idempotency-Key is needed"

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail,
            kept="Nothing was issued.",
            next_step="Send Idempotency-Key: a fresh UUID for each award, and the same one whenever you repeat it.",
        )


class QueryRefused(BadInput):
    """A parameter of the address has the wrong form."""

    status = 422  # as every other parameter of an address
    slug = "query-refused"
    title = "A parameter in the address cannot be used"

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"The parameter {name} {rule}.", next_step="Change it, or leave it out.")


class CursorRefused(QueryRefused):
    """A cursor that was not given out here, or for another list."""

    slug = "cursor-refused"

    def __init__(self) -> None:
        super().__init__("cursor", "must be one that this list gave as next_cursor")


class VersionNeeded(AppError):
    """A change must say which state of the badge it was decided on (RFC 6585 §3)."""

    status = 428
    slug = "version-needed"
    title = "Say which version you have seen"

    def __init__(self) -> None:
        super().__init__(
            "A correction must come with If-Match, so that it cannot overwrite what it has not seen.",
            kept="The badge is as it was.",
            next_step="GET the badge, look at it, and send its ETag in If-Match.",
        )


class VersionOld(AppError):
    """The badge is not as the caller has seen it (RFC 9110 §15.5.13)."""

    status = 412
    slug = "version-old"
    title = "The badge has changed since you saw it"

    def __init__(self, current: str) -> None:
        super().__init__(
            "The badge is not in the state that If-Match names.",
            kept="The badge is as it was.",
            next_step="GET the badge again and decide on what it says now.",
        )
        self.headers = {"ETag": current}


class VersionUnreadable(BadInput):
    """If-Match or If-None-Match is no list of entity tags."""

    slug = "version-unreadable"
    title = "That is no ETag"

    def __init__(self) -> None:
        super().__init__(
            "If-Match must hold an ETag as a badge's answer gives it, with its quotation marks, or *.",
            kept="The badge is as it was.",
            next_step="Copy the ETag header of the last answer.",
        )
