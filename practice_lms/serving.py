"""A practice LMS on a port of its own, in a thread of the caller's process: for tests that want real HTTP."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from practice_lms.app import create_app, lms_of
from practice_lms.keys import KeyRing
from practice_lms.lms import PracticeLms
from practice_lms.settings import Settings

PATIENCE = 10.0


@contextmanager
def serving(
    settings: Settings | None = None, *, keys: KeyRing | None = None, clock: Callable[[], float] = time.time
) -> Iterator[PracticeLms]:
    """Serve until the block ends; port 0 means a free one, which the `settings` of what is given back then name.

    Raises OSError if the port is taken, RuntimeError if the server does not start.
    """
    chosen = settings or Settings(port=0)
    listener = socket.create_server((chosen.host, chosen.port))
    chosen = replace(chosen, port=int(listener.getsockname()[1]))
    app = create_app(chosen, keys=keys, clock=clock)
    # Inside somebody else's process: its logging is left as it is.
    config = uvicorn.Config(app, log_level="warning", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="practice LMS", daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the practice LMS did not start on port {chosen.port}")
        time.sleep(0.01)
    try:
        yield lms_of(app)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
