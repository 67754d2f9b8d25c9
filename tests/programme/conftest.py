"""A copy of the IPS programme that a test may spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.programme import service
from app.programme.frameworks import Programme
from tests.programme.folders import IPS, with_one_published

Edit = Callable[[str, str, str], int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The IPS programme's files in a folder of the test's own; there all modules but the first are drafts."""
    return with_one_published(tmp_path)


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replace one piece of text in one file; gives the line where the replacement stands."""

    def replace(file: str, old: str, new: str) -> int:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {file}"
        before, after = text.split(old, 1)
        path.write_text(before + new + after, encoding="utf-8")
        return before.count("\n") + 1

    return replace


@pytest.fixture(scope="session")
def ips() -> Programme:
    """The programme as it stands in the repository."""
    return service.load_programme(IPS)
