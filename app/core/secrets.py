"""Encryption at rest and derived secrets, all under the master key that lives outside the database.

Each purpose has its own key, derived by HKDF (RFC 5869, https://www.rfc-editor.org/rfc/rfc5869), so that a token made
for one purpose is refused for another. The oldest keys still open what they sealed; the newest seals.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
NONCE_LENGTH = 12


class SecretUnreadable(Exception):
    """No master key opens this: the key was changed without keeping the old one, or the data was altered."""


class SecretBox:
    """Seals and derives under the master keys.

    Args:
        keys: the master keys as text, newest first; at least one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a secret box needs a key")
        self._keys = tuple(keys)

    def encrypt(self, purpose: str, plain: bytes) -> str:
        """Seal bytes with AES-256-GCM under the newest key; the purpose is authenticated too."""
        nonce = os.urandom(NONCE_LENGTH)
        sealed = AESGCM(self._key(self._keys[0], purpose)).encrypt(nonce, plain, purpose.encode())
        return base64.urlsafe_b64encode(VERSION + nonce + sealed).decode("ascii")

    def decrypt(self, purpose: str, token: str) -> bytes:
        """Open what `encrypt` sealed.

        Raises:
            SecretUnreadable: no key opens it.
        """
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii"))
        except ValueError as error:
            raise SecretUnreadable("this is not a sealed value") from error
        if raw[:1] != VERSION:
            raise SecretUnreadable("sealed by an unknown version")
        nonce, sealed = raw[1 : 1 + NONCE_LENGTH], raw[1 + NONCE_LENGTH :]
        for key in self._keys:
            try:
                return AESGCM(self._key(key, purpose)).decrypt(nonce, sealed, purpose.encode())
            except InvalidTag:
                continue
        raise SecretUnreadable(f"WAYMARK_SECRET_KEY does not open what was sealed for {purpose}")

    def is_under_newest(self, purpose: str, token: str) -> bool:
        """Whether the newest key alone opens this.

        Raises:
            SecretUnreadable: no key opens it.
        """
        self.decrypt(purpose, token)
        try:
            SecretBox(self._keys[:1]).decrypt(purpose, token)
        except SecretUnreadable:
            return False
        return True

    def token_keys(self, purpose: str) -> tuple[bytes, ...]:
        """The keys that tokens of a purpose are made with, newest first: for keeping one after its master key goes."""
        return tuple(self._key(key, purpose) for key in self._keys)

    def derive(self, purpose: str, message: str) -> bytes:
        """32 bytes that only this server can compute for this purpose and message (HMAC-SHA256, newest key)."""
        return self.derive_all(purpose, message)[0]

    def derive_all(self, purpose: str, message: str) -> tuple[bytes, ...]:
        """The same under every key, newest first: to recognise what an older key derived."""
        return tuple(
            hmac.digest(self._key(key, purpose), message.encode("utf-8"), hashlib.sha256) for key in self._keys
        )

    def token(self, purpose: str, message: str) -> str:
        """`derive` as URL-safe text: for links that need no row of their own."""
        return base64.urlsafe_b64encode(self.derive(purpose, message)).rstrip(b"=").decode("ascii")

    def token_matches(self, purpose: str, message: str, token: str) -> bool:
        """Whether a token is the one for this purpose and message, under any key, compared in constant time."""
        return token_made_with(self.token_keys(purpose), message, token)

    def code(self, purpose: str, message: str) -> str:
        """Six digits that only this server can compute: for a mail, so that no row keeps them."""
        return _six_digits(self.derive(purpose, message))

    def code_matches(self, purpose: str, message: str, typed: str) -> bool:
        """Whether what was typed, spaces aside, is the code, under any key, compared in constant time."""
        entered = "".join(typed.split()).encode()
        right = [
            hmac.compare_digest(_six_digits(value).encode(), entered) for value in self.derive_all(purpose, message)
        ]
        return any(right)

    @staticmethod
    def _key(master: str, purpose: str) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=b"waymark", info=purpose.encode("utf-8")).derive(
            master.encode("utf-8")
        )


def _six_digits(secret: bytes) -> str:
    """Six digits from 32 bytes: the remainder's bias is far below what a few tries could use."""
    return f"{int.from_bytes(secret, 'big') % 1_000_000:06d}"


def token_of(key: bytes, message: str) -> str:
    """The token that one of a purpose's `token_keys` makes for a message: for many tokens of one purpose."""
    value = hmac.digest(key, message.encode("utf-8"), hashlib.sha256)
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def token_made_with(keys: Iterable[bytes], message: str, token: str) -> bool:
    """Whether one of these token keys made a token for this message, compared in constant time."""
    candidates = [token_of(key, message).encode() for key in keys]
    return any(hmac.compare_digest(candidate, token.encode()) for candidate in candidates)
