"""Running a server: `serve`, `worker`, `migrate`, `demo`."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from app.awards import requests
from app.awards.batches import purge
from app.awards.consequences import jobs as consequences
from app.awards.outside_badges import checker
from app.cli import demo as demonstration
from app.cli import serving
from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail, guard, open_database, settings_or_exit
from app.core import audit_seal, garbage, migrations, outbox_keeping, processes
from app.core.logging import configure, get_logger
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.learning.files import retention
from app.messages import expiring
from app.pathways import coverage_months, external, standing
from app.wiring import Services, bind, build_batch_worker, build_worker, prepare

log = get_logger()

IDLE_SECONDS = 0.5
SECONDS_AFTER_FAILURE = 3.0
CHORES_EVERY_SECONDS = 60.0
BACKGROUND_EVERY = 20  # chunks of batches
MOST_BETWEEN_CHUNKS = 20  # deliveries


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)
    app.command()(worker)
    app.command()(migrate)
    app.command()(demo)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port; default WAYMARK_PORT.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes; default in production one for each processor, at most 4, else 1.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Serve pages and API until it is told to stop."""
    services = _prepared()
    chosen = port or services.runtime.settings.port
    url = services.runtime.settings.base_url
    number = workers or (processes.fitting() if services.runtime.settings.env == "production" else 1)
    services.runtime.database.dispose()
    try:
        listening = serving.listen(host, chosen)
    except OSError as error:
        fail(
            f"Cannot listen on {host}, port {chosen}: {error.strerror}. Nothing was started. Stop what uses the port, "
            "or choose another with --port or WAYMARK_PORT."
        )
    crew = "one process" if number == 1 else f"{number} processes"
    text = f"Waymark at {url} (listening on {host}:{chosen}, {crew}); Ctrl-C stops it."
    emit({"url": url, "host": host, "port": chosen, "processes": number}, as_json, text)
    if not serving.serve(listening, number):
        raise typer.Exit(EXIT_NO)


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when nothing is due.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Make the outbox's deliveries: badges, grades, mails. Any number may run on one database."""
    services = _prepared()
    if until_idle:
        with guard():
            done = _until_idle(services)
        emit({"pieces_of_work": done}, as_json, f"Done: {done} pieces of work; nothing more is due.")
        return
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    garbage.settle()
    emit({"state": "running"}, as_json, "Worker running; Ctrl-C stops it after the piece of work in hand.")
    run_worker(services, stop)


def run_worker(services: Services, stop: threading.Event) -> None:
    """Work until told to stop; a database that is gone for a while, or anything else that fails, is waited for."""
    outbox_worker, batch_worker = build_worker(services), build_batch_worker(services)
    next_chores, turn, was_idle = 0.0, 0, True
    while not stop.is_set():
        try:
            if time.monotonic() >= next_chores:
                _chores(services, outbox_worker)
                next_chores = time.monotonic() + CHORES_EVERY_SECONDS
            turn += 1
            # While batches are worked on, what can wait gets its turn now and then, and all else before each chunk.
            made = outbox_worker.run_once(background=was_idle or turn % BACKGROUND_EVERY == 0)
            for _ in range(MOST_BETWEEN_CHUNKS):
                if stop.is_set() or was_idle or not outbox_worker.run_once(background=False):
                    break
            was_idle = stop.is_set() or not batch_worker.run_once()
            if was_idle and not made:
                stop.wait(IDLE_SECONDS)
        except Exception as error:
            log.error("worker.failed", error=type(error).__name__, exc_info=True)
            stop.wait(SECONDS_AFTER_FAILURE)


def _until_idle(services: Services) -> int:
    """Work until neither the outbox nor a batch has anything that is due; returns how many pieces of work were done."""
    outbox_worker, batch_worker = build_worker(services), build_batch_worker(services)
    done = 0
    while made := outbox_worker.run_until_idle() + batch_worker.run_until_idle():
        done += made
    return done


def _chores(services: Services, outbox_worker: Worker) -> None:
    """What has to be done now and then. One that fails hinders neither the others nor the deliveries."""
    runtime = services.runtime
    chores: dict[str, Callable[[], int]] = {
        "orphans_finished": lambda: issuer.finish_orphans(
            runtime.database, runtime.secret_box, runtime.settings.base_url
        ),
        "signed_again": lambda: issuer.resign_a_while(runtime.database, runtime.secret_box, runtime.settings.base_url),
        "keys_destroyed": lambda: issuer.destroy_retired(runtime.database),
        "reminders_due": lambda: expiring.note_reminders(runtime.database),
        "consequences_followed": lambda: consequences.follow_time(runtime.database),
        "standings_worked_out": lambda: standing.recompute_due(runtime.database),
        "coverage_published": lambda: coverage_months.publish_month(runtime.database),
        "others_badges_checked": lambda: external.check_again(runtime.database, checker(services.verifier)),
        "evidence_expired": lambda: retention.delete_old(runtime.database, runtime.settings.evidence_months),
        "delivered_cleared": lambda: outbox_keeping.clear_delivered(runtime.database),
        "unheard_buried": lambda: outbox_keeping.bury_unheard(runtime.database, outbox_worker.listeners),
        "batches_purged": lambda: purge.purge(runtime.database),
        "addresses_forgotten": lambda: requests.forget_recipients(runtime.database),
        "audit_sealed": lambda: audit_seal.seal_due(runtime.database, runtime.secret_box),
    }
    for name, chore in chores.items():
        try:
            done = chore()
        except Exception as error:
            log.error("worker.chore_failed", chore=name, error=type(error).__name__, exc_info=True)
        else:
            if done:
                log.info(f"worker.{name}", count=done)


def migrate(
    revision: Annotated[str, typer.Option(help="head, base or a revision.")] = "head",
    drop_everything: Annotated[
        bool, typer.Option("--drop-everything", help="Confirms that a way back may delete data; `base` deletes all.")
    ] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Bring the database to the form this version expects."""
    if revision == "base" and not drop_everything:
        fail(
            "Going back to base deletes every table: people, work, badges, keys. Nothing was changed. If you mean it, "
            "make a copy of the database first and add --drop-everything.",
            code=EXIT_MISUSE,
        )
    with open_database(any_form=True) as (_settings, database):
        before, after = migrations.migrate(database, revision, may_lose_data=drop_everything)
    text = (
        "The database is up to date."
        if before == after
        else f"Migrated from {before or 'empty'} to {after or 'empty'}."
    )
    emit({"before": before, "after": after}, as_json, text)


def demo(
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Set up and run everything on this machine: app, worker, practice LMS and a finished badge."""
    configure(level="ERROR", json=False)
    demonstration.run(as_json)


def _prepared() -> Services:
    """Services on a database that is fit to be worked on, or exit with the reason."""
    settings = settings_or_exit()
    configure(level=settings.log_level, json=settings.env == "production")
    with guard():
        services = bind(settings)
        prepare(services)
    return services
