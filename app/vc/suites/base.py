"""What every cryptosuite offers to the generic proof algorithms in `data_integrity`."""

from typing import Any, Final, Protocol, TypeVar

from app.vc.contexts import PINNED_ONLY, ContextPolicy
from app.vc.keys import Algorithm, PublicKey, Signer

Transformed = TypeVar("Transformed")
HashData = TypeVar("HashData")
Options = dict[str, Any]
"""The members of a proof; without proofValue while it is made, with it while it is verified."""

NO_OPTIONS: Final[Options] = {}


class Suite(Protocol[Transformed, HashData]):
    """The steps of one cryptosuite, in the order in which they run.

    `Transformed` and `HashData` are the suite's own: text or bytes and a digest for most, structures for a suite of
    selective disclosure. `policy` says which contexts a document may be read with.
    """

    @property
    def name(self) -> str:
        """The value of the proof's `cryptosuite`."""

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """The only kinds of key that may sign or verify with this suite."""

    def options_to_sign(self, unsecured_document: dict[str, Any], options: Options) -> Options:
        """Return the proof that is about to be made, with what the suite adds to the caller's options."""

    def transformation_key(self, options: Options) -> str:
        """Return a text that is the same for proofs to which one transformed document serves."""

    def transformation(
        self,
        unsecured_document: dict[str, Any],
        *,
        options: Options = NO_OPTIONS,
        policy: ContextPolicy = PINNED_ONLY,
        to_issue: bool = False,
    ) -> Transformed:
        """Return the canonical form of the document, which holds no proofs but those of `previousProof`.

        `to_issue`: also refuse what honest verifiers in the field could not check.
        """

    def proof_configuration(
        self, unsecured_document: dict[str, Any], options: Options, *, policy: ContextPolicy = PINNED_ONLY
    ) -> Transformed:
        """Return the canonical form of the proof, whose `options` come without the proofValue."""

    def hashing(
        self, transformed_document: Transformed, canonical_proof_config: Transformed, algorithm: Algorithm = ...
    ) -> HashData:
        """Return what is signed by a key of that kind."""

    def proof_serialization(self, hash_data: HashData, signer: Signer) -> str:
        """Sign and return the proofValue."""

    def proof_verification(self, hash_data: HashData, proof_value: str, public_key: PublicKey) -> None:
        """Return if the proofValue holds; else raise ProofInvalid."""


AnySuite = Suite[Any, Any]
