"""Copies of our own badges that a later version has replaced.

A badge is signed again when its holder changes what it says of them, or when keys change. The later version stands
(https://www.imsglobal.org/spec/ob/v3p0/#equality-and-comparison-algorithm); older files go on to hold, so whoever is
given one must be told. The check is that of a newer copy, `refresh`: what is judged stays the copy at hand.
"""

from __future__ import annotations

from typing import Any, Final

from app.verifier import dates
from app.verifier.ports import HostRecord
from app.verifier.schemas import Check
from app.verifier.wording import fail, stopped

SUPERSEDED: Final = "superseded"
_UNSHARED: Final = (
    "Its issuer has replaced this copy by a newer one, which its holder does not share at the badge's address."
)


def check(document: dict[str, Any], record: HostRecord) -> Check | None:
    """Return what is to be said of this copy: nothing where it is the newest, or where the host knows of none.

    `document`: a badge of ours whose signature held; `record`: the host's word on it.
    """
    begins = dates.period(document)[0]
    if record.newest_from is None or begins is None or begins >= record.newest_from.replace(microsecond=0):
        return None
    return stopped("refresh", fail(SUPERSEDED, None if record.shared else _UNSHARED))
