"""What a conformance suite has: requests, keys of its own, documents it signs and then spoils."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from starlette.testclient import TestClient

from app.vc import data_integrity, json_text
from app.vc.contexts import CONFORMANCE, DATA_INTEGRITY_V2, VC_V1, VC_V2
from app.vc.data_integrity import ASSERTION, AUTHENTICATION, Extras
from app.vc.keys import Ed25519Signer, P256Signer, base64url
from app.vc.suites import SUITES
from app.vc.timestamps import rfc3339

BASE_URL = "https://127.0.0.1:9143"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
WHEN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
DOMAIN, CHALLENGE = "suite.example", "uKx9fT2"
HEADERS = {"Content-Type": "application/json", "Accept": "application/ld+json, application/json"}
Spoil = Callable[[dict[str, Any]], object]


def spoiled(document: dict[str, Any], spoil: Spoil) -> dict[str, Any]:
    """A copy that somebody did something to."""
    changed = copy.deepcopy(document)
    spoil(changed)
    return changed


@dataclass
class Server:
    """The VC API, asked as the suites ask it."""

    client: TestClient

    def post(self, path: str, body: Any) -> httpx2.Response:
        return self.client.post(f"/vc-api{path}", json=body, headers=HEADERS)

    def did(self) -> str:
        return str(self.client.get("/vc-api/dids").json()["ed25519"])

    def credential(self, **changes: Any) -> dict[str, Any]:
        """An unsigned credential of this server; None removes a member."""
        return credential(**{"issuer": self.did(), **changes})

    def issue(self, document: dict[str, Any], path: str = "/credentials/issue") -> httpx2.Response:
        return self.post(path, {"credential": document, "options": {}})

    def issued(self, document: dict[str, Any], path: str = "/credentials/issue") -> dict[str, Any]:
        answer = self.issue(document, path)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["verifiableCredential"]
        return found

    def verify(self, document: Any, **options: Any) -> httpx2.Response:
        body = {"verifiableCredential": document, "options": {"checks": ["proof"], **options}}
        return self.post("/credentials/verify", body)

    def verify_presentation(self, document: Any, **options: Any) -> httpx2.Response:
        return self.post("/presentations/verify", {"verifiablePresentation": document, "options": options})


def accepted(answer: httpx2.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"verified": True, "checks": ["proof"], "warnings": [], "errors": []}


def refused(answer: httpx2.Response, kind: str | None = None) -> None:
    """Status 400 and a problem of the W3C's; `kind` is the end of its type."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].startswith(("https://www.w3.org/", "https://w3id.org/security#"))
    assert problem["status"] == 400
    assert problem["detail"]
    if kind is not None:
        assert problem["type"].endswith(f"#{kind}"), problem


def credential(**changes: Any) -> dict[str, Any]:
    """A small unsigned credential of version 2.0; None removes a member."""
    members = {
        "@context": [VC_V2],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:subject"},
    }
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def old_credential(**changes: Any) -> dict[str, Any]:
    """A small unsigned credential of version 1.1 that may carry a Data Integrity proof."""
    return credential(
        **{
            "@context": [VC_V1, DATA_INTEGRITY_V2, {"@context": {"name": "https://schema.org/name"}}],
            "id": "urn:uuid:4b0b6b2e-7c1c-4f0c-9d53-0a4b9d5c6c01",
            "issuanceDate": "2020-03-16T22:37:26.544Z",
            "credentialSubject": {"id": "did:example:subject", "name": "Tess"},
            **changes,
        }
    )


def presentation(**changes: Any) -> dict[str, Any]:
    """A small unsigned presentation; None removes a member."""
    members = {"@context": [VC_V2], "type": ["VerifiablePresentation"]}
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


@dataclass
class Party:
    """Somebody with a did:key: an issuer, or the holder who presents."""

    signer: Ed25519Signer = field(default_factory=Ed25519Signer.generate)

    @property
    def did(self) -> str:
        return f"did:key:{self.signer.public_key.multikey}"

    @property
    def method(self) -> str:
        return f"{self.did}#{self.signer.public_key.multikey}"

    def sign(
        self,
        document: dict[str, Any],
        *,
        suite: str = "eddsa-rdfc-2022",
        purpose: str = ASSERTION,
        extras: Extras | None = None,
        method: str | None = None,
    ) -> dict[str, Any]:
        """Add a proof, an object while it is the only one."""
        signed = data_integrity.add_proof(
            document,
            suite=suite,
            signer=self.signer,
            verification_method=method or self.method,
            created=WHEN,
            proof_purpose=purpose,
            extras=extras or Extras(),
            policy=CONFORMANCE,
        )
        return data_integrity.proof_as_object(signed)

    def sign_freely(self, document: dict[str, Any], *, purpose: str = AUTHENTICATION) -> dict[str, Any]:
        """Sign what we ourselves would not issue."""
        steps = SUITES["eddsa-rdfc-2022"]
        proof = {
            "type": "DataIntegrityProof",
            "cryptosuite": steps.name,
            "created": rfc3339(WHEN),
            "verificationMethod": self.method,
            "proofPurpose": purpose,
        }
        transformed = steps.transformation(document, options=proof, policy=CONFORMANCE)
        configuration = steps.proof_configuration(document, proof, policy=CONFORMANCE)
        value = steps.proof_serialization(steps.hashing(transformed, configuration), self.signer)
        return {**document, "proof": {**proof, "proofValue": value}}

    def present(self, document: dict[str, Any]) -> dict[str, Any]:
        """Sign a presentation for the suite's domain and challenge."""
        return self.sign(document, purpose=AUTHENTICATION, extras=Extras(domain=DOMAIN, challenge=CHALLENGE))


def token(payload: dict[str, Any], signer: Ed25519Signer | P256Signer, *, kid: str | None = None, **header: Any) -> str:
    """A compact JWS by a did:key, as the suites' envelopes hold it."""
    key = signer.public_key.multikey
    alg = "ES256" if isinstance(signer, P256Signer) else "EdDSA"
    head = {"alg": alg, "typ": "JWT", "kid": kid or f"did:key:{key}#{key}", **header}
    signing_input = ".".join(base64url(json_text.dumps(part)) for part in (head, payload))
    return f"{signing_input}.{base64url(signer.sign(signing_input.encode()))}"


def envelope(kind: str, token_text: str, media_type: str = "application/jwt") -> dict[str, Any]:
    return {"@context": VC_V2, "type": kind, "id": f"data:{media_type},{token_text}"}
