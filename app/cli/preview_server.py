"""The author's preview on this computer, until it is ended."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from types import FrameType

import uvicorn


def serve(listening: socket.socket, folder: Path) -> None:
    """Show the modules of a programme's folder until SIGINT or SIGTERM.

    Args:
        listening: from `serving.listen`, on an address that only this computer can reach.
        folder: holds `programme.yaml`.
    """
    # Here, because no other command needs the pages.
    from app.web.preview import create_preview

    # uvicorn finishes its work and then raises the signal again; by then this makes it an end, not a death by signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    config = uvicorn.Config(create_preview(folder), log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
