"""A platform for these tests: signs launches with joserfc, serves keys, tokens, scores and a roster in memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from starlette.testclient import TestClient

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
LEARNER = MEMBERSHIP + "#Learner"
INSTRUCTOR = MEMBERSHIP + "#Instructor"
TOOL = "http://tool.localhost:8000"
TARGET = TOOL + "/modules/M01"
DROP: Any = object()

KEY = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig"})
NEXT_KEY = RSAKey.generate_key(2048, {"kid": "key-2", "use": "sig"})

CLAIM_NAMES = {
    name: LTI + name
    for name in (
        "message_type", "version", "deployment_id", "target_link_uri", "roles", "context", "resource_link", "custom",
        "launch_presentation", "tool_platform",
    )
} | {"ags": AGS, "nrps": NRPS}  # fmt: skip


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not DROP}


@dataclass
class Platform:
    """One LMS; `handle` answers what the tool's server asks of it."""

    issuer: str = "https://lms.example"
    client_id: str = "client-1"
    deployment_id: str = "dep-1"
    published: list[RSAKey] = field(default_factory=lambda: [KEY])
    requests: list[httpx2.Request] = field(default_factory=list)
    jwks_answer: httpx2.Response | Exception | None = None
    score_answers: list[int | httpx2.Response] = field(default_factory=list)
    token_answer: httpx2.Response | None = None
    roster: dict[str, httpx2.Response] = field(default_factory=dict)

    @property
    def auth_url(self) -> str:
        return self.issuer + "/auth?lang=en"

    @property
    def token_url(self) -> str:
        return self.issuer + "/token"

    @property
    def jwks_url(self) -> str:
        return self.issuer + "/jwks"

    @property
    def line_item(self) -> str:
        return self.issuer + "/items/7/lineitem?type_id=2"

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        path = request.url.path
        if path == "/jwks":
            if isinstance(self.jwks_answer, Exception):
                raise self.jwks_answer
            return self.jwks_answer or httpx2.Response(
                200, json={"keys": [key.as_dict(private=False) for key in self.published]}
            )
        if path == "/token":
            if self.token_answer is not None:
                return self.token_answer
            number = len(self.at("/token"))
            body = {"access_token": f"token-{number}-{self.asked_as(request)}", "expires_in": 3600}
            return httpx2.Response(200, content=json.dumps(body), headers={"Content-Type": "text/html"})
        if path.endswith("/scores"):
            answer = self.score_answers.pop(0) if self.score_answers else 200
            return answer if isinstance(answer, httpx2.Response) else httpx2.Response(answer)
        if str(request.url) in self.roster:
            return self.roster[str(request.url)]
        return httpx2.Response(404)

    def at(self, path: str) -> list[httpx2.Request]:
        return [request for request in self.requests if request.url.path.endswith(path)]

    def scores(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.at("/scores")]

    @staticmethod
    def asked_as(request: httpx2.Request) -> str:
        """The client id that a token request's assertion names."""
        assertion = parse_qs(request.content.decode())["client_assertion"][0]
        payload = assertion.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"])

    def login_fields(self, **changes: Any) -> dict[str, str]:
        fields = {
            "iss": self.issuer,
            "login_hint": "user 41",
            "target_link_uri": TARGET,
            "lti_message_hint": '{"cmid":2,"launchid":"ltilaunch1_44501930"}',
            "client_id": self.client_id,
            "lti_deployment_id": self.deployment_id,
        }
        return changed(fields, changes)

    def claims(self, nonce: str, /, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "subject-41",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "name": "Tess Nguyen",
            "given_name": "Tess",
            "family_name": "Nguyen",
            "email": "tess@example.org",
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "version": "1.3.0",
            LTI + "deployment_id": self.deployment_id,
            LTI + "target_link_uri": TARGET,
            LTI + "roles": [LEARNER],
            LTI + "context": {"id": "course-2", "title": "IPS foundations"},
            LTI + "resource_link": {"id": "link-5", "title": "M01"},
            LTI + "custom": {"module": "M01"},
            LTI + "launch_presentation": {"locale": "en-AU", "return_url": "https://school.lms.example/back?c=2"},
            LTI + "tool_platform": {"guid": "g", "product_family_code": "practice"},
            AGS: {
                "scope": [SCORE_SCOPE],
                "lineitem": self.line_item,
                "lineitems": self.issuer + "/items?type_id=2",
            },
            NRPS: {"context_memberships_url": self.issuer + "/nrps/memberships", "service_versions": ["2.0"]},
        }
        return changed(claims, {CLAIM_NAMES.get(name, name): value for name, value in changes.items()})

    def sign(
        self, claims: dict[str, Any], *, key: RSAKey = KEY, alg: str = "RS256", header: dict[str, Any] | None = None
    ) -> str:
        head = changed({"alg": alg, "typ": "JWT", "kid": "key-1"}, header or {})
        if alg in ("none", "HS256"):
            signing_input = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
            secret = KEY.as_pem(private=False)
            signature = "" if alg == "none" else b64(hmac.digest(secret, signing_input.encode(), hashlib.sha256))
            return f"{signing_input}.{signature}"
        registry = JWSRegistry(strict_check_header=False, algorithms=[alg])
        return jwt.encode(head, claims, key, [alg], registry, default_type=None)

    def sign_raw(self, payload: bytes, *, header: bytes | None = None) -> str:
        """Sign any bytes at all, with a good signature."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        head = header or b'{"alg":"RS256","kid":"key-1"}'
        signing_input = f"{b64(head)}.{b64(payload)}"
        signature = KEY.private_key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signing_input}.{b64(signature)}"


@dataclass
class Begun:
    """A login that the tool answered with a redirect."""

    location: str
    query: dict[str, str]

    @property
    def state(self) -> str:
        return self.query["state"]

    @property
    def nonce(self) -> str:
        return self.query["nonce"]


@dataclass
class Browser:
    """Keeps cookies as browsers do; `blocked` is one that gives none back."""

    client: TestClient
    platform: Platform
    cookies: dict[str, str] = field(default_factory=dict)
    blocked: bool = False

    def get(self, path: str) -> httpx2.Response:
        return self._noting(self.client.get(path, headers=self._headers()))

    def post(self, path: str, fields: dict[str, str]) -> httpx2.Response:
        return self._noting(self.client.post(path, data=fields, headers=self._headers()))

    def login(self, **changes: Any) -> Begun:
        return self.begun(self.post("/lti/login", self.platform.login_fields(**changes)))

    @staticmethod
    def begun(response: httpx2.Response) -> Begun:
        assert response.status_code == 302, response.text
        location = response.headers["location"]
        return Begun(location, dict(parse_qsl(urlsplit(location).query)))

    def launch(self, token: str, state: str) -> httpx2.Response:
        return self.post("/lti/launch", {"id_token": token, "state": state})

    def full_launch(self, **changes: Any) -> httpx2.Response:
        begun = self.login()
        return self.launch(self.platform.sign(self.platform.claims(begun.nonce, **changes)), begun.state)

    def _headers(self) -> dict[str, str]:
        if self.blocked or not self.cookies:
            return {}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _noting(self, response: httpx2.Response) -> httpx2.Response:
        for header in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header.replace("Partitioned", "")).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response
