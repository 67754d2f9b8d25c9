"""What a Data Integrity proof says, read and checked for its form. https://www.w3.org/TR/vc-data-integrity/#proofs"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.vc.errors import ModelError, ProofInvalid
from app.vc.suites import SUITES
from app.vc.timestamps import parse_rfc3339, rfc3339

ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"
PURPOSES: Final = frozenset({ASSERTION, AUTHENTICATION, "capabilityInvocation", "capabilityDelegation"})
"""Each is also the name of the relationship in which the controller's document must list the key."""

MAX_PROOFS: Final = 8
MAX_TEXTS: Final = 16


@dataclass(frozen=True)
class Extras:
    """What a proof may say beyond its key, purpose and date; None is left out.

    `id`: an absolute IRI, by which a later proof can name this one; `expires`: aware, written in UTC at whole seconds;
    `domain`: where alone it is good, one text or several; `challenge`: the verifier's; `nonce`: the signer's own;
    `previous_proof`: ids of the proofs that this one includes and rests on.
    """

    id: str | None = None
    expires: datetime | None = None
    domain: str | tuple[str, ...] | None = None
    challenge: str | None = None
    nonce: str | None = None
    previous_proof: str | tuple[str, ...] | None = None

    def members(self) -> dict[str, Any]:
        """Return them as members of a proof."""
        found: dict[str, Any] = {
            "id": self.id,
            "expires": rfc3339(self.expires) if self.expires else None,
            "domain": list(self.domain) if isinstance(self.domain, tuple) else self.domain,
            "challenge": self.challenge,
            "nonce": self.nonce,
            "previousProof": (
                list(self.previous_proof) if isinstance(self.previous_proof, tuple) else self.previous_proof
            ),
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Expected:
    """What the verifier wants of each proof; `domain` and `challenge` are compared only where they are given.

    That is the standard's rule (§4.4, steps 6 and 7). A proof that is bound to a domain or a challenge nobody asked for
    still says truly who signed what; refusing it would protect nobody, as the binding guards the one who asked.
    """

    purpose: str = ASSERTION
    domain: frozenset[str] | None = None
    challenge: str | None = None

    @classmethod
    def of(cls, purpose: str, domain: str | Collection[str] | None, challenge: str | None) -> "Expected":
        """Read the caller's arguments: one domain is a set of one."""
        domains = frozenset([domain] if isinstance(domain, str) else domain) if domain is not None else None
        return cls(purpose, domains, challenge)


@dataclass(frozen=True)
class ProofForm:
    """A proof whose form is right: its key, its value, its suite's name and the ids of the proofs it rests on."""

    method: str
    value: str
    suite: str
    previous: tuple[str, ...]


def read(proof: Any, expected: Expected) -> ProofForm:
    """Return what a proof says of itself.

    Raises ProofInvalid with code malformed_proof, unsupported_suite, wrong_proof_purpose, invalid_domain or
    invalid_challenge. https://www.w3.org/TR/vc-data-integrity/#verify-proof (steps 4 to 7)
    """
    if not isinstance(proof, dict):
        raise malformed("A proof must be an object.")
    suite, method, value = (proof.get(key) for key in ("cryptosuite", "verificationMethod", "proofValue"))
    if proof.get("type") != "DataIntegrityProof" or not isinstance(suite, str) or suite not in SUITES:
        raise ProofInvalid("unsupported_suite", "The proof is of a kind this engine does not check.")
    if proof.get("proofPurpose") != expected.purpose:
        raise ProofInvalid("wrong_proof_purpose", "The proof was made for another purpose than the one it is used for.")
    if not isinstance(method, str) or not method or not isinstance(value, str) or not value:
        raise malformed("The proof does not name its key or has no value.")
    for member in ("created", "expires"):
        if member in proof:
            _check_date(member, proof[member])
    for member in ("id", "challenge", "nonce"):
        if not isinstance(proof.get(member, "-"), str):
            raise malformed(f"The proof's {member} must be text.")
    _check_plain(proof)
    _check_binding(proof, expected)
    return ProofForm(method, value, suite, _texts(proof, "previousProof"))


def malformed(detail: str) -> ProofInvalid:
    """Return the refusal of a proof whose form is wrong."""
    return ProofInvalid("malformed_proof", detail)


def _check_plain(proof: dict[str, Any]) -> None:
    """Every member of a proof that a suite here reads is text; more would be canonicalized for each proof anew."""
    for member, value in proof.items():
        texts = value if isinstance(value, list) else [value]
        if member != "@context" and not (len(texts) <= MAX_TEXTS and all(isinstance(text, str) for text in texts)):
            raise malformed(f"The proof's {member[:80]!a} must be text, or a list of few texts.")


def _check_binding(proof: dict[str, Any], expected: Expected) -> None:
    domains = frozenset(_texts(proof, "domain"))
    if expected.domain is not None and domains != expected.domain:
        raise ProofInvalid("invalid_domain", "The proof was made for another place than this one.")
    if expected.challenge is not None and proof.get("challenge") != expected.challenge:
        raise ProofInvalid("invalid_challenge", "The proof does not answer the challenge that was set.")


def _texts(proof: dict[str, Any], member: str) -> tuple[str, ...]:
    """A member that is one text or a set of texts, as a tuple."""
    if member not in proof:
        return ()
    value = proof[member]
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) for text in texts) or len(set(texts)) != len(texts):
        raise malformed(f"The proof's {member} must be text, or a list of different texts.")
    return tuple(texts)


def _check_date(member: str, value: Any) -> None:
    try:
        parse_rfc3339(value)
    except ModelError as problem:
        raise ProofInvalid("malformed_proof", f"The proof's {member} is not a date with time and zone.") from problem
