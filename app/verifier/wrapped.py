"""Tokens in the manner of VC 1.1: the credential is the claim `vc`, and the other claims say parts of it again.

https://www.w3.org/TR/vc-data-model-1.1/#jwt-decoding https://www.imsglobal.org/spec/ob/v3p0/#jwt-proof
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from app.vc import contexts, json_text
from app.vc.data_integrity import ASSERTION, ResolveKey
from app.vc.errors import JwtInvalid, ParseError, ProofInvalid
from app.vc.keys import Algorithm, base64url_decode
from app.vc.timestamps import rfc3339
from app.verifier.moments import moment

_ALGORITHMS: Final[dict[str, Algorithm]] = {"ES256": "P-256", "RS256": "RSA", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_TYPES: Final = (None, "JWT", "jwt")
_MAX_HEADER: Final = 4_000
# https://www.rfc-editor.org/rfc/rfc7519#section-2: seconds; beyond the year 9999 nothing is a date
_MAX_SECONDS: Final = 253_402_300_799


def is_wrapped(claims: dict[str, Any]) -> bool:
    """Tell whether a token's claims carry the credential as VC 1.1 does."""
    return "vc" in claims


def credential_of(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the credential, with what only the claims say put in its place (VC 1.1 §6.3.1). Nothing is verified.

    Raises JwtInvalid: jwt_vc_mismatch if `vc` is no credential of version 1.1, jwt_iss|sub|jti|nbf|exp_mismatch where
    credential and claim disagree or a claim that Open Badges 3.0 requires is missing (all but exp).
    """
    inside = claims["vc"]
    if not isinstance(inside, dict):
        raise JwtInvalid("jwt_vc_mismatch", "The claim vc is no object.")
    named = inside.get("@context")
    if (named[:1] if isinstance(named, list) else [named]) != [contexts.VC_V1]:
        raise JwtInvalid("jwt_vc_mismatch", "A credential in the claim vc must be of version 1.1.")
    document = dict(inside)
    _agree("iss", claims.get("iss"), document, "issuer")
    _agree("jti", claims.get("jti"), document, "id")
    _agree_on_subject(claims.get("sub"), document)
    _agree_on_date("nbf", claims.get("nbf"), document, "issuanceDate")
    if "exp" in claims:
        _agree_on_date("exp", claims["exp"], document, "expirationDate")
    return document


def verify(token: str, *, resolve_key: ResolveKey) -> dict[str, Any]:
    """Return the credential in `token`, if its signature holds and its claims agree with it.

    As `vc_jwt.verify` for the later form: the same algorithms, keys by `kid` only, nothing compared with the clock.
    Raises JwtInvalid, ParseError, or what `resolve_key` raises.
    """
    head, payload, signature = (_decoded(part) for part in _parts(token))
    claims = json_text.loads(payload)
    method, algorithm = _header(json_text.loads(head, max_bytes=_MAX_HEADER, max_depth=8), claims)
    key = resolve_key(method, ASSERTION)
    if key.algorithm != algorithm:
        raise JwtInvalid("unsupported_alg", "The token's algorithm does not go with its key.")
    try:
        key.verify(signature, token.rpartition(".")[0].encode())
    except ProofInvalid as error:
        raise JwtInvalid(error.code, "The signature does not fit the token and the key.") from error
    return credential_of(claims)


def _parts(token: str) -> list[str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise ParseError("parse_error", "A VC-JWT has three parts.")
    return parts


def _decoded(part: str) -> bytes:
    try:
        return base64url_decode(part)
    except ValueError as error:
        raise ParseError("parse_error", "A part of the token is not base64url.") from error


def _header(header: dict[str, Any], claims: dict[str, Any]) -> tuple[str, Algorithm]:
    if "crit" in header or "b64" in header or header.get("typ") not in _TYPES:
        raise JwtInvalid("jwt_header", "The token's head asks for something that is not known.")
    alg, kid, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise JwtInvalid("unsupported_alg", "The token is signed by an algorithm that is not accepted.")
    if isinstance(kid, str) and kid.startswith("#") and isinstance(issuer, str):
        kid = issuer + kid
    if not isinstance(kid, str) or ":" not in kid:
        raise JwtInvalid("key_not_found", "The token does not name its key by a kid that can be looked up.")
    return kid, _ALGORITHMS[alg]


def _identifier(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _agree(claim: str, claimed: Any, document: dict[str, Any], member: str) -> None:
    if not isinstance(claimed, str) or _identifier(document.setdefault(member, claimed)) != claimed:
        raise _mismatch(claim)


def _agree_on_subject(claimed: Any, document: dict[str, Any]) -> None:
    subject = document.get("credentialSubject")
    if isinstance(subject, list) and len(subject) == 1:
        subject = subject[0]
    if not isinstance(subject, dict):
        return  # the form of the badge says more about that
    if claimed is not None and "id" not in subject:
        subject = {"id": claimed, **subject}
        document["credentialSubject"] = subject
    if subject.get("id") != claimed:
        raise _mismatch("sub")


def _agree_on_date(claim: str, claimed: Any, document: dict[str, Any], member: str) -> None:
    if isinstance(claimed, bool) or not isinstance(claimed, int | float) or not 0 <= claimed <= _MAX_SECONDS:
        raise _mismatch(claim)
    if member not in document:
        document[member] = rfc3339(datetime.fromtimestamp(int(claimed), UTC))
        return
    try:
        written = moment(document[member])
    except ValueError as error:
        raise _mismatch(claim) from error
    # A NumericDate may carry a fraction that issuers round in different directions.
    if abs(claimed - written.timestamp()) >= 1:
        raise _mismatch(claim)


def _mismatch(claim: str) -> JwtInvalid:
    return JwtInvalid(f"jwt_{claim}_mismatch", f"The token's {claim} does not say what the credential says.")
