"""Real processes on ports and in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import in_folder
from tests.system.house import House


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting processes takes seconds: these tests are left out of `make quick`."""
    for item in in_folder(items, __file__):
        item.add_marker(pytest.mark.slow)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty folder and three free ports; whatever is started is ended."""
    house = House(tmp_path)
    yield house
    house.close()
