"""Identifiers and secrets drawn from the operating system's random source."""

from __future__ import annotations

import hashlib
import secrets
import uuid


def new_id() -> str:
    """A fresh random UUID as text: primary keys, badge addresses."""
    return str(uuid.uuid4())


def new_token(nbytes: int = 32) -> str:
    """A fresh URL-safe secret of `nbytes` bytes."""
    return secrets.token_urlsafe(nbytes)


def one_in(number: int) -> bool:
    """Chance: true once in so many calls. For clearing up that need not be done every time, whoever does it."""
    return secrets.randbelow(number) == 0


def digest(secret: str) -> str:
    """SHA-256 of a high-entropy secret in hex: what the database keeps in its place."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()
