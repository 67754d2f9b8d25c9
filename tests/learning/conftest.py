"""A furnished house for each test."""

from __future__ import annotations

import pytest

from app.core.db import Database
from tests.learning.factories import House, furnish


@pytest.fixture
def house(database: Database) -> House:
    """Tess enrolled, two assessors, one instructor without the grant."""
    return furnish(database)
