"""All proofs of one document, each verified once, and no proof before those it rests on.

https://www.w3.org/TR/vc-data-integrity/#verify-proof-sets-and-chains
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.vc.contexts import ContextPolicy
from app.vc.errors import ProofInvalid, VcError
from app.vc.keys import PublicKey
from app.vc.proof_form import MAX_PROOFS, Expected, ProofForm, malformed, read
from app.vc.suites import SUITES, AnySuite

ResolveKey = Callable[[str, str], PublicKey]
"""(verification method id, proof purpose) → the key; raises VcError. The only place a key may come from."""


@dataclass(frozen=True)
class VerifiedProof:
    """A proof that held, and what it said of itself.

    `proof` is the whole proof object, which also tells its `domain`, `challenge` and `previousProof`; `created` and
    `expires` are as written (RFC 3339) or None, and are NOT compared with the clock here; `controller` checks (is this
    the issuer's key?) belong to whoever resolved the key.
    """

    verification_method: str
    cryptosuite: str
    created: str | None
    expires: str | None
    proof: dict[str, Any]


class ProofSet:
    """The proofs of a document while they are verified; raises ProofInvalid (no_proof, malformed_proof) if there is
    none, or there are more than MAX_PROOFS.

    The work is bounded: each proof is verified once at most, and one that rests on others only after those held, so a
    stranger without a valid proof cannot have the document canonicalized for each of many combinations.
    """

    def __init__(
        self, document: dict[str, Any], expected: Expected, resolve_key: ResolveKey, policy: ContextPolicy
    ) -> None:
        self.proofs = proofs_of(document)
        if not self.proofs:
            raise ProofInvalid("no_proof", "The document carries no proof.")
        if len(self.proofs) > MAX_PROOFS:
            raise malformed(f"The document carries more than {MAX_PROOFS} proofs.")
        self._unsecured = {key: value for key, value in document.items() if key != "proof"}
        self._expected = expected
        self._resolve_key = resolve_key
        self._policy = policy
        self._results: dict[int, VerifiedProof | VcError | None] = {}  # None: under way
        self._transformed: dict[tuple[str, str, tuple[int, ...]], Any] = {}

    def verify(self, number: int) -> VerifiedProof:
        """Return the proof of that number (from 0), if it and all it rests on hold; else raise VcError."""
        if number not in self._results:
            self._results[number] = None
            try:
                self._results[number] = self._verify(number)
            except VcError as problem:
                self._results[number] = problem
        result = self._results[number]
        if result is None:
            raise malformed("The document's proofs rest on each other in a circle.")
        if isinstance(result, VcError):
            raise result
        return result

    def _verify(self, number: int) -> VerifiedProof:
        proof = self.proofs[number]
        form = read(proof, self._expected)
        previous = matching_proofs(self.proofs, form.previous)
        for each in previous:
            self.verify(each)
        document = with_previous(self._unsecured, self.proofs, previous)
        steps = SUITES[form.suite]
        options = {key: member for key, member in proof.items() if key != "proofValue"}
        # Canonicalized before any key is asked for: a document nobody can check causes no traffic. And once only.
        transformed = self._transform(steps, document, proof, previous)
        configuration = steps.proof_configuration(document, options, policy=self._policy)
        key = self._key(form, steps)
        steps.proof_verification(steps.hashing(transformed, configuration, key.algorithm), form.value, key)
        return VerifiedProof(form.method, form.suite, proof.get("created"), proof.get("expires"), dict(proof))

    def _key(self, form: ProofForm, steps: AnySuite) -> PublicKey:
        key = self._resolve_key(form.method, self._expected.purpose)
        if key.algorithm not in steps.algorithms:
            raise ProofInvalid(
                "unsupported_suite", f"The suite {form.suite} does not go with a key of {key.algorithm}."
            )
        return key

    def _transform(
        self, steps: AnySuite, document: dict[str, Any], proof: dict[str, Any], previous: tuple[int, ...]
    ) -> Any:
        name = (steps.name, steps.transformation_key(proof), previous)
        if name not in self._transformed:
            try:
                self._transformed[name] = steps.transformation(document, options=proof, policy=self._policy)
            except VcError as problem:
                self._transformed[name] = problem
        transformed = self._transformed[name]
        if isinstance(transformed, VcError):
            raise transformed
        return transformed


def proofs_of(document: dict[str, Any]) -> list[Any]:
    """Return what stands in `proof` as a list: a single proof may be written without one."""
    proofs = document.get("proof")
    if isinstance(proofs, dict):
        return [proofs]
    return list(proofs) if isinstance(proofs, list) else []


def matching_proofs(proofs: list[Any], ids: tuple[str, ...]) -> tuple[int, ...]:
    """Return the numbers of the proofs with these ids, in the order of the document.

    Raises ProofInvalid (malformed_proof) where an id belongs to no proof, or to more than one.
    """
    found = [number for number, proof in enumerate(proofs) if isinstance(proof, dict) and proof.get("id") in ids]
    if len(found) != len(ids) or {proofs[number]["id"] for number in found} != set(ids):
        raise malformed("A proof rests on another one that the document does not carry exactly once.")
    return tuple(found)


def with_previous(unsecured: dict[str, Any], proofs: list[Any], previous: tuple[int, ...]) -> dict[str, Any]:
    """Return the document that a proof secures: with the proofs it rests on, as an array, and no others."""
    if not previous:
        return unsecured
    return {**unsecured, "proof": [proofs[number] for number in previous]}
