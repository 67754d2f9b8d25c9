"""A few RSA keys for all the tests of a process: to make one takes as long as many a test.

Keys are handed out in turn, so that those which one test makes differ. Those that outlive a test, because a module or a
fixture for many tests made them, are made for themselves: they are never the same as one of a test's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import rsa

DIFFERENT = 24

_make = rsa.generate_private_key
_one_at_a_time = threading.Lock()


@cache
def _of_size(public_exponent: int, key_size: int) -> Iterator[rsa.RSAPrivateKey]:
    return cycle(_make(public_exponent, key_size) for _ in range(DIFFERENT))


def _next(public_exponent: int, key_size: int, backend: object = None) -> rsa.RSAPrivateKey:
    del backend
    with _one_at_a_time:
        return next(_of_size(public_exponent, key_size))


@contextmanager
def shared() -> Iterator[None]:
    """Whoever makes an RSA key in this process meanwhile is given one of a few."""
    with patch.object(rsa, "generate_private_key", _next):
        yield
