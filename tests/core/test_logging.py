"""Log lines: one each, with the places an error passed and none of its words."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
import structlog

from app.core import logging as ours

SECRET = "tess.nguyen@example.org"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What is logged as JSON; this process's logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level, usual = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setattr(logging.Handler, "close", lambda _handler: None)
    monkeypatch.setattr("sys.stderr", written := io.StringIO())
    ours.configure(level="DEBUG")
    yield written.getvalue
    root.handlers[:], root.level = handlers, level
    structlog.configure(**usual)


def fail_in_the_database() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE person (email VARCHAR UNIQUE)")
        for _ in range(2):
            connection.execute(sa.text("INSERT INTO person VALUES (:email)"), {"email": SECRET})


@pytest.mark.parametrize("logger", ["ours", "uvicorn.error"])
def test_an_error_is_told_by_type_and_place_only(lines: Callable[[], str], logger: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=SECRET) as raised:
        fail_in_the_database()
    if logger == "ours":
        ours.get_logger().error("room.failed", exc_info=raised.value)
    else:
        logging.getLogger(logger).error("Exception in ASGI application", exc_info=raised.value)
    written = lines()
    told = json.loads(written)
    assert told["exception"].startswith("IntegrityError\n")
    assert "tests/core/test_logging.py" in told["exception"]
    assert "because of IntegrityError" in told["exception"]
    assert SECRET not in written


def test_libraries_are_heard_from_warnings_upwards_whatever_our_own_level(lines: Callable[[], str]) -> None:
    ours.get_logger().debug("room.detail", some_id="1")
    logging.getLogger("sqlalchemy.engine").info("INSERT %s", SECRET)
    logging.getLogger("some.library").debug("got %s", SECRET)
    logging.getLogger("some.library").warning("something is odd")
    told = [json.loads(line)["event"] for line in lines().splitlines()]
    assert told == ["room.detail", "something is odd"]


def test_a_cause_that_was_suppressed_is_left_out_and_a_circle_ends() -> None:
    error = ValueError()
    error.__cause__ = KeyError()
    error.__cause__.__context__ = error
    assert ours.describe(error).splitlines() == ["ValueError", "because of KeyError"]
    quiet = ValueError()
    quiet.__context__, quiet.__suppress_context__ = KeyError(), True
    assert ours.describe(quiet) == "ValueError"
