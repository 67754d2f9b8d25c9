"""What every command shares: opening the database, printing for people or machines, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn

import pydantic
import sqlalchemy as sa
import typer

from app.config import ConfigurationError, Settings, load_settings
from app.core import migrations
from app.core.clock import rfc3339
from app.core.db import Database
from app.core.db_trouble import Trouble, trouble_of
from app.core.errors import AppError
from app.verifier.errors import KnownIssuersUnreadable

EXIT_NO = 1
EXIT_MISUSE = 2

SAVED_BEFORE = "What was saved before is kept; this last step was not done."

JSON_OPTION = typer.Option("--json", help="Print JSON for programs.")


def settings_or_exit(**overrides: Any) -> Settings:
    """The settings, or exit 2 with what is wrong with them."""
    try:
        settings = load_settings(**overrides)
        settings.secret_keys  # noqa: B018 - asks for the key, so that its absence is told now
    except pydantic.ValidationError as error:
        fail(f"The settings cannot be used: {_told(error)}", code=EXIT_MISUSE)
    except ConfigurationError as error:
        fail(str(error), code=EXIT_MISUSE)
    except OSError as error:
        fail(f"The data folder (WAYMARK_DATA_DIR) cannot be used: {error.strerror}: {error.filename}", code=EXIT_MISUSE)
    except UnicodeError:
        fail("The file waymark.env in the data folder is not UTF-8 text.", code=EXIT_MISUSE)
    return settings


def _told(error: pydantic.ValidationError) -> str:
    """Every wrong setting by the name of its variable; never its value, which may be a secret."""
    return "; ".join(f"{_variable(item['loc'])}{item['msg'].removeprefix('Value error, ')}" for item in error.errors())


def _variable(location: tuple[int | str, ...]) -> str:
    return f"WAYMARK_{str(location[0]).upper()}: " if location else ""


@contextmanager
def guard() -> Iterator[None]:
    """An error of the house, or of the database, becomes a line on standard error and exit code 1.

    A register of known issuers with a mistake in it is a setting that cannot be used: exit code 2, as for all of them.
    """
    try:
        yield
    except AppError as error:
        fail(" ".join(filter(None, (error.detail, error.kept, error.next_step))))
    except KnownIssuersUnreadable as error:
        fail(f"{error} Mend that file, or move it away, and try again.", code=EXIT_MISUSE)
    except sa.exc.SQLAlchemyError as error:
        fail(_what_ails(error))


def _what_ails(error: sa.exc.SQLAlchemyError) -> str:
    """What an operator has to know of a database that refused; never a value that was to be stored."""
    trouble = trouble_of(error)
    if trouble is Trouble.READ_ONLY:
        return f"The database can only be read just now, and this has to save something. {SAVED_BEFORE}"
    if trouble is Trouble.FULL:
        return f"The database has no room left. {SAVED_BEFORE} Make room, then try again."
    if trouble is Trouble.BUSY:
        return f"The database is too busy and did not get to this in time. {SAVED_BEFORE} Try again."
    if isinstance(error, sa.exc.OperationalError):
        reason = " ".join(str(error.orig).split())
        return f"The database does not do its part ({reason}). Is WAYMARK_DATABASE_URL right?"
    return f"The database refused ({type(error).__name__}). {SAVED_BEFORE}"


@contextmanager
def open_database(*, any_form: bool = False) -> Iterator[tuple[Settings, Database]]:
    """Settings and database of a command; an error of the house becomes a line and exit code 1.

    Args:
        any_form: also a database that is not there yet or has to be migrated.
    """
    settings = settings_or_exit()
    with guard():
        database = Database(settings.database_url)
        try:
            if any_form:
                settings.data_dir.mkdir(parents=True, exist_ok=True)
            else:
                migrations.require_current(database)
            yield settings, database
        finally:
            database.dispose()


def emit(data: Any, as_json: bool, text: str) -> None:
    """Print the outcome: `data` as JSON for programs, or `text` for people. Out at once: somebody may be waiting."""
    sys.stdout.write((json.dumps(data, indent=2, default=_plain, ensure_ascii=False) if as_json else text) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> str:
    return rfc3339(value) if isinstance(value, datetime) else str(value)


def fail(message: str, *, code: int = EXIT_NO) -> NoReturn:
    """Say what went wrong on standard error and leave with an exit code: 1 the answer is no, 2 misuse."""
    sys.stderr.write(f"waymark: {message}\n")
    raise typer.Exit(code)
