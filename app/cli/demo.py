"""`waymark demo`: everything on this machine, from an empty folder to a badge that an employer can open.

The practice LMS is another program with its own idea of LTI; the demo starts it and talks to it, it never imports it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.cli.demo_children import AskedToStop, Children, python_module
from app.cli.demo_story import DemoBadge, tell
from app.cli.support import EXIT_MISUSE, emit, fail, guard, open_database, settings_or_exit
from app.config import SETTINGS_FILE, Settings
from app.core import migrations
from app.core.db import ReadSession
from app.issuer import service as issuer
from app.issuer.schemas import IssuerInfo
from app.verifier import known_issuers
from app.wiring import ISSUER_KEY, BaseUrlChanged, bind, build_worker, check_base_url, prepare

LOCK_FILE = "demo.lock"
LOG_FOLDER = "logs"
MARK = "# Written by `waymark demo`"
SETTINGS_TEXT = (
    MARK
    + """, so that other commands in this folder meet the same server.
WAYMARK_BASE_URL={base_url}
WAYMARK_PORT={port}
WAYMARK_PRACTICE_LMS_PORT={lms_port}
WAYMARK_PRACTICE_LMS_SMTP_PORT={smtp_port}
WAYMARK_ALLOW_PRIVATE_NETWORKS=1
WAYMARK_SMTP_HOST=127.0.0.1
WAYMARK_SMTP_PORT={smtp_port}
WAYMARK_SMTP_STARTTLS=0
"""
)
KNOWN_ISSUERS_TEXT = (
    MARK
    + """, so that `waymark verify` in this folder knows the demo's own issuer.
# Take this line and the one above away to keep entries of your own here.
[[issuer]]
id = {did}
name = {name}
listed_by = "this machine's demo"
url = {url}
"""
)


@dataclass(frozen=True)
class DemoAddresses:
    """What the demo prints."""

    practice_lms: str
    badge: str
    api_docs: str


def run(as_json: bool) -> None:
    """Set up, start, print the addresses, wait for Ctrl-C, stop everything."""
    data_dir = settings_or_exit().data_dir
    with guard(), _only_one(data_dir):
        children = Children(data_dir / LOG_FOLDER)
        children.stop_on_signals()
        try:
            _start_and_wait(children, as_json)
        except AskedToStop:
            pass
        finally:
            children.stop()
        _say(as_json, f"\nStopped. What you did is kept in {data_dir}; the next start goes on from there.")


def _start_and_wait(children: Children, as_json: bool) -> None:
    wanted = _wanted_settings()
    _refuse_taken_ports(wanted)
    _say(as_json, "1/4  Preparing the database ...")
    with open_database(any_form=True) as (_settings, database):
        before, _after = migrations.migrate(database)
        with database.read() as session:
            _refuse_another_address(session, wanted)
    settings = _noted(wanted)
    children.go_on()
    _say(as_json, "2/4  Starting the practice LMS ...")
    lms = python_module(
        "practice_lms", "--port", str(settings.practice_lms_port),
        "--tool-url", settings.base_url, "--tool-backchannel-url", f"http://127.0.0.1:{settings.port}",
        "--smtp-port", str(settings.practice_lms_smtp_port),
    )  # fmt: skip
    details = json.loads(children.output_of([*lms, "--details"]))
    children.start("practice LMS", lms)
    children.wait_for(f"http://127.0.0.1:{settings.practice_lms_port}/jwks")
    _say(as_json, "3/4  Loading the programme and telling the demo story ...")
    badge = _tell_story(settings, details)
    _say(as_json, "4/4  Starting Waymark and its worker ...")
    children.start("app", python_module("app", "serve", "--port", str(settings.port)))
    children.start("worker", python_module("app", "worker"))
    children.wait_for(f"http://127.0.0.1:{settings.port}/readyz")
    _print_addresses(settings, badge, as_json, begun_before=before is not None)
    children.wait()


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the folder for this demo; the lock goes with the process, however it ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK_FILE).open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            fail(
                f"A demo is running in {data_dir} already (process {lock.read().strip() or 'unknown'}). Use that one, "
                "or stop it with Ctrl-C in its window first. Nothing was changed."
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _wanted_settings() -> Settings:
    """The settings asked for; the address follows the port unless it was given."""
    first = settings_or_exit()
    if first.env == "production":
        fail("The demo does not run in production (WAYMARK_ENV).", code=EXIT_MISUSE)
    return settings_or_exit(base_url=os.environ.get("WAYMARK_BASE_URL") or f"http://tool.localhost:{first.port}")


def _refuse_another_address(session: ReadSession, wanted: Settings) -> None:
    try:
        check_base_url(session, wanted)
    except BaseUrlChanged:
        fail(
            f"The badges in {wanted.data_dir} were made for another address than {wanted.base_url}, and would not be "
            "valid there. Use the port they were made for, or begin a new folder: WAYMARK_DATA_DIR. "
            "Nothing was changed."
        )


def _noted(wanted: Settings) -> Settings:
    """The settings of the demo, written down so that other commands in this folder meet the same server."""
    text = SETTINGS_TEXT.format(
        base_url=wanted.base_url,
        port=wanted.port,
        lms_port=wanted.practice_lms_port,
        smtp_port=wanted.practice_lms_smtp_port,
    )
    _write(wanted.data_dir / SETTINGS_FILE, text)
    return settings_or_exit()


def _refuse_taken_ports(settings: Settings) -> None:
    wanted = {
        "Waymark": settings.port,
        "the practice LMS": settings.practice_lms_port,
        "the practice LMS's mail": settings.practice_lms_smtp_port,
    }
    choose = "Choose others: WAYMARK_PORT, WAYMARK_PRACTICE_LMS_PORT, WAYMARK_PRACTICE_LMS_SMTP_PORT."
    if len(set(wanted.values())) < len(wanted):
        fail(f"Waymark, the practice LMS and its mail need a port each. {choose}", code=EXIT_MISUSE)
    for what, port in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                fail(f"Port {port}, wanted for {what}, is not free on this machine ({error.strerror}). {choose}")


def _tell_story(settings: Settings, platform: dict[str, Any]) -> DemoBadge:
    services = bind(settings)
    database = services.runtime.database
    try:
        prepare(services)
        with database.read() as session:
            _introduce(settings, issuer.issuer_info(session, settings.base_url, ISSUER_KEY))
        badge = tell(services, platform)
        build_worker(services).run_until_idle()
        return badge.finish(services)
    finally:
        database.dispose()


def _introduce(settings: Settings, own: IssuerInfo) -> None:
    """Vouch for the demo's issuer towards `waymark verify`, unless somebody keeps a register of their own here."""
    path = settings.data_dir / known_issuers.FILE_NAME
    if path.exists() and not path.read_text(encoding="utf-8").startswith(MARK):
        return
    quoted = {name: json.dumps(value) for name, value in (("did", own.did), ("name", own.name), ("url", own.url))}
    _write(path, KNOWN_ISSUERS_TEXT.format(**quoted))


def _write(path: Path, text: str) -> None:
    """A whole file or none: another command may be reading at this moment."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _say(as_json: bool, line: str) -> None:
    if not as_json:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _print_addresses(settings: Settings, badge: DemoBadge, as_json: bool, *, begun_before: bool) -> None:
    addresses = DemoAddresses(
        practice_lms=f"http://lms.localhost:{settings.practice_lms_port}/",
        badge=f"{settings.base_url}/credentials/{badge.credential_id}",
        api_docs=f"{settings.base_url}/api/docs",
    )
    earlier = (
        "\nWhat you did before is here again; only the practice LMS begins anew, with an empty gradebook and no mail.\n"
        if begun_before
        else ""
    )
    emit(
        asdict(addresses),
        as_json,
        f"""
Waymark is running.

  Practice LMS   {addresses.practice_lms}
                 Sign in as Tess, open the course, launch the module. Then sign in as Priya and mark her work.
  A demo badge   {addresses.badge}
                 What an employer sees.
  API            {addresses.api_docs}
{earlier}
Logs: {settings.data_dir / LOG_FOLDER}. Ctrl-C stops everything.""",
    )
