"""What the Ed25519 suites have in common: the hash of two hashes, and 64 bytes of signature in base58btc.

https://www.w3.org/TR/vc-di-eddsa/#algorithms
"""

import hashlib
from typing import Final

from app.vc import multibase
from app.vc.errors import ProofInvalid
from app.vc.keys import Algorithm, PublicKey, Signer

ED25519: Final[frozenset[Algorithm]] = frozenset({"Ed25519"})
_MAX_PROOF_VALUE: Final = 100


def hash_of_hashes(transformed_document: bytes, canonical_proof_config: bytes) -> bytes:
    """Return the SHA-256 of both, the proof options first."""
    return hashlib.sha256(canonical_proof_config).digest() + hashlib.sha256(transformed_document).digest()


def signature(hash_data: bytes, signer: Signer) -> str:
    """Sign, and return the proofValue."""
    return multibase.encode(signer.sign(hash_data))


def check_signature(hash_data: bytes, proof_value: str, public_key: PublicKey) -> None:
    """Return if the proofValue is that of the key; else raise ProofInvalid (malformed_proof, bad_signature)."""
    try:
        decoded = multibase.decode(proof_value, max_length=_MAX_PROOF_VALUE)
    except multibase.MultibaseInvalid as problem:
        raise ProofInvalid("malformed_proof", "The proofValue is not base58btc multibase.") from problem
    public_key.verify(decoded, hash_data)
