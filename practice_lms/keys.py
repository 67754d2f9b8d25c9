"""The platform's signing keys: one in use, one published ahead of the next rotation."""

from dataclasses import dataclass, field
from secrets import token_hex

from joserfc.jwk import KeySet, OctKey, RSAKey


def new_signing_key() -> RSAKey:
    """A fresh RSA key of 2,048 bits with a random `kid`."""
    return RSAKey.generate_key(2048, {"kid": f"practice-{token_hex(4)}", "use": "sig", "alg": "RS256"})


@dataclass
class KeyRing:
    """Two RSA keys for id_tokens and a secret for login hints.

    The next key is published before it is used, so a tool that refreshes its cache now and then never meets an unknown
    `kid` after one rotation.
    """

    current: RSAKey = field(default_factory=new_signing_key)
    upcoming: RSAKey = field(default_factory=new_signing_key)
    hint_key: OctKey = field(default_factory=lambda: OctKey.generate_key(256))

    def rotate(self) -> None:
        """Retire the key in use, start using the next, publish a new one after it."""
        self.current, self.upcoming = self.upcoming, new_signing_key()

    def published(self) -> dict[str, list[dict[str, str | list[str]]]]:
        """The JWKS document (RFC 7517 §5): public parts only."""
        return {"keys": [key.as_dict(private=False) for key in KeySet([self.current, self.upcoming]).keys]}
