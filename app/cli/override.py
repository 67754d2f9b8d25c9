"""`waymark override`: awards that were made although a prerequisite was missing, and looking at them."""

from __future__ import annotations

from typing import Annotated

import typer

from app.awards import overrides
from app.awards.overrides import Override
from app.cli.support import JSON_OPTION, emit, open_database
from app.core.audit import OPERATOR
from app.core.clock import rfc3339

app = typer.Typer(
    help="See awards that were made although a prerequisite was missing, and note that you looked at them.",
    no_args_is_help=True,
)

MOST = 1_000
OverrideId = Annotated[str, typer.Argument(metavar="ID", help="The override's id, from `waymark override list`.")]
Note = Annotated[str, typer.Option("--note", help="What you found, 1 to 500 characters.")]
Everything = Annotated[bool, typer.Option("--all", help="Those that were reviewed as well.")]
AsJson = Annotated[bool, JSON_OPTION]


@app.command("list")
def list_them(everything: Everything = False, as_json: AsJson = False) -> None:
    """List those that nobody has reviewed, the newest first; at most a thousand."""
    with open_database() as (_, database), database.read() as session:
        found = overrides.listed(session, reviewed=None if everything else False, limit=MOST)
    lines = [_line(each) for each in found] or ["Nothing waits for a review."]
    emit({"items": [_members(each) for each in found]}, as_json, "\n".join(lines))


@app.command()
def review(override_id: OverrideId, note: Note, as_json: AsJson = False) -> None:
    """Note that you looked at one, and what you found. The badge stays as it is."""
    with open_database() as (_, database), database.write() as session:
        done = overrides.review(session, override_id, words=note, actor=OPERATOR)
    emit(_members(done), as_json, f"Reviewed: {done.id}")


def _line(each: Override) -> str:
    seen = f", reviewed {rfc3339(each.reviewed_at)}" if each.reviewed_at is not None else ""
    lacking = ", ".join(each.missing)
    return f"{each.id}  {rfc3339(each.created_at)}  badge {each.credential_id}  without {lacking}: {each.reason}{seen}"


def _members(each: Override) -> dict[str, object]:
    return {
        "id": each.id,
        "credential_id": each.credential_id,
        "client_id": each.client_id,
        "missing": list(each.missing),
        "reason": each.reason,
        "created_at": rfc3339(each.created_at),
        "reviewed_at": rfc3339(each.reviewed_at) if each.reviewed_at is not None else None,
        "note": each.review_note,
    }
