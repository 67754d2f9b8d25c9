"""A stand-in for an LMS: signs launches in the bench's process, publishes its key in a process of its own.

As a program it serves, by TLS as every platform does, the key set that comes on standard input with its certificate:
`python -m bench.platform_stub PORT`.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bench.servers import Server, free_port

ISSUER = "https://lms.example.org"
CLIENT_ID = "waymark-bench"
DEPLOYMENT = "1"
LEARNERS = 20
_LTI = "https://purl.imsglobal.org/spec/lti/claim/"
_AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
_KID = "bench-1"


@dataclass
class Platform:
    """One LMS whose learners come back again and again, as learners do."""

    target: str
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    launched: int = 0

    def jwks(self) -> str:
        """The key set, as JSON."""
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": _KID, "alg": "RS256", "use": "sig"}]})

    def server(self, certificate: str) -> Server:
        """The process that publishes the key set; `certificate` with its private key as PEM."""
        port, given = free_port(), json.dumps({"jwks": self.jwks(), "certificate": certificate})
        return Server("platform", ["-m", "bench.platform_stub", str(port)], port, given=given)

    def login_fields(self) -> dict[str, str]:
        """A login initiation."""
        return {
            "iss": ISSUER,
            "login_hint": "41",
            "target_link_uri": self.target,
            "client_id": CLIENT_ID,
            "lti_deployment_id": DEPLOYMENT,
            "lti_message_hint": "7",
        }

    def id_token(self, nonce: str) -> str:
        """The next learner's launch, of the size that Moodle sends."""
        self.launched += 1
        return jwt.encode(self._claims(nonce, self.launched % LEARNERS), self.key, "RS256", headers={"kid": _KID})

    def _claims(self, nonce: str, learner: int) -> dict[str, Any]:
        moment = int(time.time())
        return {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": f"learner-{learner}",
            "iat": moment,
            "exp": moment + 300,
            "nonce": nonce,
            "name": f"Learner {learner}",
            "given_name": "Learner",
            "family_name": str(learner),
            "email": f"learner-{learner}@example.org",
            _LTI + "message_type": "LtiResourceLinkRequest",
            _LTI + "version": "1.3.0",
            _LTI + "deployment_id": DEPLOYMENT,
            _LTI + "target_link_uri": self.target,
            _LTI + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
            _LTI + "context": {"id": "course-2", "label": "IPS", "title": "IPS foundations", "type": ["CourseSection"]},
            _LTI + "resource_link": {"id": "link-5", "title": "First steps", "description": ""},
            _LTI + "custom": {"module": "M01"},
            _LTI + "launch_presentation": {"locale": "en", "document_target": "iframe", "return_url": ISSUER + "/back"},
            _LTI + "tool_platform": {
                "guid": "lms.example.org",
                "product_family_code": "moodle",
                "version": "2024100700",
            },
            _AGS: {
                "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
                "lineitem": ISSUER + "/lineitems/7/lineitem?type_id=2",
                "lineitems": ISSUER + "/lineitems?type_id=2",
            },
        }


class Keys(BaseHTTPRequestHandler):
    """Answers every GET with the key set, over kept connections."""

    protocol_version = "HTTP/1.1"
    body = b""

    def do_GET(self) -> None:
        """The key set."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Secured(ThreadingHTTPServer):
    """A server by TLS; each connection's handshake is its own thread's work."""

    def __init__(self, port: int, certificate: str) -> None:
        super().__init__(("127.0.0.1", port), Keys)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(certificate)
            file.flush()
            self._tls.load_cert_chain(file.name)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection, whose handshake comes with its first bytes."""
        accepted, address = super().get_request()
        return self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_: object) -> None:
        """A connection that ends early is its client's affair."""


def main() -> None:
    """Serve until it is ended."""
    given = json.loads(sys.stdin.read())
    Keys.body = given["jwks"].encode()
    Secured(int(sys.argv[1]), given["certificate"]).serve_forever()


if __name__ == "__main__":
    main()
