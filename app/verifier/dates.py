"""Is the badge valid today?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from app.verifier.moments import moment
from app.verifier.wording import fail

# The issuer's clock may run a little ahead of ours; a badge must not be refused in its first minute for that.
CLOCK_DIFFERENCE: Final = timedelta(seconds=60)
_BEGINS: Final = ("validFrom", "issuanceDate")
_ENDS: Final = ("validUntil", "expirationDate")


def period(document: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return from when and until when a credential says it is valid, by the names of version 2.0 and of 1.1.

    Version 1.1 reserves the names of 2.0, so a document may have both: then all of them bind. Raises ValueError where
    one of them is not a date and time with its zone. https://www.w3.org/TR/vc-data-model-2.0/#validity-period
    https://www.w3.org/TR/vc-data-model-1.1/#issuance-date
    """
    begins = [moment(document[name]) for name in _BEGINS if name in document]
    ends = [moment(document[name]) for name in _ENDS if name in document]
    return max(begins, default=None), min(ends, default=None)


def check(
    document: dict[str, Any], *, proof_created: datetime | None, proof_expires: datetime | None, at: datetime
) -> None:
    """Return if `at` lies within the credential's period and the proof's own.

    `proof_created`, `proof_expires`: what the proof says of itself, if anything. Raises Stopped.
    """
    begins, ends = period(document)
    if any(end is not None and end <= at for end in (ends, proof_expires)):
        raise fail("expired")
    if any(begin is not None and begin > at + CLOCK_DIFFERENCE for begin in (begins, proof_created)):
        raise fail("not_yet_valid")
