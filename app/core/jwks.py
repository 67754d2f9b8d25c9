"""Other parties' JSON Web Key Sets (RFC 7517, https://www.rfc-editor.org/rfc/rfc7517), fetched seldom and kept.

A key that is not there makes one fresh fetch, because platforms rotate keys; a platform that is down is bridged with
the keys it had.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import Any

import jwt

from app.core.errors import Unavailable
from app.core.http import HttpClient
from app.core.logging import get_logger

log = get_logger()

DEFAULT_LIFETIME = 3600.0
LONGEST_LIFETIME = 86_400.0
SHORTEST_LIFETIME = 60.0
PAUSE_BETWEEN_REFETCHES = 10.0
MAX_BYTES = 200_000
MAX_KEYS = 100
MAX_SETS = 1_000


class JwksUnavailable(Unavailable):
    """The key set cannot be fetched and none is kept."""

    slug = "platform-keys-unavailable"
    title = "Your LMS's keys could not be fetched"


class KeyNotFound(Exception):
    """The key set has no key of that id, also after a fresh fetch."""


@dataclass
class _KeySet:
    keys: dict[str, jwt.PyJWK]
    fresh_until: float
    fetched_at: float


class JwksCache:
    """Keys by address of their set and key id; shared by all threads of a process.

    Args:
        http: the guarded way out.
    """

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._sets: dict[str, _KeySet] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def key(self, url: str, kid: str) -> jwt.PyJWK:
        """The public key of that id.

        Args:
            url: address of the key set, from the registration, never from a token.
            kid: the key id that the token's header names.

        Raises:
            KeyNotFound: the set has no such key, also after one fresh fetch.
            JwksUnavailable: the set cannot be fetched and none is kept.
        """
        known = self._sets.get(url)
        if known is not None and kid in known.keys and time.monotonic() < known.fresh_until:
            return known.keys[kid]
        with self._lock(url):
            return self._key_after_fetch(url, kid)

    def _key_after_fetch(self, url: str, kid: str) -> jwt.PyJWK:
        known = self._sets.get(url)
        moment = time.monotonic()
        has_key = known is not None and kid in known.keys
        if known is not None and has_key and moment < known.fresh_until:
            return known.keys[kid]
        # An attacker who sends invented key ids must not make us hammer the platform.
        may_fetch = known is None or has_key or moment - known.fetched_at >= PAUSE_BETWEEN_REFETCHES
        if may_fetch:
            try:
                known = self._fetch(url)
            except Unavailable:
                if known is None or not has_key:
                    raise JwksUnavailable(
                        "The LMS's public keys could not be fetched, so its message cannot be checked.",
                        next_step="Please try again in a minute. If it stays so, tell your LMS administrator.",
                    ) from None
                log.warning("jwks.stale_keys_used", exc_info=False)
        if known is None or kid not in known.keys:
            raise KeyNotFound(kid)
        return known.keys[kid]

    def _fetch(self, url: str) -> _KeySet:
        response = self._http.get(url, headers={"Accept": "application/json"}, max_bytes=MAX_BYTES)
        if not response.ok:
            raise JwksUnavailable("The LMS answered the request for its keys with an error.")
        fetched = time.monotonic()
        key_set = _KeySet(
            keys=_parse(response.json()),
            fresh_until=fetched + _lifetime(response.headers.get("cache-control", "")),
            fetched_at=fetched,
        )
        with self._guard:
            if len(self._sets) >= MAX_SETS and url not in self._sets:
                self._sets.pop(next(iter(self._sets)))
            self._sets[url] = key_set
        return key_set

    def _lock(self, url: str) -> threading.Lock:
        with self._guard:
            if len(self._locks) > MAX_SETS:
                self._locks.clear()
            return self._locks.setdefault(url, threading.Lock())


def _parse(document: Any) -> dict[str, jwt.PyJWK]:
    """Usable signing keys of a set; keys of kinds we do not use are passed over, as RFC 7517 §5 asks."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise JwksUnavailable("The LMS's keys are not a JSON Web Key Set.")
    keys: dict[str, jwt.PyJWK] = {}
    for entry in entries[:MAX_KEYS]:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
            continue
        try:
            keys[entry["kid"]] = jwt.PyJWK(entry, algorithm=None if "alg" in entry else "RS256")
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
    return keys


def _lifetime(cache_control: str) -> float:
    match = re.search(r"max-age=(\d{1,9})", cache_control)
    if match is None:
        return DEFAULT_LIFETIME
    return min(max(float(match.group(1)), SHORTEST_LIFETIME), LONGEST_LIFETIME)
