"""Which tests one process runs together when several share a run: those that share a server, a browser or long work.

pytest-xdist's own groups (`--dist loadgroup`) have no effect with this version of pytest, and nothing says so.
"""

from __future__ import annotations

import importlib
import re
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# The largest of these are begun first. Programs that are started and killed take long, and are not left for the end.
TOGETHER = re.compile(
    r"tests/browser/test_carriers\.py|tests/browser/|tests/practice_lms/test_in_a_browser\.py"
    r"|tests/independent/|tests/openedx/|tests/(system|container|bench)/\w+\.py"
    r"|tests/vc/fuzz/test_(second_opinions|poison)\.py|tests/vc/test_credential_schema\.py"
    r"|tests/web/test_verify_bad_input\.py"
)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, but those that belong together to one process."""

    def _split_scope(self, nodeid: str) -> str:
        found = TOGETHER.match(nodeid)
        return found[0] if found else nodeid


def read_own_share_first(config: pytest.Config) -> None:
    """Import some of the files with tests before all are collected: in each process of a run others.

    pytest rewrites every assert when it first reads a file, and keeps the result for whoever comes later. Where nothing
    is kept yet, as in CI, processes that read the files in the same order would each do all of that work.
    """
    given = getattr(config, "workerinput", None)
    if given is None or sys.dont_write_bytecode:
        return
    asked = [Path(arg) if Path(arg).is_absolute() else config.rootpath / arg for arg in config.args if "::" not in arg]
    files = sorted(file for folder in asked if folder.is_dir() for file in folder.rglob("test_*.py"))
    for file in files[int(given["workerid"].removeprefix("gw")) :: given["workercount"]]:
        # Whatever is wrong with a file is told when its turn comes.
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(file.relative_to(config.rootpath).with_suffix("").parts))
