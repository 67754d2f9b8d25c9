"""eddsa-jcs-2022: Ed25519 over the document's own JSON. https://www.w3.org/TR/vc-di-eddsa/#eddsa-jcs-2022

The signature covers the text, not the statements, so this suite alone would sign words that no context defines. Here a
document is signed or checked only if it is one that the statements could be signed of: same words, same bounds.
"""

from typing import Any

from app.vc import jcs
from app.vc.canonicalization import canonicalize, canonicalize_to_issue
from app.vc.contexts import PINNED_ONLY, ContextPolicy
from app.vc.errors import CanonicalizationRefused, ProofInvalid
from app.vc.keys import Algorithm, PublicKey, Signer
from app.vc.suites import eddsa
from app.vc.suites.base import NO_OPTIONS, Options
from app.vc.suites.proof_config import canonical_proof


class EddsaJcs2022:
    """The suite for readers that know no JSON-LD."""

    name: str = "eddsa-jcs-2022"
    algorithms: frozenset[Algorithm] = eddsa.ED25519

    def options_to_sign(self, unsecured_document: dict[str, Any], options: Options) -> Options:
        """Copy the document's contexts. https://www.w3.org/TR/vc-di-eddsa/#create-proof-eddsa-jcs-2022"""
        if "@context" not in unsecured_document:
            return options
        return {**options, "@context": unsecured_document["@context"]}

    def transformation_key(self, options: Options) -> str:
        """Proofs that were made under the same contexts share the canonical form."""
        return jcs.canonicalize(options.get("@context")).decode()

    def transformation(
        self,
        unsecured_document: dict[str, Any],
        *,
        options: Options = NO_OPTIONS,
        policy: ContextPolicy = PINNED_ONLY,
        to_issue: bool = False,
    ) -> bytes:
        """Canonicalize the document as it was signed: under the contexts that its proof names.

        https://www.w3.org/TR/vc-di-eddsa/#verify-proof-eddsa-jcs-2022 (step 4), #transformation-eddsa-jcs-2022
        """
        signed = _under_contexts_of(options, unsecured_document)
        meaning = (canonicalize_to_issue if to_issue else canonicalize)(signed, policy)
        if signed is not unsecured_document and canonicalize(unsecured_document, policy) != meaning:
            raise CanonicalizationRefused("unsafe_jsonld", "A context added after signing changes what is said.")
        return jcs.canonicalize(signed)

    def proof_configuration(
        self, unsecured_document: dict[str, Any], options: Options, *, policy: ContextPolicy = PINNED_ONLY
    ) -> bytes:
        """Canonicalize the proof options. https://www.w3.org/TR/vc-di-eddsa/#proof-configuration-eddsa-jcs-2022"""
        contexts = options.get("@context", unsecured_document["@context"])
        canonical_proof(contexts, {key: value for key, value in options.items() if key != "@context"}, policy)
        return jcs.canonicalize(options)

    def hashing(
        self, transformed_document: bytes, canonical_proof_config: bytes, algorithm: Algorithm = "Ed25519"
    ) -> bytes:
        """Hash both, the proof options first. https://www.w3.org/TR/vc-di-eddsa/#hashing-eddsa-jcs-2022"""
        return eddsa.hash_of_hashes(transformed_document, canonical_proof_config)

    def proof_serialization(self, hash_data: bytes, signer: Signer) -> str:
        """Sign. https://www.w3.org/TR/vc-di-eddsa/#proof-serialization-eddsa-jcs-2022"""
        return eddsa.signature(hash_data, signer)

    def proof_verification(self, hash_data: bytes, proof_value: str, public_key: PublicKey) -> None:
        """Check the signature. https://www.w3.org/TR/vc-di-eddsa/#proof-verification-eddsa-jcs-2022"""
        eddsa.check_signature(hash_data, proof_value, public_key)


def _under_contexts_of(options: Options, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the contexts its proof names; the document itself where they are the same."""
    if "@context" not in options:
        return document
    named, given = _as_list(options["@context"]), _as_list(document.get("@context"))
    # Compared as texts: to Python 1 and true are equal.
    if not named or jcs.canonicalize(given[: len(named)]) != jcs.canonicalize(named):
        raise ProofInvalid("malformed_proof", "The document's contexts do not begin with those its proof names.")
    if jcs.canonicalize(options["@context"]) == jcs.canonicalize(document["@context"]):
        return document
    return {**document, "@context": options["@context"]}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
