from functools import lru_cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vc import multibase
from app.vc.errors import KeyInvalid, ProofInvalid
from app.vc.keys import Ed25519Signer, P256Signer, PublicKey, RsaSigner, Signer, base64url, base64url_decode
from tests.vc.samples import ED25519, P256

SIGNERS: list[Signer] = [ED25519, P256]


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_signature_is_64_bytes_and_verifies_for_its_data_only(signer: Signer) -> None:
    signature = signer.sign(b"data")
    assert len(signature) == 64
    signer.public_key.verify(signature, b"data")
    with pytest.raises(ProofInvalid) as caught:
        signer.public_key.verify(signature, b"date")
    assert caught.value.code == "bad_signature"


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\xff" * 64, b"\0" * 63, b"\0" * 65])
def test_made_up_signatures_raise(signer: Signer, signature: bytes) -> None:
    with pytest.raises(ProofInvalid):
        signer.public_key.verify(signature, b"data")


@pytest.mark.parametrize("signer", SIGNERS)
def test_keys_survive_every_form_they_are_written_in(signer: Any) -> None:
    key = signer.public_key
    assert PublicKey.from_multikey(key.multikey) == key
    assert PublicKey.from_jwk(key.to_jwk()) == key
    assert type(signer).from_private_bytes(signer.private_bytes()).public_key == key


@pytest.mark.parametrize("kind", [Ed25519Signer, P256Signer])
def test_generated_keys_differ(kind: Any) -> None:
    assert kind.generate().private_bytes() != kind.generate().private_bytes()


def test_multikeys_start_as_the_field_knows_them() -> None:
    assert ED25519.public_key.multikey.startswith("z6Mk")
    assert P256.public_key.multikey.startswith("zDn")


# Keys published with the W3C cryptosuite vectors, https://www.w3.org/TR/vc-di-eddsa/#test-vectors
def test_the_published_w3c_key_pair_is_read() -> None:
    secret = multibase.decode("z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")
    assert secret.startswith(b"\x80\x26")
    multikey = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    assert Ed25519Signer.from_private_bytes(secret[2:]).public_key.multikey == multikey


MALFORMED = [b"\xed\x01" + b"\0" * 31, b"\x80\x24" + b"\5" * 33, b"\x12\x05" + b"\0" * 32]


@pytest.mark.parametrize("text", ["", "z", "u7QE", "z0", "z6Mk", "z" + "6" * 5000, *map(multibase.encode, MALFORMED)])
def test_malformed_multikeys_are_refused(text: str) -> None:
    with pytest.raises(KeyInvalid) as caught:
        PublicKey.from_multikey(text)
    assert caught.value.code == "key_malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": None},
        {"crv": "P-384"},
        {"x": None},
        {"x": "AAAA"},
        {"y": "A" * 43},
        {"x": "!" * 43},
        {"d": "secret"},
    ],
)
def test_malformed_jwks_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(KeyInvalid):
        PublicKey.from_jwk({**P256.public_key.to_jwk(), **change})


def test_wrong_private_bytes_are_refused() -> None:
    with pytest.raises(KeyInvalid):
        Ed25519Signer.from_private_bytes(b"short")
    for scalar in (b"short", b"\0" * 32, b"\xff" * 32):
        with pytest.raises(KeyInvalid):
            P256Signer.from_private_bytes(scalar)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_base64url_gives_the_bytes_back(data: bytes) -> None:
    assert base64url_decode(base64url(data)) == data


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "A+==", "AA\n", "é"])
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        base64url_decode(text)


def _rsa_jwk(n: int, e: int = 65537) -> dict[str, str]:
    parts = {"n": n, "e": e}
    return {"kty": "RSA", **{k: base64url(v.to_bytes(max(1, (v.bit_length() + 7) // 8))) for k, v in parts.items()}}


def test_an_rsa_key_survives_its_jwk_and_has_no_multikey() -> None:
    jwk = _rsa_jwk((1 << 2047) | 1)
    key = PublicKey.from_jwk(jwk)
    assert key.algorithm == "RSA"
    assert key.to_jwk() == jwk
    with pytest.raises(KeyInvalid):
        _ = key.multikey
    with pytest.raises(ProofInvalid):
        key.verify(b"\1" * 256, b"data")


@pytest.mark.parametrize(
    "jwk",
    [
        _rsa_jwk((1 << 2046) | 1),
        _rsa_jwk((1 << 8192) | 1),
        _rsa_jwk((1 << 2047) | 1, 3),
        _rsa_jwk((1 << 2047) | 1, 65538),
        _rsa_jwk((1 << 2047) | 1, (1 << 32) | 1),
        _rsa_jwk(1 << 2047),
        {"kty": "RSA", "n": "A" * 3_000_000, "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": None},
        {"kty": "RSA", "e": "AQAB"},
        _rsa_jwk((1 << 2047) | 1) | {"d": "AQAB"},
        _rsa_jwk((1 << 2047) | 1) | {"crv": "P-256"},
    ],
)
def test_rsa_keys_that_are_weak_huge_or_malformed_are_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeyInvalid) as caught:
        PublicKey.from_jwk(jwk)
    assert caught.value.code == "key_malformed"


def test_raw_bytes_that_are_no_rsa_key_are_refused() -> None:
    for raw in (b"", b"\x30\x00", ED25519.public_key.raw):
        with pytest.raises(KeyInvalid):
            PublicKey("RSA", raw)


@lru_cache(maxsize=1)
def rsa_signer() -> RsaSigner:
    return RsaSigner.generate()


def test_an_rsa_key_signs_what_only_it_can_have_signed() -> None:
    signer = rsa_signer()
    signature = signer.sign(b"data")
    assert len(signature) == 256
    signer.public_key.verify(signature, b"data")
    for key, data in ((signer.public_key, b"date"), (RsaSigner.generate().public_key, b"data")):
        with pytest.raises(ProofInvalid) as caught:
            key.verify(signature, data)
        assert caught.value.code == "bad_signature"


def test_an_rsa_key_survives_every_form_it_is_written_in() -> None:
    signer = rsa_signer()
    again = RsaSigner.from_private_bytes(signer.private_bytes())
    assert again.public_key == signer.public_key == PublicKey.from_jwk(signer.public_key.to_jwk())
    assert again.private_bytes() == signer.private_bytes()
    again.public_key.verify(again.sign(b"data"), b"data")


def test_rsa_keys_that_are_too_short_or_too_long_neither_sign_nor_load() -> None:
    for bits in (512, 1024, 2047, 8193, 16384):
        with pytest.raises(KeyInvalid):
            RsaSigner.generate(bits)
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - refused below for that reason
    with pytest.raises(KeyInvalid) as caught:
        RsaSigner.from_private_bytes(_pkcs8(short))
    assert caught.value.code == "key_malformed"


def test_other_private_bytes_are_no_rsa_key() -> None:
    ed25519_key = ed25519.Ed25519PrivateKey.from_private_bytes(ED25519.private_bytes())
    for data in (b"", b"short", rsa_signer().private_bytes()[:-1], _pkcs8(ed25519_key)):
        with pytest.raises(KeyInvalid) as caught:
            RsaSigner.from_private_bytes(data)
        assert caught.value.code == "key_malformed"


def _pkcs8(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    form, clear = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.DER, form, clear)
