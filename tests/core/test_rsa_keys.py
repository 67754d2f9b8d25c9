"""The few RSA keys that tests share: quickly had, and no two of them taken for each other."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.rsa_keys import DIFFERENT


def made() -> rsa.RSAPublicNumbers:
    return rsa.generate_private_key(65537, 1024).public_key().public_numbers()  # noqa: S505 - quickly made


OF_THE_MODULE = made()


@pytest.fixture(scope="module")
def of_many_tests() -> rsa.RSAPublicNumbers:
    return made()


def test_a_test_is_given_different_ones_and_then_the_same_again() -> None:
    assert len({made() for _ in range(3 * DIFFERENT)}) == DIFFERENT


def test_those_that_outlive_a_test_are_nobody_elses(of_many_tests: rsa.RSAPublicNumbers) -> None:
    assert len({OF_THE_MODULE, of_many_tests, *(made() for _ in range(DIFFERENT))}) == DIFFERENT + 2
