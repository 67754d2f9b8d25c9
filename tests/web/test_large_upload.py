"""A gigabyte that nobody asked for, over real HTTP: answered early with a page, and the memory stays flat."""

from __future__ import annotations

import resource
import select
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlmodel import select as sa_select
from starlette.testclient import TestClient

from app.learning.files.models import EvidenceFileRecord
from app.main import create_app
from app.wiring import Services
from tests.ports import free_ports
from tests.serving import served
from tests.web.people import SignedIn, sign_in
from tests.web.test_files import exercise as exercise  # the fixture

GIGABYTE = 1_000_000_000
PIECE = b"\0" * 65_536
BOUNDARY = "part"


@pytest.fixture
def server(services: Services) -> Iterator[int]:
    """A real server on this test's services; its port."""
    (port,) = free_ports(1)
    with served(create_app(services=services), port):
        yield port


def head(tess: SignedIn, exercise: str, length: str) -> bytes:
    return (
        f"POST {tess.root}/activity/{exercise}/files/map HTTP/1.1\r\nHost: tool.localhost\r\nAccept: text/html\r\n"
        f"Cookie: {tess.cookie}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n{length}\r\n\r\n"
    ).encode()


def form(tess: SignedIn) -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{tess.token}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    ).encode()


def sent_until_answered(port: int, first: bytes, *, chunked: bool) -> tuple[int, bytes]:
    """Send and send until an answer comes; how much was sent, and the answer."""
    piece = f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n" if chunked else PIECE
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(first)
        sent = 0
        while sent < GIGABYTE:
            readable, writable, _ = select.select([connection], [connection], [], 30)
            if readable:
                break
            assert writable, "the server neither reads nor answers"
            try:
                sent += connection.send(piece) if not chunked else (connection.sendall(piece) or len(piece))
            except ConnectionResetError:  # answered and closed between the look and the sending
                break
        answer = b""
        # What the server has not read makes the end of the connection a rude one; the answer came before.
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                answer += part
    return sent, answer


@pytest.mark.parametrize("chunked", [False, True])
def test_a_gigabyte_is_refused_long_before_its_end(
    services: Services, client: TestClient, exercise: str, server: int, chunked: bool
) -> None:
    tess = sign_in(services, client, "Tess")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if chunked:
        start = form(tess)
        first = head(tess, exercise, "Transfer-Encoding: chunked") + f"{len(start):x}\r\n".encode() + start + b"\r\n"
    else:
        first = head(tess, exercise, f"Content-Length: {GIGABYTE}") + form(tess)
    sent, answer = sent_until_answered(server, first, chunked=chunked)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 10 MB" in answer
    assert sent < 40_000_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, f"{grown} kB"
    with services.runtime.database.read() as session:
        assert session.exec(sa_select(EvidenceFileRecord.id)).all() == []
