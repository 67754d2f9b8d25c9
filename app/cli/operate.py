"""Running a server: `serve`, `worker`, `migrate`, `demo`."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Annotated

import sqlalchemy as sa
import typer
import uvicorn

from app.cli import demo as demonstration
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail, open_database, settings_or_exit
from app.core import migrations
from app.core.errors import AppError
from app.core.logging import configure, get_logger
from app.issuer import service as issuer
from app.wiring import Services, bind, build_worker, prepare

log = get_logger()

IDLE_SECONDS = 0.5
SECONDS_AFTER_FAILURE = 3.0
CHORES_EVERY_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)
    app.command()(worker)
    app.command()(migrate)
    app.command()(demo)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port; default WAYMARK_PORT.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Serve pages and API until it is told to stop."""
    services = _prepared()
    chosen = port or services.runtime.settings.port
    url = services.runtime.settings.base_url
    text = f"Waymark at {url} (listening on {host}:{chosen}); Ctrl-C stops it."
    emit({"url": url, "port": chosen}, as_json, text)
    services.runtime.database.dispose()
    uvicorn.run(
        "app.main:served",
        factory=True,
        host=host,
        port=chosen,
        workers=workers,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when nothing is due.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Make the outbox's deliveries: badges, grades, mails. Any number may run on one database."""
    services = _prepared()
    if until_idle:
        done = build_worker(services).run_until_idle()
        emit({"pieces_of_work": done}, as_json, f"Done: {done} pieces of work; nothing more is due.")
        return
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    emit({"state": "running"}, as_json, "Worker running; Ctrl-C stops it after the piece of work in hand.")
    run_worker(services, stop)


def run_worker(services: Services, stop: threading.Event) -> None:
    """Work until told to stop; a database that is gone for a while is waited for."""
    outbox_worker = build_worker(services)
    next_chores = 0.0
    while not stop.is_set():
        try:
            if time.monotonic() >= next_chores:
                _chores(services)
                next_chores = time.monotonic() + CHORES_EVERY_SECONDS
            if not outbox_worker.run_once():
                stop.wait(IDLE_SECONDS)
        except (sa.exc.SQLAlchemyError, AppError) as error:
            log.error("worker.failed", error=type(error).__name__)
            stop.wait(SECONDS_AFTER_FAILURE)


def _chores(services: Services) -> None:
    runtime = services.runtime
    finished = issuer.finish_orphans(runtime.database, runtime.secret_box, runtime.settings.base_url)
    if finished:
        log.info("worker.orphans_finished", count=finished)


def migrate(
    revision: Annotated[str, typer.Option(help="head, base or a revision.")] = "head",
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Bring the database to the form this version expects."""
    with open_database() as (_settings, database):
        try:
            before, after = migrations.migrate(database, revision)
        except sa.exc.OperationalError as error:
            fail(f"The database could not be migrated: {error.orig}")
        text = "The database is up to date." if before == after else f"Migrated from {before or 'empty'} to {after}."
        emit({"before": before, "after": after}, as_json, text)


def demo(
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Set up and run everything on this machine: app, worker, practice LMS and a finished badge."""
    configure(level="WARNING", json=False)
    demonstration.run(as_json)


def _prepared() -> Services:
    """Services on a database that is fit to be worked on, or exit with the reason."""
    settings = settings_or_exit()
    configure(json=settings.env == "production")
    services = bind(settings)
    try:
        prepare(services)
    except AppError as error:
        fail(" ".join(filter(None, (error.detail, error.next_step))), code=EXIT_MISUSE)
    except sa.exc.SQLAlchemyError as error:
        fail(f"The database does not answer ({type(error).__name__}): is WAYMARK_DATABASE_URL right?")
    return services
