"""`waymark audit verify`: is the audit as it was sealed?"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail, open_database
from app.core import audit_check
from app.core.audit_check import AuditReport, Finding, What
from app.core.clock import now, rfc3339
from app.core.secrets import SecretBox

app = typer.Typer(help="The record of who did what, and its seals.", no_args_is_help=True)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
WORDS: Final[dict[What, str]] = {
    "entry_altered": "Entry {entry} was altered after it was sealed (seal {seal}).",
    "entry_deleted": "Entry {entry} was deleted after it was sealed (seal {seal}).",
    "entry_inserted": "Entry {entry} was slipped in among entries that were sealed without it.",
    "entries_unsealed": "Entries from {entry} on have waited for a seal for too long: is a worker running?",
    "seal_altered": "Seal {seal} was altered, or does not rest on the one before; what it covers cannot be told.",
    "seal_deleted": "Seal {seal} was deleted, perhaps others after it; what they cover cannot be told.",
    "seal_foreign": "Seal {seal} was not made with a secret key of this server; what it covers cannot be told.",
    "seal_expected": "The seal you expect is not there: seals were cut off or replaced, or this is another database.",
}


@app.command("verify")
def verify(
    since_seal: Annotated[int, typer.Option("--since-seal", min=1, help="Begin with the seal of this number.")] = 1,
    expect: Annotated[
        str | None, typer.Option("--expect", help="Digest of a seal that you noted elsewhere; it must be there.")
    ] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Say whether entries of the audit were altered, deleted or slipped in since they were sealed."""
    wanted = expect.strip().lower() if expect is not None else None
    if wanted is not None and not _DIGEST.fullmatch(wanted):
        fail("--expect is the digest of a seal: 64 characters, 0 to 9 and a to f.", code=EXIT_MISUSE)
    with open_database() as (settings, database):
        report = audit_check.check(database, SecretBox(settings.secret_keys), since_seal=since_seal, expected=wanted)
    emit(_data(report), as_json, "\n".join(_lines(report)))
    if not report.whole:
        raise typer.Exit(EXIT_NO)


def _data(report: AuditReport) -> dict[str, Any]:
    return {"whole": report.whole, **asdict(report)}


def _lines(report: AuditReport) -> list[str]:
    lines = [_told(finding) for finding in report.findings]
    untold = sum(report.counts.values()) - len(report.findings)
    if untold:
        lines.append(f"… and {untold:,} more.")
    compared = f"{report.entries:,} entries under {_number(report.seals, 'seal')}"
    since = f" from seal {report.since_seal} on" if report.since_seal > 1 else ""
    lines.insert(0, f"The audit is {'whole' if report.whole else 'NOT as it was sealed'}: compared {compared}{since}.")
    if report.newest is not None:
        seal = report.newest
        lines.append(f"Newest seal: {seal.number}, made {rfc3339(seal.made_at)}, {seal.digest}")
        lines.append("Note it where nobody can change it who can write in the database; --expect asks for it.")
    if report.unsealed:
        waiting = _number(report.unsealed, "entry", "entries")
        lines.append(f"{waiting} not sealed yet{_age(report.oldest_unsealed_at)}; the worker seals once a minute.")
    return lines


def _told(finding: Finding) -> str:
    return WORDS[finding.what].format(entry=finding.entry, seal=finding.seal)


def _age(moment: datetime | None) -> str:
    return "" if moment is None else f", the oldest for {max(0, int((now() - moment).total_seconds())):,} s"


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
