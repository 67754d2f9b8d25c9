"""`waymark pathway`: where somebody stands on each pathway, and working it out anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail, open_database
from app.core.clock import now, rfc3339
from app.core.db import ReadSession
from app.pathways import standing
from app.pathways.gathering import evidence_of
from app.pathways.progress import progress
from app.pathways.summary import Standing, standing_from
from app.people import service as people
from app.programme import stacks

app = typer.Typer(help="See where somebody stands on each pathway, and have it worked out anew.", no_args_is_help=True)

Person = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id, from `waymark person find`.")]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at", help="The moment asked for, in UTC; now if left out.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
    ),
]
AsJson = Annotated[bool, JSON_OPTION]


@app.command()
def show(person: Person, at: At = None, as_json: AsJson = False) -> None:
    """Say where somebody stands on each pathway, worked out from the evidence of now. Changes nothing."""
    moment = at.replace(tzinfo=UTC) if at is not None else now()
    with open_database() as (_, database), database.read() as session:
        person_id = people.standing_id(session, person)
        people.person(session, person_id)
        found = _worked_out(session, person_id, moment)
    lines = [line for each in found for line in _lines(each)]
    emit(
        {"id": person_id, "at": rfc3339(moment), "pathways": [_members(each) for each in found]},
        as_json,
        "\n".join(lines),
    )


@app.command()
def recompute(
    person: Annotated[str | None, typer.Argument(metavar="[PERSON]", help="The person's id.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody, however long it takes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Work out anew where somebody stands. The worker does this by itself; repeating it changes nothing."""
    if (person is None) is not everybody:
        fail("Name a person, or say --all. Nothing was done.", code=EXIT_MISUSE)
    with open_database() as (_, database):
        if person is not None:
            with database.read() as session:
                person = people.standing_id(session, person)
                people.person(session, person)
            standing.recompute(database, person)
            emit({"id": person}, as_json, "Worked out.")
            return
        changed = standing.recompute_all(database)
    emit({"changed": changed}, as_json, f"Worked out; for {changed} people something was another.")


def _worked_out(session: ReadSession, person_id: str, moment: datetime) -> tuple[Standing, ...]:
    evidence = evidence_of(session, (person_id,))[person_id]
    return tuple(
        standing_from(person_id, progress(pathway, evidence, moment), evidence) for pathway in stacks.pathways(session)
    )


def _lines(each: Standing) -> list[str]:
    until = f" until {rfc3339(each.met_until)}" if each.met_until is not None else ""
    changes = f"; changes by itself {rfc3339(each.next_change)}" if each.next_change is not None else ""
    head = f"{each.pathway_key} v{each.pathway_version}: {each.state.replace('_', ' ')}{until}{changes}"
    return [head, *(f"  open: {step.kind} {step.key} ({step.reason})".replace("  (", " (") for step in each.open_steps)]


def _members(each: Standing) -> dict[str, object]:
    def told(moment: datetime | None) -> str | None:
        return None if moment is None else rfc3339(moment)

    return {
        "pathway": each.pathway_key,
        "version": each.pathway_version,
        "digest": each.rule_digest,
        "state": each.state,
        "open_steps": [{"kind": step.kind, "key": step.key, "reason": step.reason} for step in each.open_steps],
        "met_since": told(each.met_since),
        "met_until": told(each.met_until),
        "next_change": told(each.next_change),
    }
