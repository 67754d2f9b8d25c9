"""The verifiers in a Node process, and the house whose badges they judge; both once per run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import in_folder

from . import tools
from .house import House, furnish, open_house
from .node import Node


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks Node takes long; skipped by name where there is no Node."""
    try:
        tools.node_program()
        missing = None
    except tools.ToolsMissing as error:
        missing = str(error)
    for item in in_folder(items, __file__):
        if "node" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The verifiers, ready to be asked."""
    try:
        folder = tools.install()
    except tools.ToolsMissing as error:
        pytest.skip(str(error))
    node = Node(folder)
    yield node
    node.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with a badge of every kind."""
    with open_house(tmp_path_factory.mktemp("house")) as house:
        furnish(house)
        yield house


@pytest.fixture(scope="session")
def impostor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that gives itself out for the house: same address, same names of keys, other keys."""
    with open_house(tmp_path_factory.mktemp("impostor")) as house:
        house.badges["issued by an operator"] = house.by_operator("operator")
        yield house
