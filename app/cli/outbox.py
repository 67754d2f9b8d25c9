"""`waymark outbox`: what waits, what was given up, and sending it again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail, open_database
from app.config import Settings
from app.core import outbox_keeping
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database
from app.core.logging import configure
from app.core.outbox import GIVE_UP_AFTER
from app.core.outbox_keeping import DeliveryStatus
from app.core.outbox_models import DEAD, DISCARDED, DONE, STATES, WAITING
from app.wiring import bind, subscriptions

app = typer.Typer(help="What is still to be told to others: badges, grades, mails.", no_args_is_help=True)

AsJson = Annotated[bool, JSON_OPTION]
Handler = Annotated[str | None, typer.Option("--handler", help="Only deliveries to this listener.")]

NONE_YET = {
    DEAD: (
        f"No delivery was given up. One that fails is tried again for {GIVE_UP_AFTER.days} days; what is given up then "
        "shows here, and is sent again with: waymark outbox resend ID"
    ),
    WAITING: "No delivery waits: whatever happened has been told to those who listen.",
    DONE: f"No delivery was made in the last {outbox_keeping.KEEP_DONE.days} days.",
    DISCARDED: f"No delivery was discarded in the last {outbox_keeping.KEEP_DONE.days} days.",
}
UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@app.command("list")
def list_deliveries(
    state: Annotated[str, typer.Option("--state", help="waiting, dead, done or discarded.")] = DEAD,
    handler: Handler = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Show at most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the deliveries that were given up, or that wait, or are done."""
    if state not in STATES:
        fail(f"There is no state {state!r}. The states are {', '.join(STATES)}.", code=EXIT_MISUSE)
    with open_database() as (settings, database):
        _require_listener(settings, database, handler)
        with database.read() as session:
            items = outbox_keeping.deliveries(session, state=state, handler=handler, limit=limit)
            total = outbox_keeping.count(session, state=state, handler=handler)
            not_handed_out = outbox_keeping.not_handed_out(session)
    data = {"items": [asdict(item) for item in items], "total": total, "not_handed_out": not_handed_out}
    emit(data, as_json, "\n".join(_page(state, items, total, not_handed_out)))


@app.command("resend")
def resend(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Deliveries that were given up; `outbox list` shows them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
    handler: Annotated[str | None, typer.Option("--handler", help="With --all: only to this listener.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have deliveries that were given up made again, now. What was done before is not done twice."""
    if bool(ids) == everything or (handler and not everything):
        fail("Name deliveries by their ids, or say --all, with --handler if you like.", code=EXIT_MISUSE)
    with open_database() as (settings, database):
        configure(level=settings.log_level, json=settings.env == "production")
        _require_listener(settings, database, handler)
        if ids:
            done = outbox_keeping.resend(database, ids, actor=OPERATOR)
        else:
            done = outbox_keeping.resend_all(database, actor=OPERATOR, handler=handler)
    text = f"Due again: {_number(len(done), 'delivery', 'deliveries')}. The worker makes them."
    emit({"resent": done}, as_json, text if done else "Nothing was given up, so nothing is sent again.")


@app.command("discard")
def discard(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Deliveries that were given up.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go of deliveries that nobody will make any more. They cannot be sent again afterwards."""
    wanted = _number(len(set(ids)), "delivery", "deliveries")
    if not yes and not typer.confirm(f"Discard {wanted}? What was to be told is then never told.", err=True):
        fail("Nothing was discarded.")
    with open_database() as (settings, database):
        configure(level=settings.log_level, json=settings.env == "production")
        done = outbox_keeping.discard(database, ids, actor=OPERATOR)
    emit({"discarded": done}, as_json, f"Discarded: {wanted}.")


def _require_listener(settings: Settings, database: Database, name: str | None) -> None:
    """A name that nobody bears is a slip of the pen, not an empty answer."""
    if name is None:
        return
    services = bind(settings)
    services.runtime.database.dispose()
    known = {each.name for each in subscriptions(services)}
    with database.read() as session:
        left_over = outbox_keeping.handlers(session)
    if name not in known | left_over:
        fail(f"There is no listener {name!r}. The listeners are {', '.join(sorted(known))}.", code=EXIT_MISUSE)


def _page(state: str, items: tuple[DeliveryStatus, ...], total: int, not_handed_out: int) -> list[str]:
    lines = [line for item in items for line in _lines(item)]
    if total > len(items):
        lines.append(f"… and {total - len(items)} more; --limit shows more.")
    if state == DEAD and items:
        lines.append("When the cause is gone: waymark outbox resend ID, or waymark outbox resend --all")
        lines.append("If nobody needs it any more: waymark outbox discard ID")
    if state == WAITING and not_handed_out:
        events = _number(not_handed_out, "event was", "events were")
        lines.append(f"{events} not handed to anybody yet: is a worker running?")
    return lines or [NONE_YET[state]]


def _lines(item: DeliveryStatus) -> tuple[str, str]:
    tries = _number(item.attempts, "try", "tries")
    facts = [f"{_length(now() - item.created_at)} old", tries, *_what_comes(item)]
    return f"{item.id}  {item.handler}", f"  {', '.join(facts)}{f': {item.last_error}' if item.last_error else ''}"


def _what_comes(item: DeliveryStatus) -> list[str]:
    if item.state == WAITING and item.leased_until is not None and item.leased_until > now():
        return ["a worker has it in hand"]
    if item.state == WAITING:
        wait = item.due_at - now()
        return [f"next in {_length(wait)}" if wait > timedelta() else "due now"]
    return [f"given up {_length(now() - item.finished_at)} ago"] if item.state == DEAD and item.finished_at else []


def _length(span: timedelta) -> str:
    """A length of time in its largest unit, e.g. `3 days`."""
    for unit, name in UNITS:
        if span >= unit:
            return _number(span // unit, name, f"{name}s")
    return "less than a minute"


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
