"""The whole house as an operator runs it: `waymark demo` in a folder of its own, on ports of its own.

Its programs are forked, not started afresh, which would take ten seconds of a processor for each demo; that the demo
starts them as on an operator's machine is shown by tests/system/test_demo.py.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import loopback
from tests.ports import free_ports
from tests.system import preloaded

ROOT = Path(__file__).resolve().parents[2]
PAUSE = 0.1


def chromium_path() -> str | None:
    """The browser of this machine, or None.

    First the same browser without its own windows and menus: a page in it takes a fifth of the processor time.
    """
    named = os.environ.get("WAYMARK_CHROMIUM")
    if named:
        return named
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@dataclass
class DemoStack:
    """A running demo."""

    process: preloaded.Started
    environment: dict[str, str]
    addresses: dict[str, str]
    port: int
    lms_port: int

    @property
    def lms(self) -> str:
        """The practice LMS as a browser reaches it."""
        return f"http://lms.localhost:{self.lms_port}"

    @property
    def tool(self) -> str:
        """Waymark as a browser reaches it."""
        return f"http://tool.localhost:{self.port}"

    def waymark(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as an operator would in a second window."""
        done = preloaded.run(["app", *arguments], self.environment, patience=60)
        if check:
            done.check_returncode()
        return done

    def json(self, *arguments: str) -> Any:
        """A command's JSON."""
        return json.loads(self.waymark(*arguments, "--json").stdout)

    def fetch_json(self, url: str) -> Any:
        """JSON at an address of this server; not every resolver knows names below localhost."""
        return loopback.get(url.replace("tool.localhost", "127.0.0.1")).json()

    def mails(self) -> list[dict[str, Any]]:
        """What the practice LMS's mailbox holds, newest first."""
        mails: list[dict[str, Any]] = self.fetch_json(f"http://127.0.0.1:{self.lms_port}/mail.json")["mails"]
        return mails

    def grades(self) -> list[dict[str, Any]]:
        """The gradebook's rows."""
        rows: list[dict[str, Any]] = self.fetch_json(f"http://127.0.0.1:{self.lms_port}/gradebook.json")["rows"]
        return rows

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)


def start_demo(folder: Path) -> DemoStack:
    """Start `waymark demo --json` and wait until it printed its addresses."""
    port, lms_port, smtp_port = free_ports(3)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WAYMARK_")} | {
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_PORT": str(port),
        "WAYMARK_PRACTICE_LMS_PORT": str(lms_port),
        "WAYMARK_PRACTICE_LMS_SMTP_PORT": str(smtp_port),
    }
    printed, log = folder / "demo.out", folder / "demo.log"
    with printed.open("w") as said, log.open("w") as complained:
        process = preloaded.start(["app", "demo", "--json"], environment, said.fileno(), complained.fileno())
    while process.poll() is None:
        if printed.read_text().endswith("}\n"):
            return DemoStack(process, environment, json.loads(printed.read_text()), port, lms_port)
        time.sleep(PAUSE)
    raise RuntimeError(f"the demo did not start: {log.read_text()}")
