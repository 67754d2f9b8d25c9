"""A stranger's issuer for the tests: its keys, its web site in a dict, and badges in every form."""

from __future__ import annotations

import copy
import hashlib
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image

from app.vc import baking, data_integrity, did, json_text, status_list, vc_jwt
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.keys import Ed25519Signer, P256Signer, base64url
from app.vc.suites import SUITES
from app.vc.timestamps import rfc3339
from app.verifier.errors import SourceUnavailable
from app.verifier.known_issuers import KnownIssuers
from app.verifier.schemas import KnownIssuer, Presented, Report
from app.verifier.service import verify

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SITE = "https://badges.example.au"
LIST_URL = f"{SITE}/status/1"
BADGE_URL = f"{SITE}/credentials/7f3a91c2"


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    return file.getvalue()


SECRET_CLAIM = "Grand Chancellor of Everything"
EMAIL = "tess@agency.example"
SALT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PNG = _png()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><circle r="1"/></svg>'


class Web:
    """A DocumentSource over a dict; whatever is not in it is down. Remembers what it was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []

    def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise SourceUnavailable("failed")
        return self.pages[url]


@dataclass
class Stranger:
    """An issuer we did not write: did:web with an Ed25519 and a P-256 key, one status list, all on `web`."""

    name: str = "did:web:badges.example.au:issuers:test"
    web: Web = field(default_factory=Web)
    ed25519: Ed25519Signer = field(default_factory=Ed25519Signer.generate)
    p256: P256Signer = field(default_factory=P256Signer.generate)

    def __post_init__(self) -> None:
        self.publish_keys()
        self.publish_list()

    @property
    def ed25519_id(self) -> str:
        return f"{self.name}#ed25519-1"

    @property
    def p256_id(self) -> str:
        return f"{self.name}#p256-1"

    def publish_keys(self, **changes: Any) -> None:
        methods = [
            did.VerificationMethodSpec(self.ed25519_id, self.ed25519.public_key),
            did.VerificationMethodSpec(self.p256_id, self.p256.public_key),
        ]
        document = did.did_document(self.name, methods) | changes
        self.web.pages[did.did_web_url(self.name, allow_http_localhost=False)] = json_text.dumps(document)

    def list_document(self, set_bits: tuple[int, ...] = (), **changes: Any) -> dict[str, Any]:
        return (
            status_list.status_list_credential(
                list_url=LIST_URL,
                issuer=self.name,
                encoded_list=status_list.encode_list(set_bits),
                valid_from=AT - DAY,
                valid_until=AT + DAY,
            )
            | changes
        )

    def publish_list(self, set_bits: tuple[int, ...] = (), **changes: Any) -> None:
        self.serve_list(self.sign(self.list_document(set_bits, **changes)))

    def serve_list(self, signed: dict[str, Any]) -> None:
        self.web.pages[LIST_URL] = json_text.dumps(signed)

    def credential(self, **changes: Any) -> dict[str, Any]:
        """The unsigned badge; `changes` replace top-level members, None removes one."""
        document = {**_badge(self.name), **changes}
        return {name: value for name, value in document.items() if value is not None}

    def sign(self, document: dict[str, Any], *, method: str | None = None) -> dict[str, Any]:
        return data_integrity.sign(
            document,
            suite="eddsa-rdfc-2022",
            signer=self.ed25519,
            verification_method=method or self.ed25519_id,
            created=AT - DAY,
        )

    def sign_until(self, document: dict[str, Any], expires: datetime) -> dict[str, Any]:
        """A document whose proof says itself until when it is good."""
        suite = SUITES["eddsa-rdfc-2022"]
        options = {
            "type": "DataIntegrityProof",
            "cryptosuite": suite.name,
            "created": rfc3339(AT - DAY),
            "expires": rfc3339(expires),
            "verificationMethod": self.ed25519_id,
            "proofPurpose": "assertionMethod",
        }
        hash_data = suite.hashing(suite.transformation(document), suite.proof_configuration(document, options))
        proof = {**options, "proofValue": suite.proof_serialization(hash_data, self.ed25519)}
        return {**document, "proof": [proof]}

    def sign_jwt(self, document: dict[str, Any], *, method: str | None = None) -> str:
        return vc_jwt.sign(document, signer=self.p256, kid=method or self.p256_id)

    def raw_jwt(self, payload: bytes, header: dict[str, Any] | None = None) -> str:
        """A token over any bytes at all, with a signature that holds."""
        head = json.dumps(header or {"alg": "ES256", "kid": self.p256_id, "typ": "JWT"}).encode()
        signing_input = f"{base64url(head)}.{base64url(payload)}"
        return f"{signing_input}.{base64url(self.p256.sign(signing_input.encode()))}"

    def secure(self, document: dict[str, Any], securing: str, *, method: str | None = None) -> bytes:
        if securing == "jwt":
            return self.sign_jwt(document, method=method).encode()
        return json_text.dumps(self.sign(document, method=method))

    @property
    def known(self) -> KnownIssuers:
        return KnownIssuers([KnownIssuer(id=self.name, name="Example Agency", listed_by="the tests")])

    def judge(self, data: bytes | Presented, *, known: bool = True, at: datetime = AT, **options: Any) -> Report:
        presented = data if isinstance(data, Presented) else Presented.from_bytes(data)
        register = self.known if known else KnownIssuers()
        return verify(presented, source=self.web, known_issuers=register, at=at, **options)


def contain(badge: bytes, container: str) -> bytes:
    """A secured badge in a picture, or as it is."""
    if container == "png":
        return baking.bake_png(PNG, badge)
    return baking.bake_svg(SVG, badge) if container == "svg" else badge


def outcome(report: Report) -> tuple[str, str | None]:
    """The verdict, and the code of the first check that settled it."""
    settled = [check for check in report.checks if check.result == "fail"]
    settled += [c for c in report.checks if c.result == "unknown" and c.code != "not_checked"]
    return report.verdict, settled[0].code if settled else None


def _badge(issuer: str) -> dict[str, Any]:
    achievement = f"{SITE}/achievements/gate/v1"
    criterion = f"{achievement}#criterion-seeing"
    return copy.deepcopy(
        {
            "@context": list(CREDENTIAL_CONTEXTS),
            "id": BADGE_URL,
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "issuer": {"id": issuer, "type": ["Profile"], "name": "Agency of Claims", "url": SITE},
            "validFrom": rfc3339(AT - 30 * DAY),
            "validUntil": rfc3339(AT + 365 * DAY),
            "awardedDate": rfc3339(AT - 30 * DAY),
            "name": SECRET_CLAIM,
            "credentialSubject": {
                "id": "urn:uuid:0f2d3f0e-5a6b-4c7d-8e9f-a0b1c2d3e4f5",
                "type": ["AchievementSubject"],
                "identifier": [
                    {
                        "type": "IdentityObject",
                        "hashed": True,
                        "identityHash": "sha256$" + hashlib.sha256((EMAIL + SALT).encode()).hexdigest(),
                        "identityType": "emailAddress",
                        "salt": SALT,
                    }
                ],
                "achievement": {
                    "id": achievement,
                    "type": ["Achievement"],
                    "name": SECRET_CLAIM,
                    "description": "Found and tested one gate.",
                    "achievementType": "MicroCredential",
                    "criteria": {"narrative": "Marked by an **assessor**."},
                    "alignment": [
                        {
                            "type": ["Alignment"],
                            "targetName": "Works with employers",
                            "targetUrl": f"{SITE}/competencies/e1",
                            "targetCode": "E1",
                            "targetFramework": "IPS framework, version 1",
                        }
                    ],
                    "resultDescription": [
                        {
                            "id": criterion,
                            "type": ["ResultDescription"],
                            "name": "Seeing gates",
                            "resultType": "RubricCriterionLevel",
                            "rubricCriterionLevel": [
                                {
                                    "id": f"{criterion}-{number}",
                                    "type": ["RubricCriterionLevel"],
                                    "name": level,
                                    "level": str(number),
                                    "description": f"What {level.lower()} means.",
                                }
                                for number, level in enumerate(("Not yet", "Partly", "Sound", "Strong"), start=1)
                            ],
                        }
                    ],
                },
                "result": [{"type": ["Result"], "resultDescription": criterion, "achievedLevel": f"{criterion}-3"}],
            },
            "credentialStatus": status_list.entry(LIST_URL, 4711),
            "credentialSchema": [
                {
                    "id": "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json",
                    "type": "1EdTechJsonSchemaValidator2019",
                }
            ],
        }
    )
