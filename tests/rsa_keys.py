"""A few RSA keys for a whole run: to make one takes as long as many a test.

Keys are handed out in turn, so that those made one after the other differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle

from cryptography.hazmat.primitives.asymmetric import rsa

DIFFERENT = 24

Make = Callable[[int, int], rsa.RSAPrivateKey]


def share() -> None:
    """From here on, whoever makes an RSA key in this process is given one of a few."""
    make: Make = rsa.generate_private_key

    @cache
    def of_size(public_exponent: int, key_size: int) -> Iterator[rsa.RSAPrivateKey]:
        return cycle(make(public_exponent, key_size) for _ in range(DIFFERENT))

    def generate_private_key(public_exponent: int, key_size: int, backend: object = None) -> rsa.RSAPrivateKey:
        del backend
        return next(of_size(public_exponent, key_size))

    rsa.generate_private_key = generate_private_key
