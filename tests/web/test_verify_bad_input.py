"""Whatever is thrown at the check of badges, the server answers soon, stays small, and serves everybody else meanwhile.

A real server process on a port; its memory is read from the kernel, and `/healthz` is asked all the while.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from app.core import migrations
from app.core.clock import now
from app.vc import json_text, status_list
from app.vc.keys import base64url
from app.vc.timestamps import rfc3339
from app.verifier import reading
from app.wiring import prepare
from tests.loopback import NO_TLS
from tests.system.house import House, eventually
from tests.vc.fuzz import poison
from tests.verifier.field import DAY, Stranger
from tests.web.test_verify import _badge, _issuer

pytestmark = pytest.mark.slow

SECONDS = 10.0
MEGABYTE = 1_000_000
GROWTH = 250 * MEGABYTE
GROWTH_OF_THIRTY = 700 * MEGABYTE
_VISITORS = count(1)


@dataclass
class Server:
    """The server process."""

    port: int
    pid: int

    def memory(self) -> int:
        """Bytes of this machine's memory that it holds now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the server process is gone")

    @contextmanager
    def visitor(self) -> Iterator[httpx2.Client]:
        """Somebody new, at an address of their own: how often one address may ask is not what is tested here."""
        number = next(_VISITORS)
        transport = httpx2.HTTPTransport(verify=NO_TLS, local_address=f"127.1.{number // 250}.{number % 250 + 1}")
        base = f"http://127.0.0.1:{self.port}"
        with httpx2.Client(transport=transport, base_url=base, timeout=120, trust_env=False) as client:
            yield client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    house = House(tmp_path_factory.mktemp("house"))
    with house.services() as services:
        migrations.migrate(services.runtime.database)
        prepare(services)
    process = house.start_app()
    found = Server(house.ports[0], process.pid)
    with found.visitor() as client:  # what is loaded once is loaded before anything is measured
        for _ in range(3):
            assert _verify(client, _badge())["verdict"] == "valid_unknown_issuer"
    yield found
    house.close()


@dataclass
class Watch:
    """What was seen of the server meanwhile."""

    before: int
    most: int = 0
    refused: list[str] = field(default_factory=list)
    asked: int = 0

    @property
    def growth(self) -> int:
        return self.most - self.before


@contextmanager
def watched(server: Server, growth: int = GROWTH) -> Iterator[Watch]:
    """The block must end in time, and meanwhile the server answers others and does not grow beyond measure."""
    watch, over, began = Watch(server.memory()), threading.Event(), time.monotonic()

    def look() -> None:
        while not over.wait(0.02):
            watch.most = max(watch.most, server.memory())
        watch.most = max(watch.most, server.memory())

    def ask() -> None:
        with server.visitor() as client:
            while not (watch.asked and over.wait(0.1)):
                watch.asked += 1
                try:
                    answer = client.get("/healthz", timeout=SECONDS)
                except httpx2.HTTPError as error:
                    watch.refused.append(type(error).__name__)
                else:
                    if answer.status_code != 200:
                        watch.refused.append(str(answer.status_code))

    threads = [threading.Thread(target=each) for each in (look, ask)]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        lasted = time.monotonic() - began
        over.set()
        for thread in threads:
            thread.join()
    assert lasted < SECONDS, f"it took {lasted:.1f} s"
    assert watch.refused == []
    assert watch.growth < growth, f"it grew by {watch.growth / MEGABYTE:.0f} MB"
    with server.visitor() as client:
        assert _verify(client, _badge())["verdict"] == "valid_unknown_issuer", "it works as before"


def _verify(client: httpx2.Client, data: bytes) -> Any:
    answer = client.post("/api/v1/verify", content=data, headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text[:500]
    return answer.json()


def _outcome(report: Any) -> tuple[str, str]:
    """The verdict, and the first code that is not good."""
    return report["verdict"], next(check["code"] for check in report["checks"] if check["result"] != "pass")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(side: int, *more: bytes) -> bytes:
    """A black picture of so many pixels each way, with further chunks in it."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _badge_chunk(data: bytes) -> bytes:
    return _chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0" + data)


def _entities() -> bytes:
    lines = ['<!ENTITY a0 "' + "ha" * 50 + '">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    return ("<?xml version='1.0'?><!DOCTYPE svg [" + "".join(lines) + "]><svg>&a9;</svg>").encode()


def _twice() -> bytes:
    return _badge().replace(b'{"@context"', b'{"name":"x","@context"', 1)


def _many_members(number: int) -> bytes:
    return b"{" + b",".join(b'"%x":1' % each for each in range(number)) + b"}"


ATTACKS: dict[str, tuple[Callable[[], bytes], tuple[str, str]]] = {
    "a picture of 20,000 pixels each way with a badge in it": (
        lambda: _png(20_000, _badge_chunk(_badge())), ("invalid", "no_badge_in_picture"),
    ),
    "a picture of 20,000 pixels each way without one": (lambda: _png(20_000), ("invalid", "no_badge_in_picture")),
    "a picture of 10,000 pixels each way with a badge in it": (
        lambda: _png(10_000, _badge_chunk(_badge())), ("valid_unknown_issuer", "issuer_unknown"),
    ),
    "a picture of 100,000 chunks": (
        lambda: _png(8, *[_chunk(b"tEXt", b"")] * 100_000), ("invalid", "no_badge_in_picture"),
    ),
    "a picture with a thousand badges": (
        lambda: _png(8, *[_badge_chunk(b"{}")] * 1_000), ("invalid", "no_badge_in_picture"),
    ),
    "a packed text of 300 MB in a picture": (
        lambda: _png(8, _chunk(b"iTXt", b"openbadgecredential\0\1\0\0\0" + _zeros_packed(300 * MEGABYTE))),
        ("invalid", "no_badge_in_picture"),
    ),
    "a drawing of entities": (_entities, ("invalid", "no_badge_in_picture")),
    "a drawing 100,000 deep": (lambda: b"<svg>" + b"<g>" * 100_000, ("invalid", "no_badge_in_picture")),
    "objects 10,000 deep": (lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000, ("invalid", "parse_error")),
    "arrays 10,000 deep": (lambda: b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", ("invalid", "parse_error")),
    "a name given twice": (_twice, ("invalid", "parse_error")),
    "half a million members": (lambda: _many_members(500_000)[:4_900_000], ("invalid", "parse_error")),
    "eighty thousand members": (lambda: _many_members(80_000), ("invalid", "no_proof")),
    "a million numbers": (lambda: b'{"a":[' + b"1," * 1_000_000 + b"1]}", ("invalid", "parse_error")),
    "5 MB of spaces": (lambda: b" " * 5_000_000, ("invalid", "parse_error")),
    "5 MB of a token": (lambda: b"eyJ." + b"A" * 4_999_990 + b".A", ("invalid", "parse_error")),
    "noise": (lambda: b"\xff\xfe" * 2_000_000, ("invalid", "parse_error")),
}  # fmt: skip


def _zeros_packed(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE)) + packer.flush()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_odd_file_gets_its_verdict(server: Server, name: str) -> None:
    make, expected = ATTACKS[name]
    data = make()
    assert len(data) <= 5_000_000
    with server.visitor() as client, watched(server):
        assert _outcome(_verify(client, data)) == expected


POISON = [pytest.param(document, id=name) for name, _, document in poison.documents()]


@pytest.mark.parametrize("document", POISON)
def test_a_poisoned_graph_gets_its_verdict(server: Server, document: dict[str, Any]) -> None:
    good = json.loads(_badge())
    grafted = {**good, **{name: value for name, value in document.items() if name not in ("@context", "id", "type")}}
    data = json_text.dumps(grafted)
    with server.visitor() as client, watched(server):
        assert _verify(client, data)["verdict"] == "invalid"


@pytest.mark.parametrize("path", ["/api/v1/verify", "/verify"])
def test_an_upload_of_50_megabytes_is_refused(server: Server, path: str) -> None:
    with server.visitor() as client, watched(server):
        answer = client.post(path, files={"file": ("badge.png", bytes(50 * MEGABYTE))})
        assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/api/v1/verify", "/verify"])
def test_a_body_without_an_end_is_refused(server: Server, path: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    sent = 0
    with watched(server), socket.create_connection(("127.0.0.1", server.port), SECONDS) as line:
        line.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
            + b"%x\r\n%b\r\n" % (len(head), head)
        )
        line.setblocking(False)
        answer, part = b"", b"10000\r\n" + bytes(65_536) + b"\r\n"
        until, left = time.monotonic() + SECONDS, b""
        while b"\r\n" not in answer and time.monotonic() < until:
            left = left or part
            try:
                done = line.send(left)
                sent, left = sent + done, left[done:]
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:
                left = b""
            with suppress(BlockingIOError):
                answer += line.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 413"), answer[:100]
        assert sent < 100 * MEGABYTE


def test_who_sends_a_byte_at_a_time_keeps_nobody_waiting(server: Server) -> None:
    starts = (
        b"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: 4000000\r\n\r\n--",
        b"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 4000000\r\n\r\n{",
    )
    with ExitStack() as stack, watched(server):
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), SECONDS)) for _ in range(100)]
        for line, start in zip(lines, starts * 34, strict=False):
            line.sendall(start)
        for _ in range(5):
            for line in lines:
                line.sendall(b"x")
            with server.visitor() as client:
                assert _verify(client, _badge())["verdict"] == "valid_unknown_issuer"


@pytest.mark.parametrize("path", ["/api/v1/verify", "/verify"])
def test_a_badge_that_never_finishes_arriving_is_given_up(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(reading, "SECONDS_TO_ARRIVE", 0.05)
    begun, answers = [{"type": "http.request", "body": b"--x", "more_body": True}], []

    async def receive() -> Any:
        if not begun:
            await asyncio.Event().wait()
        return begun.pop()

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
        "raw_path": path.encode(), "root_path": "", "scheme": "http", "query_string": b"", "server": ("x", 80),
        "client": ("192.0.2.1", 5), "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(client.app(scope, receive, send), 5))
    assert answers[0]["status"] == 408


class Hostile(ThreadingHTTPServer):
    """An issuer's server that means no good; `act` says how it answers."""

    daemon_threads = True

    def __init__(self, act: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(OSError):  # whoever asked has had enough
                    act(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.asked_over = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A connection that ends early is what is wanted."""

    def close(self) -> None:
        self.asked_over.set()
        self.shutdown()
        self.server_close()


def _over(asked: BaseHTTPRequestHandler) -> threading.Event:
    assert isinstance(asked.server, Hostile)
    return asked.server.asked_over


def _begin(asked: BaseHTTPRequestHandler, status: int = 200, **headers: str) -> None:
    asked.send_response(status)
    for name, value in headers.items():
        asked.send_header(name.replace("_", "-"), value)
    asked.end_headers()


def never(asked: BaseHTTPRequestHandler) -> None:
    _over(asked).wait(60)


def a_byte_a_second(asked: BaseHTTPRequestHandler) -> None:
    _begin(asked, Content_Length="100000")
    while not _over(asked).wait(1):
        asked.wfile.write(b"{")


def a_byte_of_the_head_a_second(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nX-Name: ")
    while not _over(asked).wait(1):
        asked.wfile.write(b"x")


def elsewhere(asked: BaseHTTPRequestHandler) -> None:
    _begin(asked, 302, Location="http://169.254.169.254/latest/meta-data/")


def in_circles(asked: BaseHTTPRequestHandler) -> None:
    _begin(asked, 302, Location=asked.path + "x")


def a_gigabyte(asked: BaseHTTPRequestHandler) -> None:
    _begin(asked, Content_Length=str(1_000 * MEGABYTE))
    while not _over(asked).is_set():
        asked.wfile.write(b"{" * MEGABYTE)


def a_packed_gigabyte(asked: BaseHTTPRequestHandler) -> None:
    data = gzip.compress(bytes(100 * MEGABYTE))
    _begin(asked, Content_Encoding="gzip", Content_Length=str(len(data)))
    asked.wfile.write(data)


def nothing(asked: BaseHTTPRequestHandler) -> None:
    asked.connection.shutdown(socket.SHUT_RDWR)


def a_head_without_end(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not _over(asked).is_set():
        asked.wfile.write(b"X-Name: " + b"x" * 50_000 + b"\r\n")


ISSUERS = (
    never, a_byte_a_second, a_byte_of_the_head_a_second, elsewhere, in_circles, a_gigabyte, a_packed_gigabyte, nothing,
    a_head_without_end,
)  # fmt: skip


@contextmanager
def hostile(act: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Hostile]:
    found = Hostile(act)
    try:
        yield found
    finally:
        found.close()


def _with_list_at(url: str, issuer: Stranger | None = None) -> bytes:
    entry = {
        "id": f"{url}#7", "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "7",
        "statusListCredential": url,
    }  # fmt: skip
    return _badge(issuer, credentialStatus=entry)


def _from_web(url: str) -> bytes:
    """A badge whose issuer's keys would be at an address."""
    stranger = Stranger()
    stranger.name = f"did:web:localhost%3A{url.rpartition(':')[2]}:issuer"
    dates = {"validFrom": rfc3339(now() - DAY), "validUntil": rfc3339(now() + DAY)}
    document = stranger.credential(credentialStatus=None, **dates)
    return json_text.dumps(stranger.sign(document))


PLACES = {"badge": "url_unavailable", "keys": "key_not_found", "list": "status_unavailable"}


@pytest.mark.parametrize("act", ISSUERS)
def test_an_issuer_that_means_no_good_leaves_the_question_open(
    server: Server, act: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """Wherever it is asked: for the badge, for its keys, for its list; each time another host, at the same moment."""

    def ask(where: str) -> Any:
        with hostile(act) as issuer, server.visitor() as client:
            if where == "badge":
                return client.post("/api/v1/verify", json={"url": f"{issuer.url}/credentials/1"}).json()
            return _verify(
                client, _from_web(issuer.url) if where == "keys" else _with_list_at(f"{issuer.url}/status/1")
            )

    with watched(server), ThreadPoolExecutor(len(PLACES)) as pool:
        reports = list(pool.map(ask, PLACES))
    assert [_outcome(report) for report in reports] == [("unknown", code) for code in PLACES.values()]


def test_a_status_list_that_unpacks_to_gigabytes_leaves_the_question_open(server: Server) -> None:
    issuer = _issuer()
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(600)) + packer.flush()
    served: list[bytes] = []

    def act(asked: BaseHTTPRequestHandler) -> None:
        _begin(asked, Content_Length=str(len(served[0])))
        asked.wfile.write(served[0])

    with hostile(act) as site:
        url = f"{site.url}/status/1"
        unsigned = status_list.status_list_credential(
            list_url=url, issuer=issuer.name, encoded_list="u" + base64url(bomb), valid_from=now() - DAY,
            valid_until=now() + DAY,
        )  # fmt: skip
        key = issuer.name.removeprefix("did:key:")
        served.append(json_text.dumps(issuer.sign(unsigned, method=f"{issuer.name}#{key}")))
        with server.visitor() as client, watched(server):
            report = _verify(client, _with_list_at(url, issuer))
    verdict, code = _outcome(report)
    assert verdict in ("unknown", "invalid")
    assert code.startswith("status_")


def test_thirty_at_once_are_all_answered(server: Server) -> None:
    """The worst of each kind together, each from somebody else."""
    heavy = [make() for make, _ in ATTACKS.values()][:12]
    graphs = [json_text.dumps({**json.loads(_badge()), "evidence": [{"type": ["Evidence"]}] * 2_000}) for _ in range(4)]
    with ExitStack() as stack:
        sites = [stack.enter_context(hostile(act)) for act in ISSUERS]
        waiting = [_with_list_at(f"{site.url}/status/1") for site in sites]
        good = [_badge() for _ in range(5)]
        thrown = [*heavy, *graphs, *waiting, *good]
        assert len(thrown) == 30

        def throw(data: bytes) -> Any:
            with server.visitor() as client:
                return _verify(client, data)

        with watched(server, GROWTH_OF_THIRTY), ThreadPoolExecutor(30) as pool:
            reports = list(pool.map(throw, thrown))
    assert {report["verdict"] for report in reports[12:16]} == {"invalid"}
    assert {report["verdict"] for report in reports[16:25]} == {"unknown"}
    assert {report["verdict"] for report in reports[25:]} == {"valid_unknown_issuer"}


def test_memory_does_not_grow_with_every_large_upload(server: Server) -> None:
    data = b'{"a":[' + b"1," * 400_000 + b"1]}"

    def level() -> int:
        for _ in range(8):
            with server.visitor() as client:
                _verify(client, data)
        return server.memory()

    first = level()
    later = [level() for _ in range(3)]
    assert min(later) - first < 60 * MEGABYTE
    eventually(lambda: server.memory() < first + 60 * MEGABYTE, "the memory is given back")
