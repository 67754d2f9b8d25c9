"""Access tokens for platforms' services: kept in memory and apart by tenant, asked for once, never in a hurry.

The library keys its tokens by issuer and scopes only, so two schools on one Canvas would share one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MOST_TENANTS = 1000
MARGIN_SECONDS = 60.0
LONGEST_LIFETIME = 86_400.0
USUAL_LIFETIME = 3600.0  # where a platform does not say: 1EdTech Security Framework 1.0 §4.1 proposes it
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 120.0
BETWEEN_REPLACEMENTS = 60.0
OLD_ENOUGH = 300.0


@dataclass(frozen=True)
class _Token:
    value: str = field(repr=False)
    got_at: float
    until: float


@dataclass
class _Failures:
    count: int = 0
    closed_until: float = 0.0


@dataclass
class _Tenant:
    """One client of one platform."""

    asking: threading.Lock = field(default_factory=threading.Lock)
    tokens: dict[frozenset[str], _Token] = field(default_factory=dict)
    failures: dict[frozenset[str], _Failures] = field(default_factory=dict)
    replaced_at: float = float("-inf")


class TokenCache:
    """Access tokens until shortly before they expire; shared by the threads of a process.

    Args:
        clock: seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        self._guard = threading.Lock()

    def get(self, tenant: str, scopes: Collection[str]) -> str | None:
        """A token of this tenant that is good for these scopes, perhaps for more, if there is one."""
        wanted, moment = frozenset(scopes), self._clock()
        with self._guard:
            tokens = self._tenants[tenant].tokens if tenant in self._tenants else {}
            fitting = [token for asked, token in tokens.items() if wanted <= asked and moment < token.until]
        return max(fitting, key=lambda token: token.until).value if fitting else None

    def put(self, tenant: str, scopes: Collection[str], token: str, expires_in: float) -> None:
        """Keep a token; one that lives for no longer than the margin is not kept."""
        moment = self._clock()
        lifetime = min(expires_in, LONGEST_LIFETIME) - MARGIN_SECONDS
        with self._guard:
            found = self._tenant(tenant)
            found.failures.pop(frozenset(scopes), None)
            if lifetime > 0:
                found.tokens[frozenset(scopes)] = _Token(token, moment, moment + lifetime)

    @contextmanager
    def asking(self, tenant: str) -> Iterator[None]:
        """Held while a token is asked for: whoever comes meanwhile waits, and finds the answer in the cache."""
        with self._guard:
            lock = self._tenant(tenant).asking
        with lock:
            yield

    def note_failure(self, tenant: str, scopes: Collection[str], retry_after: float | None) -> None:
        """A platform gave no token: it is left alone for a while, longer each time, or for as long as it asked."""
        moment = self._clock()
        with self._guard:
            failures = self._tenant(tenant).failures.setdefault(frozenset(scopes), _Failures())
            pause = min(FIRST_PAUSE * 2.0 ** min(failures.count, 20), LONGEST_PAUSE)
            failures.count += 1
            failures.closed_until = moment + max(pause, retry_after or 0.0)

    def note_success(self, tenant: str, scopes: Collection[str]) -> None:
        """What had failed works again."""
        with self._guard:
            self._tenant(tenant).failures.pop(frozenset(scopes), None)

    def closed_for(self, tenant: str, scopes: Collection[str]) -> float:
        """Seconds for which these scopes are not asked for, because the last try failed; 0 if they may be."""
        moment = self._clock()
        with self._guard:
            failures = self._tenants[tenant].failures if tenant in self._tenants else {}
            found = failures.get(frozenset(scopes), _Failures())
        return max(found.closed_until - moment, 0.0)

    def replace(self, tenant: str, token: str) -> bool:
        """Forget a token that a service refused (401), but not one after the other.

        Returns:
            Whether it helps to ask for a token again: this one is forgotten, or another has replaced it already.
        """
        moment = self._clock()
        with self._guard:
            found = self._tenant(tenant)
            if not any(each.value == token for each in found.tokens.values()):
                return True
            if moment - found.replaced_at < BETWEEN_REPLACEMENTS:
                return False
            found.replaced_at = moment
            found.tokens = {asked: each for asked, each in found.tokens.items() if each.value != token}
            return True

    def drop_old(self, tenant: str, token: str) -> None:
        """Forget a token with too few rights (403) unless it is fresh: an administrator may have given more since."""
        moment = self._clock()
        with self._guard:
            found = self._tenant(tenant)
            found.tokens = {
                asked: each
                for asked, each in found.tokens.items()
                if each.value != token or moment - each.got_at < OLD_ENOUGH
            }

    def _tenant(self, tenant: str) -> _Tenant:
        """The tenant's drawer, made at the first need; the one that was made first goes when there are too many."""
        if tenant not in self._tenants:
            while len(self._tenants) >= MOST_TENANTS:
                self._tenants.pop(next(iter(self._tenants)))
            self._tenants[tenant] = _Tenant()
        return self._tenants[tenant]
