"""Each stage of signing one badge, byte for byte. The key is published in samples.py; see golden/README.md."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from app.vc import data_integrity, json_text, vc_jwt
from app.vc.keys import base64url_decode
from app.vc.suites import SUITES
from tests.vc.samples import CREATED, ED25519, ED25519_ID, P256, P256_ID, issuer_document, resolve_key, unsigned

GOLDEN = Path(__file__).parent / "golden"
SUITE = "eddsa-rdfc-2022"
TOKEN = "badge.jwt"


def _stages() -> dict[str, bytes]:
    document = unsigned()
    signed = data_integrity.sign(document, suite=SUITE, signer=ED25519, verification_method=ED25519_ID, created=CREATED)
    options = {key: value for key, value in signed["proof"][0].items() if key != "proofValue"}
    canonical = SUITES[SUITE].transformation(document)
    configuration = SUITES[SUITE].proof_configuration(document, options)
    hashes = {
        "canonical.nq": hashlib.sha256(canonical.encode()).hexdigest(),
        "proof-config.nq": hashlib.sha256(configuration.encode()).hexdigest(),
        "hash_data": SUITES[SUITE].hashing(canonical, configuration).hex(),
    }
    header, payload = (base64url_decode(part) for part in _token(signed).split(".")[:2])
    return {
        "unsigned.json": json_text.dumps(document),
        "canonical.nq": canonical.encode(),
        "proof-config.nq": configuration.encode(),
        "hashes.json": json.dumps(hashes, indent=1).encode(),
        "signed.json": json_text.dumps(signed),
        "jwt-header.json": header,
        "jwt-payload.json": payload,
        "did.json": json_text.dumps(issuer_document()),
    }


def _token(signed: dict[str, object]) -> str:
    return vc_jwt.sign(signed, signer=P256, kid=P256_ID)


@pytest.fixture(scope="module")
def stages() -> dict[str, bytes]:
    made = _stages()
    if os.environ.get("WAYMARK_UPDATE_GOLDEN") == "1":
        for name, content in made.items():
            (GOLDEN / name).write_bytes(content)
        (GOLDEN / TOKEN).write_text(_token(json_text.loads(made["signed.json"])))
    return made


STAGES = "unsigned.json canonical.nq proof-config.nq hashes.json signed.json jwt-header.json jwt-payload.json did.json"


@pytest.mark.parametrize("name", STAGES.split())
def test_every_stage_of_signing_gives_the_golden_bytes(stages: dict[str, bytes], name: str) -> None:
    assert stages[name] == (GOLDEN / name).read_bytes()


def test_the_golden_badge_and_token_verify(stages: dict[str, bytes]) -> None:
    signed = json_text.loads((GOLDEN / "signed.json").read_bytes())
    assert data_integrity.verify(signed, resolve_key=resolve_key).verification_method == ED25519_ID
    assert vc_jwt.verify((GOLDEN / TOKEN).read_text(), resolve_key=resolve_key) == signed
