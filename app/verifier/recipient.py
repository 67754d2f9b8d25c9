"""The recipient check of Open Badges 3.0 for programs: does a badge name this e-mail address?

https://www.imsglobal.org/spec/ob/v3p0/#verification (recipient check). Beside the verdict and not within it: a badge of
somebody else is no less valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.verifier.holder import MAX_LENGTH, email_matches
from app.verifier.schemas import NOT_CHECKED, OK, Report, Result

MISMATCH: Final = "recipient_mismatch"
UNBOUND: Final = "recipient_unbound"


@dataclass(frozen=True)
class RecipientCheck:
    """The answer; the address that was asked about is not in it."""

    result: Result
    code: str
    detail: str


def is_address(text: str) -> bool:
    """Whether a text can be compared at all: not empty, with an @, and not longer than any address."""
    return 0 < len(text.strip()) <= MAX_LENGTH and "@" in text


def compare(report: Report, email: str) -> RecipientCheck:
    """Tell whether the badge of a report names this e-mail address as its holder's; it is kept nowhere."""
    if report.facts is None:
        return RecipientCheck("unknown", NOT_CHECKED, "Not checked, because an earlier step did not pass.")
    holder = report.facts.holder
    if not holder.has_email:
        return RecipientCheck("unknown", UNBOUND, "The badge names no e-mail address, so there is none to compare.")
    if email_matches(holder, email):
        return RecipientCheck("pass", OK, "The badge names this e-mail address.")
    return RecipientCheck("fail", MISMATCH, "The badge names another e-mail address than this one.")
