"""The public keys by which a client shows itself, as an operator hands them in: a JSON Web Key Set (RFC 7517)."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

from app.api.errors import ClientUnusable
from app.vc import json_text
from app.vc.errors import VcError

# Signatures that only the holder of a private key can make. None of them works with a key that both sides know, so a
# public key can never be taken for a shared secret (RFC 8725 §2.1, https://www.rfc-editor.org/rfc/rfc8725#section-2.1).
ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})
MOST_KEYS: Final = 10
MAX_BYTES: Final = 50_000
LONGEST_KID: Final = 255
LONGEST_ADDRESS: Final = 2_000
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_NEEDED: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


def read_key_set(data: bytes) -> str:
    """Judge a key set that an operator hands in, and give it as it is kept: only what is needed, as JSON.

    Args:
        data: a JSON Web Key Set of one to ten public keys, each with a `kid` of its own.

    Raises:
        ClientUnusable: it is none, or a key in it cannot be used; says which and why.
    """
    try:
        document = json_text.loads(data, max_bytes=MAX_BYTES)
    except VcError as error:
        raise ClientUnusable(f"The key set cannot be read. {error.detail}") from None
    entries = document.get("keys")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_KEYS:
        raise ClientUnusable(f'A key set has a member "keys" with one to {MOST_KEYS} keys (RFC 7517).')
    kept = [_kept(entry, number) for number, entry in enumerate(entries, start=1)]
    if len({entry["kid"] for entry in kept}) != len(kept):
        raise ClientUnusable("Two keys of the set have the same kid, so nobody could tell which of them is meant.")
    return json.dumps({"keys": kept}, separators=(",", ":"))


def key_of(key_set: str, kid: str) -> jwt.PyJWK | None:
    """The key of this id in a set that `read_key_set` let pass; None if there is none."""
    entry = next((each for each in json.loads(key_set)["keys"] if each["kid"] == kid), None)
    return None if entry is None else jwt.PyJWK(entry)


def weakness(key: jwt.PyJWK) -> str | None:
    """Why nobody should trust a signature by this key, if so."""
    if key.algorithm_name not in ALGORITHMS:
        return f"its algorithm is none of {', '.join(sorted(ALGORITHMS))}"
    return key.Algorithm.check_key_length(key.key)


def checked_address(address: str, *, allow_http: bool) -> str:
    """The address of a client's key set, if it is one that this server may ask.

    Args:
        address: absolute; https, or http where the operator allows the own network.
        allow_http: whether they do.

    Raises:
        ClientUnusable: it is not.
    """
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    schemes = ("https", "http") if allow_http else ("https",)
    if not host or parts.scheme not in schemes or parts.username or not address.isascii() or not address.isprintable():
        raise ClientUnusable("The address of a key set is a plain https address, without a user's name in it.")
    if len(address) > LONGEST_ADDRESS or " " in address:
        raise ClientUnusable("That address is too long, or has a space in it.")
    return address


def _kept(entry: Any, number: int) -> dict[str, str]:
    """One key with those of its members that say what it is."""
    if not isinstance(entry, dict):
        raise _unusable(number, "it is not an object")
    if _PRIVATE & set(entry):
        raise ClientUnusable(
            f"Key {number} of the set is a private or secret key. Nothing of it was kept.",
            next_step="Whoever could read that file could act as the client: have a new pair made, and hand in its "
            "public half only.",
        )
    kid, kind = entry.get("kid"), entry.get("kty")
    if not isinstance(kid, str) or not 1 <= len(kid) <= LONGEST_KID or not kid.isprintable():
        raise _unusable(number, "it has no kid, or an odd one")
    if not isinstance(kind, str) or kind not in _NEEDED:
        raise _unusable(number, "its kty is none of RSA, EC and OKP")
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise _unusable(number, "it is not for signatures")
    wanted = ("kty", "kid", "alg", *_NEEDED[kind])
    kept = {name: entry[name] for name in wanted if name in entry}
    if not all(isinstance(value, str) for value in kept.values()):
        raise _unusable(number, "a member of it is not text")
    try:
        key = jwt.PyJWK(kept)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, NotImplementedError):
        raise _unusable(number, "it is not a whole key of that kind, or its alg does not fit it") from None
    if (why := weakness(key)) is not None:
        raise _unusable(number, why)
    return kept | {"alg": key.algorithm_name}


def _unusable(number: int, why: str) -> ClientUnusable:
    return ClientUnusable(f"Key {number} of the set cannot be used: {why}.")
