"""Embedded proofs: add one to a document, or check those a document carries.

The generic half of https://www.w3.org/TR/vc-data-integrity/#algorithms; the cryptographic half is in `suites`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.vc.errors import ModelError, ProofInvalid, VcError
from app.vc.keys import PublicKey, Signer
from app.vc.suites import SUITES, Suite
from app.vc.timestamps import parse_rfc3339, rfc3339

ASSERTION: Final = "assertionMethod"
MAX_PROOFS: Final = 8

ResolveKey = Callable[[str, str], PublicKey]
"""(verification method id, proof purpose) → the key; raises VcError. The only place a key may come from."""

# Members that change what a proof means and that this engine does not implement: refused rather than passed over.
_UNREAD: Final = ("@context", "previousProof", "domain", "challenge", "nonce")


@dataclass(frozen=True)
class VerifiedProof:
    """The proof that held, and what it said of itself.

    `proof` is the whole proof object; `created` and `expires` are as written (RFC 3339) or None, and are NOT compared
    with the clock here; `controller` checks (is this the issuer's key?) belong to whoever resolved the key.
    """

    verification_method: str
    cryptosuite: str
    created: str | None
    expires: str | None
    proof: dict[str, Any]


def sign(
    document: dict[str, Any],
    *,
    suite: str,
    signer: Signer,
    verification_method: str,
    created: datetime,
    proof_purpose: str = ASSERTION,
) -> dict[str, Any]:
    """Return a copy of `document` with `proof`, an array of one Data Integrity proof, as its last member.

    `suite`: a name in `suites.SUITES`; `verification_method`: the full id (DID URL) of the signer's key; `created`:
    aware, written in UTC at whole seconds. Raises CanonicalizationRefused for a document an honest verifier could not
    check, ModelError if it already has a proof, ProofInvalid (unsupported_suite) for an unknown suite or a key of the
    wrong kind. https://www.w3.org/TR/vc-data-integrity/#add-proof
    """
    if "proof" in document:
        raise ModelError("malformed_value", "The document already carries a proof.")
    if suite not in SUITES or SUITES[suite].algorithm != signer.algorithm:
        raise ProofInvalid("unsupported_suite", f"The suite {suite} cannot sign with a key of {signer.algorithm}.")
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": rfc3339(created),
        "verificationMethod": verification_method,
        "proofPurpose": proof_purpose,
    }
    steps = SUITES[suite]
    transformed = steps.transformation(document, to_issue=True)
    hash_data = steps.hashing(transformed, steps.proof_configuration(document, options))
    return {**document, "proof": [{**options, "proofValue": steps.proof_serialization(hash_data, signer)}]}


def verify(document: dict[str, Any], *, resolve_key: ResolveKey) -> VerifiedProof:
    """Return the first proof of `document` that holds; one is enough (Open Badges 3.0 §8.1).

    `document` must come from `json_text.loads`. `resolve_key` is called with the verification method's id and the proof
    purpose. It must return the key only if the controller's document lists it for that purpose AND the controller is
    one the caller accepts for this document (its issuer); else it raises VcError and the next proof is tried. Raises
    ProofInvalid (no_proof, malformed_proof, unsupported_suite, wrong_proof_purpose, bad_signature),
    CanonicalizationRefused, or what `resolve_key` raises; of several proofs, what the first one of a known suite met.
    https://www.w3.org/TR/vc-data-integrity/#verify-proof
    """
    proofs = document.get("proof")
    if isinstance(proofs, dict):
        proofs = [proofs]
    if not isinstance(proofs, list) or not proofs:
        raise ProofInvalid("no_proof", "The document carries no proof.")
    if len(proofs) > MAX_PROOFS:
        raise ProofInvalid("malformed_proof", f"The document carries more than {MAX_PROOFS} proofs.")
    unsecured = {key: value for key, value in document.items() if key != "proof"}
    failures: list[VcError] = []
    transformed: dict[str, str | VcError] = {}
    for proof in proofs:
        try:
            return _verify_one(unsecured, transformed, proof, resolve_key)
        except VcError as problem:
            failures.append(problem)
    raise next((problem for problem in failures if problem.code != "unsupported_suite"), failures[0])


def _verify_one(
    unsecured: dict[str, Any], transformed: dict[str, str | VcError], proof: Any, resolve_key: ResolveKey
) -> VerifiedProof:
    method, value, suite = _read(proof)
    steps = SUITES[suite]
    options = {key: member for key, member in proof.items() if key != "proofValue"}
    # Canonicalized before any key is asked for: a document nobody can check causes no traffic. And once only.
    if suite not in transformed:
        transformed[suite] = _transform(steps, unsecured)
    canonical = transformed[suite]
    if isinstance(canonical, VcError):
        raise canonical
    hash_data = steps.hashing(canonical, steps.proof_configuration(unsecured, options))
    key = resolve_key(method, ASSERTION)
    if key.algorithm != steps.algorithm:
        raise ProofInvalid("unsupported_suite", f"The suite {suite} does not go with a key of {key.algorithm}.")
    steps.proof_verification(hash_data, value, key)
    return VerifiedProof(method, suite, proof.get("created"), proof.get("expires"), dict(proof))


def _transform(steps: Suite, unsecured: dict[str, Any]) -> str | VcError:
    try:
        return steps.transformation(unsecured)
    except VcError as problem:
        return problem


def _read(proof: Any) -> tuple[str, str, str]:
    """Return the method, value and suite of a proof whose form is right."""
    if not isinstance(proof, dict):
        raise ProofInvalid("malformed_proof", "A proof must be an object.")
    suite, method, value = (proof.get(key) for key in ("cryptosuite", "verificationMethod", "proofValue"))
    if proof.get("type") != "DataIntegrityProof" or not isinstance(suite, str) or suite not in SUITES:
        raise ProofInvalid("unsupported_suite", "The proof is of a kind this engine does not check.")
    if proof.get("proofPurpose") != ASSERTION:
        raise ProofInvalid("wrong_proof_purpose", "The proof was not made to assert a credential.")
    if not isinstance(method, str) or not method or not isinstance(value, str) or not value:
        raise ProofInvalid("malformed_proof", "The proof does not name its key or has no value.")
    for member in ("created", "expires"):
        if member in proof:
            _check_date(member, proof[member])
    for member in _UNREAD:
        if member in proof:
            raise ProofInvalid("unsupported_suite", f"The proof uses {member}, which this engine does not check.")
    return method, value, suite


def _check_date(member: str, value: Any) -> None:
    try:
        parse_rfc3339(value)
    except ModelError as problem:
        raise ProofInvalid("malformed_proof", f"The proof's {member} is not a date with time and zone.") from problem
