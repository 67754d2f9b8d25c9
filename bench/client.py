"""A client that costs next to nothing: one kept connection, requests written as bytes, answers read by their length."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final
from urllib.parse import urlencode

TIMEOUT: Final = 30.0
_CHUNK: Final = 65_536


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, the cookies set (name to value), and the body."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes


@dataclass
class Connection:
    """A kept connection to a server of this machine; opened at first use and again when the server closes it.

    `host` is what the Host header says: the name people know the server by. `source` is the address on this machine
    from which it is opened.
    """

    port: int
    host: str
    source: str = "127.0.0.1"
    _socket: socket.socket | None = field(default=None, repr=False)

    def __enter__(self) -> Connection:
        """Use it; it is closed with the block."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def get(self, path: str, *, accept: str = "*/*") -> Answer:
        """Fetch an address."""
        return self.send(self.request("GET", path, headers={"Accept": accept}))

    def post(self, path: str, fields: Mapping[str, str], cookies: Mapping[str, str] | None = None) -> Answer:
        """Send a form."""
        return self.send(self.form(path, fields, cookies))

    def form(self, path: str, fields: Mapping[str, str], cookies: Mapping[str, str] | None = None) -> bytes:
        """A form as bytes, made before the clock starts."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return self.request("POST", path, headers=headers, body=urlencode(fields).encode())

    def request(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        """A request as bytes, so that it can be sent many times."""
        head = {"Host": self.host, **headers, "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def send(self, request: bytes) -> Answer:
        """Send a request and read its answer.

        Raises:
            OSError: the server does not answer; a connection that it had closed in between is opened again first.
        """
        kept = self._socket is not None
        try:
            return self._exchange(request)
        except OSError:
            self.close()
            if not kept:
                raise
        return self._exchange(request)

    def _exchange(self, request: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT, (self.source, 0))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        head, _, body = self._receive(b"").partition(b"\r\n\r\n")
        answer = _parse(head)
        length = int(answer.headers.get("content-length", 0))
        parts, missing = [body], length - len(body)
        while missing > 0:
            part = self._more()
            parts.append(part)
            missing -= len(part)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(answer.status, answer.headers, answer.cookies, b"".join(parts))

    def _receive(self, data: bytes) -> bytes:
        while b"\r\n\r\n" not in data:
            data += self._more()
        return data

    def _more(self) -> bytes:
        data = self._socket.recv(_CHUNK) if self._socket is not None else b""
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


def _parse(head: bytes) -> Answer:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    set_cookies = [value.partition(";")[0] for name, value in pairs if name == "set-cookie"]
    cookies = {name: value for name, _, value in (cookie.partition("=") for cookie in set_cookies)}
    return Answer(int(first.split(" ")[1]), dict(pairs), cookies, b"")
