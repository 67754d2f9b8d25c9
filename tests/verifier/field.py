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
from app.vc.contexts import CREDENTIAL_CONTEXTS, DATA_INTEGRITY_V2, OB_EXTENSIONS, VC_V1
from app.vc.keys import Ed25519Signer, P256Signer, base64url
from app.vc.open_badges import digest_multibase
from app.vc.suites import SUITES
from app.vc.timestamps import rfc3339
from app.verifier.errors import SourceUnavailable
from app.verifier.known_issuers import KnownIssuers
from app.verifier.schemas import KnownIssuer, Presented, Report
from app.verifier.service import verify
from app.verifier.verdicts import decisive

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SITE = "https://badges.example.au"
LIST_URL = f"{SITE}/status/1"
BADGE_URL = f"{SITE}/credentials/7f3a91c2"


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    return file.getvalue()


OB = "https://purl.imsglobal.org/spec/ob/v3p0/"
CONTEXTS_V1 = (VC_V1, OB + "context-3.0.2.json", OB_EXTENSIONS, DATA_INTEGRITY_V2)
SECRET_CLAIM = "Grand Chancellor of Everything"
EMAIL = "tess@agency.example"
SALT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PNG = _png()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><circle r="1"/></svg>'


class Web:
    """A DocumentSource over a dict; whatever is not in it is down. Remembers what it was asked for.

    `missing`: addresses at which a server says that there is nothing.
    """

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.missing: set[str] = set()

    def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise SourceUnavailable("missing" if url in self.missing else "failed")
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

    @property
    def key_url(self) -> str:
        """Where the issuer publishes its keys: its DID document, or its own address."""
        if self.name.startswith("https://"):
            return self.name
        return did.did_web_url(self.name, allow_http_localhost=False)

    def neighbour(self, name: str = "did:web:other.example:issuers:x") -> Stranger:
        """Another issuer on the same web; the list there stays this one's."""
        mine = self.web.pages[LIST_URL]
        other = Stranger(name=name, web=self.web)
        self.web.pages[LIST_URL] = mine
        return other

    def publish_keys(self, **changes: Any) -> None:
        methods = [
            did.VerificationMethodSpec(self.ed25519_id, self.ed25519.public_key),
            did.VerificationMethodSpec(self.p256_id, self.p256.public_key),
        ]
        document = did.did_document(self.name, methods) | changes
        self.web.pages[self.key_url] = json_text.dumps(document)

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

    def credential_v1(self, **changes: Any) -> dict[str, Any]:
        """The unsigned badge in the form of VC 1.1."""
        dates = {"issuanceDate": rfc3339(AT - 30 * DAY), "expirationDate": rfc3339(AT + 30 * DAY)}
        gone = dict.fromkeys(("validFrom", "validUntil", "awardedDate", "credentialStatus", "credentialSchema"))
        return self.credential(**{**gone, **dates, "@context": list(CONTEXTS_V1), **changes})

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

    def sign_as_others_do(
        self, document: dict[str, Any], suite: str = "eddsa-rdfc-2022", **changes: Any
    ) -> dict[str, Any]:
        """Sign what we would not issue; `changes` replace options of the proof."""
        steps = SUITES[suite]
        options = steps.options_to_sign(
            document,
            {
                "type": "DataIntegrityProof",
                "cryptosuite": steps.name,
                "created": rfc3339(AT - DAY),
                "verificationMethod": self.ed25519_id,
                "proofPurpose": "assertionMethod",
                **changes,
            },
        )
        canonical = steps.transformation(document, options=options)
        hash_data = steps.hashing(canonical, steps.proof_configuration(document, options))
        return {**document, "proof": [{**options, "proofValue": steps.proof_serialization(hash_data, self.ed25519)}]}

    def raw_status_badge(self, entry: dict[str, Any]) -> bytes:
        """A signed badge with any status at all."""
        return json_text.dumps(self.sign_as_others_do(self.credential(credentialStatus=entry)))

    def sign_until(self, document: dict[str, Any], expires: datetime) -> dict[str, Any]:
        """A document whose proof says itself until when it is good."""
        return self.sign_as_others_do(document, expires=rfc3339(expires))

    def wrap_jwt(self, document: dict[str, Any], **changes: Any) -> str:
        """A token in the manner of VC 1.1; `changes` replace claims, None removes one."""
        claims = {
            "vc": document,
            "iss": self.name,
            "jti": document.get("id", BADGE_URL),
            "sub": document.get("credentialSubject", {}).get("id"),
            "nbf": int((AT - 30 * DAY).timestamp()),
            "exp": int((AT + 30 * DAY).timestamp()),
            **changes,
        }
        return self.raw_jwt(json_text.dumps({name: value for name, value in claims.items() if value is not None}))

    def publish_badge(self, url: str, data: bytes) -> dict[str, Any]:
        """Put a document on the web and return how another badge names it."""
        self.web.pages[url] = data
        return {"id": url, "digestMultibase": digest_multibase(data), "mediaType": "application/vc+ld+json"}

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
    """The verdict, and the code of the check that settled it."""
    settled = decisive(report.checks)
    return report.verdict, None if settled.result == "pass" else settled.code


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
