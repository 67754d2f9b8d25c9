"""Structured logs: one JSON object a line, a request id in each, never personal data."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(*, level: str = "INFO", json: bool = True) -> None:
    """Set logging up for this process.

    Args:
        level: the least serious level that is written.
        json: one JSON object a line; otherwise a form that is easier on the eye at a terminal.
    """
    renderer: Any = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Access lines would carry addresses of badges and launches; the middleware writes our own.
    for noisy in ("uvicorn.access", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger() -> Any:
    """A logger; call it as `log.info("room.what_happened", some_id=…)`."""
    return structlog.get_logger()
