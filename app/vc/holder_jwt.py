"""A JWT by which somebody shows that they control a DID: signed by its key, for one verifier and one challenge.

The form that wallets know from presentations and from proofs of possession: `iss` is the DID, `aud` the verifier,
`nonce` its challenge. https://www.w3.org/TR/vc-jose-cose/#securing-vps-with-jose
https://www.rfc-editor.org/rfc/rfc8725
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from app.vc import json_text
from app.vc.data_integrity import AUTHENTICATION, ResolveKey
from app.vc.errors import JwtInvalid, ParseError, ProofInvalid
from app.vc.keys import Algorithm, base64url_decode

MAX_TOKEN: Final = 20_000
CLOCKS_APART: Final = 60  # seconds by which a wallet's clock may differ from ours
_MAX_HEADER: Final = 8_000
_ALGORITHMS: Final[dict[str, Algorithm]] = {"ES256": "P-256", "RS256": "RSA", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_TYPES: Final = (None, "JWT", "jwt", "vp+jwt", "vp+ld+jwt", "openid4vci-proof+jwt")


def claimed_issuer(token: str) -> str:
    """Return who the token says it is from: a DID whose keys can then be asked. Nothing is checked yet.

    Raises ParseError for what is no token, JwtInvalid (jwt_iss_mismatch) for one without `iss`.
    """
    issuer = _payload(token).get("iss")
    if not isinstance(issuer, str):
        raise JwtInvalid("jwt_iss_mismatch", "The token does not say who it is from.")
    return issuer


def verify(token: str, *, resolve_key: ResolveKey, audience: Collection[str], nonce: str, at: datetime) -> None:
    """Return if the token is signed by its issuer for one of `audience`, answers `nonce` and is in date at `at`.

    `resolve_key` gets the `kid` and the purpose authentication; keys inside the header are never used. Without a `kid`
    the issuer's own name is asked for, which only a DID that is its key answers. Raises ParseError, JwtInvalid
    (jwt_header, unsupported_alg, bad_signature, invalid_domain, invalid_challenge, jwt_exp_mismatch,
    jwt_nbf_mismatch), or what `resolve_key` raises.
    """
    header, payload = _header(token), _payload(token)
    issuer, algorithm = claimed_issuer(token), _algorithm(header)
    key = resolve_key(_method(header, issuer), AUTHENTICATION)
    if key.algorithm != algorithm:
        raise JwtInvalid("unsupported_alg", f"The token's algorithm does not go with a key of {key.algorithm}.")
    signed, _, signature = token.rpartition(".")
    try:
        key.verify(_decoded(signature), signed.encode())
    except ProofInvalid as problem:
        raise JwtInvalid("bad_signature", "The signature does not fit the token and the key.") from problem
    named = payload.get("aud")
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or len(named) != 1 or named[0] not in audience:
        raise JwtInvalid("invalid_domain", "The token was made for another place than this one.")
    if payload.get("nonce") != nonce:
        raise JwtInvalid("invalid_challenge", "The token does not answer the challenge that was set.")
    _check_dates(payload, at.timestamp())


def _check_dates(payload: dict[str, Any], at: float) -> None:
    ends, begins = _moment(payload, "exp"), _moment(payload, "nbf")
    if ends is not None and ends + CLOCKS_APART <= at:
        raise JwtInvalid("jwt_exp_mismatch", "The token is past its end.")
    if begins is not None and begins - CLOCKS_APART > at:
        raise JwtInvalid("jwt_nbf_mismatch", "The token is for a later time.")


def _moment(payload: dict[str, Any], claim: str) -> float | None:
    value = payload.get(claim)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise JwtInvalid(f"jwt_{claim}_mismatch", f"The token's {claim} is not a moment.")
    return value


def _method(header: dict[str, Any], issuer: str) -> str:
    kid = header.get("kid", issuer)
    if not isinstance(kid, str):
        raise JwtInvalid("jwt_header", "The token's kid is not text.")
    return issuer + kid if kid.startswith("#") else kid


def _algorithm(header: dict[str, Any]) -> Algorithm:
    if "crit" in header or "b64" in header:
        raise JwtInvalid("jwt_header", "The token asks for an extension this engine does not know.")
    if header.get("typ") not in _TYPES:
        raise JwtInvalid("jwt_header", "The token is of another type than a JWT.")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise JwtInvalid("unsupported_alg", "The token is signed by an algorithm this engine does not accept.")
    return _ALGORITHMS[alg]


def _header(token: str) -> dict[str, Any]:
    return json_text.loads(_decoded(_parts(token)[0]), max_bytes=_MAX_HEADER, max_depth=8)


def _payload(token: str) -> dict[str, Any]:
    return json_text.loads(_decoded(_parts(token)[1]), max_bytes=MAX_TOKEN)


def _parts(token: str) -> list[str]:
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        raise ParseError("parse_error", "This is not a token of three parts and of a length that is read.")
    return parts


def _decoded(part: str) -> bytes:
    try:
        return base64url_decode(part)
    except ValueError as problem:
        raise ParseError("parse_error", "A part of the token is not base64url.") from problem
