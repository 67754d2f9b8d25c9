"""The Open edX LTI consumer: installed once per machine into an environment of its own, .tools/openedx.

It is AGPL: no dependency of ours, and never imported by our processes. `python -m tests.openedx.tools` installs it
ahead of time, for machines whose network is closed while tests run.
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
LOCK = HERE / "requirements.lock"
TOOLS = HERE.parents[1] / ".tools"
FOLDER = TOOLS / "openedx"
INSTALLER = TOOLS / "installer" / "bin" / "uv"
TIME_LIMIT = 300
# A closed network is noticed soon, and no Python is fetched.
HABITS = {"UV_HTTP_TIMEOUT": "30", "UV_HTTP_RETRIES": "1", "UV_PYTHON_DOWNLOADS": "never"}


class ToolsMissing(Exception):
    """The consumer cannot run on this machine; the message says what is missing."""


def install(folder: Path = FOLDER, installer: Path = INSTALLER) -> Path:
    """Install the pinned consumer, unless it is there; of several processes at once one does it.

    Args:
        folder: where to.
        installer: the uv that `make` brings.

    Returns:
        The environment's Python.

    Raises:
        ToolsMissing: there is no installer, or it could not install.
    """
    if not installer.exists():
        raise ToolsMissing("the installer that `make dev` brings is not here")
    python = folder / "bin" / "python"
    done = hashlib.sha256(sys.version.encode() + LOCK.read_bytes()).hexdigest()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "installed"
        if not stamp.exists() or stamp.read_text() != done:
            shutil.rmtree(folder, ignore_errors=True)
            _run(installer, "venv", "--quiet", "--python", sys.executable, str(folder))
            _run(installer, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(LOCK))
            stamp.write_text(done)
    return python


def _run(installer: Path, *arguments: str) -> None:
    try:
        ended = subprocess.run(
            [installer, *arguments], env=os.environ | HABITS, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=TIME_LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolsMissing(f"installing the Open edX consumer did not finish in {TIME_LIMIT} s") from error
    if ended.returncode != 0:
        said = " ".join(ended.stderr.split())[:200]
        raise ToolsMissing(f"the Open edX consumer could not be installed ({said or ended.returncode})")


if __name__ == "__main__":
    try:
        install()
    except ToolsMissing as error:
        sys.exit(f"The tests with the Open edX consumer will be skipped: {error}.")
