"""eddsa-rdfc-2022: Ed25519 over the RDFC-1.0 canonical form. https://www.w3.org/TR/vc-di-eddsa/#eddsa-rdfc-2022"""

import hashlib
from typing import Any, Final

from openvc.multibase import MultibaseError, decode_multibase, encode_multibase

from app.vc.canonicalization import canonicalize, canonicalize_to_issue
from app.vc.errors import ProofInvalid
from app.vc.keys import Algorithm, PublicKey, Signer

_MAX_PROOF_VALUE: Final = 100


class EddsaRdfc2022:
    """The suite that every Open Badges 3.0 verifier reads."""

    name: str = "eddsa-rdfc-2022"
    algorithm: Algorithm = "Ed25519"

    def transformation(self, unsecured_document: dict[str, Any], *, to_issue: bool = False) -> str:
        """Canonicalize the document. https://www.w3.org/TR/vc-di-eddsa/#transformation-eddsa-rdfc-2022"""
        return (canonicalize_to_issue if to_issue else canonicalize)(unsecured_document)

    def proof_configuration(self, unsecured_document: dict[str, Any], options: dict[str, Any]) -> str:
        """Canonicalize the proof options. https://www.w3.org/TR/vc-di-eddsa/#proof-configuration-eddsa-rdfc-2022"""
        return canonicalize({"@context": unsecured_document["@context"], **options})

    def hashing(self, transformed_document: str, canonical_proof_config: str) -> bytes:
        """Hash both, the proof options first. https://www.w3.org/TR/vc-di-eddsa/#hashing-eddsa-rdfc-2022"""
        proof_config_hash = hashlib.sha256(canonical_proof_config.encode()).digest()
        return proof_config_hash + hashlib.sha256(transformed_document.encode()).digest()

    def proof_serialization(self, hash_data: bytes, signer: Signer) -> str:
        """Sign. https://www.w3.org/TR/vc-di-eddsa/#proof-serialization-eddsa-rdfc-2022"""
        return encode_multibase(signer.sign(hash_data))

    def proof_verification(self, hash_data: bytes, proof_value: str, public_key: PublicKey) -> None:
        """Check the signature. https://www.w3.org/TR/vc-di-eddsa/#proof-verification-eddsa-rdfc-2022"""
        try:
            signature = decode_multibase(proof_value if len(proof_value) <= _MAX_PROOF_VALUE else "")
        except MultibaseError as problem:
            raise ProofInvalid("malformed_proof", "The proofValue is not base58btc multibase.") from problem
        public_key.verify(signature, hash_data)
