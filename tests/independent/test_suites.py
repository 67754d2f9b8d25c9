"""Each cryptosuite and each algorithm of tokens, in both directions: they read what we sign, we read what they sign."""

from __future__ import annotations

import base64
import copy
import json
from functools import lru_cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from app.vc import data_integrity, json_text, multibase, vc_jwt
from app.vc.errors import VcError
from app.vc.keys import PublicKey, RsaSigner, Signer
from tests.vc.samples import CREATED, DID, ED25519, ED25519_ID, P256, P256_ID, issuer_document, unsigned
from tests.vc.samples import resolve_key as resolve_sample

from .changes import changed_at
from .node import Documents, Node

RSA_ID = f"{DID}#key-3"
DID_DOCUMENT: Documents = {
    "https://badges.example.au/issuers/ips/did.json": {
        "type": "application/json",
        "text": json.dumps(issuer_document()),
    }
}
suites = pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
algorithms = pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])


def _document() -> dict[str, Any]:
    """A badge without a status list, which is not what is judged here."""
    return unsigned(status=None)


def _signed(suite: str) -> dict[str, Any]:
    return data_integrity.sign(
        _document(), suite=suite, signer=ED25519, verification_method=ED25519_ID, created=CREATED
    )


def _accepts(node: Node, document: dict[str, Any], suite: str) -> bool:
    answer = node.ask("proof", DID_DOCUMENT, document=json.dumps(document), cryptosuite=suite)
    assert answer["verified"] is not bool(answer["errors"]), answer
    return bool(answer["verified"])


def _we_accept(document: dict[str, Any]) -> bool:
    try:
        data_integrity.verify(json_text.loads(json.dumps(document)), resolve_key=resolve_sample)
    except VcError:
        return False
    return True


@suites
def test_they_verify_our_proof(node: Node, suite: str) -> None:
    assert _accepts(node, _signed(suite), suite)
    assert _accepts(node, data_integrity.proof_as_object(_signed(suite)), suite)


@suites
def test_we_verify_their_proof_and_it_is_the_one_we_make(node: Node, suite: str) -> None:
    key = {
        "type": "Multikey",
        "id": ED25519_ID,
        "controller": DID,
        "publicKeyMultibase": ED25519.public_key.multikey,
        "secretKeyMultibase": multibase.encode(b"\x80\x26" + ED25519.private_bytes()),
    }
    answer = node.ask(
        "signProof", DID_DOCUMENT, document=json.dumps(_document()), cryptosuite=suite, key=key,
        created="2025-03-02T01:00:00Z",
    )  # fmt: skip
    assert answer["errors"] == []
    theirs = answer["signed"]
    assert theirs["proof"] == _signed(suite)["proof"][0]
    assert _we_accept(theirs)


PLACES = (
    "name", "validUntil", "issuer.name", "credentialSubject.id", "credentialSubject.identifier.0.salt",
    "credentialSubject.result.0.achievedLevel", "credentialSubject.achievement.criteria.narrative",
    "credentialSubject.achievement.alignment.1.targetUrl", "relatedResource.0.digestMultibase",
    "proof.0.created", "proof.0.verificationMethod", "proof.0.proofValue",
)  # fmt: skip


@suites
@pytest.mark.parametrize("place", PLACES)
def test_one_changed_character_fails_there_and_here(node: Node, suite: str, place: str) -> None:
    changed = changed_at(_signed(suite), place)
    assert not _accepts(node, changed, suite)
    assert not _we_accept(changed)


def _with_fewer_contexts(document: dict[str, Any]) -> None:
    document["proof"][0]["@context"].pop()


def _with_other_contexts(document: dict[str, Any]) -> None:
    document["proof"][0]["@context"][1] = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json"


def _with_contexts_in_another_order(document: dict[str, Any]) -> None:
    document["@context"][1:] = reversed(document["@context"][1:])


def _with_another_order_of_an_array(document: dict[str, Any]) -> None:
    document["credentialSubject"]["achievement"]["tag"].reverse()


def _with_an_empty_array(document: dict[str, Any]) -> None:
    document["credentialSubject"]["achievement"]["tag"] = []


@pytest.mark.parametrize(
    "change",
    [
        _with_fewer_contexts,
        _with_other_contexts,
        _with_contexts_in_another_order,
        _with_another_order_of_an_array,
        _with_an_empty_array,
    ],
)
def test_what_only_the_text_suite_sees_fails_there_and_here(node: Node, change: Any) -> None:
    document = copy.deepcopy(_signed("eddsa-jcs-2022"))
    change(document)
    assert not _accepts(node, document, "eddsa-jcs-2022")
    assert not _we_accept(document)


def test_contexts_added_after_signing_are_passed_over_there_and_here(node: Node) -> None:
    document = _signed("eddsa-jcs-2022")
    document["@context"] = [*document["@context"], "https://w3id.org/security/data-integrity/v2"]
    assert _accepts(node, document, "eddsa-jcs-2022")
    assert _we_accept(document)


@lru_cache(maxsize=1)
def _rsa() -> RsaSigner:
    return RsaSigner.generate()


def _of(alg: str) -> tuple[Signer, str]:
    return {"ES256": (P256, P256_ID), "EdDSA": (ED25519, ED25519_ID)}.get(alg) or (_rsa(), RSA_ID)


def _resolve(method_id: str, purpose: str) -> PublicKey:
    return _rsa().public_key if method_id == RSA_ID else resolve_sample(method_id, purpose)


@algorithms
def test_jose_reads_our_token_and_refuses_a_changed_one(node: Node, alg: vc_jwt.Alg) -> None:
    signer, kid = _of(alg)
    token = vc_jwt.sign(_document(), signer=signer, kid=kid, alg=alg)
    answer = node.ask("jws", {}, token=token, key=signer.public_key.to_jwk(), alg=alg)
    assert answer["verified"] is True, answer
    assert {name: answer["payload"][name] for name in _document()} == _document()
    for place in (10, 500, len(token) - 20):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert node.ask("jws", {}, token=changed, key=signer.public_key.to_jwk(), alg=alg)["verified"] is False
        with pytest.raises(VcError):
            vc_jwt.verify(changed, resolve_key=_resolve)


@algorithms
def test_we_read_the_token_that_jose_signs(node: Node, alg: vc_jwt.Alg) -> None:
    signer, kid = _of(alg)
    ours = vc_jwt.sign(_document(), signer=signer, kid=kid, alg=alg).split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(ours + "=" * (-len(ours) % 4)))
    private: Any = signer._key  # type: ignore[attr-defined]  # the same key in the other library's hands
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    answer = node.ask("signJws", {}, payload=payload, pem=pem, header={"alg": alg, "kid": kid, "typ": "JWT"})
    assert vc_jwt.verify(answer["token"], resolve_key=_resolve) == _document()
