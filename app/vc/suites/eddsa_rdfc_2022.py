"""eddsa-rdfc-2022: Ed25519 over the RDFC-1.0 canonical form. https://www.w3.org/TR/vc-di-eddsa/#eddsa-rdfc-2022"""

from typing import Any

from app.vc.canonicalization import canonicalize, canonicalize_to_issue
from app.vc.contexts import PINNED_ONLY, ContextPolicy
from app.vc.errors import ProofInvalid
from app.vc.keys import Algorithm, PublicKey, Signer
from app.vc.suites import eddsa
from app.vc.suites.base import NO_OPTIONS, Options
from app.vc.suites.proof_config import canonical_proof


class EddsaRdfc2022:
    """The suite that every Open Badges 3.0 verifier reads."""

    name: str = "eddsa-rdfc-2022"
    algorithms: frozenset[Algorithm] = eddsa.ED25519

    def options_to_sign(self, unsecured_document: dict[str, Any], options: Options) -> Options:
        """Add nothing. https://www.w3.org/TR/vc-di-eddsa/#create-proof-eddsa-rdfc-2022"""
        return options

    def transformation_key(self, options: Options) -> str:
        """One canonical form serves all proofs."""
        return ""

    def transformation(
        self,
        unsecured_document: dict[str, Any],
        *,
        options: Options = NO_OPTIONS,
        policy: ContextPolicy = PINNED_ONLY,
        to_issue: bool = False,
    ) -> str:
        """Canonicalize the document. https://www.w3.org/TR/vc-di-eddsa/#transformation-eddsa-rdfc-2022"""
        return (canonicalize_to_issue if to_issue else canonicalize)(unsecured_document, policy)

    def proof_configuration(
        self, unsecured_document: dict[str, Any], options: Options, *, policy: ContextPolicy = PINNED_ONLY
    ) -> str:
        """Canonicalize the proof options. https://www.w3.org/TR/vc-di-eddsa/#proof-configuration-eddsa-rdfc-2022"""
        if "@context" in options:
            # The standard reads the proof in the document's contexts, some libraries in the proof's own: unsafe.
            raise ProofInvalid("malformed_proof", "A proof of this suite brings no context of its own.")
        return canonical_proof(unsecured_document["@context"], options, policy)

    def hashing(
        self, transformed_document: str, canonical_proof_config: str, algorithm: Algorithm = "Ed25519"
    ) -> bytes:
        """Hash both, the proof options first. https://www.w3.org/TR/vc-di-eddsa/#hashing-eddsa-rdfc-2022"""
        return eddsa.hash_of_hashes(transformed_document.encode(), canonical_proof_config.encode())

    def proof_serialization(self, hash_data: bytes, signer: Signer) -> str:
        """Sign. https://www.w3.org/TR/vc-di-eddsa/#proof-serialization-eddsa-rdfc-2022"""
        return eddsa.signature(hash_data, signer)

    def proof_verification(self, hash_data: bytes, proof_value: str, public_key: PublicKey) -> None:
        """Check the signature. https://www.w3.org/TR/vc-di-eddsa/#proof-verification-eddsa-rdfc-2022"""
        eddsa.check_signature(hash_data, proof_value, public_key)
