"""What can go wrong in the credential engine, one exception per kind and one stable code per reason.

Codes are part of the contract with verifiers and API clients; their list is in docs and they are never renamed.
Problem types are the URLs of the W3C specifications (https://www.w3.org/TR/vc-data-model-2.0/#problem-details,
https://www.w3.org/TR/vc-data-integrity/#processing-errors, https://www.w3.org/TR/vc-bitstring-status-list/#processing-errors).
"""

from typing import Final

_VCDM = "https://www.w3.org/TR/vc-data-model#"
_SECURITY = "https://w3id.org/security#"
_STATUS = "https://www.w3.org/ns/credentials/status-list#"

PARSING_ERROR: Final = _VCDM + "PARSING_ERROR"
CRYPTOGRAPHIC_SECURITY_ERROR: Final = _VCDM + "CRYPTOGRAPHIC_SECURITY_ERROR"
MALFORMED_VALUE_ERROR: Final = _VCDM + "MALFORMED_VALUE_ERROR"
RANGE_ERROR: Final = _VCDM + "RANGE_ERROR"
PROOF_GENERATION_ERROR: Final = _SECURITY + "PROOF_GENERATION_ERROR"
PROOF_VERIFICATION_ERROR: Final = _SECURITY + "PROOF_VERIFICATION_ERROR"
INVALID_DOMAIN_ERROR: Final = _SECURITY + "INVALID_DOMAIN_ERROR"
INVALID_CHALLENGE_ERROR: Final = _SECURITY + "INVALID_CHALLENGE_ERROR"
DATA_LOSS_DETECTION_ERROR: Final = _SECURITY + "DATA_LOSS_DETECTION_ERROR"
INVALID_DID_DOCUMENT: Final = _SECURITY + "INVALID_CONTROLLED_IDENTIFIER_DOCUMENT"
INVALID_VERIFICATION_METHOD: Final = _SECURITY + "INVALID_VERIFICATION_METHOD"
INVALID_RELATIONSHIP: Final = _SECURITY + "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"
STATUS_RETRIEVAL_ERROR: Final = _STATUS + "STATUS_RETRIEVAL_ERROR"
STATUS_VERIFICATION_ERROR: Final = _STATUS + "STATUS_VERIFICATION_ERROR"
STATUS_LIST_LENGTH_ERROR: Final = _STATUS + "STATUS_LIST_LENGTH_ERROR"

_PROBLEM_TYPES: Final[dict[str, str]] = {
    "parse_error": PARSING_ERROR,
    "unsafe_jsonld": DATA_LOSS_DETECTION_ERROR,
    "context_missing": DATA_LOSS_DETECTION_ERROR,
    "context_order": DATA_LOSS_DETECTION_ERROR,
    "context_unknown": DATA_LOSS_DETECTION_ERROR,
    "canonicalization_refused": DATA_LOSS_DETECTION_ERROR,
    "too_complex": DATA_LOSS_DETECTION_ERROR,
    "not_issuable": MALFORMED_VALUE_ERROR,
    "schema_invalid": MALFORMED_VALUE_ERROR,
    "malformed_value": MALFORMED_VALUE_ERROR,
    "no_proof": PROOF_VERIFICATION_ERROR,
    "malformed_proof": PROOF_VERIFICATION_ERROR,
    "unsupported_suite": PROOF_VERIFICATION_ERROR,
    "unsupported_alg": CRYPTOGRAPHIC_SECURITY_ERROR,
    "wrong_proof_purpose": PROOF_VERIFICATION_ERROR,
    "invalid_domain": INVALID_DOMAIN_ERROR,
    "invalid_challenge": INVALID_CHALLENGE_ERROR,
    "proof_not_added": PROOF_GENERATION_ERROR,
    "bad_signature": PROOF_VERIFICATION_ERROR,
    "key_not_found": INVALID_VERIFICATION_METHOD,
    "key_revoked": INVALID_VERIFICATION_METHOD,
    "key_expired": INVALID_VERIFICATION_METHOD,
    "key_malformed": INVALID_VERIFICATION_METHOD,
    "key_not_authorised": INVALID_RELATIONSHIP,
    "did_malformed": INVALID_DID_DOCUMENT,
    "did_unsupported": INVALID_DID_DOCUMENT,
    "did_document_invalid": INVALID_DID_DOCUMENT,
    "jwt_header": CRYPTOGRAPHIC_SECURITY_ERROR,
    "jwt_iss_mismatch": CRYPTOGRAPHIC_SECURITY_ERROR,
    "jwt_sub_mismatch": CRYPTOGRAPHIC_SECURITY_ERROR,
    "jwt_jti_mismatch": CRYPTOGRAPHIC_SECURITY_ERROR,
    "jwt_nbf_mismatch": CRYPTOGRAPHIC_SECURITY_ERROR,
    "jwt_exp_mismatch": CRYPTOGRAPHIC_SECURITY_ERROR,
    "status_unavailable": STATUS_RETRIEVAL_ERROR,
    "status_malformed": STATUS_VERIFICATION_ERROR,
    "status_entry": MALFORMED_VALUE_ERROR,
    "status_unsupported": STATUS_VERIFICATION_ERROR,
    "status_purpose": STATUS_VERIFICATION_ERROR,
    "status_length": STATUS_LIST_LENGTH_ERROR,
    "status_range": RANGE_ERROR,
}


class VcError(Exception):
    """A credential could not be read, made, signed or trusted.

    Attributes: `code`, a stable lower-case word for programs; `detail`, one plain English sentence for people;
    `problem_type`, the W3C problem URL that fits, or None.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.problem_type: str | None = _PROBLEM_TYPES.get(code)


class ParseError(VcError):
    """The bytes are not the strict JSON that a credential must be."""


class CanonicalizationRefused(VcError):
    """The document cannot be turned into one agreed set of statements, so nothing may be signed or checked over it."""


class KeyInvalid(VcError):
    """A key, a Multikey or a JWK is not one this engine reads."""


class ProofInvalid(VcError):
    """No embedded proof of the document holds."""


class JwtInvalid(VcError):
    """A VC-JWT does not hold."""


class BakingError(VcError):
    """A picture cannot take a badge, or holds none that can be read safely."""


class StatusListError(VcError):
    """A status list or a status entry cannot be read."""


class DidError(VcError):
    """A DID, or the document somebody fetched for it, gives no usable key."""


class ModelError(VcError):
    """The facts given do not make an Open Badges 3.0 document."""
