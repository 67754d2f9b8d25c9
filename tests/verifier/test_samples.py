"""The samples of the 1EdTech validator: the verdict of their manifest, or a difference that is written down.

Other people's files are not copied into this repository; these tests skip where they are absent. No sample's issuer can
be asked: keys lie at the issuers' addresses here as the samples' own ids give them, so that signatures are put to the
test and not only the lack of a network.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.vc import baking, json_text
from app.verifier import reading
from app.verifier.known_issuers import KnownIssuers
from app.verifier.schemas import Presented, Report
from app.verifier.service import Verifier, verify
from app.verifier.wording import Stopped
from app.wiring import Services
from tests.vc.samples import REFERENCE_DATA
from tests.verifier.field import PNG, SVG, Web, outcome

FOLDER: Final = REFERENCE_DATA / "ob3-samples"
PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "verification.md"
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
GOOD: Final = frozenset({"valid", "valid_unknown_issuer"})
OPEN: Final = frozenset({"unknown"})
EXPECTED: Final[Mapping[str, frozenset[str]]] = {
    "VALID": GOOD,
    "WARNING": GOOD,
    "INVALID": frozenset({"invalid", "revoked", "suspended", "expired", "not_yet_valid"}),
}
# What the manifest does not say, or what we say otherwise: each in docs/verification.md with its reason.
DIFFERENT: Final[Mapping[str, tuple[str, str]]] = {
    "valid/simple-did-key-method.json": ("invalid", "issuer_key_mismatch"),
    "valid/simple-jwt.png": ("invalid", "key_not_found"),
    "valid/simple-jwt.svg": ("invalid", "key_not_found"),
    "valid/derivedcredential.json": ("unknown", "unsupported_suite"),
    "valid/endorsement-valid.json": ("invalid", "not_a_badge"),
    "valid/bitstring-testlist.json": ("invalid", "context_missing"),
    "warning/simple_v1.json": ("unknown", "context_unknown"),
    "warning/simple-jwt_v1.png": ("invalid", "jwt_sub_mismatch"),
    "warning/simple-jwt_v1.svg": ("invalid", "jwt_sub_mismatch"),
    "warning/simple-eddsa-2022.json": ("unknown", "unsupported_suite"),
    "invalid/complete_v1.json": ("unknown", "context_unknown"),
    "invalid/credential-status-revoked.json": ("unknown", "unsupported_suite"),
    "invalid/endorsement-err-schema-status-refresh.json": ("unknown", "context_unknown"),
    "invalid/velocity.jwt": ("unknown", "context_unknown"),
    "invalid/simple.jwt": ("invalid", "context_missing"),
    "valid/clr20/simple.json": ("invalid", "context_order"),
    "valid/clr20/simple.jwt": ("invalid", "context_missing"),
    "warning/clr20/simple_v1.json": ("unknown", "context_unknown"),
    "invalid/clr20/complex.json": ("unknown", "context_unknown"),
    "invalid/clr20/simple_old_safesigned.json": ("unknown", "context_unknown"),
}


def _manifest() -> dict[str, str]:
    if not (FOLDER / "MANIFEST.tsv").is_file():
        return {}
    with (FOLDER / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["expected"] for row in csv.DictReader(file, delimiter="\t")}


MANIFEST: Final = _manifest()
NAMES: Final = sorted(MANIFEST) or [
    pytest.param("", marks=pytest.mark.skip(reason="the 1EdTech validator's samples are not here"))
]
needs_samples = pytest.mark.skipif(not MANIFEST, reason="the 1EdTech validator's samples are not here")


def _bytes(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def _web(name: str) -> Web:
    """Each key that the sample names, at its issuer's address; and the sample list, where the sample has its status."""
    web = Web()
    try:
        document = reading.read(Presented.from_bytes(_bytes(name)), web).document
    except Stopped:
        return web
    proofs = document.get("proof", [])
    for proof in proofs if isinstance(proofs, list) else [proofs]:
        method = proof.get("verificationMethod", "")
        issuer, _, key = method.partition("#")
        if issuer.startswith("https://") and key.startswith("z"):
            listed = {"id": method, "type": "Multikey", "controller": issuer, "publicKeyMultibase": key}
            web.pages[issuer] = json.dumps(
                {"id": issuer, "verificationMethod": [listed], "assertionMethod": [method]}
            ).encode()
    status = document.get("credentialStatus") or {}
    if "statusListCredential" in status:
        web.pages[status["statusListCredential"]] = _bytes("valid/bitstring-testlist.json")
    return web


def _judge(name: str, data: bytes | None = None) -> Report:
    presented = Presented.from_bytes(_bytes(name) if data is None else data)
    return verify(presented, source=_web(name), known_issuers=KnownIssuers(), at=NOW)


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_gets_its_verdict_or_the_difference_that_is_written_down(name: str) -> None:
    found = outcome(_judge(name))
    if name in DIFFERENT:
        assert found == DIFFERENT[name]
    else:
        assert found[0] in EXPECTED[MANIFEST[name]], found


@needs_samples
def test_nothing_that_the_manifest_calls_invalid_is_valid_here() -> None:
    assert [name for name, said in MANIFEST.items() if said == "INVALID" and _judge(name).is_valid] == []


@needs_samples
def test_each_difference_has_its_reason_in_the_documentation() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in DIFFERENT if f"`{name}`" not in text] == []
    assert set(DIFFERENT) <= set(MANIFEST)
    really = {name for name in DIFFERENT if DIFFERENT[name][0] not in EXPECTED.get(MANIFEST[name], frozenset())}
    assert really == set(DIFFERENT), "these do not differ"


@pytest.mark.parametrize("name", NAMES)
def test_in_a_picture_it_gets_the_same_verdict(name: str) -> None:
    data = _bytes(name)
    if not name.endswith((".json", ".1ob", ".jwt")):
        pytest.skip("it is a picture already")
    expected = outcome(_judge(name))
    # An SVG file cannot hold every kind of blank that stands between members.
    plain = data if name.endswith(".jwt") else json_text.dumps(json.loads(data))
    for picture in (baking.bake_png(PNG, data), baking.bake_svg(SVG, plain)):
        assert outcome(_judge(name, picture)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_as_an_upload_it_gets_the_same_verdict(services: Services, name: str) -> None:
    verifier = Verifier(_web(name), KnownIssuers())
    with TestClient(create_app(services=Services(services.runtime, verifier))) as client:
        answer = client.post("/api/v1/verify", files={"file": (Path(name).name, _bytes(name))})
    assert answer.status_code == 200
    assert answer.json()["verdict"] == _judge(name).verdict
