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
# Asymmetric keys only, and of those the public half: a set that shows more has nothing left to prove.
KINDS = frozenset({"RSA", "EC", "OKP"})
PRIVATE_MEMBER = "d"


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
        self._failed_at: dict[str, float] = {}
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
        has_key = known is not None and kid in known.keys
        if known is not None and has_key and time.monotonic() < known.fresh_until:
            return known.keys[kid]
        if self._may_fetch(url, None if has_key else known):
            known = self._fetch_or_note(url) or known
        if known is not None and kid in known.keys:
            return known.keys[kid]
        if url in self._failed_at:
            raise JwksUnavailable(
                "The LMS's public keys could not be fetched, so its message cannot be checked.",
                kept="Nothing was changed, and everything you saved before is kept.",
                next_step="Please try again in a minute. If it stays so, tell your LMS administrator. "
                f"(Code for the administrator: {JwksUnavailable.slug}.)",
            )
        raise KeyNotFound(kid)

    def _may_fetch(self, url: str, without_key: _KeySet | None) -> bool:
        """Whether it is time to ask the platform.

        An attacker who sends invented key ids must not make us hammer it. And those who wait for a platform that hangs
        must not each begin to wait anew, one after the other: it would hold every thread of the process.
        """
        tried = (self._failed_at.get(url), without_key.fetched_at if without_key is not None else None)
        return all(moment is None or time.monotonic() - moment >= PAUSE_BETWEEN_REFETCHES for moment in tried)

    def _fetch_or_note(self, url: str) -> _KeySet | None:
        try:
            return self._fetch(url)
        except Unavailable as error:
            with self._guard:
                if len(self._failed_at) >= MAX_SETS:
                    self._failed_at.clear()
                self._failed_at[url] = time.monotonic()
            log.warning("jwks.not_fetched", reason=error.slug)
            return None

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
            self._failed_at.pop(url, None)
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
        if not isinstance(entry, dict) or not _is_public_signing_key(entry):
            continue
        try:
            keys.setdefault(entry["kid"], jwt.PyJWK(entry))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, NotImplementedError):
            continue
    return keys


def _is_public_signing_key(entry: dict[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        isinstance(entry.get("kid"), str)
        and isinstance(entry.get("kty"), str)
        and entry["kty"] in KINDS
        and PRIVATE_MEMBER not in entry
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _lifetime(cache_control: str) -> float:
    match = re.search(r"max-age=(\d{1,9})", cache_control)
    if match is None:
        return DEFAULT_LIFETIME
    return min(max(float(match.group(1)), SHORTEST_LIFETIME), LONGEST_LIFETIME)
