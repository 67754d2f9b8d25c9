"""The only way out to other servers.

Every fetch, that of libraries too, passes here: https only, public addresses only, the address that was checked is the
address that is connected to, no redirect to another host, and a bound on time and size. An operator who has an LMS on
the own network, or runs the demo, may allow private addresses and plain http.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpcore2
import httpx2
import requests
from requests.adapters import BaseAdapter

from app import __version__
from app.core import metrics
from app.core.errors import Unavailable

USER_AGENT = f"Waymark/{__version__} (LTI tool; Open Badges issuer)"
MAX_REDIRECTS = 3
MAX_BYTES = 1_000_000
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # RFC 4291 §2.4: what lies outside is no address of the internet
_DEADLINE: ContextVar[float] = ContextVar("deadline")


class HttpRefused(Unavailable):
    """This server does not fetch that address."""

    slug = "fetch-refused"
    title = "That address is not fetched"


class HttpFailed(Unavailable):
    """The other server did not give a usable answer."""

    slug = "fetch-failed"
    title = "Another server did not answer"


@dataclass(frozen=True)
class HttpResponse:
    """What came back: status, headers with lower-case names, the body's bytes, the final address."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Whether the status says success (200–299)."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            HttpFailed: the body is not JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise HttpFailed("The other server answered with something that is not JSON.") from error


class HttpClient:
    """Fetches under guard.

    Args:
        allow_private_networks: may plain http and private addresses be fetched?
        transport: takes the place of the network in tests; the guard on schemes and hosts still holds.
    """

    def __init__(self, *, allow_private_networks: bool, transport: httpx2.BaseTransport | None = None) -> None:
        self._allow_private = allow_private_networks
        self._client = httpx2.Client(
            transport=transport or _guarded_transport(allow_private_networks),
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
            trust_env=False,
        )

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        timeout: float = 5.0,
    ) -> HttpResponse:
        """Fetch an address; redirects are followed on the same host only. See `request`."""
        return self.request("GET", url, headers=headers, max_bytes=max_bytes, timeout=timeout)

    def post(
        self,
        url: str,
        *,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        timeout: float = 10.0,
    ) -> HttpResponse:
        """Send a body: raw `content`, form `data` or `json_body`; never redirected. See `request`."""
        sent = dict(headers or {})
        if data is not None:
            content = urlencode(data).encode("ascii")
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif json_body is not None:
            content = json.dumps(json_body).encode("utf-8")
            sent.setdefault("Content-Type", "application/json")
        return self.request("POST", url, headers=sent, content=content, max_bytes=max_bytes, timeout=timeout)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = MAX_BYTES,
        timeout: float = 10.0,
    ) -> HttpResponse:
        """One request under guard.

        Args:
            method: HTTP method.
            url: absolute http(s) address.
            headers: sent as they are.
            content: the body.
            max_bytes: a longer answer is refused.
            timeout: seconds for the whole exchange, redirects included.

        Raises:
            HttpRefused: the address may not be fetched.
            HttpFailed: no usable answer in time and size.
        """
        deadline = time.monotonic() + timeout
        for _ in range(MAX_REDIRECTS + 1):
            self._check(url)
            response = self._exchange(method, url, dict(headers or {}), content, max_bytes, deadline)
            location = response.headers.get("location")
            if method != "GET" or response.status not in (301, 302, 303, 307, 308) or not location:
                metrics.OUTGOING_FETCHES.labels("answered").inc()
                return response
            try:
                target = urljoin(url, location)
                same_host = urlsplit(target).netloc.lower() == urlsplit(url).netloc.lower()
            except ValueError:
                raise HttpFailed("The other server redirected to something that is not an address.") from None
            if not same_host:
                metrics.OUTGOING_FETCHES.labels("refused").inc()
                raise HttpRefused("The other server redirected to a different host, which is not followed.")
            url = target
        raise HttpFailed("The other server redirected too often.")

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname, parts.port
        except ValueError:
            host, parts = None, None
        if parts is None or not host or parts.username or parts.scheme not in ("https", "http"):
            raise HttpRefused("Only plain https addresses are fetched.")
        if parts.scheme == "http" and not self._allow_private:
            raise HttpRefused(
                "Only https addresses are fetched.",
                next_step="An operator may set WAYMARK_ALLOW_PRIVATE_NETWORKS=1 for a demo or the own network.",
            )

    def _exchange(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None, max_bytes: int, deadline: float
    ) -> HttpResponse:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise HttpFailed("The other server took too long.")
        # Packed answers are not asked for and not taken: a few bytes could unpack to gigabytes.
        headers = {key: value for key, value in headers.items() if key.lower() != "accept-encoding"}
        headers["Accept-Encoding"] = "identity"
        token = _DEADLINE.set(deadline)
        try:
            with self._client.stream(
                method, url, headers=headers, content=content, timeout=httpx2.Timeout(remaining)
            ) as response:
                if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                    raise HttpFailed("The other server packed its answer, which was not asked for.")
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > max_bytes:
                        raise HttpFailed(f"The other server's answer is larger than {max_bytes:,} bytes.")
                    if time.monotonic() > deadline:
                        raise HttpFailed("The other server took too long.")
                return HttpResponse(
                    status=response.status_code,
                    headers={key.lower(): value for key, value in response.headers.items()},
                    body=bytes(body),
                    url=url,
                )
        except (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.ConnectError, ssl.SSLError, UnicodeError) as error:
            metrics.OUTGOING_FETCHES.labels("failed").inc()
            if isinstance(error.__context__, HttpRefused):
                raise error.__context__ from None
            raise HttpFailed(f"The other server could not be reached ({type(error).__name__}).") from error
        finally:
            _DEADLINE.reset(token)


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """The address to connect to for a host, checked.

    Args:
        host: a name or a literal address; names below `localhost` are loopback (RFC 6761 §6.3,
            https://www.rfc-editor.org/rfc/rfc6761#section-6.3), also where the system's resolver does not know it.
        port: TCP port.
        allow_private: may the address be a private one?

    Raises:
        HttpRefused: any of the host's addresses is not public.
        HttpFailed: the name does not resolve.
    """
    if host == "localhost" or host.endswith(".localhost"):
        addresses = ["127.0.0.1"]
    else:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise HttpFailed("The other server's name could not be found.") from error
        addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(_is_public(address) for address in addresses):
        metrics.OUTGOING_FETCHES.labels("refused").inc()
        raise HttpRefused("That address lies on a private network, which is not fetched.")
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # An IPv4 address in an IPv6 coat is judged by what is inside.
        embedded = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if embedded is not None:
            return embedded.is_global and not embedded.is_multicast
        if parsed in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.ip_address(int(parsed) & 0xFFFFFFFF).is_global
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast


class _GuardedBackend(httpcore2.SyncBackend):
    """Connects to the very address that was checked, so that a name cannot change in between."""

    def __init__(self, allow_private: bool) -> None:
        super().__init__()
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        address = resolve(host, port, allow_private=self._allow_private)
        return _HurriedStream(super().connect_tcp(address, port, timeout, local_address, socket_options))


class _HurriedStream(httpcore2.NetworkStream):
    """A connection that heeds the deadline of the whole exchange.

    The library's own timeout begins anew with every packet, so a server that sends its headers letter by letter could
    hold a thread for days.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        remaining = _remaining(timeout, httpcore2.ConnectTimeout)
        return _HurriedStream(self._stream.start_tls(ssl_context, server_hostname, remaining))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _remaining(timeout: float | None, too_late: type[Exception]) -> float | None:
    """Seconds that an operation may take: its own limit, and no longer than the exchange has left."""
    deadline = _DEADLINE.get(None)
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise too_late
    return left if timeout is None else min(timeout, left)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Reading the machine's certificates takes tens of milliseconds; once is enough."""
    return ssl.create_default_context()


def _guarded_transport(allow_private: bool) -> httpx2.BaseTransport:
    transport = httpx2.HTTPTransport(verify=_tls(), trust_env=False, retries=0)
    transport._pool = httpcore2.ConnectionPool(
        ssl_context=_tls(),
        max_connections=50,
        max_keepalive_connections=10,
        keepalive_expiry=5.0,
        network_backend=_GuardedBackend(allow_private),
    )
    return transport


class _GuardedAdapter(BaseAdapter):
    """Lets a library that speaks `requests` go out by the same door."""

    def __init__(self, client: HttpClient) -> None:
        super().__init__()
        self._client = client

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        body = request.body
        content = body.encode("utf-8") if isinstance(body, str) else body
        answer = self._client.request(
            request.method or "GET",
            request.url or "",
            headers={key: _text(value) for key, value in request.headers.items() if key.lower() != "content-length"},
            content=content if isinstance(content, bytes) else None,
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers = requests.structures.CaseInsensitiveDict(answer.headers)
        response._content = answer.body
        response.url = answer.url
        response.request = request
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        return response

    def close(self) -> None:
        """Nothing of its own to close."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def requests_session(client: HttpClient) -> requests.Session:
    """A `requests` session whose every request passes the guard of `client`."""
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = USER_AGENT
    adapter = _GuardedAdapter(client)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.max_redirects = 0
    return session
