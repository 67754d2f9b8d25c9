"""Structured logs: one line each, a request id in it, never personal data.

Two things keep names and texts out. Our own lines carry ids only, by habit. And an error is logged by its type and the
places it passed, never by its message or its local variables: a database error quotes the row it could not store.
Libraries are heard from warnings upwards, whatever the level of our own lines: at lower levels they quote what they
carry.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import structlog

ROOT = str(Path(__file__).resolve().parents[2]) + "/"
LAST_FRAMES = 12


def configure(*, level: str = "INFO", json: bool = True) -> None:
    """Set logging up for this process.

    Args:
        level: the least serious level of our own lines that is written.
        json: one JSON object a line; otherwise a form that is easier on the eye at a terminal.
    """
    configure_our_own(level=level, json=json, logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(json)],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def configure_our_own(*, level: str, json: bool, logger_factory: Callable[..., Any]) -> None:
    """The part of `configure` that leaves the libraries' logging alone; parameters as there, and who writes."""
    structlog.configure(
        processors=[*_shared(), _renderer(json)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=logger_factory,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        places_instead_of_words,
    ]


def _renderer(json: bool) -> Any:
    if json:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def places_instead_of_words(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an event's error by its type and the places it passed."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """An error and its causes by type, each with the last places it passed, one a line; no message, no values."""
    lines: list[str] = []
    for number, each in enumerate(_chain(error)):
        lines.append(("because of " if number else "") + type(each).__name__)
        frames = traceback.extract_tb(each.__traceback__)[-LAST_FRAMES:]
        lines += [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join(lines)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _short(path: str) -> str:
    return path.rpartition("/site-packages/")[2].removeprefix(ROOT)


def get_logger() -> Any:
    """A logger; call it as `log.info("room.what_happened", some_id=…)`."""
    return structlog.get_logger()
