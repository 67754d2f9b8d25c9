"""What every command shares: opening the database, printing for people or machines, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pydantic
import typer

from app.config import ConfigurationError, Settings, load_settings
from app.core.db import Database
from app.core.errors import AppError

EXIT_NO = 1
EXIT_MISUSE = 2

JSON_OPTION = typer.Option("--json", help="Print JSON for programs.")


def settings_or_exit(**overrides: Any) -> Settings:
    """The settings, or exit 2 with what is wrong with them."""
    try:
        settings = load_settings(**overrides)
        settings.secret_keys  # noqa: B018 - asks for the key, so that its absence is told now
    except pydantic.ValidationError as error:
        details = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()
        )
        fail(f"The settings cannot be used: {details}", code=EXIT_MISUSE)
    except ConfigurationError as error:
        fail(str(error), code=EXIT_MISUSE)
    return settings


@contextmanager
def open_database() -> Iterator[tuple[Settings, Database]]:
    """Settings and database of a command; an error of the house becomes a line and exit code 1."""
    settings = settings_or_exit()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        yield settings, database
    except AppError as error:
        fail(" ".join(filter(None, (error.detail, error.kept, error.next_step))))
    finally:
        database.dispose()


def emit(data: Any, as_json: bool, text: str) -> None:
    """Print the outcome: `data` as JSON for programs, or `text` for people."""
    sys.stdout.write((json.dumps(data, indent=2, default=str, ensure_ascii=False) if as_json else text) + "\n")


def fail(message: str, *, code: int = EXIT_NO) -> NoReturn:
    """Say what went wrong on standard error and leave with an exit code: 1 the answer is no, 2 misuse."""
    sys.stderr.write(f"waymark: {message}\n")
    raise typer.Exit(code)
