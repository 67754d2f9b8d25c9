"""A signing service in one file, to show the protocol of docs/issuer-keys.md. Its keys live in memory: never for use.

    SIGNER_TOKEN=secret python examples/signing_service.py 8700 Ed25519:badges P-256:tokens

A real one keeps the keys in a hardware module or a cloud's key management, and writes down whatever it signs.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.vc.keys import Ed25519Signer, P256Signer, RsaSigner, Signer

KINDS = {"Ed25519": Ed25519Signer, "P-256": P256Signer, "RSA": RsaSigner}
LARGEST_BODY = 2_000_000


class SigningService(ThreadingHTTPServer):
    """Signs with the keys it was given, for whoever knows the token."""

    daemon_threads = True

    def __init__(self, port: int, token: str, keys: Mapping[str, Signer]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.token, self.keys = token, keys

    def sign(self, name: str, data: bytes) -> bytes:
        """The raw signature: 64 bytes for Ed25519 and P-256 (r || s), as long as the key for RSA."""
        return self.keys[name].sign(data)


class Handler(BaseHTTPRequestHandler):
    """GET /keys/{name} tells the public key, POST /keys/{name}/sign signs."""

    server: SigningService
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The public half of a key."""
        name = self._key_of("")
        if name is not None:
            self.answer(200, {"public_jwk": self.server.keys[name].public_key.to_jwk()})

    def do_POST(self) -> None:
        """A signature."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST_BODY))
        name = self._key_of("/sign")
        if name is None:
            return
        asked = json.loads(body)
        if asked["algorithm"] != self.server.keys[name].algorithm:
            self.answer(409, {"error": "the key is of another kind"})
            return
        data = base64.urlsafe_b64decode(asked["data"] + "==")
        signature = base64.urlsafe_b64encode(self.server.sign(name, data)).rstrip(b"=").decode()
        self.answer(200, {"signature": signature})

    def _key_of(self, ending: str) -> str | None:
        """The key that is asked for; None once the request is answered with why not."""
        sent = self.headers.get("Authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {self.server.token}".encode()):
            self.answer(401, {"error": "the token is missing or wrong"})
            return None
        name = self.path.removeprefix("/keys/").removesuffix(ending)
        if f"/keys/{name}{ending}" != self.path or name not in self.server.keys:
            self.answer(404, {"error": "there is no such key"})
            return None
        return name

    def answer(self, status: int, document: dict[str, Any]) -> None:
        """Send a JSON document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a real service writes down what it signed, and for whom."""


if __name__ == "__main__":
    named = [each.split(":") for each in sys.argv[2:]]
    service = SigningService(
        int(sys.argv[1]), os.environ["SIGNER_TOKEN"], {name: KINDS[kind].generate() for kind, name in named}
    )
    sys.stderr.write(f"Signing service on port {service.server_address[1]}\n")
    service.serve_forever()
