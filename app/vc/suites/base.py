"""What every cryptosuite offers to the generic proof algorithms in `data_integrity`."""

from typing import Any, Protocol

from app.vc.keys import Algorithm, PublicKey, Signer


class Suite(Protocol):
    """The steps of one cryptosuite, in the order in which they run."""

    @property
    def name(self) -> str:
        """The value of the proof's `cryptosuite`."""

    @property
    def algorithm(self) -> Algorithm:
        """The only kind of key that may sign or verify with this suite."""

    def transformation(self, unsecured_document: dict[str, Any], *, to_issue: bool = False) -> str:
        """Return the canonical form of the document without its proof.

        `to_issue`: also refuse what honest verifiers in the field could not check.
        """

    def proof_configuration(self, unsecured_document: dict[str, Any], options: dict[str, Any]) -> str:
        """Return the canonical form of the proof without its proofValue, read in the document's contexts."""

    def hashing(self, transformed_document: str, canonical_proof_config: str) -> bytes:
        """Return the bytes to be signed."""

    def proof_serialization(self, hash_data: bytes, signer: Signer) -> str:
        """Sign and return the proofValue."""

    def proof_verification(self, hash_data: bytes, proof_value: str, public_key: PublicKey) -> None:
        """Return if the proofValue holds; else raise ProofInvalid."""
