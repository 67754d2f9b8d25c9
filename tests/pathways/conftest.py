"""The programme's own pathways, read once."""

from __future__ import annotations

import pytest

from app.programme import service
from app.programme.pathways import Pathway
from tests.programme.folders import IPS


@pytest.fixture(scope="session")
def ips_pathways() -> tuple[Pathway, ...]:
    """All published pathways of the repository."""
    return service.load_programme(IPS).pathways
