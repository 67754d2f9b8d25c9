"""How the verifiers come to a machine, and that they reach nothing from it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from . import tools
from .node import Node

NODE = "#!/bin/sh\necho {version}\n"
NPM = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/calls"\n{work}\n'


def machine(folder: Path, version: str = "v22.1.0", npm: str = "sleep 0.2; mkdir node_modules") -> str:
    """A folder of programs, in place of this machine's; returns its PATH."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in {"node": NODE.format(version=version), "npm": NPM.format(work=npm)}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return f"{programs}:/bin:/usr/bin"


def calls(folder: Path) -> list[str]:
    return (folder / "bin" / "calls").read_text().splitlines()


def test_of_several_at_once_one_installs_and_nobody_does_it_again(tmp_path: Path) -> None:
    path, target = machine(tmp_path), tmp_path / ".node"
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: tools.install(target, path), range(4))) == {target}
    assert len(calls(tmp_path)) == 1
    assert "--no-package-lock" in calls(tmp_path)[0]
    assert (target / ".gitignore").read_text() == "*\n"


def test_other_versions_are_installed_anew(tmp_path: Path) -> None:
    path, target = machine(tmp_path), tmp_path / ".node"
    tools.install(target, path)
    (target / "node_modules" / "old").touch()
    (target / "installed").write_text("other versions")
    tools.install(target, path)
    assert len(calls(tmp_path)) == 2
    assert not (target / "node_modules" / "old").exists()


def test_an_install_that_failed_says_why_and_is_tried_again(tmp_path: Path) -> None:
    path, target = machine(tmp_path, npm='echo "npm error code ENOTFOUND" >&2; exit 1'), tmp_path / ".node"
    for _ in range(2):
        with pytest.raises(tools.ToolsMissing, match="ENOTFOUND"):
            tools.install(target, path)
    assert len(calls(tmp_path)) == 2


def test_a_machine_without_node_or_with_an_old_one_is_told_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(tools.ToolsMissing, match="install Node 20"):
        tools.install(tmp_path / ".node", str(tmp_path))
    with pytest.raises(tools.ToolsMissing, match=r"v16\.0\.0 is too old"):
        tools.install(tmp_path / ".node", machine(tmp_path, version="v16.0.0"))
    assert not (tmp_path / ".node").exists()


def test_every_version_is_pinned_exactly() -> None:
    manifest = json.loads((tools.HERE / "package.json").read_text())
    assert manifest["private"] is True
    assert all(version[0].isdigit() for version in manifest["dependencies"].values())
    assert not list(tools.HERE.glob("*lock*"))


def test_the_versions_that_run_are_the_pinned_ones(node: Node) -> None:
    wanted = json.loads((tools.HERE / "package.json").read_text())["dependencies"]
    modules = tools.FOLDER / "node_modules"
    found = {name: json.loads((modules / name / "package.json").read_text())["version"] for name in wanted}
    assert found == wanted


def test_the_verifiers_reach_no_network(node: Node) -> None:
    answer = node.ask("network", {}, address="http://127.0.0.1:9/")
    assert answer["verified"] is False
    assert "The network is closed" in answer["errors"][0]
