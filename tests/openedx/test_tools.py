"""How the Open edX consumer comes to a machine, and that it stays out of our processes."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT

from . import tools

# Notes that it was called; an environment is a folder, and what is installed into it a file there.
UV = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
for last; do :; done
case $1 in
  venv) sleep 0.2; mkdir -p "$last" ;;
  pip) {install} ;;
esac
"""


def installer(folder: Path, install: str = "true") -> Path:
    """A program in place of uv."""
    program = folder / "uv"
    program.write_text(UV.format(install=install))
    program.chmod(0o755)
    return program


def calls(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "calls").read_text().splitlines()]


def test_of_several_at_once_one_installs_and_nobody_does_it_again(tmp_path: Path) -> None:
    uv, target = installer(tmp_path), tmp_path / "tools" / "openedx"
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: tools.install(target, uv), range(4))) == {target / "bin" / "python"}
    assert calls(tmp_path) == ["venv", "pip"]
    assert "--require-hashes" in (tmp_path / "calls").read_text()


def test_other_versions_are_installed_anew(tmp_path: Path) -> None:
    uv, target = installer(tmp_path), tmp_path / "openedx"
    tools.install(target, uv)
    (target / "old").touch()
    (target / "installed").write_text("other versions")
    tools.install(target, uv)
    assert calls(tmp_path) == ["venv", "pip"] * 2
    assert not (target / "old").exists()


def test_an_install_that_failed_says_why_and_is_tried_again(tmp_path: Path) -> None:
    uv, target = installer(tmp_path, 'echo "error: no route" >&2; exit 2'), tmp_path / "openedx"
    for _ in range(2):
        with pytest.raises(tools.ToolsMissing, match="no route"):
            tools.install(target, uv)
    assert calls(tmp_path) == ["venv", "pip"] * 2


def test_a_machine_without_the_installer_is_told_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(tools.ToolsMissing, match="make dev"):
        tools.install(tmp_path / "openedx", tmp_path / "uv")


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    text = tools.LOCK.read_text()
    pins = re.findall(r"^[a-z0-9-]+==[^ ]+", text, re.MULTILINE)
    hashes = re.findall(r"^[a-z0-9-]+==.*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pins) == len(hashes) > 20
    assert "lti-consumer-xblock==11.4.4" in pins
    assert "://" not in text
    assert "index" not in text


def test_our_own_sets_do_without_the_consumer() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        assert not re.search(r"lti-consumer|xblock|^django\b", (ROOT / name).read_text(), re.MULTILINE), name
    find = "import importlib.util, sys; sys.exit(importlib.util.find_spec('lti_consumer') is not None)"
    assert subprocess.run([sys.executable, "-c", find], check=False).returncode == 0
