"""ETags of badges: the version and where it stands, so that a change can say what it was decided on.

RFC 9110 §8.8.3 and §13.1 (https://www.rfc-editor.org/rfc/rfc9110#section-13.1).
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request

from app.api.refusals import VersionNeeded, VersionOld, VersionUnreadable
from app.issuer.listing import BadgeRecord

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e]{0,100})"')


def etag_of(badge: BadgeRecord) -> str:
    """The tag of a badge as it stands: `"2-issued"`; a second suspension is another one than the first."""
    again = f"-{int(badge.since.timestamp() * 1e6):x}" if badge.standing == "suspended" and badge.since else ""
    return f'"{badge.version}-{badge.standing}{again}"'


def is_current(request: Request, current: str) -> bool | None:
    """Whether If-Match names the state that the badge is in; None where the request has no If-Match.

    Raises:
        VersionUnreadable: it is no list of tags.
    """
    given = request.headers.getlist("if-match")
    if not given:
        return None
    text = ", ".join(given).strip()
    return True if text == "*" else current in _strong(text)


def must_be_current(request: Request, current: str, *, needed: bool = False) -> None:
    """Refuse a change to something else than was seen.

    Args:
        request: with If-Match, or without.
        current: the badge's tag.
        needed: whether it must have If-Match.

    Raises:
        VersionNeeded: there is none.
        VersionOld: it names another state.
        VersionUnreadable: it is no list of tags.
    """
    matches = is_current(request, current)
    if matches is None and needed:
        raise VersionNeeded
    if matches is False:
        raise VersionOld(current)


def is_known(request: Request, current: str) -> bool:
    """Whether If-None-Match says that the caller has this already; what cannot be read says nothing."""
    text = request.headers.get("if-none-match", "").strip()
    return text == "*" or current in {f'"{tag}"' for _, tag in _TAG.findall(text)}


def _strong(text: str) -> set[str]:
    """The strong tags of a list; a weak one never matches (§13.1.1)."""
    tags = [part.strip() for part in text.split(",")]
    if not all(_TAG.fullmatch(tag) for tag in tags):
        raise VersionUnreadable
    return {tag for tag in tags if not tag.startswith("W/")}
