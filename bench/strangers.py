"""`strangers`: badges of an issuer elsewhere through `POST /api/v1/verify` of one server, with warm keys."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.cli import bench_sample
from app.cli.bench_proofs import endless
from app.cli.bench_sample import SUITE, SampleIssuer, sample_credential
from app.cli.bench_timing import Measured, Subject, interleave, timed
from app.core.clock import now
from app.vc import data_integrity, json_text, vc_jwt
from app.vc.did import VerificationMethodSpec, did_document
from app.vc.status_list import MINIMUM_ENTRIES, encode_list, status_list_credential
from app.verifier.rate import CHECKS_A_MINUTE
from bench.client import Connection
from bench.servers import BASE_URL, Server, ServerFailed, services_in, waymark
from bench.shape import Figure, Plan, Result, Row, row

EMPTY: Final = "/healthz"
PROOF: Final = "badge with an embedded proof"
TOKEN: Final = "badge as a token"  # noqa: S105 - the name of a row
P95_MS: Final = 50.0
BADGES: Final = 50
EXPECTED: Final = "valid_unknown_issuer"


@dataclass
class Site:
    """A web server of this machine with the issuer's DID document and status list."""

    server: ThreadingHTTPServer
    pages: dict[str, bytes] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def did(self) -> str:
        """The issuer's identifier."""
        return f"did:web:127.0.0.1%3A{self.server.server_address[1]}:issuers:bench"

    def publish(self, issuer: SampleIssuer) -> None:
        """Put the keys and the list there."""
        at, url = now(), f"{self.base}/status/1"
        methods = (
            VerificationMethodSpec(f"{self.did}#ed25519-1", issuer.embedded.public_key),
            VerificationMethodSpec(f"{self.did}#p-256-1", issuer.token.public_key),
        )
        unsigned = status_list_credential(
            list_url=url,
            issuer=self.did,
            encoded_list=encode_list([], MINIMUM_ENTRIES),
            valid_from=at - timedelta(hours=1),
            valid_until=at + timedelta(days=7),
        )
        self.pages["/issuers/bench/did.json"] = json_text.dumps(did_document(self.did, methods))
        self.pages["/status/1"] = json_text.dumps(self.sign(issuer, unsigned))

    def sign(self, issuer: SampleIssuer, document: dict[str, Any]) -> dict[str, Any]:
        """The document with an embedded proof by this site's key."""
        return data_integrity.sign(
            document,
            suite=SUITE,
            signer=issuer.embedded,
            verification_method=f"{self.did}#ed25519-1",
            created=now() - timedelta(minutes=1),
        )

    def badge(self, number: int) -> dict[str, Any]:
        """The unsigned sample badge of that number, with this site's addresses in it."""
        text = json.dumps(sample_credential(number)).replace(bench_sample.DID, self.did)
        moved: dict[str, Any] = json.loads(text.replace(bench_sample.BASE, self.base))
        return moved


@dataclass
class Visitors:
    """People who send badges one after the other; each from an address of their own, and none too often.

    `network`: 1 to 254, in which their addresses are: 127.network.x.y.
    """

    server: Server
    network: int
    sent: int = 0
    cpu_seconds: float = 0.0
    _connection: Connection | None = None

    def run(self, subject: str, requests: Callable[[], bytes], count: int) -> list[float]:
        """Send so many requests and time each."""
        before = self.server.cpu_seconds()
        seconds = list(timed(lambda request: self._send(subject, request), requests)(count))
        self.cpu_seconds += self.server.cpu_seconds() - before
        return seconds

    def _send(self, subject: str, request: bytes) -> None:
        if self._connection is None or self.sent % (CHECKS_A_MINUTE // 2) == 0:
            self.close()
            number = self.sent // (CHECKS_A_MINUTE // 2)
            source = f"127.{self.network}.{number // 250 % 250}.{1 + number % 250}"
            self._connection = Connection(self.server.port, urlsplit(BASE_URL).hostname or "", source)
        self.sent += 1
        answer = self._connection.send(request)
        good = answer.status == 200 and (subject == EMPTY or json.loads(answer.body)["verdict"] == EXPECTED)
        if not good:
            raise ServerFailed(f"{subject} was answered with {answer.status}: {answer.body[:300]!r}")

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._connection is not None:
            self._connection.close()


def strangers(plan: Plan) -> Result:
    """Every badge another one, the issuer the same: from the second on its keys and its list are at hand."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
        services_in(folder).runtime.database.dispose()
        server = stack.enter_context(waymark(folder))
        site = stack.enter_context(_site())
        subjects = {name: Visitors(server, number) for number, name in enumerate((EMPTY, PROOF, TOKEN), start=1)}
        requests = _requests(site)
        for name, visitors in subjects.items():
            stack.callback(visitors.close)
            visitors.run(name, requests[name], 2)
            visitors.cpu_seconds, visitors.sent = 0.0, 0
        measured = _measure(subjects, requests, plan)
    return Result(
        "strangers",
        "A stranger's badge over HTTP from one server process, every check made, one request after the other",
        [_row(measured[name], visitors) for name, visitors in subjects.items()],
        [Figure(f"{name}, p95 ms", measured[name].percentile_ms(0.95), at_most=P95_MS) for name in (PROOF, TOKEN)],
    )


def _measure(
    subjects: dict[str, Visitors], requests: dict[str, Callable[[], bytes]], plan: Plan
) -> dict[str, Measured]:
    def subject(name: str) -> Subject:
        return Subject(name, lambda count: subjects[name].run(name, requests[name], count))

    return dict(interleave([subject(name) for name in subjects], plan.effort))


def _row(measured: Measured, visitors: Visitors) -> Row:
    return row(measured, visitors.cpu_seconds / visitors.sent * 1000)


def _requests(site: Site) -> dict[str, Callable[[], bytes]]:
    issuer = SampleIssuer()
    site.publish(issuer)
    connection = Connection(0, urlsplit(BASE_URL).hostname or "")
    unsigned = [site.badge(number) for number in range(BADGES)]
    kid = f"{site.did}#p-256-1"
    bodies = {
        PROOF: [json_text.dumps(site.sign(issuer, each)) for each in unsigned],
        TOKEN: [vc_jwt.sign(each, signer=issuer.token, kid=kid, alg="ES256").encode() for each in unsigned],
    }
    found = {
        name: [
            connection.request("POST", "/api/v1/verify", headers={"Content-Type": "text/plain"}, body=body)
            for body in each
        ]
        for name, each in bodies.items()
    }
    found[EMPTY] = [connection.request("GET", EMPTY, headers={"Accept": "*/*"})]
    return {name: endless(each) for name, each in found.items()}


@contextmanager
def _site() -> Iterator[Site]:
    site: Site

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """One of the pages."""
            body = site.pages.get(self.path, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = Site(ThreadingHTTPServer(("127.0.0.1", 0), Pages))
    site.server.daemon_threads = True
    threading.Thread(target=site.server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
