"""Where documents come from, and the budget one verification has for asking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

from app.core.errors import Unavailable
from app.core.http import HttpClient
from app.verifier.errors import SourceUnavailable
from app.verifier.hosts import Hosts
from app.verifier.kept import KeptDocuments, lifetime
from app.verifier.ports import DocumentSource, KeepingSource, OwnDocuments

MAX_DOCUMENT_BYTES: Final = 5_000_000
TOTAL_SECONDS: Final = 9.0
TOTAL_FETCHES: Final = 10
FURTHER_FETCHES: Final = 24
SECONDS_PER_FETCH: Final = 4.0
FETCHES_AT_ONCE: Final = 16
SECONDS_IN_LINE: Final = 1.0


class HttpSource:
    """Fetches from other servers through the guarded way out.

    Only so many fetches are under way at once, in all and at one host: a request waits in a thread, and badges of
    issuers who answer slowly on purpose must not take all threads from everybody else.

    Args:
        http: the way out.
        at_once: how many fetches may be under way in this process.
        patience: seconds that a further one waits for its turn.
        hosts: the turns at each host; fresh ones if not given.
        kept: copies of public documents; an empty room if not given.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        at_once: int = FETCHES_AT_ONCE,
        patience: float = SECONDS_IN_LINE,
        hosts: Hosts | None = None,
        kept: KeptDocuments | None = None,
    ) -> None:
        self._http = http
        self._turns = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._hosts = hosts or Hosts()
        self._kept = kept or KeptDocuments()

    def get(self, url: str, accept: str, *, timeout: float = SECONDS_PER_FETCH) -> bytes:
        """Return the body of a successful answer. See `DocumentSource.get`; also SourceUnavailable (busy, silent)."""
        return self._in_turn(url, accept, timeout)[0]

    def get_kept(self, url: str, accept: str, *, timeout: float, renew: bool) -> tuple[bytes, bool]:
        """See `KeepingSource.get_kept`."""
        copy = None if renew else self._kept.get(url, accept)
        if copy is not None:
            return copy, True
        data, seconds = self._in_turn(url, accept, timeout)
        self._kept.put(url, accept, data, seconds)
        return data, False

    def keep_no_longer(self, url: str, seconds: float) -> None:
        """See `KeepingSource.keep_no_longer`."""
        self._kept.keep_no_longer(url, seconds)

    def _in_turn(self, url: str, accept: str, timeout: float) -> tuple[bytes, float]:
        host = _host(url)
        with self._hosts.turn(host, min(self._patience, timeout)):
            # The host's turn comes first: those who wait for one host hold no place that another could use.
            if not self._turns.acquire(timeout=min(self._patience, timeout)):
                raise SourceUnavailable("busy")
            try:
                return self._fetch(url, host, accept, timeout)
            finally:
                self._turns.release()

    def _fetch(self, url: str, host: str, accept: str, timeout: float) -> tuple[bytes, float]:
        try:
            answer = self._http.get(url, headers={"Accept": accept}, max_bytes=MAX_DOCUMENT_BYTES, timeout=timeout)
        except Unavailable as error:
            if error.slug == "fetch-refused":
                raise SourceUnavailable("refused") from error
            self._hosts.note_silence(host)
            raise SourceUnavailable("failed") from error
        self._hosts.note_answer(host)
        if not answer.ok:
            raise SourceUnavailable("missing" if answer.status in (404, 410) else "failed")
        return answer.body, lifetime(answer.headers)


class OwnFirst:
    """Answers for this server's own addresses without a network, and asks `others` for the rest.

    A verification that runs inside a request must not send a request to the same server and wait for it.

    Args:
        base_url: of this server, without a slash at its end.
        own: what this server would answer.
        others: asked for every other address.
    """

    def __init__(self, base_url: str, own: OwnDocuments, others: DocumentSource) -> None:
        self._prefix = base_url.rstrip("/") + "/"
        self._own = own
        self._others = others
        self._keeping = cast(KeepingSource, others) if _keeps(type(others)) else None

    def get(self, url: str, accept: str, *, timeout: float = SECONDS_PER_FETCH) -> bytes:
        """See `DocumentSource.get`."""
        if not url.startswith(self._prefix):
            return self._others.get(url, accept, timeout=timeout)
        return self._mine(url)

    def get_kept(self, url: str, accept: str, *, timeout: float, renew: bool) -> tuple[bytes, bool]:
        """See `KeepingSource.get_kept`; our own documents are always those of this moment."""
        if url.startswith(self._prefix):
            return self._mine(url), False
        if self._keeping is not None:
            return self._keeping.get_kept(url, accept, timeout=timeout, renew=renew)
        return self._others.get(url, accept, timeout=timeout), False

    def keep_no_longer(self, url: str, seconds: float) -> None:
        """See `KeepingSource.keep_no_longer`."""
        if self._keeping is not None:
            self._keeping.keep_no_longer(url, seconds)

    def _mine(self, url: str) -> bytes:
        mine = self._own(url)
        if mine is None:
            raise SourceUnavailable("missing")
        return mine


class Budgeted:
    """One verification's view of a source: bounded in fetches and seconds, and each address is asked for once.

    Args:
        source: asked for every document.
        renew: take no kept copies: somebody asked to check again.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, source: DocumentSource, *, renew: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._keeping = cast(KeepingSource, source) if _keeps(type(source)) else None
        self._renew = renew
        self._clock = clock
        self._deadline = clock() + TOTAL_SECONDS
        self._left = TOTAL_FETCHES
        self._seen: dict[str, bytes | SourceUnavailable] = {}
        self._copies: set[str] = set()
        self._outdated: set[str] = set()

    def get(self, url: str, accept: str, *, timeout: float = SECONDS_PER_FETCH) -> bytes:
        """See `DocumentSource.get`; also raises SourceUnavailable("budget") when time or fetches are used up."""
        return self._once(url, lambda left: self._source.get(url, accept, timeout=min(timeout, left)))

    def get_public(self, url: str, accept: str) -> bytes:
        """The same for a document that is no badge and the same for everybody: a copy kept for a moment will do."""
        source = self._keeping
        if source is None:
            return self.get(url, accept)

        def fetch(left: float) -> bytes:
            renew = self._renew or url in self._outdated
            data, is_copy = source.get_kept(url, accept, timeout=min(SECONDS_PER_FETCH, left), renew=renew)
            if is_copy:
                self._copies.add(url)
            return data

        return self._once(url, fetch)

    def drop_copies(self, urls: Collection[str]) -> bool:
        """Ask anew for those of these documents that came as kept copies; tell whether there are any."""
        copies = self._copies.intersection(urls)
        self._copies -= copies
        self._outdated |= copies
        for url in copies:
            del self._seen[url]
        return bool(copies)

    def keep_no_longer(self, url: str, seconds: float) -> None:
        """See `KeepingSource.keep_no_longer`."""
        if self._keeping is not None:
            self._keeping.keep_no_longer(url, seconds)

    def go_further(self) -> None:
        """The badge itself is judged: what else it names may be fetched now, within the time that is left."""
        self._left = FURTHER_FETCHES

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return self._clock() >= self._deadline

    def _once(self, url: str, fetch: Callable[[float], bytes]) -> bytes:
        if url not in self._seen:
            self._seen[url] = self._fetch(fetch)
        answer = self._seen[url]
        if isinstance(answer, SourceUnavailable):
            raise answer
        return answer

    def _fetch(self, fetch: Callable[[float], bytes]) -> bytes | SourceUnavailable:
        remaining = self._deadline - self._clock()
        if self._left <= 0 or remaining <= 0:
            return SourceUnavailable("budget")
        self._left -= 1
        try:
            data = fetch(remaining)
        except SourceUnavailable as error:
            return error
        return data if len(data) <= MAX_DOCUMENT_BYTES else SourceUnavailable("failed")


@lru_cache
def _keeps(kind: type[DocumentSource]) -> bool:
    """Whether sources of a class keep copies; asking Python takes longer than looking into a small document."""
    return issubclass(kind, KeepingSource)


def _host(url: str) -> str:
    """The host and port of an address, as far as it has one; the guard judges the address itself."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
