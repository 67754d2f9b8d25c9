"""What can go wrong when issuing, told to people and machines."""

from __future__ import annotations

from datetime import datetime

from app.core.days import day_of
from app.core.errors import BadInput, Conflict, NotFound, Unavailable
from app.core.secrets import SecretUnreadable
from app.vc.errors import STATUS_RETRIEVAL_ERROR


class IssuerNotFound(NotFound):
    """No issuer, key or status list bears that name."""

    slug = "issuer-not-found"
    title = "There is no such issuer"


class StatusNotKept(NotFound):
    """There is no status list of the moment that was asked for.

    https://www.w3.org/TR/vc-bitstring-status-list/#STATUS_RETRIEVAL_ERROR
    """

    slug = "status-not-kept"
    title = "There is no status list of that moment"
    problem_type = STATUS_RETRIEVAL_ERROR


class StatusMomentUnreadable(BadInput):
    """The moment whose status list was asked for cannot be read."""

    slug = "status-moment-unreadable"
    title = "That moment could not be read"
    problem_type = STATUS_RETRIEVAL_ERROR


class CredentialNotFound(NotFound):
    """No badge has that address, or it is not shared: a stranger must not be able to tell which."""

    slug = "badge-not-found"
    title = "There is no badge here"


class CredentialErased(CredentialNotFound):
    """A badge was here and was erased. Whoever has its address learns that much, and nothing of what it said.

    Args:
        issued_on: the day it was issued.
        erased_at: when it was erased.
    """

    status = 410
    slug = "badge-erased"
    title = "This badge was erased"

    def __init__(self, issued_on: datetime, erased_at: datetime) -> None:
        super().__init__(
            f"The badge that was here was erased on {day_of(erased_at)}. It was issued on {day_of(issued_on)}.",
            next_step="Ask its holder, or check the badge's file if you have one.",
        )
        self.issued_on = issued_on
        self.erased_at = erased_at


class IssueRefused(BadInput):
    """What was asked for would make a badge that does not hold together."""

    slug = "issue-refused"
    title = "This badge cannot be issued"


class IdempotencyConflict(Conflict):
    """The same idempotency key was used for something else before."""

    slug = "idempotency-conflict"
    title = "This request was used before for something else"


class AlreadyRevoked(Conflict):
    """Revoking is final and was done before."""

    slug = "already-revoked"
    title = "This badge is already revoked"


class AlreadySuspended(Conflict):
    """Suspended already."""

    slug = "already-suspended"
    title = "This badge is already suspended"


class CredentialSuspended(Conflict):
    """A suspended badge is not handed out anew: the copy could not say that it is suspended."""

    slug = "badge-suspended"
    title = "This badge is suspended"


class NewestNotShared(NotFound):
    """Whoever has an older copy learns that there is a newer one, and not what it says of its holder."""

    slug = "newest-not-shared"
    title = "The newer copy is not shared"


class NotSuspended(Conflict):
    """There is no suspension to end."""

    slug = "not-suspended"
    title = "This badge is not suspended"


class KeysUnreadable(Unavailable, SecretUnreadable):
    """The master key does not open the signing keys. Caught by whoever guards against unreadable secrets as well."""

    slug = "secret-key-does-not-open"
    title = "This server's signing keys cannot be opened"


def keys_unreadable() -> KeysUnreadable:
    """The error that says so, in the words every place uses."""
    return KeysUnreadable(
        "WAYMARK_SECRET_KEY does not open the signing keys in the database, so nothing can be signed.",
        kept="Nothing was changed; what was issued before stays as it is.",
        next_step="Whoever runs this server must start it with the secret key it was set up with.",
    )


def credential_not_found() -> CredentialNotFound:
    """One wording for unknown, unfinished and unshared badges alike."""
    return CredentialNotFound(
        "There is no badge at this address, or its holder has not shared it.",
        next_step="Ask the person who sent you the address to share the badge, then try again.",
    )
