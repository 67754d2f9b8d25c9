"""Enveloped credentials and presentations: a token in the id of a small object.

Read as far as conformance suites demand it, and more loosely than a VC-JWT of Open Badges 3.0 (`vc_jwt`): the content
may be the payload itself or its `vc` or `vp` claim. https://www.w3.org/TR/vc-data-model-2.0/#enveloped-verifiable-credentials
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from app.vc import json_text
from app.vc.contexts import VC_V2
from app.vc.data_model_values import malformed, types
from app.vc.errors import CanonicalizationRefused, JwtInvalid, ParseError, ProofInvalid
from app.vc.keys import Algorithm, base64url_decode
from app.vc.proof_form import ASSERTION, AUTHENTICATION
from app.vc.proof_set import ResolveKey

Kind = Literal["credential", "presentation"]

TYPES: Final[dict[Kind, str]] = {
    "credential": "EnvelopedVerifiableCredential",
    "presentation": "EnvelopedVerifiablePresentation",
}
MAX_TOKEN: Final = 1_400_000
_MAX_HEADER: Final = 4_000
_MEDIA_TYPES: Final[dict[Kind, tuple[str, ...]]] = {
    "credential": ("application/vc+jwt", "application/jwt"),
    "presentation": ("application/vp+jwt", "application/jwt"),
}
_CLAIMS: Final[dict[Kind, str]] = {"credential": "vc", "presentation": "vp"}
_PURPOSES: Final[dict[Kind, str]] = {"credential": ASSERTION, "presentation": AUTHENTICATION}
_ALGORITHMS: Final[dict[str, Algorithm]] = {"ES256": "P-256", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_REGISTERED: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce"})


def is_enveloped(document: Mapping[str, Any], kind: Kind) -> bool:
    """Tell whether an object says it is an envelope; `open_envelope` then judges whether it is a good one."""
    named = document.get("type")
    return TYPES[kind] in (named if isinstance(named, list) else [named])


def open_envelope(
    envelope: Mapping[str, Any], kind: Kind, *, resolve_key: ResolveKey, challenge: str | None = None
) -> dict[str, Any]:
    """Return the credential or presentation in an envelope whose token's signature holds.

    `resolve_key` gets the token's kid; keys in its header are never used. `challenge` must be the token's nonce, where
    it is given. The clock is not read, and what comes out is still to be judged by `data_model`. Raises
    CanonicalizationRefused (context_missing, context_order) or ModelError for the envelope, ParseError and JwtInvalid
    (jwt_header, unsupported_alg, key_not_found, bad_signature, jwt_iss_mismatch) for the token, ProofInvalid
    (invalid_challenge), or what `resolve_key` raises.
    """
    payload = _payload(_token(envelope, kind), _PURPOSES[kind], resolve_key)
    if challenge is not None and payload.get("nonce") != challenge:
        raise ProofInvalid("invalid_challenge", "The token does not answer the challenge that was set.")
    claim = payload.get(_CLAIMS[kind])
    if claim is None:
        content = {name: value for name, value in payload.items() if name not in _REGISTERED}
    elif isinstance(claim, dict):
        content = claim
    else:
        raise malformed(f"The token's {_CLAIMS[kind]} is not an object.")
    signer = content.get("issuer" if kind == "credential" else "holder")
    named = signer.get("id") if isinstance(signer, dict) else signer
    if "iss" in payload and named is not None and payload["iss"] != named:
        raise JwtInvalid("jwt_iss_mismatch", "The token's iss does not say what its content says.")
    return content


def _token(envelope: Mapping[str, Any], kind: Kind) -> str:
    """The token in a data: URL (RFC 2397), once the envelope around it is right."""
    contexts = envelope.get("@context")
    named = contexts if isinstance(contexts, list) else [contexts]
    if contexts is None or not named:
        raise CanonicalizationRefused("context_missing", "The envelope names no context.")
    if named[0] != VC_V2:
        raise CanonicalizationRefused("context_order", f"The first context of an envelope must be {VC_V2}.")
    if types(envelope.get("type"), "envelope") != (TYPES[kind],):
        raise malformed(f"The type of the envelope must be {TYPES[kind]}.")
    identifier = envelope.get("id")
    media_type, comma, token = identifier.partition(",") if isinstance(identifier, str) else ("", "", "")
    if not comma or media_type.removeprefix("data:") not in _MEDIA_TYPES[kind] or not media_type.startswith("data:"):
        raise malformed("The id of an envelope must be a data: URL of a token.")
    return token


def _payload(token: str, purpose: str, resolve_key: ResolveKey) -> dict[str, Any]:
    """The claims of a token whose signature holds (RFC 7515 §5.2)."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        raise ParseError("parse_error", "The token is too long, or does not have three parts.")
    try:
        header_bytes, payload_bytes, signature = (base64url_decode(part) for part in parts)
    except ValueError as problem:
        raise ParseError("parse_error", "A part of the token is not base64url.") from problem
    header = json_text.loads(header_bytes, max_bytes=_MAX_HEADER, max_depth=8)
    method, algorithm = _header(header)
    key = resolve_key(method, purpose)
    if key.algorithm != algorithm:
        raise JwtInvalid("unsupported_alg", f"The token's algorithm does not go with a key of {key.algorithm}.")
    try:
        key.verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except ProofInvalid as problem:
        raise JwtInvalid(problem.code, "The signature does not fit the token and the key.") from problem
    return json_text.loads(payload_bytes)


def _header(header: Mapping[str, Any]) -> tuple[str, Algorithm]:
    if "crit" in header or "b64" in header:
        raise JwtInvalid("jwt_header", "The token asks for an extension this engine does not know.")
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise JwtInvalid("unsupported_alg", "The token is signed by an algorithm this engine does not accept.")
    if not isinstance(kid, str) or ":" not in kid:
        raise JwtInvalid("key_not_found", "The token does not name its key by a kid that can be looked up.")
    return kid, _ALGORITHMS[alg]
