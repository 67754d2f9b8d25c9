"""`waymark programme preview` shows a module to whoever sits at this computer, and to nobody else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.browser.stack import ROOT
from tests.cli.conftest import Terminal
from tests.ports import free_ports

IPS = ROOT / "programme" / "ips"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "localhost", "example.org", ""])
def test_it_listens_to_this_computer_only(terminal: Terminal, host: str) -> None:
    answer = terminal.waymark("programme", "preview", str(IPS), "--module", "M02", "--host", host)
    assert answer.exit_code == 2
    assert "only this computer may open it" in answer.stderr


@pytest.mark.parametrize("module", [[], ["--module", "M99"], ["--module", "../M01"]])
def test_it_says_which_modules_there_are(terminal: Terminal, module: list[str]) -> None:
    answer = terminal.waymark("programme", "preview", str(IPS), *module)
    assert answer.exit_code == 2
    assert "Say which module with --module: M01, M02, " in answer.stderr


def test_it_says_that_a_port_is_taken(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = terminal.waymark("programme", "preview", str(IPS), "--module", "M02", "--port", port)
    assert answer.exit_code == 1
    assert f"Port {port} cannot be used" in answer.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_needs_no_settings_shows_the_module_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    folder = shutil.copytree(IPS, tmp_path / "ips", ignore=shutil.ignore_patterns("X*", "M0[3-9]", "M10", "pathways"))
    (port,) = free_ports(1)
    command = ["programme", "preview", str(folder), "--module", "M02", "--port", str(port), "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *command], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "}\n")) + "}"
        address = json.loads(said)["address"]
        assert address == f"http://127.0.0.1:{port}/preview/M02"
        assert "Young People, Mental Health and Work" in httpx2.get(address, follow_redirects=True, timeout=120).text
    finally:
        process.send_signal(number)
        rest, errors = process.communicate(timeout=120)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert not (tmp_path / "data").exists()
