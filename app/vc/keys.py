"""Keys: what signs, what checks a signature, and how public keys are written down.

Private keys stay behind the `Signer` protocol, so that a key in a hardware module or a remote service fits as well as
one in memory. Signatures are raw bytes everywhere: 64 for Ed25519, 64 (r || s) for P-256, as long as the key for RSA.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from app.vc import multibase
from app.vc.errors import KeyInvalid, ProofInvalid

Algorithm = Literal["Ed25519", "P-256", "RSA"]

# https://www.w3.org/TR/cid-1.0/#Multikey: multicodec prefix and length of the raw key after it
_MULTIKEY: Final[dict[Algorithm, tuple[bytes, int]]] = {"Ed25519": (b"\xed\x01", 32), "P-256": (b"\x80\x24", 33)}
_MAX_COORDINATE: Final = 200
_P256: Final = ec.SECP256R1()
_COORDINATE: Final = 32
# Shorter keys are too weak (NIST SP 800-131A), longer ones and other exponents only cost whoever has to check them.
_RSA_BITS: Final = range(2048, 8193)
_RSA_EXPONENTS: Final = range(65537, 2**32, 2)
_RSA_EXPONENT: Final = 65537
_MAX_RSA_NUMBER: Final = 1400


@dataclass(frozen=True)
class PublicKey:
    """A public key that is known to be well formed.

    `raw`: 32 bytes for Ed25519, the 33-byte compressed point for P-256, for RSA (2048 to 8192 bits) the RSAPublicKey
    of RFC 8017 in DER. Raises KeyInvalid (key_malformed) otherwise.
    """

    algorithm: Algorithm
    raw: bytes

    def __post_init__(self) -> None:
        length = _MULTIKEY[self.algorithm][1] if self.algorithm in _MULTIKEY else None
        if self.algorithm != "RSA" and len(self.raw) != length:
            raise _malformed("The key has the wrong kind or length.")
        try:
            key = _load(self)
        except (ValueError, UnsupportedAlgorithm) as problem:
            raise _malformed("The key cannot be read, or is not a point of its curve.") from problem
        if isinstance(key, rsa.RSAPublicKey) and not _is_sound(key):
            raise _malformed("The RSA key is too short, too long or has an unusual exponent.")

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if `signature` (raw bytes) over `data` is this key's; else raise ProofInvalid (bad_signature).

        RSA keys check RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3), the only RSA signature of Open Badges 3.0.
        """
        if self.algorithm != "RSA" and len(signature) != 2 * _COORDINATE:
            raise ProofInvalid("bad_signature", "The signature does not have 64 bytes.")
        key = _load(self)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, data)
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            else:
                r, s = (int.from_bytes(half) for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
                key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as problem:
            raise ProofInvalid("bad_signature", "The signature does not fit the document and the key.") from problem

    @property
    def multikey(self) -> str:
        """The key as publicKeyMultibase: base58btc with its multicodec prefix; KeyInvalid for RSA, which has none.

        https://www.w3.org/TR/cid-1.0/#Multikey
        """
        if self.algorithm == "RSA":
            raise _malformed("An RSA key has no Multikey form.")
        return multibase.encode(_MULTIKEY[self.algorithm][0] + self.raw)

    @classmethod
    def from_multikey(cls, text: str) -> Self:
        """Read a publicKeyMultibase value; raise KeyInvalid (key_malformed) if it is not Ed25519 or P-256."""
        try:
            data = multibase.decode(text)
        except multibase.MultibaseInvalid as problem:
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
        if isinstance(key, rsa.RSAPublicKey):
            modulus = key.public_numbers()
            return {"kty": "RSA", "n": base64url(_unsigned(modulus.n)), "e": base64url(_unsigned(modulus.e))}
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
        if kind == ("RSA", None):
            return cls("RSA", _rsa_der(_rsa_number(jwk.get("n")), _rsa_number(jwk.get("e"))))
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
        """Return the raw signature of `data` (hashed with SHA-256 first where the algorithm is ECDSA or RSA)."""


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


class RsaSigner:
    """An RSA key held in memory; signs RSASSA-PKCS1-v1_5 with SHA-256, which is RS256 (RFC 7518 §3.3)."""

    algorithm: Algorithm = "RSA"

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        self.public_key = PublicKey("RSA", _rsa_der(numbers.n, numbers.e))

    @classmethod
    def generate(cls, bits: int = 2048) -> Self:
        """Make a new key of 2048 to 8192 bits, exponent 65537; raise KeyInvalid (key_malformed) for other lengths."""
        if bits not in _RSA_BITS:
            raise _malformed("An RSA key that signs has 2048 to 8192 bits.")
        return cls(rsa.generate_private_key(_RSA_EXPONENT, bits))

    @classmethod
    def from_private_bytes(cls, data: bytes) -> Self:
        """Load a key from the PKCS #8 bytes that `private_bytes` gives; raise KeyInvalid (key_malformed) otherwise.

        Only for keys that this engine made and that were sealed since: the arithmetic between the numbers is not
        checked again, which would take longer than forty signatures.
        """
        try:
            key = serialization.load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
            raise _malformed("An RSA private key is kept as PKCS #8 in DER.") from problem
        if not isinstance(key, rsa.RSAPrivateKey):
            raise _malformed("The private key is not an RSA key.")
        return cls(key)

    def private_bytes(self) -> bytes:
        """Return the secret key as PKCS #8 in DER (RFC 5208); encrypt it before it goes anywhere."""
        form, clear = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self._key.private_bytes(serialization.Encoding.DER, form, clear)

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`, as long as the key."""
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


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
        data = base64url_decode(value) if isinstance(value, str) and len(value) <= _MAX_COORDINATE else b""
    except ValueError:
        data = b""
    if len(data) != _COORDINATE:
        raise _malformed("A JWK coordinate must be 32 bytes in base64url.")
    return data


def _compress(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def _rsa_number(value: object) -> int:
    text = value if isinstance(value, str) and len(value) <= _MAX_RSA_NUMBER else "!"
    try:
        return int.from_bytes(base64url_decode(text))
    except ValueError as problem:
        raise _malformed("A number of an RSA key must be base64url, of up to 8192 bits.") from problem


def _rsa_der(modulus: int, exponent: int) -> bytes:
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as problem:
        raise _malformed("The JWK is not an RSA key.") from problem
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def _is_sound(key: rsa.RSAPublicKey) -> bool:
    numbers = key.public_numbers()
    return key.key_size in _RSA_BITS and numbers.e in _RSA_EXPONENTS and numbers.n % 2 == 1


def _unsigned(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _load(key: PublicKey) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    if key.algorithm == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(key.raw)
    if key.algorithm == "RSA":
        loaded = serialization.load_der_public_key(key.raw)
        if not isinstance(loaded, rsa.RSAPublicKey):
            raise ValueError("not an RSA key")
        return loaded
    return ec.EllipticCurvePublicKey.from_encoded_point(_P256, key.raw)
