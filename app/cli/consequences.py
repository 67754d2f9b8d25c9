"""`waymark consequences`: badges of which one that they rest on has ended, and what waits for whom."""

from __future__ import annotations

from typing import Annotated

import typer

from app.awards.consequences import reading
from app.awards.consequences.reading import Flag
from app.cli.support import JSON_OPTION, emit, open_database
from app.core.clock import rfc3339

app = typer.Typer(
    help="See badges of which one that they rest on has expired, or was suspended or revoked.", no_args_is_help=True
)

MOST = 1_000
Everything = Annotated[bool, typer.Option("--all", help="Those that are settled as well.")]
AsJson = Annotated[bool, JSON_OPTION]


@app.callback()
def consequences() -> None:
    """Keeps `list` a command of its own."""


@app.command("list")
def list_them(everything: Everything = False, as_json: AsJson = False) -> None:
    """List what is not settled, the oldest first; at most a thousand. Assessors decide, on their pages."""
    with open_database() as (_, database), database.read() as session:
        found = reading.listed(session, settled=everything, limit=MOST)
    lines = [_line(each) for each in found] or ["No badge is in question."]
    emit({"items": [_members(each) for each in found]}, as_json, "\n".join(lines))


def _line(each: Flag) -> str:
    until = f" until {rfc3339(each.due_at)}" if each.state == "grace" and each.due_at is not None else ""
    mended = ", in force again" if each.waits_for_reinstatement else ""
    return (
        f"{each.id}  {rfc3339(each.opened_at)}  {each.state}{until}  {each.badge_key} {each.credential_id}: "
        f"{each.because_key} {each.because_credential_id} {each.ending} {rfc3339(each.since)}{mended}"
    )


def _members(each: Flag) -> dict[str, object]:
    return {
        "id": each.id,
        "state": each.state,
        "credential_id": each.credential_id,
        "achievement": each.badge_key,
        "because_credential_id": each.because_credential_id,
        "because_achievement": each.because_key,
        "reason": each.ending,
        "since": rfc3339(each.since),
        "consequence": each.declared.kind,
        "pathway": each.pathway_key,
        "pathway_version": each.pathway_version,
        "opened_at": rfc3339(each.opened_at),
        "due_at": rfc3339(each.due_at) if each.due_at is not None else None,
        "mended_at": rfc3339(each.mended_at) if each.mended_at is not None else None,
        "decided_at": rfc3339(each.decided_at) if each.decided_at is not None else None,
    }
