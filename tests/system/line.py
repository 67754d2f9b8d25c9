"""A line to a server that can be cut and can fall silent: what networks do to a database, as often as we like."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PIECE = 65_536


class Line:
    """Listens on a port of 127.0.0.1 and carries every connection on to a server's socket.

    Args:
        server: the path of the server's socket.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listening = self._listen(0)
        self.port: int = self._listening.getsockname()[1]
        self._flows = threading.Event()
        self._flows.set()
        self._open: set[socket.socket] = set()
        self.held = 0
        """How many connections wait to say something, or to be told something, while it is silent."""
        self._lock = threading.Lock()

    def start(self) -> Line:
        """Begin to carry."""
        threading.Thread(target=self._take, args=(self._listening,), daemon=True).start()
        return self

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection ends and new ones are refused, as when the server's machine is switched off."""
        self.close()
        try:
            yield
        finally:
            self._listening = self._listen(self.port)
            self.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Everything stays open and nothing arrives any more, new connections included; afterwards it all does."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    def close(self) -> None:
        """Take no more, and end what is open."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._listening.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _listen(self, port: int) -> socket.socket:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(200)
        return listening

    def _take(self, listening: socket.socket) -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with caller, server:
            with contextlib.suppress(OSError):
                server.connect(str(self._server))
                with self._lock:
                    self._open |= {caller, server}
                self._pass_on(caller, server)
            with self._lock:
                self._open -= {caller, server}

    def _pass_on(self, caller: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(caller, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, caller)
            while True:
                for key, _ in ready.select():
                    here: socket.socket = key.fileobj  # type: ignore[assignment]
                    piece = here.recv(PIECE)
                    self._wait_until_it_flows()
                    if not piece:
                        return
                    key.data.sendall(piece)

    def _wait_until_it_flows(self) -> None:
        if self._flows.is_set():
            return
        with self._lock:
            self.held += 1
        self._flows.wait()
        with self._lock:
            self.held -= 1
