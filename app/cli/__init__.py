"""The `waymark` command: what an operator does at a terminal.

Every command has `--json` and `--help`. Exit codes: 0 done or yes, 1 the answer is no, 2 misuse.
"""

from __future__ import annotations

import typer

from app.cli import issuing, operate, platform, programme, role, verify

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
operate.register(app)
issuing.register(app)
verify.register(app)


def main() -> None:
    """Entry point of the `waymark` command."""
    app()
