"""`waymark known-issuer`: who stands behind which issuer, as the operator vouches for it. Needs no database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.demo import MARK as DEMO_MARK
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail
from app.cli.verify import plain_settings
from app.verifier import known_issuers_file
from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.known_issuers import FILE_NAME, KnownIssuers, parse
from app.verifier.known_issuers_file import Changed, EntryRefused
from app.verifier.schemas import KnownIssuer

app = typer.Typer(help="Say who stands behind an issuer of badges, or take that back.", no_args_is_help=True)

IssuerId = Annotated[
    str, typer.Argument(metavar="ID", help="The issuer's identifier, as badges name it: did:web:… or https://…")
]
Name = Annotated[
    str, typer.Option("--name", help="What the organisation is called; shown in place of what badges say.")
]
ListedBy = Annotated[str, typer.Option("--listed-by", help="Who vouches for it: a person's office, or a list.")]
LegalName = Annotated[str | None, typer.Option("--legal-name", help="Its name in the business register.")]
Url = Annotated[str | None, typer.Option("--url", help="Its web site, https://…")]
AsJson = Annotated[bool, JSON_OPTION]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the known issuers."""
    register = KnownIssuers(_entries(_text(plain_settings().data_dir)))
    rows = "\n".join(f"{entry.name}\n  {entry.id}\n  listed by {entry.listed_by}" for entry in register.entries)
    empty = "Nobody is listed: every issuer but this server's own is called unknown."
    emit({"items": [_told(entry) for entry in register.entries]}, as_json, rows or empty)


@app.command()
def add(
    issuer_id: IssuerId,
    name: Name,
    listed_by: ListedBy,
    legal_name: LegalName = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Vouch for an issuer. Exits 1 if it is listed already with other words."""
    entry = KnownIssuer(issuer_id, name, listed_by, legal_name, url)
    try:
        known_issuers_file.check(entry)
    except EntryRefused as error:
        fail(str(error), code=EXIT_MISUSE)
    folder = plain_settings().data_dir
    text = _text(folder)
    entries = _entries(text)
    register = KnownIssuers(entries)
    listed = register.get(issuer_id)
    if listed is not None and listed != entry:
        fail(f"{issuer_id} is listed already, as {listed.name}. Remove it first to change it. Nothing was changed.")
    if listed is None:
        _write(folder, known_issuers_file.with_entry(_own_text(text), entry))
    resembled = register.resembled(issuer_id, name) if listed is None else None
    note = (
        f"\nPlease look again: it could be taken for {resembled.issuer.name}, which is listed too." if resembled else ""
    )
    emit(
        _told(entry) | {"added": listed is None, "resembles": resembled.issuer.id if resembled else None},
        as_json,
        (f"{name} is known now." if listed is None else f"{name} was known already.") + note,
    )


@app.command()
def remove(issuer_id: IssuerId, as_json: AsJson = False) -> None:
    """Vouch for an issuer no longer. Exits 1 if it is not listed."""
    folder = plain_settings().data_dir
    text = _text(folder)
    listed = KnownIssuers(_entries(text)).get(issuer_id)
    if listed is None:
        fail(f"{issuer_id} is not listed. Nothing was changed.")
    changed = known_issuers_file.without_entry(_own_text(text), issuer_id)
    _write(folder, changed)
    note = "" if changed.comments_kept else f" {FILE_NAME} was written anew, without its comments."
    emit(
        _told(listed) | {"removed": True, "comments_kept": changed.comments_kept},
        as_json,
        f"{listed.name} is not known any more.{note}",
    )


def _told(entry: KnownIssuer) -> dict[str, Any]:
    return {name: value for name, value in asdict(entry).items() if value is not None and name != "ours"}


def _text(folder: Path) -> str:
    try:
        return known_issuers_file.read_text(folder)
    except KnownIssuersUnreadable as error:
        fail(str(error), code=EXIT_MISUSE)


def _entries(text: str) -> tuple[KnownIssuer, ...]:
    try:
        return parse(text)
    except KnownIssuersUnreadable as error:
        fail(f"{error} Nothing was changed.", code=EXIT_MISUSE)


def _own_text(text: str) -> str:
    """A file that somebody edits is theirs: without its mark the demo does not write it anew."""
    if not text.startswith(DEMO_MARK):
        return text
    lines = text.splitlines(keepends=True)
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[comments:])


def _write(folder: Path, changed: Changed) -> None:
    try:
        known_issuers_file.write(folder, changed.text)
    except OSError as error:
        fail(f"{folder / FILE_NAME} cannot be written: {error.strerror}. Nothing was changed.")
