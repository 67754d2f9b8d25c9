"""Ports for servers that tests start."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator

# Below those which the system gives to outgoing connections: such a port cannot be taken by one before we listen on it.
FIRST, LAST = 12_000, 31_999
SHARE = 1_000


def _own_share() -> Iterator[int]:
    """The ports of this process in turn: each of a run's processes has its own, each run begins somewhere else."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + worker * SHARE % (LAST + 1 - FIRST)
    start = os.getpid() * 37 % SHARE
    return (first + (start + step) % SHARE for step in itertools.count())


_ports = _own_share()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, and that nobody else of this run is given."""
    return list(itertools.islice(filter(_is_free, _ports), count))
