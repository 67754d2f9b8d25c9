"""What can go wrong with signing keys beyond a master key that does not open them."""

from __future__ import annotations

from datetime import datetime

from app.core.clock import rfc3339
from app.core.errors import BadInput, Conflict, Gone, NotFound, Unavailable


class KeyNotFound(NotFound):
    """No signing key bears that name."""

    slug = "signing-key-not-found"
    title = "There is no such signing key"


class KeyRefused(BadInput):
    """What was asked of a key cannot be done."""

    slug = "signing-key-refused"
    title = "That cannot be done with this key"


class KeyInUse(Conflict):
    """Without this key the issuer could not sign."""

    slug = "signing-key-in-use"
    title = "This key is still needed"


class KeyRevoked(Gone):
    """The key was published once and must not be trusted any more."""

    slug = "signing-key-revoked"
    title = "This key was revoked"


class SigningServiceDown(Unavailable):
    """The service that keeps a key was not reached, was too slow, or refused."""

    slug = "signing-service-down"
    title = "The signing service does not answer"


class SigningServiceWrong(Unavailable):
    """The service answered with something that is not a signature by the key it keeps."""

    slug = "signing-service-wrong"
    title = "The signing service gave a wrong answer"


KEPT = "Nothing was signed. A badge stays reserved and is finished once the signing service does its part."


def service_down(why: str) -> SigningServiceDown:
    """The error of a service that is not there; `why` without addresses or names of people."""
    return SigningServiceDown(
        f"The service that keeps the signing key {why}.",
        kept=KEPT,
        next_step="Whoever runs this server should look at the signing service and at WAYMARK_REMOTE_SIGNER_URL.",
    )


def service_wrong(why: str) -> SigningServiceWrong:
    """The error of a service whose answer cannot be used."""
    return SigningServiceWrong(
        f"The service that keeps the signing key {why}.",
        kept=KEPT,
        next_step="Whoever runs this server must find out why before anything else is signed there.",
    )


def key_not_found() -> KeyNotFound:
    """One wording for all places."""
    return KeyNotFound("There is no signing key of that name.", next_step="Look at waymark key list.")


def key_revoked(moment: datetime) -> KeyRevoked:
    """What stands at the address of a revoked key."""
    return KeyRevoked(
        f"This key was revoked: from {rfc3339(moment)} on no signature made with it may be trusted.",
        kept="The issuer's DID document still lists it, marked as revoked.",
        next_step="Ask the holder of a badge signed with it for the badge's address: its latest version is there.",
    )
