"""A second opinion: the verifiers of openbadgeslib, and the sample badges of the 1EdTech validator."""

import copy
from typing import Any

import pytest
from openbadgeslib.ob3 import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from app.vc import baking, data_integrity, json_text, status_list, vc_jwt
from app.vc.errors import VcError
from app.vc.keys import PublicKey
from tests.vc.samples import (
    CREATED,
    DID,
    ED25519,
    ED25519_ID,
    P256,
    P256_ID,
    REFERENCE_DATA,
    issuer_document,
    resolve_key,
    unsigned,
)
from tests.vc.test_open_badges import BARE

SAMPLES = REFERENCE_DATA / "ob3-samples"
needs_samples = pytest.mark.skipif(
    not SAMPLES.exists(), reason="the 1EdTech sample badges are not in WAYMARK_TEST_DATA"
)


def _download(url: str, *_: Any, **__: Any) -> bytes:
    assert url == "https://badges.example.au/issuers/ips/did.json"
    return json_text.dumps(issuer_document())


def _signed(**changes: Any) -> dict[str, Any]:
    return data_integrity.sign(
        unsigned(**changes), suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )


def _ask_openbadgeslib(document: dict[str, Any]) -> Any:
    return OB3LdpVerifier.for_issuer_did(DID, download=_download).verify(document, download=_download)


@pytest.mark.parametrize("changes", [{}, BARE])
def test_openbadgeslib_verifies_our_badge(changes: dict[str, Any]) -> None:
    signed = _signed(**changes)
    assert _ask_openbadgeslib(signed).id == signed["id"]


@pytest.mark.parametrize("member", ["name", "validUntil", "awardedDate"])
def test_one_changed_character_fails_there_and_here(member: str) -> None:
    signed = _signed()
    signed[member] = signed[member].replace("0", "1", 1) if member != "name" else signed[member] + "."
    with pytest.raises(OB3VerificationError):
        _ask_openbadgeslib(signed)
    with pytest.raises(VcError):
        data_integrity.verify(signed, resolve_key=resolve_key)


@pytest.mark.parametrize(
    "change",
    [
        {"workload": 6},
        {"description": None},
        {"evidence": [{"id": unsigned()["id"], "type": ["Evidence"], "name": "moved"}]},
        {"https://www.w3.org/2018/credentials#validUntil": "2999-01-01T00:00:00Z"},
        {"@included": []},
        {"id": "relative"},
    ],
)
def test_both_refuse_unsigned_or_misplaced_members(change: dict[str, Any]) -> None:
    document = {**copy.deepcopy(_signed()), **change}
    with pytest.raises(OB3VerificationError):
        _ask_openbadgeslib(document)
    with pytest.raises(VcError):
        data_integrity.verify(document, resolve_key=resolve_key)


@pytest.mark.parametrize(("signer", "kid", "alg"), [(P256, P256_ID, "ES256"), (ED25519, ED25519_ID, "EdDSA")])
def test_openbadgeslib_verifies_our_token_and_refuses_a_changed_one(signer: Any, kid: str, alg: vc_jwt.Alg) -> None:
    signed = _signed()
    token = vc_jwt.sign(signed, signer=signer, kid=kid, alg=alg)
    verifier = OB3Verifier.for_issuer_did(DID, download=_download)
    assert verifier.verify(token).id == signed["id"]
    changed = token[:900] + ("A" if token[900] != "A" else "B") + token[901:]
    with pytest.raises(OB3VerificationError):
        verifier.verify(changed)
    with pytest.raises(VcError):
        vc_jwt.verify(changed, resolve_key=resolve_key)


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("form", ["jwt", "embedded proof"])
def test_openbadgeslib_reads_our_status_list(form: str, revoked: bool) -> None:
    """It checks the proof of a list only in the JWT form; the embedded form it reads without."""
    signed = _signed()
    status = signed["credentialStatus"]
    encoded = status_list.encode_list([int(status["statusListIndex"])] if revoked else [])
    unsigned_list = status_list.status_list_credential(
        list_url=status["statusListCredential"], issuer=DID, encoded_list=encoded, valid_from=CREATED
    )
    embedded = data_integrity.sign(
        unsigned_list, suite="eddsa-rdfc-2022", signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )
    token = vc_jwt.sign(unsigned_list, signer=P256, kid=P256_ID)
    served = token.encode() if form == "jwt" else json_text.dumps(embedded)

    def download(url: str, *_: Any, **__: Any) -> bytes:
        return served if url == unsigned_list["id"] else _download(url)

    verifier = OB3LdpVerifier.for_issuer_did(DID, download=download)
    options: dict[str, Any] = {"check_status": True, "download": download, "verify_status_list": form == "jwt"}
    if revoked:
        with pytest.raises(OB3VerificationError, match="'revocation' is set"):
            verifier.verify(signed, **options)
    else:
        assert verifier.verify(signed, **options).id == signed["id"]


def _key_in_name(method_id: str, _purpose: str) -> PublicKey:
    """Take the key from the name: the samples' issuers exist nowhere, so only document and proof are judged here."""
    return PublicKey.from_multikey(method_id.rpartition("#")[2].removeprefix("did:key:"))


def _verdict(name: str) -> str:
    try:
        data_integrity.verify(json_text.loads((SAMPLES / name).read_bytes()), resolve_key=_key_in_name)
    except VcError as problem:
        return problem.code
    return "ok"


@needs_samples
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("valid/simple.json", "ok"),
        ("valid/simple-did-key-method.json", "ok"),
        ("valid/simple-did-web-method.json", "ok"),
        ("valid/endorsement-valid.json", "ok"),
        ("valid/bitstring-testlist.json", "ok"),
        ("valid/clr20/simple.json", "ok"),
        ("valid/derivedcredential.json", "unsupported_suite"),
        ("warning/simple-context-version.json", "ok"),
        ("warning/simple_v1.json", "unsupported_suite"),
        ("invalid/bitstring-credential-status-revoked-blank-nodes.json", "ok"),
        ("invalid/simple-multiple-proofs.json", "ok"),
        ("invalid/simple-err-expired.json", "ok"),
        ("invalid/simple-noproof.json", "no_proof"),
        ("invalid/simple-err-context.json", "context_order"),
        ("invalid/simple-err-proof-value.json", "bad_signature"),
        ("invalid/complete.json", "bad_signature"),
        ("invalid/simple-err-type.json", "unsafe_jsonld"),
        ("invalid/simple-err-evidence-type.json", "unsafe_jsonld"),
        ("invalid/simple-err-proof-method-no-scheme.json", "unsafe_jsonld"),
    ],
)
def test_the_sample_badges_get_the_verdict_their_proofs_deserve(name: str, verdict: str) -> None:
    assert _verdict(name) == verdict


@needs_samples
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("valid/simple-json.png", b"{"),
        ("valid/simple-jwt.png", b"eyJ"),
        ("valid/simple-json.svg", b"{"),
        ("valid/simple-jwt.svg", b"eyJ"),
    ],
)
def test_the_sample_pictures_give_their_badges(name: str, start: bytes) -> None:
    unbake = baking.unbake_png if name.endswith("png") else baking.unbake_svg
    assert unbake((SAMPLES / name).read_bytes()).startswith(start)
