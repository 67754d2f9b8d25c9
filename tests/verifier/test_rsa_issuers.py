"""Badges of strangers who sign with RS256, the algorithm every Open Badges 3.0 host has to read."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from openbadgeslib.ob3 import OB3Verifier

from app.vc import vc_jwt
from app.vc.keys import Algorithm, PublicKey, base64url, base64url_decode
from tests.verifier.field import Stranger, outcome


class RsaSigner:
    """An RSA key held in memory, as a stranger's library would hold it."""

    algorithm: Algorithm = "RSA"

    def __init__(self, bits: int) -> None:
        self.key = rsa.generate_private_key(65537, bits)
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"kty": "RSA", "n": base64url(numbers.n.to_bytes(bits // 8)), "e": "AQAB"}
        self.pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def public_key(self) -> PublicKey:  # only for the protocol: a stranger's key is read by whoever checks
        return PublicKey.from_jwk(self.jwk)

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@lru_cache(maxsize=2)
def signer(bits: int = 2048) -> RsaSigner:
    return RsaSigner(bits)


def _publish(issuer: Stranger, jwk: dict[str, Any]) -> str:
    kid = f"{issuer.name}#rsa-1"
    method = {"id": kid, "type": "JsonWebKey", "controller": issuer.name, "publicKeyJwk": jwk}
    issuer.publish_keys(verificationMethod=[method], assertionMethod=[kid])
    return kid


def _badge(issuer: Stranger, key: RsaSigner, jwk: dict[str, Any] | None = None) -> str:
    kid = _publish(issuer, jwk or key.jwk)
    # The status list must stay readable: it is signed by the other key, so this badge names none.
    return vc_jwt.sign(issuer.credential(credentialStatus=None), signer=key, kid=kid, alg="RS256")


def test_a_badge_signed_with_rs256_is_valid_here_and_there(issuer: Stranger) -> None:
    token = _badge(issuer, signer())
    report = issuer.judge(token.encode())
    assert outcome(report) == ("valid", None)
    assert report.technical.suite == "RS256"
    assert OB3Verifier(pubkey_pem=signer().pem).verify(token).issuer.id == issuer.name


def test_one_changed_character_fails(issuer: Stranger) -> None:
    head, payload, signature = _badge(issuer, signer()).split(".")
    changed = base64url_decode(payload).replace(b"Found and tested", b"Found and Tested")
    token = f"{head}.{base64url(changed)}.{signature}"
    assert outcome(issuer.judge(token.encode())) == ("invalid", "bad_signature")


def test_another_key_of_the_same_size_fails(issuer: Stranger) -> None:
    token = _badge(issuer, RsaSigner(2048), jwk=signer().jwk)
    assert outcome(issuer.judge(token.encode())) == ("invalid", "bad_signature")


@pytest.mark.parametrize("alg", ["HS256", "PS256", "RS512", "ES256"])
def test_the_header_cannot_turn_an_rsa_key_to_another_use(issuer: Stranger, alg: str) -> None:
    head, payload, signature = _badge(issuer, signer()).split(".")
    header = json.loads(base64url_decode(head)) | {"alg": alg}
    token = f"{base64url(json.dumps(header).encode())}.{payload}.{signature}"
    assert not issuer.judge(token.encode()).is_valid


def test_a_key_that_is_too_short_is_refused(issuer: Stranger) -> None:
    token = _badge(issuer, signer(1024))
    assert outcome(issuer.judge(token.encode())) == ("invalid", "key_malformed")
