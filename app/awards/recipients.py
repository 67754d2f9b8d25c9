"""Who an award is for: known by their address, of which a keyed digest is kept and nothing else for long."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from app.core.secrets import SecretBox

DIGEST_PURPOSE = "awards.recipient"
SEAL_PURPOSE = "awards.claim-mail"


@dataclass(frozen=True)
class Recipient:
    """Whom a claim mail is for."""

    email: str = field(repr=False)
    name: str | None = field(repr=False)


def digest_of(secret_box: SecretBox, email: str) -> str:
    """What is kept of an address: nobody without the master key can tell whether it is one that they guess.

    Args:
        secret_box: keys the digest.
        email: as `people.normalise_email` gives it.
    """
    return secret_box.derive(DIGEST_PURPOSE, email).hex()


def digests_of(secret_box: SecretBox, email: str) -> tuple[str, ...]:
    """The same under every master key there is, newest first: rows keep what they were stored with."""
    return tuple(value.hex() for value in secret_box.derive_all(DIGEST_PURPOSE, email))


def seal(secret_box: SecretBox, recipient: Recipient) -> str:
    """Address and name, for as long as the claim mail is under way."""
    return secret_box.encrypt(SEAL_PURPOSE, json.dumps([recipient.email, recipient.name]).encode())


def unseal(secret_box: SecretBox, sealed: str) -> Recipient:
    """What `seal` closed.

    Raises:
        SecretUnreadable: no master key opens it.
    """
    email, name = json.loads(secret_box.decrypt(SEAL_PURPOSE, sealed))
    return Recipient(email, name)
