"""A holder's wallet for the tests: a key, the DID that it is, and both ways to prove that the DID is its holder's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.vc import data_integrity, json_text
from app.vc.contexts import VC_V2
from app.vc.data_integrity import AUTHENTICATION, Extras
from app.vc.keys import Ed25519Signer, P256Signer, Signer, base64url

_ALGORITHMS = {"Ed25519": "EdDSA", "P-256": "ES256", "RSA": "RS256"}


def did_key(signer: Signer) -> str:
    """The did:key of a key."""
    return f"did:key:{signer.public_key.multikey}"


def did_jwk(signer: Signer) -> str:
    """The did:jwk of a key."""
    return f"did:jwk:{base64url(json_text.dumps(signer.public_key.to_jwk()))}"


@dataclass
class Wallet:
    """A wallet with one Ed25519 key, unless another one is given."""

    signer: Signer = field(default_factory=Ed25519Signer.generate)
    name: str | None = None
    key_name: str | None = None

    @property
    def did(self) -> str:
        """Its DID; a did:key unless it was given another name."""
        return self.name or did_key(self.signer)

    @property
    def key_id(self) -> str:
        """The DID URL of its key."""
        return f"{self.did}#{self.key_name or self.did.removeprefix('did:key:')}"

    def presentation(self, challenge: str, domain: str, **changes: Any) -> str:
        """A presentation with an authentication proof; `changes` go to the signing."""
        holder = changes.pop("holder", self.did)
        document = {"@context": [VC_V2], "type": ["VerifiablePresentation"], "holder": holder}
        extras = Extras(domain=domain, challenge=challenge, expires=changes.pop("expires", None))
        options: dict[str, Any] = {
            "suite": "eddsa-rdfc-2022", "signer": self.signer, "verification_method": self.key_id,
            "created": datetime.now(UTC), "proof_purpose": AUTHENTICATION, "extras": extras,
        }  # fmt: skip
        return json.dumps(data_integrity.sign(document, **options | changes))

    def token(self, challenge: str, domain: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A JWT of its key; `header` and `claims` on top of what is right, None takes one away."""
        head = {"alg": _ALGORITHMS[self.signer.algorithm], "kid": self.key_id, "typ": "JWT"} | (header or {})
        payload = {"iss": self.did, "aud": domain, "nonce": challenge} | claims
        parts = [
            base64url(json.dumps({name: value for name, value in part.items() if value is not None}).encode())
            for part in (head, payload)
        ]
        text = ".".join(parts)
        return f"{text}.{base64url(self.signer.sign(text.encode()))}"


def p256_wallet() -> Wallet:
    """A wallet whose DID is a did:jwk of a P-256 key, as on many phones."""
    signer = P256Signer.generate()
    return Wallet(signer, did_jwk(signer), "0")
