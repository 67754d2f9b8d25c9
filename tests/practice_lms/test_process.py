"""`python -m practice_lms` as a process: it serves, fetches keys over the network, and stops cleanly."""

import http.server
import json
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from practice_lms import Settings
from practice_lms.scopes import SCOPE_SCORE
from tests.ports import free_ports
from tests.practice_lms.stub_tool import ASSERTION_TYPE, TOOL_KEY, StubTool

pytestmark = pytest.mark.slow  # it starts processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0


class KeysHandler(http.server.BaseHTTPRequestHandler):
    """A tool's server that has nothing but its keys."""

    def do_GET(self) -> None:
        body = json.dumps({"keys": [TOOL_KEY.as_dict(private=False)]}).encode()
        self.send_response(200 if self.path == "/lti/jwks" else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def tool_port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), KeysHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "practice_lms", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_answers(url: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            httpx2.get(url, timeout=PATIENCE).raise_for_status()
            return
        except httpx2.TransportError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop(tool_port: int, stop: signal.Signals) -> None:
    port, smtp_port = free_ports(2)
    settings = Settings(port=port, tool_backchannel_url=f"http://127.0.0.1:{tool_port}")
    process = start(
        f"--port={port}", f"--smtp-port={smtp_port}", f"--tool-backchannel-url={settings.tool_backchannel_url}"
    )
    try:
        wait_until_it_answers(f"{settings.back_url}/healthz")
        with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
            smtp.sendmail("a@example.org", ["tess.nguyen@example.org"], "Subject: Hello\r\n\r\nHi")
        assert httpx2.get(f"{settings.back_url}/mail.json", timeout=PATIENCE).json()["mails"][0]["subject"] == "Hello"
        assertion = StubTool(None, settings).assertion(time.time())  # type: ignore[arg-type]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": SCOPE_SCORE,
        }
        assert httpx2.post(settings.token_url, data=form, timeout=PATIENCE).json()["scope"] == SCOPE_SCORE
    finally:
        process.send_signal(stop)
        output, trouble = process.communicate(timeout=PATIENCE)
    assert (process.returncode, trouble) == (0, "")
    assert f"http://lms.localhost:{port}/" in output


def test_a_taken_mail_port_is_told_plainly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(f"--port={free_ports(1)[0]}", f"--smtp-port={taken.getsockname()[1]}")
        _, trouble = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "--smtp-port" in trouble
    assert "Traceback" not in trouble
