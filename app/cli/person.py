"""`waymark person`: what is kept of a person, for the person; and erasing it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.keys import house
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail
from app.core.audit import OPERATOR
from app.core.clock import rfc3339
from app.core.db import Database
from app.core.runtime import Runtime
from app.core.scrubbing import scrub
from app.issuer import service as issuer
from app.issuer.errors import AlreadyRevoked
from app.issuer.personal_data import credential_ids
from app.people import erasing, exporting, linking
from app.people import service as people
from app.people.errors import ErasureHindered
from app.people.schemas import Erasure, PersonalExport
from app.wiring import personal_data

app = typer.Typer(
    help="Hand out everything that is kept of a person, erase it, or see which records were joined.",
    no_args_is_help=True,
)

OWNER_ONLY = 0o600
REVOKED_FOR = "To be erased"
NOT_SCRUBBED = (
    "The data are erased, but the database's file could not be written anew: others use it just now, or no "
    "room is left for a second copy. Old pages of it still hold them. Run the same command again in a moment."
)

PersonId = Annotated[str | None, typer.Argument(metavar="[ID]", help="The person's id here.")]
Email = Annotated[
    str | None, typer.Option("--email", help="In place of the id: an address they confirmed or an LMS gives for them.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="File to write to, readable by you only; printed if not given.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words, without naming the person; it is kept.")]
Revoke = Annotated[bool, typer.Option("--revoke", help="Revoke their badges too, so that no copy verifies any more.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
AsJson = Annotated[bool, JSON_OPTION]


@app.command()
def export(person: PersonId = None, email: Email = None, out: Out = None, as_json: AsJson = False) -> None:
    """Write everything that is kept of a person as JSON, complete, and nothing of anybody else."""
    _one_way(person, email)
    if out is not None and out.exists():
        fail(f"{out} is there already, and is not overwritten.", code=EXIT_MISUSE)
    with house() as runtime:
        with runtime.database.read() as session:
            person_id = person or _found(runtime.database, email or "")
            exported = exporting.export_person(session, personal_data(runtime), person_id)
        text = json.dumps(exported.as_json(), indent=2, ensure_ascii=False)
        if out is not None:
            _write(out, text)
        with runtime.database.write() as session:
            exporting.note_export(session, person_id, OPERATOR)
    if out is None:
        emit(exported.as_json(), True, text)
        return
    data = {"person_id": person_id, "file": str(out), "records": _records(exported)}
    emit(data, as_json, f"Written: {out}, {_records(exported)} records of person {person_id}. Give it to nobody else.")


@app.command()
def links(person: PersonId = None, email: Email = None, as_json: AsJson = False) -> None:
    """List records that were joined into another, all or one person's: who joined what, when, from whose LMS.

    A joining is not undone by a command. Roles of either record ended with it.
    """
    if person is not None and email is not None:
        fail("Name the person by the id or by --email, not both.", code=EXIT_MISUSE)
    with house() as runtime:
        person_id = person or (_found(runtime.database, email) if email is not None else None)
        with runtime.database.read() as session:
            found = linking.links(session, person_id)
    data = [
        {
            "linked_id": link.person_id,
            "joined_into": link.joined_into,
            "person_id": link.now_with,
            "organisation_id": link.organisation_id,
            "linked_at": rfc3339(link.linked_at),
        }
        for link in found
    ]
    lines = [
        f"{rfc3339(link.linked_at)}  {link.person_id} was joined into {link.joined_into}"
        + (f", now {link.now_with}" if link.now_with != link.joined_into else "")
        + (f", by a login of organisation {link.organisation_id}" if link.organisation_id else "")
        for link in found
    ]
    emit({"links": data}, as_json, "\n".join(lines) or "No records were joined.")


@app.command()
def erase(
    reason: Reason,
    person: PersonId = None,
    email: Email = None,
    revoke: Revoke = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase what is kept of a person for good, once you were told what goes, what stays and why.

    A launch of theirs afterwards begins anew, as a new person. Doing it twice is the same as once.
    """
    _one_way(person, email)
    if not reason.strip():
        fail("A reason is needed.", code=EXIT_MISUSE)
    if as_json and not yes:
        fail("With --json nothing is asked, so erasing a person takes --yes.", code=EXIT_MISUSE)
    with house() as runtime:
        person_id = person or _found(runtime.database, email or "")
        bound = personal_data(runtime)
        foreseen = erasing.foresee(runtime.database, bound, person_id)
        if foreseen.hindrances:
            raise ErasureHindered(foreseen.hindrances)
        if foreseen.erased_before is None and not yes:
            _ask(runtime, foreseen, revoke=revoke)
        if revoke:
            _revoke(runtime, person_id)
        done = erasing.erase_person(runtime.database, bound, person_id, reason=reason.strip(), actor=OPERATOR)
        scrubbed = scrub(runtime.database)
    _tell(done, scrubbed=scrubbed, revoked=revoke, as_json=as_json)
    if not scrubbed:
        fail(NOT_SCRUBBED)


def _one_way(person: str | None, email: str | None) -> None:
    if (person is None) == (email is None):
        fail("Name the person by the id or by --email, one of the two.", code=EXIT_MISUSE)


def _found(database: Database, email: str) -> str:
    """The one person with this address; several are told apart by the operator."""
    with database.read() as session:
        found = erasing.find_people(session, email)
    if not found:
        fail("Nobody here confirmed this address, and no LMS gives it for anybody.")
    if len(found) > 1:
        fail(f"Several persons have this address. Name one by the id: {', '.join(found)}")
    return found[0]


def _write(out: Path, text: str) -> None:
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}", code=EXIT_MISUSE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _records(exported: PersonalExport) -> int:
    return sum(len(section.records) for section in exported.sections)


def _ask(runtime: Runtime, foreseen: Erasure, *, revoke: bool) -> None:
    with runtime.database.read() as session:
        name = people.display_name(session, foreseen.person_id)
    copies = "Badges are revoked as well: copies fail from then on." if revoke else "Copies of badges go on to verify."
    lines = [
        f"Person {foreseen.person_id} ({name})",
        *_told(foreseen),
        copies,
        f"Backups hold it until they run out. LMSs keep what is theirs.{os.linesep}",
    ]
    typer.echo("\n".join(lines), err=True)
    if not typer.confirm("Erase this person? That cannot be undone.", err=True):
        fail("Nothing was changed.")


def _told(erasure: Erasure) -> Sequence[str]:
    gone = [f"  {count.number} x {count.what}" for count in erasure.erased] or ["  nothing but the person's row"]
    stays = [f"  {each.what}. {each.why}" for each in erasure.kept]
    return ("To be erased:", *gone, "Stays:", *stays)


def _revoke(runtime: Runtime, person_id: str) -> None:
    """Before they are erased: afterwards nobody knows whose they were."""
    with runtime.database.read() as session:
        badges = credential_ids(session, person_id)
    for credential_id in badges:
        with suppress(AlreadyRevoked):
            issuer.revoke(
                runtime.database,
                runtime.secret_box,
                runtime.settings.base_url,
                credential_id=credential_id,
                reason=REVOKED_FOR,
                actor=OPERATOR,
            )


def _tell(done: Erasure, *, scrubbed: bool, revoked: bool, as_json: bool) -> None:
    before = done.erased_before
    data: dict[str, Any] = {
        "person_id": done.person_id,
        "state": "erased",
        "erased_before": rfc3339(before) if before else None,
        "erased": [{"what": count.what, "number": count.number} for count in done.erased],
        "kept": [{"what": each.what, "why": each.why} for each in done.kept],
        "badges_revoked": revoked,
        "file_scrubbed": scrubbed,
    }
    if before is not None:
        text = f"Person {done.person_id} was erased on {rfc3339(before)}. Nothing was left to do."
    else:
        number = sum(count.number for count in done.erased)
        text = f"Erased: person {done.person_id}, {number} records. Backups hold them until they run out."
    emit(data, as_json, text)
