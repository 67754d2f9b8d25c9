"""Embedded proofs: add one to a document, or check those a document carries.

The generic half of https://www.w3.org/TR/vc-data-integrity/#algorithms; the cryptographic half is in `suites`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Literal

from app.vc.contexts import PINNED_ONLY, ContextPolicy
from app.vc.errors import ModelError, ProofInvalid, VcError
from app.vc.keys import Signer
from app.vc.proof_form import ASSERTION, AUTHENTICATION, MAX_PROOFS, PURPOSES, Expected, Extras
from app.vc.proof_set import ProofSet, ResolveKey, VerifiedProof, matching_proofs, proofs_of, with_previous
from app.vc.suites import SUITES
from app.vc.timestamps import rfc3339

__all__ = [
    "ASSERTION",
    "AUTHENTICATION",
    "MAX_PROOFS",
    "Extras",
    "Required",
    "ResolveKey",
    "VerifiedProof",
    "add_proof",
    "proof_as_object",
    "sign",
    "verify",
    "verify_proofs",
]

Required = Literal["one", "every"]
"""How many proofs must hold: any one (Open Badges 3.0 §8.1), or all of them (Data Integrity §4.5)."""

_NO_EXTRAS: Final = Extras()


def sign(
    document: dict[str, Any],
    *,
    suite: str,
    signer: Signer,
    verification_method: str,
    created: datetime,
    proof_purpose: str = ASSERTION,
    extras: Extras = _NO_EXTRAS,
    policy: ContextPolicy = PINNED_ONLY,
) -> dict[str, Any]:
    """Return a copy of `document` with `proof`, an array of one Data Integrity proof, as its last member.

    `suite`: a name in `suites.SUITES`; `verification_method`: the full id (DID URL) of the signer's key; `created`:
    aware, written in UTC at whole seconds; `proof_purpose`: assertionMethod for credentials, authentication for
    presentations. Raises CanonicalizationRefused for a document an honest verifier could not check, ModelError if it
    already has a proof, ProofInvalid (unsupported_suite) for an unknown suite or a key of the wrong kind,
    (wrong_proof_purpose) for an unknown purpose. https://www.w3.org/TR/vc-data-integrity/#add-proof
    """
    if "proof" in document:
        raise ModelError("malformed_value", "The document already carries a proof.")
    return add_proof(
        document,
        suite=suite,
        signer=signer,
        verification_method=verification_method,
        created=created,
        proof_purpose=proof_purpose,
        extras=extras,
        policy=policy,
    )


def add_proof(
    document: dict[str, Any],
    *,
    suite: str,
    signer: Signer,
    verification_method: str,
    created: datetime,
    proof_purpose: str = ASSERTION,
    extras: Extras = _NO_EXTRAS,
    policy: ContextPolicy = PINNED_ONLY,
) -> dict[str, Any]:
    """Return a copy of `document` with one more proof, in an array after those it already carries.

    Without `extras.previous_proof` the proofs are a set: each stands for itself. With it they are a chain: the new
    proof also secures the proofs it names and holds only while they do. Those are not verified here; do it first.
    Arguments and errors as for `sign`, except that proofs are welcome; further ProofInvalid (proof_not_added) if the
    document would carry more than MAX_PROOFS, an id twice, or not the proofs that the new one names.
    https://www.w3.org/TR/vc-data-integrity/#add-proof-set-chain
    """
    if suite not in SUITES or signer.algorithm not in SUITES[suite].algorithms:
        raise ProofInvalid("unsupported_suite", f"The suite {suite} cannot sign with a key of {signer.algorithm}.")
    if proof_purpose not in PURPOSES:
        raise ProofInvalid("wrong_proof_purpose", "Proofs are not made for that purpose.")
    steps = SUITES[suite]
    proofs = proofs_of(document)
    if "proof" in document and not proofs:
        raise ModelError("malformed_value", "What stands in proof is neither a proof nor a list of them.")
    unsecured = {key: value for key, value in document.items() if key != "proof"}
    secured = with_previous(unsecured, proofs, _previous(proofs, extras))
    options = steps.options_to_sign(
        unsecured,
        {
            "type": "DataIntegrityProof",
            "cryptosuite": suite,
            "created": rfc3339(created),
            "verificationMethod": verification_method,
            "proofPurpose": proof_purpose,
            **extras.members(),
        },
    )
    transformed = steps.transformation(secured, options=options, policy=policy, to_issue=True)
    configuration = steps.proof_configuration(secured, options, policy=policy)
    hash_data = steps.hashing(transformed, configuration, signer.algorithm)
    proof = {**options, "proofValue": steps.proof_serialization(hash_data, signer)}
    return {**unsecured, "proof": [*proofs, proof]}


def proof_as_object(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of `document` in which an array of one proof is that proof, as the VC API writes it.

    No signature covers the difference. https://w3c-ccg.github.io/vc-api/
    """
    proofs = proofs_of(document)
    return {**document, "proof": proofs[0]} if len(proofs) == 1 else document


def verify(
    document: dict[str, Any],
    *,
    resolve_key: ResolveKey,
    required: Required = "one",
    purpose: str = ASSERTION,
    expected_domain: str | Collection[str] | None = None,
    expected_challenge: str | None = None,
    policy: ContextPolicy = PINNED_ONLY,
) -> VerifiedProof:
    """Return the first proof of `document` that holds, if enough of them do; by default one is enough.

    Arguments and errors as for `verify_proofs`.
    """
    return verify_proofs(
        document,
        resolve_key=resolve_key,
        required=required,
        purpose=purpose,
        expected_domain=expected_domain,
        expected_challenge=expected_challenge,
        policy=policy,
    )[0]


def verify_proofs(
    document: dict[str, Any],
    *,
    resolve_key: ResolveKey,
    required: Required = "every",
    purpose: str = ASSERTION,
    expected_domain: str | Collection[str] | None = None,
    expected_challenge: str | None = None,
    policy: ContextPolicy = PINNED_ONLY,
) -> tuple[VerifiedProof, ...]:
    """Return the proofs of `document` that were found to hold: with `required` "every" all, with "one" the first.

    `document` must come from `json_text.loads`. `resolve_key` is called with the verification method's id and
    `purpose`. It must return the key only if the controller's document lists it for that purpose AND the controller is
    one the caller accepts for this document (its issuer); else it raises VcError and the proof does not hold. A proof
    with `previousProof` holds only if those it names hold. `expected_domain` and `expected_challenge` are compared
    where given. Nothing is compared with the clock: see `VerifiedProof.expires`.

    Raises ProofInvalid (no_proof, malformed_proof, unsupported_suite, wrong_proof_purpose, invalid_domain,
    invalid_challenge, bad_signature), CanonicalizationRefused, or what `resolve_key` raises; of several proofs, what
    the first one of a known suite met. https://www.w3.org/TR/vc-data-integrity/#verify-proof-sets-and-chains
    """
    proofs = ProofSet(document, Expected.of(purpose, expected_domain, expected_challenge), resolve_key, policy)
    held: list[VerifiedProof] = []
    failures: list[VcError] = []
    for number in range(len(proofs.proofs)):
        try:
            held.append(proofs.verify(number))
        except VcError as problem:
            failures.append(problem)
        else:
            if required == "one":
                return (held[-1],)
    if failures:
        raise next((problem for problem in failures if problem.code != "unsupported_suite"), failures[0])
    return tuple(held)


def _previous(proofs: list[Any], extras: Extras) -> tuple[int, ...]:
    ids = [proof.get("id") for proof in proofs if isinstance(proof, dict)]
    wanted = (extras.previous_proof,) if isinstance(extras.previous_proof, str) else extras.previous_proof or ()
    if len(proofs) >= MAX_PROOFS or (extras.id is not None and extras.id in ids):
        raise ProofInvalid("proof_not_added", f"A document carries up to {MAX_PROOFS} proofs, each under its own id.")
    try:
        return matching_proofs(proofs, wanted)
    except ProofInvalid as problem:
        raise ProofInvalid("proof_not_added", problem.detail) from problem
