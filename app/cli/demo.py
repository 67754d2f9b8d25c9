"""`waymark demo`: everything on this machine, from an empty folder to a badge that an employer can open.

The practice LMS is another program with its own idea of LTI; the demo starts it and talks to it, it never imports it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2

from app.cli.demo_story import DemoBadge, tell
from app.cli.support import EXIT_MISUSE, emit, fail, settings_or_exit
from app.config import SETTINGS_FILE, Settings
from app.core import migrations
from app.core.db import Database
from app.wiring import bind, build_worker, prepare

START_SECONDS = 40.0
STOP_SECONDS = 8.0
SETTINGS_TEXT = """# Written by `waymark demo`, so that other commands in this folder meet the same server.
WAYMARK_BASE_URL={base_url}
WAYMARK_PORT={port}
WAYMARK_PRACTICE_LMS_PORT={lms_port}
WAYMARK_PRACTICE_LMS_SMTP_PORT={smtp_port}
WAYMARK_ALLOW_PRIVATE_NETWORKS=1
WAYMARK_SMTP_HOST=127.0.0.1
WAYMARK_SMTP_PORT={smtp_port}
WAYMARK_SMTP_STARTTLS=0
"""


@dataclass(frozen=True)
class DemoAddresses:
    """What the demo prints."""

    practice_lms: str
    badge: str
    api_docs: str


def run(as_json: bool) -> None:
    """Set up, start, print the addresses, wait for Ctrl-C, stop everything."""
    settings = _demo_settings()
    for what, port in (
        ("Waymark", settings.port),
        ("the practice LMS", settings.practice_lms_port),
        ("the practice LMS's mail", settings.practice_lms_smtp_port),
    ):
        _refuse_taken_port(what, port)
    _say(as_json, "1/4  Preparing the database …")
    database = Database(settings.database_url)
    migrations.migrate(database)
    database.dispose()
    children = _Children()
    children.stop_on_signals()
    try:
        _say(as_json, "2/4  Starting the practice LMS …")
        lms = [sys.executable, "-m", "practice_lms", "--port", str(settings.practice_lms_port),
               "--tool-url", settings.base_url, "--tool-backchannel-url", f"http://127.0.0.1:{settings.port}",
               "--smtp-port", str(settings.practice_lms_smtp_port)]  # fmt: skip
        details = json.loads(subprocess.run([*lms, "--details"], check=True, capture_output=True, text=True).stdout)  # noqa: S603
        children.start("practice LMS", lms)
        children.wait_for(f"http://127.0.0.1:{settings.practice_lms_port}/jwks")
        _say(as_json, "3/4  Loading the programme and telling the demo story …")
        badge = _tell_story(settings, details)
        _say(as_json, "4/4  Starting Waymark and its worker …")
        waymark = [sys.executable, "-m", "app"]
        children.start("app", [*waymark, "serve", "--port", str(settings.port)])
        children.start("worker", [*waymark, "worker"])
        children.wait_for(f"http://127.0.0.1:{settings.port}/readyz")
        _print_addresses(settings, badge, as_json)
        children.wait()
    finally:
        children.stop()
        _say(as_json, "Stopped. What you did is kept in " + str(settings.data_dir) + "; `make demo` starts it again.")


def _demo_settings() -> Settings:
    """The settings of the demo, written down so that other commands in this folder meet the same server."""
    first = settings_or_exit()
    if first.env == "production":
        fail("The demo does not run in production (WAYMARK_ENV).", code=EXIT_MISUSE)
    first.data_dir.mkdir(parents=True, exist_ok=True)
    text = SETTINGS_TEXT.format(
        base_url=first.base_url,
        port=first.port,
        lms_port=first.practice_lms_port,
        smtp_port=first.practice_lms_smtp_port,
    )
    (first.data_dir / SETTINGS_FILE).write_text(text, encoding="utf-8")
    return settings_or_exit()


def _refuse_taken_port(what: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            fail(
                f"Port {port}, wanted for {what}, is in use on this machine. Stop what uses it, or choose others: "
                "WAYMARK_PORT, WAYMARK_PRACTICE_LMS_PORT, WAYMARK_PRACTICE_LMS_SMTP_PORT."
            )


def _tell_story(settings: Settings, platform: dict[str, Any]) -> DemoBadge:
    services = bind(settings)
    try:
        badge = tell(services, platform)
        prepare(services)
        build_worker(services).run_until_idle()
        return badge.finish(services)
    finally:
        services.runtime.database.dispose()


def _say(as_json: bool, line: str) -> None:
    if not as_json:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _print_addresses(settings: Settings, badge: DemoBadge, as_json: bool) -> None:
    addresses = DemoAddresses(
        practice_lms=f"http://lms.localhost:{settings.practice_lms_port}/",
        badge=f"{settings.base_url}/credentials/{badge.credential_id}",
        api_docs=f"{settings.base_url}/api/docs",
    )
    emit(
        addresses.__dict__,
        as_json,
        f"""
Waymark is running.

  Practice LMS   {addresses.practice_lms}
                 Sign in as Tess, open the course, launch the module. Then sign in as Priya and mark her work.
  A demo badge   {addresses.badge}
                 What an employer sees.
  API            {addresses.api_docs}

Ctrl-C stops everything.""",
    )
    sys.stdout.flush()


class _Children:
    """The programs the demo started, and only those."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._asked_to_stop = False

    def stop_on_signals(self) -> None:
        """From now on Ctrl-C and SIGTERM end the waiting instead of the process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start one program in a process group of its own, so that Ctrl-C reaches it through us, once."""
        root = Path(__file__).resolve().parents[2]
        environment = os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
        child = subprocess.Popen(  # noqa: S603 - our own programs
            list(command), env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._running.append((name, child))

    def wait_for(self, url: str) -> None:
        """Wait until a program answers with success.

        Raises:
            typer.Exit: it ended, or did not answer in time, or somebody pressed Ctrl-C.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._asked_to_stop:
            self._refuse_dead()
            try:
                if httpx2.get(url, timeout=2.0, trust_env=False).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.2)
        if self._asked_to_stop:
            fail("Stopped before everything was up.")
        fail(f"{url} did not answer within {START_SECONDS:.0f} seconds.")

    def wait(self) -> None:
        """Until Ctrl-C, or until a program ends by itself."""
        while not self._asked_to_stop:
            self._refuse_dead()
            time.sleep(0.2)

    def _refuse_dead(self) -> None:
        for name, child in self._running:
            if child.poll() is not None:
                fail(f"The {name} ended by itself (exit code {child.returncode}); its last words are above.")

    def stop(self) -> None:
        """Ask each program to end, then end it."""
        for _name, child in reversed(self._running):
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for _name, child in self._running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
