"""Keys: what signs, what checks a signature, and how public keys are written down.

Private keys stay behind the `Signer` protocol, so that a key in a hardware module or a remote service fits as well as
one in memory. Signatures are raw bytes everywhere: 64 for Ed25519, 64 (r || s) for P-256.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from openvc.multibase import MultibaseError, decode_multibase, encode_multibase

from app.vc.errors import KeyInvalid, ProofInvalid

Algorithm = Literal["Ed25519", "P-256"]

# https://www.w3.org/TR/cid-1.0/#Multikey: multicodec prefix and length of the raw key after it
_MULTIKEY: Final[dict[Algorithm, tuple[bytes, int]]] = {"Ed25519": (b"\xed\x01", 32), "P-256": (b"\x80\x24", 33)}
_MAX_MULTIBASE: Final = 200
_P256: Final = ec.SECP256R1()
_COORDINATE: Final = 32


@dataclass(frozen=True)
class PublicKey:
    """A public key that is known to be well formed.

    `raw`: 32 bytes for Ed25519, the 33-byte compressed point for P-256. Raises KeyInvalid (key_malformed) otherwise.
    """

    algorithm: Algorithm
    raw: bytes

    def __post_init__(self) -> None:
        if self.algorithm not in _MULTIKEY or len(self.raw) != _MULTIKEY[self.algorithm][1]:
            raise _malformed("The key has the wrong kind or length.")
        try:
            _load(self)
        except ValueError as problem:
            raise _malformed("The key is not a point of its curve.") from problem

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if `signature` (64 raw bytes) over `data` is this key's; else raise ProofInvalid (bad_signature)."""
        if len(signature) != 2 * _COORDINATE:
            raise ProofInvalid("bad_signature", "The signature does not have 64 bytes.")
        key = _load(self)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, data)
            else:
                r, s = (int.from_bytes(half) for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
                key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as problem:
            raise ProofInvalid("bad_signature", "The signature does not fit the document and the key.") from problem

    @property
    def multikey(self) -> str:
        """The key as publicKeyMultibase: base58btc with its multicodec prefix. https://www.w3.org/TR/cid-1.0/#Multikey"""
        return encode_multibase(_MULTIKEY[self.algorithm][0] + self.raw)

    @classmethod
    def from_multikey(cls, text: str) -> Self:
        """Read a publicKeyMultibase value; raise KeyInvalid (key_malformed) if it is not Ed25519 or P-256."""
        try:
            data = decode_multibase(text if len(text) <= _MAX_MULTIBASE else "")
        except MultibaseError as problem:
            raise _malformed("The key is not base58btc multibase.") from problem
        for algorithm, (prefix, _) in _MULTIKEY.items():
            if data.startswith(prefix):
                return cls(algorithm, data.removeprefix(prefix))
        raise _malformed("The Multikey is of a kind this engine does not read.")

    def to_jwk(self) -> dict[str, str]:
        """Return the key as a JWK with its public members only (RFC 7517, RFC 8037)."""
        key = _load(self)
        if isinstance(key, ed25519.Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(self.raw)}
        numbers = key.public_numbers()
        x, y = (base64url(number.to_bytes(_COORDINATE)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    @classmethod
    def from_jwk(cls, jwk: dict[str, Any]) -> Self:
        """Read a public JWK; raise KeyInvalid (key_malformed) for other kinds and for one that holds a private key."""
        if "d" in jwk:
            raise _malformed("The JWK holds a private key and must not be used.")
        kind = (jwk.get("kty"), jwk.get("crv"))
        if kind == ("OKP", "Ed25519"):
            return cls("Ed25519", _coordinate(jwk.get("x")))
        if kind == ("EC", "P-256"):
            point = b"\x04" + _coordinate(jwk.get("x")) + _coordinate(jwk.get("y"))
            try:
                return cls("P-256", _compress(ec.EllipticCurvePublicKey.from_encoded_point(_P256, point)))
            except ValueError as problem:
                raise _malformed("The JWK is not a point of its curve.") from problem
        raise _malformed("The JWK is of a kind this engine does not read.")


class Signer(Protocol):
    """Whatever can sign bytes with one key, in memory or far away."""

    @property
    def algorithm(self) -> Algorithm:
        """The kind of key."""

    @property
    def public_key(self) -> PublicKey:
        """The public half."""

    def sign(self, data: bytes) -> bytes:
        """Return the raw 64-byte signature of `data` (hashed with SHA-256 first where the algorithm is ECDSA)."""


class Ed25519Signer:
    """An Ed25519 key held in memory."""

    algorithm: Algorithm = "Ed25519"

    def __init__(self, key: ed25519.Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = PublicKey("Ed25519", key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_private_bytes(cls, data: bytes) -> Self:
        """Load a key from the 32 bytes that `private_bytes` gives; raise KeyInvalid otherwise."""
        try:
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(data))
        except ValueError as problem:
            raise _malformed("An Ed25519 private key has 32 bytes.") from problem

    def private_bytes(self) -> bytes:
        """Return the secret 32 bytes; encrypt them before they go anywhere."""
        return self._key.private_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature of `data` (RFC 8032)."""
        return self._key.sign(data)


class P256Signer:
    """An ECDSA key on P-256 held in memory."""

    algorithm: Algorithm = "P-256"

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public_key = PublicKey("P-256", _compress(key.public_key()))

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(ec.generate_private_key(_P256))

    @classmethod
    def from_private_bytes(cls, data: bytes) -> Self:
        """Load a key from the 32-byte big-endian scalar that `private_bytes` gives; raise KeyInvalid otherwise."""
        try:
            if len(data) != _COORDINATE:
                raise ValueError(len(data))
            return cls(ec.derive_private_key(int.from_bytes(data), _P256))
        except ValueError as problem:
            raise _malformed("A P-256 private key is a scalar of 32 bytes.") from problem

    def private_bytes(self) -> bytes:
        """Return the secret 32-byte scalar; encrypt it before it goes anywhere."""
        return self._key.private_numbers().private_value.to_bytes(_COORDINATE)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature r || s of `data` (FIPS 186-5, RFC 7515 §3.4 form)."""
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE)


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """Decode the one unpadded form of some bytes; raise ValueError for any other spelling."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as problem:
        raise ValueError("not base64url") from problem
    if base64url(data) != text:
        raise ValueError("not the canonical base64url form")
    return data


def _malformed(detail: str) -> KeyInvalid:
    return KeyInvalid("key_malformed", detail)


def _coordinate(value: object) -> bytes:
    try:
        data = base64url_decode(value) if isinstance(value, str) and len(value) <= _MAX_MULTIBASE else b""
    except ValueError:
        data = b""
    if len(data) != _COORDINATE:
        raise _malformed("A JWK coordinate must be 32 bytes in base64url.")
    return data


def _compress(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def _load(key: PublicKey) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    if key.algorithm == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(key.raw)
    return ec.EllipticCurvePublicKey.from_encoded_point(_P256, key.raw)
