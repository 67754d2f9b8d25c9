"""The only way out: what is fetched, what is refused, and that nothing is unbounded."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.core.http import HttpClient, HttpFailed, HttpRefused, requests_session, resolve

GIVEN_UP = threading.Event()


class Answers(BaseHTTPRequestHandler):
    """A server with one habit for each path."""

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.2:9/")
            self.end_headers()
        elif self.path == "/here":
            self.send_response(302)
            self.send_header("Location", "/plain")
            self.end_headers()
        elif self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
        elif self.path == "/nowhere":
            self.send_response(302)
            self.send_header("Location", "http://[")
            self.end_headers()
        elif self.path == "/packed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(b"x" * 3_000_000))
        elif self.path == "/letter-by-letter":
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
                try:
                    self.wfile.write(bytes([letter]))
                except OSError:
                    return
                if GIVEN_UP.wait(0.02):
                    return
        else:
            body = b"x" * (3_000_000 if self.path == "/large" else 5)
            self.send_response(200)
            self.send_header("X-Agent", self.headers["User-Agent"])
            self.end_headers()
            self.wfile.write(body)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.rfile.read(length))

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def open_client() -> HttpClient:
    return HttpClient(allow_private_networks=True)


def test_a_page_is_fetched_and_we_say_who_we_are(server: str, open_client: HttpClient) -> None:
    answer = open_client.get(f"{server}/plain")
    assert (answer.status, answer.body) == (200, b"xxxxx")
    assert answer.headers["x-agent"].startswith("Waymark/")


def test_a_name_below_localhost_is_this_machine(server: str, open_client: HttpClient) -> None:
    assert open_client.get(server.replace("127.0.0.1", "lms.localhost") + "/plain").ok


def test_a_redirect_on_the_same_host_is_followed(server: str, open_client: HttpClient) -> None:
    assert open_client.get(f"{server}/here").body == b"xxxxx"


def test_a_redirect_to_another_host_is_refused(server: str, open_client: HttpClient) -> None:
    with pytest.raises(HttpRefused, match="different host"):
        open_client.get(f"{server}/elsewhere")


def test_redirects_without_end_are_left(server: str, open_client: HttpClient) -> None:
    with pytest.raises(HttpFailed, match="too often"):
        open_client.get(f"{server}/round")


def test_an_answer_that_is_too_large_is_left(server: str, open_client: HttpClient) -> None:
    with pytest.raises(HttpFailed, match="larger than"):
        open_client.get(f"{server}/large", max_bytes=100_000)


def test_a_server_that_says_nothing_is_left_in_time(open_client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(HttpFailed):
        open_client.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.3)


def test_plain_http_is_refused_unless_the_operator_allows_it(server: str) -> None:
    with pytest.raises(HttpRefused, match="https"):
        HttpClient(allow_private_networks=False).get(server)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "a.localhost", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0",
     "100.64.0.1", "224.0.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"],
)  # fmt: skip
def test_private_addresses_are_refused(host: str) -> None:
    with pytest.raises(HttpRefused):
        resolve(host, 443, allow_private=False)


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700:4700::1111"])
def test_public_addresses_are_connected_to_as_they_were_checked(host: str) -> None:
    assert resolve(host, 443, allow_private=False) == host


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "file:///etc/passwd", "https://user@a.example/", "https:///x", "x"]
)
def test_other_addresses_are_refused(url: str, open_client: HttpClient) -> None:
    with pytest.raises(HttpRefused):
        open_client.get(url)


def test_a_library_that_speaks_requests_goes_through_the_same_door(server: str, open_client: HttpClient) -> None:
    session = requests_session(open_client)
    assert session.post(f"{server}/x", data={"a": "b c"}).text == "a=b+c"
    assert session.get(f"{server}/plain").headers["X-Agent"].startswith("Waymark/")
    guarded = requests_session(HttpClient(allow_private_networks=False))
    with pytest.raises(HttpRefused):
        guarded.get("https://127.0.0.1/")


def test_headers_that_come_letter_by_letter_end_with_the_time_given(server: str, open_client: HttpClient) -> None:
    """Each letter is in time, the whole is not."""
    GIVEN_UP.clear()
    try:
        with pytest.raises(HttpFailed, match="ReadTimeout"):
            open_client.get(server + "/letter-by-letter", timeout=2)
    finally:
        GIVEN_UP.set()


def test_a_packed_answer_is_not_unpacked(server: str, open_client: HttpClient) -> None:
    with pytest.raises(HttpFailed, match="packed"):
        open_client.get(server + "/packed")
    assert requests_session(open_client).get(server + "/plain", headers={"Accept-Encoding": "gzip"}).text == "xxxxx"


def test_a_redirect_to_no_address_is_the_other_servers_fault(server: str, open_client: HttpClient) -> None:
    with pytest.raises(HttpFailed, match="not an address"):
        open_client.get(server + "/nowhere")


@pytest.mark.parametrize("address", ["fec0::1", "::7f00:1", "fd00::1", "fe80::1", "ff02::1", "64:ff9b::a00:1"])
def test_what_is_no_address_of_the_internet_is_not_public(address: str) -> None:
    with pytest.raises(HttpRefused):
        resolve(address, 443, allow_private=False)
