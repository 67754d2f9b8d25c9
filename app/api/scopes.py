"""What a client of the API may be allowed, and what of it one token carries (RFC 6749 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from app.api.errors import ScopeRefused

MEANINGS: Final[Mapping[str, str]] = {
    "achievements:read": "See what can be awarded.",
    "credentials:read": "See badges and batches.",
    "credentials:issue": "Issue basic badges, and correct them.",
    "credentials:issue:advanced": "Issue advanced badges, and correct them.",
    "credentials:override": "Issue although a prerequisite is missing, for a reason that is kept and reviewed.",
    "credentials:revoke": "Revoke, suspend and reinstate badges; correcting those of others takes it as well.",
    "people:read": "Find a person by a confirmed e-mail address and see their progress.",
    "audit:read": "Read the audit, and review overrides.",
}
SCOPES: Final = tuple(MEANINGS)
_TOKENS: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


def joined(scopes: Collection[str]) -> str:
    """Scopes as one text, in the order of `SCOPES`; how they stand in answers and in the database."""
    return " ".join(scope for scope in SCOPES if scope in scopes)


def parse(text: str) -> frozenset[str]:
    """The scopes of a text.

    Args:
        text: scopes separated by single spaces (RFC 6749 §3.3, https://www.rfc-editor.org/rfc/rfc6749#section-3.3).

    Raises:
        ScopeRefused: it has another form, or names a scope there is not.
    """
    if not _TOKENS.fullmatch(text):
        raise ScopeRefused("Scopes are written one after the other, with one space between them.")
    scopes = frozenset(text.split(" "))
    if not scopes <= frozenset(SCOPES):
        raise ScopeRefused("A scope that was asked for does not exist.")
    return scopes


def granted(asked: str | None, held: frozenset[str]) -> frozenset[str]:
    """What a token carries: what is asked for, all that the client has if it names nothing; never more, never less.

    A standard server may give less than was asked for; a client that then fails at its hundredth call learns it late.

    Args:
        asked: the request's `scope`; empty counts as left out (RFC 6749 §3.2).
        held: what the client may have.

    Raises:
        ScopeRefused: something is asked for that the client may not have; the detail names it.
    """
    if not asked:
        return held
    scopes = parse(asked)
    if not scopes <= held:
        raise ScopeRefused(f"This client may not have: {', '.join(joined(scopes - held).split(' '))}.")
    return scopes
