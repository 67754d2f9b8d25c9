"""Is the badge valid today?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from app.verifier.moments import moment
from app.verifier.wording import fail

# The issuer's clock may run a little ahead of ours; a badge must not be refused in its first minute for that.
CLOCK_DIFFERENCE: Final = timedelta(seconds=60)


def check(document: dict[str, Any], *, proof_expires: datetime | None, at: datetime) -> None:
    """Return if `at` lies within validFrom and validUntil and before the proof's own end; raises Stopped."""
    ends = [moment(document["validUntil"])] if "validUntil" in document else []
    if proof_expires is not None:
        ends.append(proof_expires)
    if any(end <= at for end in ends):
        raise fail("expired")
    if moment(document["validFrom"]) > at + CLOCK_DIFFERENCE:
        raise fail("not_yet_valid")
