"""VC-JWT: the whole credential as the payload of one compact JWS.

The form of Open Badges 3.0 §8.2 (External Proof): the members of the credential at the top level plus iss, sub, jti,
nbf and exp, which must say the same as the credential. https://www.imsglobal.org/spec/ob/v3p0/#jwt-proof
"""

from datetime import datetime
from typing import Any, Final, Literal

from app.vc import json_text
from app.vc.data_integrity import ASSERTION, ResolveKey
from app.vc.errors import JwtInvalid, ModelError, ParseError, ProofInvalid
from app.vc.keys import Algorithm, Signer, base64url, base64url_decode
from app.vc.timestamps import parse_rfc3339

Alg = Literal["ES256", "RS256", "EdDSA"]

MAX_TOKEN: Final = 1_400_000
_MAX_HEADER: Final = 4_000
# One algorithm per kind of key: the header can pick a key, never how the key is used (RFC 8725 §3.1).
_ALGORITHMS: Final[dict[str, Algorithm]] = {"ES256": "P-256", "RS256": "RSA", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_TYPES: Final = (None, "JWT", "jwt", "vc+jwt", "vc+ld+jwt")
_CLAIMS: Final = frozenset({"iss", "sub", "jti", "nbf", "exp", "iat", "aud"})


def sign(document: dict[str, Any], *, signer: Signer, kid: str, alg: Alg = "ES256") -> str:
    """Return the compact JWS over `document` and its claims; the header holds alg, kid and typ only.

    `document` may already carry a Data Integrity proof. `kid` is the full id of the key's verification method, a DID
    URL. Raises JwtInvalid (unsupported_alg) if `alg` does not go with the signer's key, ModelError (malformed_value) if
    the document lacks what the claims need.
    """
    if _ALGORITHMS.get(alg) != signer.algorithm:
        raise JwtInvalid("unsupported_alg", f"A key of {signer.algorithm} does not sign {alg}.")
    if _CLAIMS & document.keys():
        raise ModelError("malformed_value", "The document already carries claims of a JWT.")
    header = json_text.dumps({"alg": alg, "kid": kid, "typ": "JWT"})
    payload = json_text.dumps({**document, **_claims(document)})
    signing_input = f"{base64url(header)}.{base64url(payload)}"
    return f"{signing_input}.{base64url(signer.sign(signing_input.encode()))}"


def verify(token: str, *, resolve_key: ResolveKey) -> dict[str, Any]:
    """Return the credential in `token`, without the JWT's own claims, if its signature holds and its claims agree.

    `resolve_key` gets the `kid` (made absolute by `iss`) and the purpose assertionMethod; keys inside the header are
    never used. Whether the token is in date is NOT judged here. Raises JwtInvalid (jwt_header, unsupported_alg,
    key_not_found, bad_signature, jwt_iss|sub|jti|nbf|exp_mismatch), ParseError, or what `resolve_key` raises.
    """
    if len(token) > MAX_TOKEN:
        raise ParseError("parse_error", f"The token is longer than {MAX_TOKEN} characters.")
    parts = token.split(".")
    if len(parts) != 3:
        raise ParseError("parse_error", "A VC-JWT has three parts.")
    header_bytes, payload_bytes, signature = (_decode(part) for part in parts)
    header = json_text.loads(header_bytes, max_bytes=_MAX_HEADER, max_depth=8)
    payload = json_text.loads(payload_bytes)
    algorithm = _check_header(header)
    key = resolve_key(_method(header, payload), ASSERTION)
    if key.algorithm != algorithm:
        raise JwtInvalid("unsupported_alg", f"The token's algorithm does not go with a key of {key.algorithm}.")
    try:
        key.verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except ProofInvalid as problem:
        raise JwtInvalid(problem.code, "The signature does not fit the token and the key.") from problem
    _check_claims(payload)
    return {member: value for member, value in payload.items() if member not in _CLAIMS}


def _claims(document: dict[str, Any]) -> dict[str, Any]:
    """Return the claims that say again what the credential says (Open Badges 3.0 §8.2.4)."""
    claims = {"iss": _identifier(document.get("issuer")), "jti": document.get("id")}
    if not isinstance(claims["iss"], str) or not isinstance(claims["jti"], str):
        raise ModelError("malformed_value", "A credential in a JWT needs an id and an issuer.")
    subject = _identifier(document.get("credentialSubject"))
    claims |= {"sub": subject} if subject is not None else {}
    claims["nbf"] = int(parse_rfc3339(document.get("validFrom")).timestamp())
    if "validUntil" in document:
        claims["exp"] = int(parse_rfc3339(document["validUntil"]).timestamp())
    return claims


def _identifier(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.get("id") if isinstance(value, dict) else value


def _decode(part: str) -> bytes:
    try:
        return base64url_decode(part)
    except ValueError as problem:
        raise ParseError("parse_error", "A part of the token is not base64url.") from problem


def _check_header(header: dict[str, Any]) -> Algorithm:
    if "crit" in header or "b64" in header:
        raise JwtInvalid("jwt_header", "The token asks for an extension this engine does not know.")
    if header.get("typ") not in _TYPES:
        raise JwtInvalid("jwt_header", "The token is not declared to be a JWT.")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise JwtInvalid("unsupported_alg", "The token is signed by an algorithm this engine does not accept.")
    return _ALGORITHMS[alg]


def _method(header: dict[str, Any], payload: dict[str, Any]) -> str:
    kid, issuer = header.get("kid"), payload.get("iss")
    if isinstance(kid, str) and kid.startswith("#") and isinstance(issuer, str):
        return issuer + kid
    if not isinstance(kid, str) or ":" not in kid:
        # A key in the header (jwk, jku, x5c, x5u) proves only that the signer has some key, so it is never used.
        raise JwtInvalid("key_not_found", "The token does not name its key by a kid that can be looked up.")
    return kid


def _check_claims(payload: dict[str, Any]) -> None:
    """Compare the claims with the credential; exp may be left out, the others must be there where the value is."""
    pairs = (("iss", payload.get("issuer")), ("sub", payload.get("credentialSubject")), ("jti", payload.get("id")))
    for claim, value in pairs:
        if payload.get(claim) != _identifier(value) or (claim != "sub" and not isinstance(payload.get(claim), str)):
            raise _mismatch(claim)
    _check_date(payload, "nbf", "validFrom")
    if "exp" in payload:
        _check_date(payload, "exp", "validUntil")


def _check_date(payload: dict[str, Any], claim: str, member: str) -> None:
    claimed = payload.get(claim)
    try:
        written: datetime = parse_rfc3339(payload.get(member))
    except ModelError as problem:
        raise _mismatch(claim) from problem
    # NumericDate may carry a fraction and issuers round it away in different directions: less than a second may differ.
    if isinstance(claimed, bool) or not isinstance(claimed, int | float) or abs(claimed - written.timestamp()) >= 1:
        raise _mismatch(claim)


def _mismatch(claim: str) -> JwtInvalid:
    return JwtInvalid(f"jwt_{claim}_mismatch", f"The token's {claim} does not say what the credential says.")
