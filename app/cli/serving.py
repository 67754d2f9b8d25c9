"""Serving pages and API: one process or several on one socket, each ending cleanly when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from types import FrameType

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess

from app.core import processes

APPLICATION = "app.main:served"
SECONDS_FOR_REQUESTS_IN_HAND = 8
SECONDS_FOR_THREADS = 0.5
# A process that gives none is replaced. Five seconds, as usual, a busy machine needs to start one: it never came up.
SECONDS_FOR_A_SIGN_OF_LIFE = 30
WAITING_CONNECTIONS = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: from now on callers wait instead of being turned away.

    Args:
        host: address or name of this machine, `::` for all its addresses.
        port: 1 to 65535.

    Raises:
        OSError: the port is taken, may not be used, or the address is not one of this machine.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    family, kind, protocol, _, address = found
    # With the protocol named: asyncio sets TCP_NODELAY on TCP sockets only, and without it an answer's body waits for
    # the acknowledgement of its head.
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(WAITING_CONNECTIONS)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(True)
    return listening


def serve(listening: socket.socket, workers: int) -> bool:
    """Serve until SIGINT or SIGTERM; requests in hand are finished first.

    Args:
        listening: from `listen`.
        workers: processes.

    Returns:
        Whether it came up at all.
    """
    config = uvicorn.Config(
        APPLICATION,
        factory=True,
        workers=workers,
        log_config=None,  # its lines go the way of ours
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_FOR_REQUESTS_IN_HAND,
        timeout_worker_healthcheck=SECONDS_FOR_A_SIGN_OF_LIFE,
    )
    if workers > 1:
        supervisor = Multiprocess(config, sockets=[listening])
        with processes.several(workers):
            supervisor.run()
        return all(process.exitcode in (0, -signal.SIGTERM, -signal.SIGINT) for process in supervisor.processes)
    server = uvicorn.Server(config)
    # uvicorn finishes its work and then raises the signal again; by then this makes it an end, not a death by signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        server.run(sockets=[listening])
    except SystemExit:
        _leave_behind_what_hangs()
        raise
    return server.started


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _leave_behind_what_hangs() -> None:
    """End at once if a request still waits in its thread, for a database that says nothing, say: Python would wait too.

    It had its time, its visitor has been told, and what it had begun to save was never committed.
    """
    own = threading.current_thread()
    waiting = [each for each in threading.enumerate() if each is not own and not each.daemon]
    until = time.monotonic() + SECONDS_FOR_THREADS
    for each in waiting:
        each.join(max(until - time.monotonic(), 0))
    if any(each.is_alive() for each in waiting):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
