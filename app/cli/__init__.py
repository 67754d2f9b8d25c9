"""The `waymark` command: what an operator does at a terminal.

Every command has `--json` and `--help`. Exit codes: 0 done or yes, 1 the answer is no, 2 misuse.
"""

from __future__ import annotations

import sys

import typer

from app.cli import (
    audit,
    bench,
    client,
    consequences,
    issuing,
    known_issuers,
    operate,
    outbox,
    override,
    pathway,
    person,
    platform,
    programme,
    role,
    staff,
    verify,
)
from app.cli.support import EXIT_NO
from app.core.logging import describe

app = typer.Typer(
    name="waymark",
    help="Waymark: LTI micro-credential modules for IPS vocational specialists, and the badges they earn.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(platform.app, name="platform")
app.add_typer(programme.app, name="programme")
app.add_typer(role.app, name="role")
app.add_typer(client.app, name="client")
app.add_typer(person.app, name="person")
app.add_typer(staff.centres, name="centre")
app.add_typer(staff.app, name="staff")
app.add_typer(outbox.app, name="outbox")
app.add_typer(override.app, name="override")
app.add_typer(consequences.app, name="consequences")
app.add_typer(pathway.app, name="pathway")
app.add_typer(known_issuers.app, name="known-issuer")
app.add_typer(audit.app, name="audit")
operate.register(app)
bench.register(app)
issuing.register(app)
verify.register(app)


def main() -> None:
    """Entry point of the `waymark` command.

    An error that nobody foresaw is told by its type and the places it passed: its message may quote somebody's data.
    """
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last resort, and it says what it caught
        sys.stderr.write(f"waymark: something went wrong that nobody foresaw.\n{describe(error)}\n")
        sys.exit(EXIT_NO)
