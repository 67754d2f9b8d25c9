"""Fixtures of the verifier's tests."""

from __future__ import annotations

import pytest

from tests.verifier.field import Stranger


@pytest.fixture
def issuer() -> Stranger:
    """A stranger's issuer with everything in order."""
    return Stranger()
