"""Reading an id_token: its form first, then its signature, then its times and parties.

The form is judged by us because libraries are lenient there: duplicate JSON keys, further header members that carry
keys, critical extensions. The signature is judged by PyJWT's RS256, with a key of the registration's own set. PyJWT's
`decode` would take the token apart a second time, at three times the cost of the signature itself; so times and parties
are judged by us too, on the claims whose bytes were signed.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import jwt

from app.core.clock import now
from app.core.jwks import KeyNotFound
from app.core.text import is_plain_text
from app.lti import errors
from app.lti.schemas import Platform

MAX_TOKEN = 100_000
ALGORITHM = "RS256"
LEEWAY = timedelta(seconds=10)
OLDEST = timedelta(minutes=10)
LONGEST_KID = 255
DEEPEST = 40
REQUIRED = ("exp", "iat", "nonce", "aud", "iss", "sub")

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")

KeySource = Callable[[str, str], jwt.PyJWK]
"""Address of a key set and key id in, public key out; raises KeyNotFound or JwksUnavailable."""


@dataclass(frozen=True)
class UnverifiedToken:
    """A token of the right form; nothing in it is to be believed yet.

    Attributes:
        kid: the key id that its header names.
        signed: the bytes that the signature is of.
    """

    kid: str
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse(token: str) -> UnverifiedToken:
    """Judge a token's form: compact JWS, RS256, a key id, no critical extension (RFC 7515, RFC 8725 §3.1).

    Members of the header that carry or point to keys (`jwk`, `jku`, `x5u`, `x5c`) are not looked at.

    Raises:
        RequestTooLarge: longer than 100 kB.
        TokenMalformed: not three parts of base64url JSON, or a key is there twice.
        TokenAlgorithm: another algorithm, no key id, or critical extensions.
    """
    if len(token) > MAX_TOKEN:
        raise errors.RequestTooLarge(technical="id_token over 100 kB")
    parts = token.split(".")
    if len(parts) != 3:
        raise errors.TokenMalformed(technical=f"{len(parts)} parts instead of 3")
    header = _json_object(parts[0], "header")
    claims = _json_object(parts[1], "payload")
    if header.get("alg") != ALGORITHM:
        raise errors.TokenAlgorithm(technical="alg is not RS256")
    if "crit" in header or "b64" in header:
        raise errors.TokenAlgorithm(technical="crit is not supported")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid or len(kid) > LONGEST_KID:
        raise errors.TokenAlgorithm(technical="kid is missing")
    signed = f"{parts[0]}.{parts[1]}".encode("ascii")
    return UnverifiedToken(kid, header, claims, signed, signature=_base64url(parts[2], "signature"))


def verify(token: UnverifiedToken, platform: Platform, key_source: KeySource) -> dict[str, Any]:
    """Judge signature, times, issuer and audience; fetches keys if it must, so never call it inside a write.

    OpenID Connect Core 1.0 §3.1.3.7 as narrowed by the 1EdTech Security Framework 1.0 §5.1.3
    (https://www.imsglobal.org/spec/security/v1p0/#authentication-response-validation).

    Returns:
        The claims.

    Raises:
        LtiRefused: the subclass says which check failed.
        JwksUnavailable: the platform's keys cannot be had.
    """
    try:
        key = key_source(platform.jwks_url, token.kid)
    except KeyNotFound:
        raise errors.TokenKeyUnknown(technical="kid is not in the key set") from None
    _check_signature(token, key)
    for claim in REQUIRED:
        if token.claims.get(claim) is None:
            raise _missing(claim)
    _check_times(token.claims)
    _check_parties(token.claims, platform)
    return token.claims


def _check_signature(token: UnverifiedToken, key: jwt.PyJWK) -> None:
    if key.algorithm_name != ALGORITHM:
        raise errors.TokenAlgorithm(technical="the key is not for RS256")
    if key.Algorithm.check_key_length(key.key) is not None:
        raise errors.TokenAlgorithm(technical="the key is shorter than 2048 bits")
    if not key.Algorithm.verify(token.signed, key.key, token.signature):
        raise errors.TokenSignature


def _missing(claim: str) -> errors.LtiRefused:
    if claim == "sub":
        return errors.UserMissing(technical="sub is missing")
    return errors.TokenClaimMissing(technical=f"{claim} is missing")


def _check_times(claims: dict[str, Any]) -> None:
    """With ten seconds of leeway on either side (RFC 7519 §4.1.4 to §4.1.6)."""
    for name in ("iat", "exp", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise errors.TokenClock(technical=f"{name} is not a number")
        # JSON's 1e999 is read as infinity; an iat like that lies in the future or is too old.
        if name != "iat" and value in (math.inf, -math.inf):
            raise errors.TokenMalformed(technical=f"{name} is not finite")
    moment, leeway = now().timestamp(), LEEWAY.total_seconds()
    if claims["iat"] > moment + leeway or claims.get("nbf", 0) > moment + leeway:
        raise errors.TokenClock(technical="iat or nbf lies in the future")
    if int(claims["exp"]) <= moment - leeway:
        raise errors.TokenExpired
    if claims["iat"] < moment - OLDEST.total_seconds() - leeway:
        raise errors.TokenClock(technical="iat is older than 10 minutes")


def _check_parties(claims: dict[str, Any], platform: Platform) -> None:
    """Issuer, audience and subject; the audience may be a list only if `azp` says that we are the one that is meant."""
    if claims["iss"] != platform.issuer:
        raise errors.WrongIssuer(technical="iss is not the registered issuer")
    audience, authorized = claims["aud"], claims.get("azp")
    if not audience:
        raise _missing("aud")
    named = audience if isinstance(audience, list) else [audience]
    if platform.client_id not in named or not all(isinstance(each, str) for each in named):
        raise errors.WrongAudience(technical="aud is not our client_id")
    if authorized is not None and authorized != platform.client_id:
        raise errors.WrongAudience(technical="azp is not our client_id")
    if isinstance(audience, list) and len(audience) > 1 and authorized is None:
        raise errors.WrongAudience(technical="aud names several and azp is missing")
    if not isinstance(claims["sub"], str):
        raise errors.UserMissing(technical="sub is not text")
    if not isinstance(claims.get("jti", ""), str):
        raise errors.TokenMalformed(technical="jti is not text")


def _base64url(segment: str, part: str) -> bytes:
    """The bytes of a part, in the one spelling that base64url has for them (RFC 7515 §2)."""
    malformed = errors.TokenMalformed(technical=f"the {part} is not base64url")
    if not _SEGMENT.fullmatch(segment):
        raise malformed
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise malformed from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode("ascii"):
        raise malformed
    return raw


def _json_object(segment: str, part: str) -> dict[str, Any]:
    raw = _base64url(segment, part)
    try:
        content = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise errors.TokenMalformed(technical=f"the {part} is not JSON with unique keys") from None
    if not isinstance(content, dict) or not _is_storable(content):
        raise errors.TokenMalformed(technical=f"the {part} is not a JSON object of sensible depth and text")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_storable(content: Any) -> bool:
    """Whether lists and objects nest within bounds and every text is one that any database keeps; without recursion."""
    waiting = [(content, 1)]
    while waiting:
        current, level = waiting.pop()
        if level > DEEPEST:
            return False
        if isinstance(current, str) and not is_plain_text(current):
            return False
        if isinstance(current, dict):
            waiting.extend((child, level + 1) for pair in current.items() for child in pair)
        elif isinstance(current, list):
            waiting.extend((child, level + 1) for child in current)
    return True
