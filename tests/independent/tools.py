"""The independent verifiers: installed once per machine into .node, which is no part of the repository.

`python -m tests.independent.tools` does it ahead of time, for machines whose network is closed while tests run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".node"
LEAST_NODE = 20
TIME_LIMIT = 300
# Scripts of packages never run, no lock file is written, and a closed network is noticed soon.
NPM_INSTALL = (
    "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error",
    "--fetch-retries=1", "--fetch-retry-mintimeout=1000",
)  # fmt: skip


class ToolsMissing(Exception):
    """The verifiers cannot run on this machine; the message says what is missing."""


def node_program(path: str | None = None) -> str:
    """Where Node is.

    Args:
        path: folders to search, as in PATH; by default PATH itself.

    Raises:
        ToolsMissing: there is no Node, no npm, or a Node that is too old.
    """
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        raise ToolsMissing(f"no Node with npm here: install Node {LEAST_NODE} or newer")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=120, check=False).stdout
    major = version.strip().removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < LEAST_NODE:
        raise ToolsMissing(f"Node {version.strip() or '(unknown)'} is too old: install Node {LEAST_NODE} or newer")
    return node


def install(folder: Path = FOLDER, path: str | None = None) -> Path:
    """Install the pinned verifiers, unless they are there; of several processes at once one does it.

    Args:
        folder: where to; it hides itself from git.
        path: folders to search for Node and npm, as in PATH; by default PATH itself.

    Returns:
        `folder`, with `node_modules` in it.

    Raises:
        ToolsMissing: no Node, or npm could not install.
    """
    node_program(path)
    manifest = (HERE / "package.json").read_bytes()
    done = hashlib.sha256(manifest).hexdigest()
    stamp = folder / "installed"
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != done:
            stamp.unlink(missing_ok=True)
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            (folder / "package.json").write_bytes(manifest)
            _run_npm(folder, path)
            stamp.write_text(done)
    return folder


def _run_npm(folder: Path, path: str | None) -> None:
    npm = shutil.which("npm", path=path)
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    try:
        ended = subprocess.run(
            [str(npm), *NPM_INSTALL], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=TIME_LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolsMissing(f"npm did not finish installing the verifiers in {TIME_LIMIT} s") from error
    if ended.returncode != 0:
        said = next((line for line in ended.stderr.splitlines() if "code" in line), ended.stderr.strip()[:200])
        raise ToolsMissing(f"npm could not install the verifiers ({said or ended.returncode})")


if __name__ == "__main__":
    try:
        install()
    except ToolsMissing as error:
        sys.exit(f"The independent verifiers will be skipped: {error}.")
