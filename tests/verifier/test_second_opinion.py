"""openbadgeslib judges the same badges: what it refuses, we never call valid."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from openbadgeslib.ob3 import OB3LdpVerifier, OB3Verifier

from app.vc.keys import PublicKey
from app.vc.timestamps import rfc3339
from tests.verifier.field import DAY, Stranger
from tests.verifier.test_matrix import CASES

NOW = datetime.now(UTC)  # openbadgeslib reads the clock itself, so the badges here are dated around today


def _pem(key: PublicKey) -> bytes:
    loaded = (
        ed25519.Ed25519PublicKey.from_public_bytes(key.raw)
        if key.algorithm == "Ed25519"
        else ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
    )
    return loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _they_accept(issuer: Stranger, badge: bytes, securing: str) -> bool:
    try:
        if securing == "di":
            OB3LdpVerifier(pubkey_pem=_pem(issuer.ed25519.public_key)).verify(badge)
        else:
            OB3Verifier(pubkey_pem=_pem(issuer.p256.public_key)).verify(badge.decode())
    except Exception:  # noqa: BLE001 - any refusal, by whatever exception, is a no
        return False
    return True


@pytest.mark.parametrize("securing", ["di", "jwt"])
def test_both_accept_a_good_badge(issuer: Stranger, securing: str) -> None:
    dates = {"validFrom": rfc3339(NOW - DAY), "validUntil": rfc3339(NOW + DAY)}
    badge = issuer.secure(issuer.credential(credentialStatus=None, **dates), securing)
    assert _they_accept(issuer, badge, securing)
    assert issuer.judge(badge, at=NOW).verdict == "valid"


@pytest.mark.parametrize("securing", ["di", "jwt"])
@pytest.mark.parametrize("name", sorted(set(CASES) - {"valid", "valid_without_a_status_list"}))
def test_what_they_refuse_is_never_valid_here(issuer: Stranger, name: str, securing: str) -> None:
    badge = CASES[name][0](issuer, securing)
    if not _they_accept(issuer, badge, securing):
        assert not issuer.judge(badge).is_valid


def test_one_changed_character_fails_there_and_here(issuer: Stranger) -> None:
    document = json.loads(issuer.secure(issuer.credential(validFrom=rfc3339(NOW - DAY)), "di"))
    document["credentialSubject"]["achievement"]["name"] += "!"
    badge = json.dumps(document).encode()
    assert not _they_accept(issuer, badge, "di")
    assert issuer.judge(badge, at=NOW).verdict == "invalid"
