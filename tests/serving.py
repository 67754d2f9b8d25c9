"""A real server in the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

PATIENCE = 60.0


@contextmanager
def served(app: Any, port: int, **options: Any) -> Iterator[uvicorn.Server]:
    """Serve on 127.0.0.1 until the block ends; it begins when the server answers.

    Raises RuntimeError if it does not start.
    """
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", log_config=None, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"no server on port {port}")
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
