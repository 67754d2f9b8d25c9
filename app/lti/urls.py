"""Addresses as they come from platforms and administrators: which are usable, and whose they are."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

LONGEST_URL = 2048
LAUNCH_PATH = "/lti/launch"
_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # no blanks, no control characters, no backslash
_HOST = re.compile(r"[a-z0-9.\-]+|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def split_http_url(url: object) -> SplitResult | None:
    """The parts of an absolute http(s) address, or None if it is not one that browsers and we read alike."""
    return _split(url) if isinstance(url, str) and len(url) <= LONGEST_URL else None


@lru_cache(1024)  # a platform's addresses come again with each of its launches, and each is looked at several times
def _split(url: str) -> SplitResult | None:
    if not _PRINTABLE.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - asks for the port, which raises if it is not a number
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return parts if _HOST.fullmatch(host) else None


def origin(url: object) -> str | None:
    """The origin of an address in its one canonical spelling (RFC 6454 §6.2), e.g. `https://lms.example:8443`."""
    return _origin(url) if isinstance(url, str) and len(url) <= LONGEST_URL else None


@lru_cache(1024)
def _origin(url: str) -> str | None:
    parts = _split(url)
    if parts is None or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def same_origin(url: object, base_url: str) -> bool:
    """Whether an address lies on the origin of `base_url`."""
    found = origin(url)
    return found is not None and found == origin(base_url)


def origins(*urls: object) -> tuple[str, ...]:
    """The origins of several addresses, each once, in order; what is not an address is left out."""
    found = (origin(url) for url in urls)
    return tuple(dict.fromkeys(each for each in found if each is not None))
