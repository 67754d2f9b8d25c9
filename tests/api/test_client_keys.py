"""Key sets as operators hand them in: public, for signatures, whole, and each told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.api.client_keys import checked_address, key_of, read_key_set
from app.api.errors import ClientUnusable

RSA: dict[str, Any] = dict(RSAKey.generate_key(2048, {"kid": "a"}).as_dict(private=False))
EC: dict[str, Any] = dict(ECKey.generate_key("P-256", {"kid": "b"}).as_dict(private=False))
ED: dict[str, Any] = dict(OKPKey.generate_key("Ed25519", {"kid": "c"}).as_dict(private=False))


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def test_keys_of_every_kind_are_kept_with_the_algorithm_they_are_for() -> None:
    kept = read_key_set(key_set(RSA, EC, ED, RSA | {"kid": "d", "alg": "PS256", "x5u": "https://evil.example"}))
    found = {each["kid"]: each["alg"] for each in json.loads(kept)["keys"]}
    assert found == {"a": "RS256", "b": "ES256", "c": "EdDSA", "d": "PS256"}
    assert "evil" not in kept
    key = key_of(kept, "b")
    assert key is not None
    assert key.algorithm_name == "ES256"
    assert key_of(kept, "e") is None


BAD: dict[str, Any] = {
    "no JSON": b"keys",
    "not UTF-8": b'{"keys": "\xff"}',
    "a list": b"[]",
    "no keys": b"{}",
    "no key": key_set(),
    "a name in place of keys": b'{"keys": "a"}',
    "keys twice": b'{"keys": [], "keys": []}',
    "too many keys": key_set(*(RSA | {"kid": str(number)} for number in range(11))),
    "huge": key_set(RSA | {"x5c": "a" * 60_000}),
    "two keys of one id": key_set(RSA, EC | {"kid": "a"}),
    "a private key": key_set(RSAKey.generate_key(2048, {"kid": "a"}).as_dict(private=True)),
    "a shared secret": key_set(OctKey.generate_key(256, {"kid": "a"}).as_dict(private=True)),
    "a public key as a shared secret": key_set(RSA | {"alg": "HS256"}),
    "no algorithm at all": key_set(RSA | {"alg": "none"}),
    "an algorithm of another kind": key_set(RSA | {"alg": "ES256"}),
    "an algorithm that is a list": key_set(RSA | {"alg": ["RS256"]}),
    "a curve nobody asked for": key_set(ECKey.generate_key("secp256k1", {"kid": "a"}).as_dict(private=False)),
    "a short key": key_set(RSA | {"n": RSA["n"][:170] + "B"}),
    "half a key": key_set({name: value for name, value in EC.items() if name != "y"}),
    "a point that is on no curve": key_set(EC | {"x": EC["y"], "y": EC["x"]}),
    "no id": key_set({name: value for name, value in RSA.items() if name != "kid"}),
    "an empty id": key_set(RSA | {"kid": ""}),
    "an id that breaks a line": key_set(RSA | {"kid": "a\r\nX: y"}),
    "a kind there is not": key_set(RSA | {"kty": "DSA"}),
    "a kind that is a list": key_set(RSA | {"kty": ["RSA"]}),
    "a key for encryption": key_set(RSA | {"use": "enc"}),
    "a key for other operations": key_set(RSA | {"key_ops": ["encrypt"]}),
    "operations that are a number": key_set(RSA | {"key_ops": 5}),
    "a text as key": key_set("a"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_set_that_cannot_be_trusted_is_refused_in_words(case: str) -> None:
    with pytest.raises(ClientUnusable) as refused:
        read_key_set(BAD[case])
    assert refused.value.detail.endswith(".")


def test_of_a_private_key_nothing_is_repeated() -> None:
    private = RSAKey.generate_key(2048, {"kid": "a"}).as_dict(private=True)
    with pytest.raises(ClientUnusable) as refused:
        read_key_set(key_set(private))
    assert "private" in refused.value.detail
    assert not any(str(value) in str(vars(refused.value)) for name, value in private.items() if len(str(value)) > 9)


@pytest.mark.parametrize("address", ["https://keys.example/jwks", "https://keys.example:8443/a?b=c"])
def test_keys_are_fetched_from_plain_https_addresses(address: str) -> None:
    assert checked_address(address, allow_http=False) == address


def test_plain_http_only_where_the_operator_allows_the_own_network() -> None:
    assert checked_address("http://10.0.0.1/jwks", allow_http=True) == "http://10.0.0.1/jwks"
    with pytest.raises(ClientUnusable):
        checked_address("http://10.0.0.1/jwks", allow_http=False)


@pytest.mark.parametrize(
    "address",
    ["", "keys.example", "file:///etc/passwd", "https://", "https://user@keys.example/", "https://[::1", "https://a:b/",
     "https://keys.example/a b", "https://keys.example/\r\nX: y", "https://k\u00e9ys.example/",
     "https://a/" + "b" * 2000],
)  # fmt: skip
def test_odd_addresses_are_refused(address: str) -> None:
    with pytest.raises(ClientUnusable):
        checked_address(address, allow_http=True)
