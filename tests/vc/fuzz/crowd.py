"""Credentials that differ in everything a cache may be keyed by, as many as one likes; the same ones every time."""

from __future__ import annotations

import copy
import random
from datetime import timedelta
from typing import Any

from app.vc import data_integrity, json_text, vc_jwt
from app.vc.canonicalization import canonicalize, canonicalize_generally
from app.vc.contexts import CREDENTIAL_CONTEXTS, VC_V2
from app.vc.errors import VcError
from app.vc.keys import PublicKey
from tests.vc.samples import CREATED, ED25519, P256, unsigned

from .documents import CONTEXTS, TYPES

BADGE = unsigned()


def key_of(method_id: str, _purpose: str) -> PublicKey:
    """The key of anybody."""
    return (P256 if method_id.endswith("#token") else ED25519).public_key


def credential(number: int) -> dict[str, Any]:
    """The badge of this number: another achievement, issuer, holder and text."""
    document = copy.deepcopy(BADGE)
    document["id"] = f"urn:x:credential:{number}"
    document["name"] = f"Badge {number} \U0001f331"
    document["issuer"] |= {"id": f"did:web:issuer-{number}.example", "name": f"Issuer {number}"}
    document["credentialSubject"]["id"] = f"urn:x:holder:{number}"
    achievement = document["credentialSubject"]["achievement"]
    achievement |= {"id": f"urn:x:achievement:{number}", "version": f"{number}", "tag": [f"tag {number}"]}
    return document


def sign_and_verify(number: int) -> None:
    """Sign one badge both ways and verify both; names, dates and keys differ from every other's."""
    document = credential(number)
    method = f"did:web:issuer-{number}.example#key"
    created = CREATED + timedelta(seconds=number)
    signed = data_integrity.sign(
        document, suite="eddsa-rdfc-2022", signer=ED25519, verification_method=method, created=created
    )
    data_integrity.verify(json_text.loads(json_text.dumps(signed)), resolve_key=key_of)
    token = vc_jwt.sign(signed, signer=P256, kid=f"did:web:issuer-{number}.example#token")
    vc_jwt.verify(token, resolve_key=key_of)


def stranger(number: int) -> dict[str, Any]:
    """A document with contexts and types in an order that nobody else uses, and words of its own."""
    chosen = random.Random(number)
    document = credential(number)
    extra = chosen.sample(CONTEXTS, chosen.randint(0, 3))
    document["@context"] = list(CREDENTIAL_CONTEXTS) if number % 2 else [VC_V2, *extra]
    for part in (document["credentialSubject"], document["credentialSubject"]["achievement"], document["issuer"]):
        part["type"] = [part["type"][0], *chosen.choices(TYPES, k=chosen.randint(0, 5))]
    document["evidence"] = [{"id": f"https://example.org/{number}/é", "type": ["Evidence"], f"unknown{number}": 1}]
    if chosen.random() < 0.7:
        del document["evidence"][0][f"unknown{number}"]
    return document


def read_a_stranger(number: int) -> None:
    """Canonicalize such a document; it may well be refused."""
    document = stranger(number)
    proof = {
        "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "proofPurpose": "assertionMethod",
        "verificationMethod": f"did:web:{number}.example#k", "created": "2026-01-01T00:00:00Z",
        "expires": f"2126-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z", "proofValue": "z" + "1" * 64,
    }  # fmt: skip
    for act in (canonicalize, *([canonicalize_generally] if number % 25 == 0 else [])):
        try:
            act(document)
        except VcError:
            continue
    try:
        data_integrity.verify({**document, "proof": proof}, resolve_key=key_of)
    except VcError:
        return
