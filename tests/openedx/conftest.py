"""The campus and the house, once per run: starting them takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import in_folder
from tests.system.house import House

from . import tools
from .stack import Campus, Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the campus is left out of `make quick`."""
    for item in in_folder(items, __file__):
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def python() -> Path:
    """The Python that has the Open edX consumer."""
    try:
        return tools.install()
    except tools.ToolsMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def stack(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Campus, app and worker, connected. Each test has learners of its own."""
    house = House(tmp_path_factory.mktemp("openedx"))
    try:
        campus = Campus(house, python)
        campus.start()
        assert house.waymark("migrate").returncode == 0
        house.start_app()
        stack = Stack(house, campus, campus.about())
        stack.connect()
        house.start_worker()
        yield stack
    finally:
        house.close()
