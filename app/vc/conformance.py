"""What the VC API of the conformance suites asks of the engine: issue by did:key, verify "proof only".

Weaker than the product in three ways, each because the suites demand it: documents may bring contexts of their own,
keys are did:key, and whoever signed need not be the issuer. Nothing here may be reachable in production.
https://w3c-ccg.github.io/vc-api/
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.vc import data_integrity, data_model, did, enveloping, multibase, status_list
from app.vc.contexts import CONFORMANCE, DATA_INTEGRITY_V1, DATA_INTEGRITY_V2
from app.vc.data_model_values import malformed
from app.vc.errors import DidError, ProofInvalid
from app.vc.keys import Ed25519Signer, P256Signer, PublicKey
from app.vc.timestamps import parse_rfc3339

SUITES: Final = ("eddsa-rdfc-2022", "eddsa-jcs-2022")
"""The suites that this API issues with."""

_DEFAULT_SUITE: Final = SUITES[0]
_P384_PREFIX: Final = b"\x81\x24"  # multicodec p384-pub, https://www.w3.org/TR/cid-1.0/#Multikey
# The order of each curve's base point, SP 800-186 §3.2.1
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P384_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
_PURPOSES: Final = (data_integrity.AUTHENTICATION, data_integrity.ASSERTION)


@dataclass(frozen=True)
class Expected:
    """What a request to verify asks for beside the proof; None where it asks nothing.

    `purpose`: of the proofs; `domain` and `challenge`: what they must be bound to.
    """

    purpose: str | None = None
    domain: str | tuple[str, ...] | None = None
    challenge: str | None = None


NOTHING_EXPECTED: Final = Expected()


@dataclass(frozen=True)
class Dids:
    """The did:keys of this server: one for each kind of key that suites ask for."""

    ed25519: str
    p256: str
    p384: str


class Conformance:
    """An issuer and verifier with keys of its own and one status list, all in memory.

    Args:
        secret: 32 bytes or more from which every key is derived, so that all processes of a server, and the server
            started again, have the same.
        status_list_url: where the list is served.
    """

    def __init__(self, secret: bytes, *, status_list_url: str) -> None:
        self._signer = Ed25519Signer.from_private_bytes(_derived(secret, b"ed25519", 32))
        p256, p384 = _ec_key(secret, b"p-256", ec.SECP256R1(), _P256_ORDER), _p384_key(secret)
        self.dids = Dids(
            ed25519=f"did:key:{self._signer.public_key.multikey}",
            p256=f"did:key:{P256Signer(p256).public_key.multikey}",
            p384=f"did:key:{multibase.encode(_P384_PREFIX + p384)}",
        )
        self._method = f"{self.dids.ed25519}#{self._signer.public_key.multikey}"
        self._list_url = status_list_url
        self._index_key = _derived(secret, b"status index", 32)
        self._issued = 0
        self._guard = Lock()

    def issue(self, document: dict[str, Any], *, at: datetime, suite: str = _DEFAULT_SUITE) -> dict[str, Any]:
        """Return a credential of either version with one proof, an object.

        `at`: the moment the proof is made, aware; `suite`: one of `SUITES`. Whether its issuer is this server's did:key
        is not asked. Raises ModelError, CanonicalizationRefused, StatusListError or ProofInvalid.
        """
        facts = data_model.read_credential(document, to_issue=True)
        if facts.version == "1.1":
            document = _with_proof_context(document)
        signed = data_integrity.sign(
            document,
            suite=suite,
            signer=self._signer,
            verification_method=self._method,
            created=at,
            policy=CONFORMANCE,
        )
        return data_integrity.proof_as_object(signed)

    def issue_with_status(self, document: dict[str, Any], *, at: datetime) -> dict[str, Any]:
        """Return the same with a place in this server's status list as its credentialStatus.

        Raises as `issue`, and StatusListError (status_range) once the list is full.
        """
        if "credentialStatus" in document:
            raise malformed("The status is given by this server; the credential must not have one yet.")
        data_model.read_credential(document, to_issue=True)
        with self._guard:
            counter, self._issued = self._issued, self._issued + 1
        index = status_list.permuted_index(counter, self._index_key, status_list.MINIMUM_ENTRIES)
        entry = status_list.entry(self._list_url, index)
        return self.issue({**document, "credentialStatus": entry}, at=at)

    def status_list(self, *, at: datetime) -> dict[str, Any]:
        """Return the signed status list credential; no bit is ever set in it."""
        unsigned = status_list.status_list_credential(
            list_url=self._list_url,
            issuer=self.dids.ed25519,
            encoded_list=status_list.encode_list(()),
            valid_from=at,
        )
        return self.issue(unsigned, at=at)

    def verify_credential(
        self, document: dict[str, Any], *, at: datetime, expected: Expected = NOTHING_EXPECTED
    ) -> data_model.Credential:
        """Return what a credential says, embedded proofs or enveloped, if its form is right and all its proofs hold.

        `at`: the moment, for proofs that expire. A domain or challenge is compared only with proofs that have one.
        Raises VcError of every kind.
        """
        if enveloping.is_enveloped(document, "credential"):
            inside = enveloping.open_envelope(document, "credential", resolve_key=resolve_did_key)
            return data_model.read_credential(inside)
        _check_arrays(document)
        facts = data_model.read_credential(document)
        proofs = _as_list(document.get("proof"))
        _check_proofs(
            document,
            purpose=expected.purpose or data_integrity.ASSERTION,
            domain=expected.domain if _says(proofs, "domain") else None,
            challenge=expected.challenge if _says(proofs, "challenge") else None,
            at=at,
        )
        return facts

    def verify_presentation(
        self, document: dict[str, Any], *, at: datetime, expected: Expected = NOTHING_EXPECTED
    ) -> data_model.Presentation:
        """Return what a presentation says, if its form is right, its proofs hold, and so do those of all in it.

        Raises VcError of every kind.
        """
        if enveloping.is_enveloped(document, "presentation"):
            inside = enveloping.open_envelope(
                document, "presentation", resolve_key=resolve_did_key, challenge=expected.challenge
            )
            facts = data_model.read_presentation(_flattened(inside))
            self._verify_all(facts, facts.holder, at)
            return facts
        _check_arrays(document)
        facts = data_model.read_presentation(document)
        said = [proof.get("proofPurpose") for proof in _as_list(document.get("proof")) if isinstance(proof, dict)]
        stated = next((purpose for purpose in said if purpose in _PURPOSES), data_integrity.AUTHENTICATION)
        proofs = _check_proofs(
            document,
            purpose=expected.purpose or stated,
            domain=expected.domain,
            challenge=expected.challenge,
            at=at,
        )
        self._verify_all(facts, proofs[0].verification_method.partition("#")[0], at)
        return facts

    def _verify_all(self, facts: data_model.Presentation, signer: str | None, at: datetime) -> None:
        for credential in facts.credentials:
            if "proof" in credential or enveloping.is_enveloped(credential, "credential"):
                self.verify_credential(credential, at=at)
            else:
                _check_self_asserted(credential, facts.holder, signer)


def resolve_did_key(method: str, purpose: str) -> PublicKey:
    """Return the key of a did:key's verification method, which serves every purpose.

    Raises DidError (did_unsupported, did_malformed, key_not_found) or KeyInvalid. `data_integrity.ResolveKey`
    """
    name, hash_sign, fragment = method.partition("#")
    key = did.did_key(name)
    if hash_sign and fragment != name.removeprefix("did:key:"):
        raise DidError("key_not_found", f"The did:key has no such key for {purpose[:40]!a}.")
    return key


def _derived(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=b"conformance " + purpose).derive(secret)


def _ec_key(secret: bytes, purpose: bytes, curve: ec.EllipticCurve, order: int) -> ec.EllipticCurvePrivateKey:
    # Sixteen bytes more than the order has, so that the remainder favours no key (FIPS 186-5 §A.2.1).
    number = int.from_bytes(_derived(secret, purpose, order.bit_length() // 8 + 16))
    return ec.derive_private_key(number % (order - 1) + 1, curve)


def _p384_key(secret: bytes) -> bytes:
    """The compressed point of a key that nothing is signed with: suites only ask that there is a DID of its kind."""
    key = _ec_key(secret, b"p-384", ec.SECP384R1(), _P384_ORDER)
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _with_proof_context(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1.1 knows no Data Integrity proofs: the context that does is put last."""
    named = document["@context"]
    known = any(entry in (DATA_INTEGRITY_V1, DATA_INTEGRITY_V2) for entry in named)
    return document if known else {**document, "@context": [*named, DATA_INTEGRITY_V2]}


def _check_proofs(
    document: dict[str, Any],
    *,
    purpose: str,
    domain: str | Collection[str] | None,
    challenge: str | None,
    at: datetime,
) -> tuple[data_integrity.VerifiedProof, ...]:
    """Every proof of the document, if all hold and none has expired."""
    if purpose not in _PURPOSES:
        raise ProofInvalid("wrong_proof_purpose", "The proof was not made for that purpose.")
    proofs = data_integrity.verify_proofs(
        document,
        resolve_key=resolve_did_key,
        required="every",
        purpose=purpose,
        expected_domain=domain,
        expected_challenge=challenge,
        policy=CONFORMANCE,
    )
    for proof in proofs:
        if proof.expires is not None and parse_rfc3339(proof.expires) <= at:
            raise ProofInvalid("proof_expired", "A proof has expired.")
    return proofs


def _check_arrays(document: dict[str, Any]) -> None:
    """The suites of this API want the contexts and types of what is verified written as arrays."""
    if not isinstance(document.get("type"), list):
        raise malformed("The type must be an array.")


def _check_self_asserted(credential: dict[str, Any], holder: str | None, signer: str | None) -> None:
    """A credential that only the presentation's proof secures speaks for its holder alone (§4.13.4)."""
    issuer = data_model.read_credential(credential).issuer
    if holder is None or issuer != holder or signer != holder:
        raise malformed("A credential without a proof of its own must be issued by the presentation's holder.")


def _flattened(presentation: dict[str, Any]) -> dict[str, Any]:
    """Tokens in use wrap the array of credentials in another one."""
    inside = presentation.get("verifiableCredential")
    if isinstance(inside, list) and len(inside) == 1 and isinstance(inside[0], list):
        return {**presentation, "verifiableCredential": inside[0]}
    return presentation


def _says(proofs: list[Any], member: str) -> bool:
    return any(isinstance(proof, dict) and member in proof for proof in proofs)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
