"""Clients that show themselves by a statement which they signed: `private_key_jwt` (RFC 7523, RFC 7521).

The algorithm is the key's own and never the statement's choice (RFC 8725 §3.1), each statement counts once, in
whichever process it arrives, and it is meant for us alone: one that names a second audience could have been taken from
there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
import sqlalchemy as sa

from app.api import client_keys
from app.api.errors import OAuthRefused
from app.api.models import ApiAssertion
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Unavailable
from app.core.ids import digest, one_in
from app.core.jwks import JwksCache, KeyNotFound
from app.core.rows import insert, table
from app.core.text import is_plain_text

KIND: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE: Final = timedelta(minutes=10)
LEEWAY: Final = timedelta(seconds=30)  # that two clocks may differ
LONGEST_JTI: Final = 255
LONGEST: Final = 10_000  # characters
SWEPT_ONCE_IN: Final = 20
RETRY_AFTER: Final = 30  # seconds, when a client's key set cannot be fetched
_ASSERTION: Final = table(ApiAssertion)


@dataclass(frozen=True)
class Unproven:
    """A statement of the right form; nothing in it is to be believed yet."""

    text: str
    client_id: str
    algorithm: str
    kid: str


@dataclass(frozen=True)
class Proven:
    """A statement whose signature, times and parties are right; it counts once."""

    client_id: str
    jti: str
    expires_at: datetime


def parse(text: str) -> Unproven:
    """Judge a statement's form: a compact JWS by a permitted algorithm, with a key id, by and about one client.

    Raises:
        OAuthRefused: `invalid_client`; the description says what is wrong.
    """
    if len(text) > LONGEST or not text.isascii():
        raise refused("The assertion is too long or is not a JWT.")
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise refused("The assertion is not a JWT.") from None
    algorithm, kid, client_id = header.get("alg"), header.get("kid"), claims.get("sub")
    if algorithm not in client_keys.ALGORITHMS:
        raise refused(f"The assertion is to be signed by one of {', '.join(sorted(client_keys.ALGORITHMS))}.")
    if "crit" in header or "b64" in header:
        raise refused("The assertion's header has a critical extension, and none is supported.")
    if not isinstance(kid, str) or not 1 <= len(kid) <= client_keys.LONGEST_KID:
        raise refused("The assertion's header has no kid.")
    if not isinstance(client_id, str) or claims.get("iss") != client_id:
        raise refused("The assertion's iss and sub are to be the client id, both.")
    return Unproven(text, client_id, str(algorithm), kid)


def key_for(unproven: Unproven, key_set: str | None, address: str | None, cache: JwksCache) -> jwt.PyJWK:
    """The client's key that the statement names; may fetch, so never call it inside a write.

    Raises:
        OAuthRefused: there is none, or its owner's address does not answer.
    """
    try:
        key = (
            client_keys.key_of(key_set, unproven.kid) if key_set is not None else cache.key(address or "", unproven.kid)
        )
    except KeyNotFound:
        key = None
    except Unavailable:
        raise OAuthRefused(
            "temporarily_unavailable", "The key set of this client could not be fetched from its address.", status=503,
            outcome="keys_unavailable", retry_after=RETRY_AFTER,
        ) from None  # fmt: skip
    if key is None:
        raise refused("The client has no key of that kid.")
    return key


def verify(unproven: Unproven, key: jwt.PyJWK, audiences: frozenset[str]) -> Proven:
    """Judge signature, times and parties (RFC 7523 §3, https://www.rfc-editor.org/rfc/rfc7523#section-3).

    Args:
        unproven: the statement.
        key: the client's own, from the set its operator handed in.
        audiences: the names under which this server may be meant.

    Raises:
        OAuthRefused: `invalid_client`; the description says which check failed.
    """
    if unproven.algorithm != key.algorithm_name or client_keys.weakness(key) is not None:
        raise refused("The key of that kid is for another algorithm, or too short.")
    try:
        claims = jwt.decode(
            unproven.text, key, algorithms=[key.algorithm_name],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise refused("The assertion's signature does not fit the client's key.") from None
    named = claims.get("aud")
    if isinstance(named, list) and len(named) == 1:
        named = named[0]
    if not isinstance(named, str) or named not in audiences:
        raise refused(
            "The assertion's aud is to be the token endpoint's address or this server's base URL, and nothing besides."
        )
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= LONGEST_JTI or not is_plain_text(jti):
        raise refused(f"The assertion needs a jti of 1 to {LONGEST_JTI} characters.")
    return Proven(unproven.client_id, jti, _end(claims))


def use_up(database: Database, proven: Proven) -> None:
    """See to it that a statement counts once.

    It is kept as used until it would be refused for its age, and before anything else is done with it: a request that
    is refused later on has used it up too, so that whoever overheard it has nothing.

    Raises:
        OAuthRefused: `invalid_client`: it was used before.
    """
    try:
        with database.write() as session:
            if one_in(SWEPT_ONCE_IN):
                session.run(sa.delete(_ASSERTION).where(_ASSERTION.c.expires_at < now()))
            insert(
                session, ApiAssertion, client_id=proven.client_id, jti_digest=digest(proven.jti),
                expires_at=proven.expires_at + 2 * LEEWAY,
            )  # fmt: skip
    except sa.exc.IntegrityError:
        raise refused("The assertion was used before: each request needs a new one.", outcome="replayed") from None


def refused(description: str, *, outcome: str = "refused") -> OAuthRefused:
    """The client has not shown itself."""
    return OAuthRefused("invalid_client", description, status=401, outcome=outcome)


def _end(claims: Mapping[str, Any]) -> datetime:
    """When a statement ends, if it counts now: `exp` at most ten minutes ahead, `nbf` and `iat` not in the future."""
    moment, leeway = now().timestamp(), LEEWAY.total_seconds()
    end = _number(claims, "exp")
    if end is None:
        raise refused("The assertion needs an exp.")
    if end <= moment - leeway:
        raise refused("The assertion is over: see whether the clocks agree.")
    if end > moment + LONGEST_LIFE.total_seconds() + leeway:
        raise refused(f"The assertion's exp is to be at most {LONGEST_LIFE.seconds // 60} minutes ahead.")
    if any((_number(claims, name) or 0) > moment + leeway for name in ("nbf", "iat")):
        raise refused("The assertion's nbf or iat lies in the future: see whether the clocks agree.")
    return datetime.fromtimestamp(end, UTC)


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    try:
        # An integer of JSON may be larger than a float holds; it is no moment then.
        if not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value):
            return value
    except OverflowError:
        pass
    raise refused(f"The assertion's {name} is not a number of seconds.")
