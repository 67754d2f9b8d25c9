"""Where documents come from, and the budget one verification has for asking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from app.core.errors import Unavailable
from app.core.http import HttpClient
from app.verifier.errors import SourceUnavailable
from app.verifier.ports import DocumentSource, OwnDocuments

MAX_DOCUMENT_BYTES: Final = 5_000_000
TOTAL_SECONDS: Final = 10.0
TOTAL_FETCHES: Final = 8
SECONDS_PER_FETCH: Final = 5.0
FETCHES_AT_ONCE: Final = 16
SECONDS_IN_LINE: Final = 1.0


class HttpSource:
    """Fetches from other servers through the guarded way out.

    Only so many fetches are under way at once: a request waits in a thread, and badges of issuers who answer slowly on
    purpose must not take all threads from everybody else.

    Args:
        http: the way out.
        at_once: how many fetches may be under way in this process.
        patience: seconds that a further one waits for its turn.
    """

    def __init__(self, http: HttpClient, *, at_once: int = FETCHES_AT_ONCE, patience: float = SECONDS_IN_LINE) -> None:
        self._http = http
        self._turns = threading.BoundedSemaphore(at_once)
        self._patience = patience

    def get(self, url: str, accept: str, *, timeout: float = SECONDS_PER_FETCH) -> bytes:
        """Return the body of a successful answer. See `DocumentSource.get`; also SourceUnavailable("busy")."""
        if not self._turns.acquire(timeout=self._patience):
            raise SourceUnavailable("busy")
        try:
            return self._fetch(url, accept, timeout)
        finally:
            self._turns.release()

    def _fetch(self, url: str, accept: str, timeout: float) -> bytes:
        try:
            answer = self._http.get(url, headers={"Accept": accept}, max_bytes=MAX_DOCUMENT_BYTES, timeout=timeout)
        except Unavailable as error:
            raise SourceUnavailable("refused" if error.slug == "fetch-refused" else "failed") from error
        if not answer.ok:
            raise SourceUnavailable("missing" if answer.status in (404, 410) else "failed")
        return answer.body


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

    def get(self, url: str, accept: str, *, timeout: float = SECONDS_PER_FETCH) -> bytes:
        """See `DocumentSource.get`."""
        if not url.startswith(self._prefix):
            return self._others.get(url, accept, timeout=timeout)
        mine = self._own(url)
        if mine is None:
            raise SourceUnavailable("missing")
        return mine


class Budgeted:
    """One verification's view of a source: bounded in fetches and seconds, and each address is asked for once."""

    def __init__(self, source: DocumentSource, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._deadline = clock() + TOTAL_SECONDS
        self._left = TOTAL_FETCHES
        self._seen: dict[str, bytes | SourceUnavailable] = {}

    def get(self, url: str, accept: str, *, timeout: float = SECONDS_PER_FETCH) -> bytes:
        """See `DocumentSource.get`; also raises SourceUnavailable("budget") when time or fetches are used up."""
        if url not in self._seen:
            self._seen[url] = self._fetch(url, accept, timeout)
        answer = self._seen[url]
        if isinstance(answer, SourceUnavailable):
            raise answer
        return answer

    def _fetch(self, url: str, accept: str, timeout: float) -> bytes | SourceUnavailable:
        remaining = self._deadline - self._clock()
        if self._left <= 0 or remaining <= 0:
            return SourceUnavailable("budget")
        self._left -= 1
        try:
            data = self._source.get(url, accept, timeout=min(timeout, remaining))
        except SourceUnavailable as error:
            return error
        return data if len(data) <= MAX_DOCUMENT_BYTES else SourceUnavailable("failed")
