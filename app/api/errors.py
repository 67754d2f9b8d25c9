"""What clients of the API are told when they are not let in, and what operators are told who enter clients."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from app.core.errors import AppError, BadInput, Forbidden, NotFound, TooManyRequests

REALM = "waymark"


class TokenMissing(AppError):
    """A call came without an access token."""

    status = 401
    slug = "token-missing"
    title = "An access token is needed"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": f'Bearer realm="{REALM}"'}

    def __init__(self) -> None:
        super().__init__(
            "This address answers only to a client of the API, and the request has no access token.",
            kept="Nothing was changed.",
            next_step="Get a token from /oauth/token and send it in the header Authorization: Bearer TOKEN.",
        )


class TokenInvalid(AppError):
    """The token is none of ours, is over, or its client has been switched off."""

    status = 401
    slug = "token-invalid"
    title = "That access token does not count"
    headers: ClassVar[Mapping[str, str]] = {
        "WWW-Authenticate": f'Bearer realm="{REALM}", error="invalid_token", '
        'error_description="The token is unknown, over, or its client is switched off"'
    }

    def __init__(self) -> None:
        super().__init__(
            "The access token is unknown or over, or its client has been switched off.",
            kept="Nothing was changed.",
            next_step="Get a new token from /oauth/token and send the request again. If no token is given either, ask "
            "whoever runs this server.",
        )


class AuthorizationOdd(BadInput):
    """A request says in more than one way who it is."""

    slug = "authorization-odd"
    title = "It is not clear who is asking"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": f'Bearer realm="{REALM}", error="invalid_request"'}

    def __init__(self) -> None:
        super().__init__(
            "The request has more than one Authorization header.",
            kept="Nothing was changed.",
            next_step="Send exactly one, with one access token.",
        )


class ScopeMissing(Forbidden):
    """The token is good, but not for this.

    Args:
        needed: the scopes that are needed.
        any_of: one of them is enough.
    """

    slug = "scope-missing"
    title = "This token may not do that"

    def __init__(self, needed: Collection[str], *, any_of: bool = False) -> None:
        words = " or ".join(sorted(needed)) if any_of else " and ".join(sorted(needed))
        super().__init__(
            f"The token's scopes do not allow this: it takes {words}.",
            kept="Nothing was changed.",
            next_step="Ask /oauth/token for that scope; if it is refused, ask whoever runs this server.",
        )
        self.headers = {
            "WWW-Authenticate": f'Bearer realm="{REALM}", error="insufficient_scope", '
            f'scope="{" ".join(sorted(needed))}"'
        }


class ClientLimited(TooManyRequests):
    """A client asks more often than was agreed.

    Args:
        seconds: after which the next call is let in.
        per_minute: what was agreed.
    """

    slug = "client-limit"

    def __init__(self, seconds: int, per_minute: int) -> None:
        super().__init__(
            f"This client may make {per_minute:,} calls a minute, and has made them.",
            kept="Nothing was changed.",
            next_step=f"Send the request again after {seconds} seconds. For many badges at once there are batches.",
        )
        self.seconds = seconds
        self.headers = {"Retry-After": str(seconds)}


class ScopeRefused(BadInput):
    """A scope that does not exist, or that a client may not have."""

    slug = "scope-refused"
    title = "That scope cannot be had"


class ClientUnknown(NotFound):
    """No client of the API has this id."""

    slug = "client-unknown"
    title = "There is no such client"

    def __init__(self) -> None:
        super().__init__(
            "No client of the API has that id.",
            kept="Nothing was changed.",
            next_step="List them with: waymark client list",
        )


class ClientUnusable(BadInput):
    """A client cannot be entered like that."""

    slug = "client-unusable"
    title = "That client cannot be entered"


class OAuthRefused(Exception):
    """A request for a token is refused, in the words of RFC 6749 §5.2 and not in ours: libraries read those.

    Args:
        error: the code, e.g. `invalid_client`.
        description: for whoever reads the client's log: printable ASCII without quotation marks and backslashes.
        status: of the answer.
        outcome: under which it is counted.
        retry_after: seconds until another try makes sense.
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        outcome: str = "refused",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.outcome = outcome
        self.retry_after = retry_after
