"""What endpoints ask for in their signatures: the process's means and the two kinds of database session.

Every session dependency carries `scope="function"`: FastAPI would otherwise commit after it has answered, and a commit
that fails would reach the person as a success. What only looks something up is `async`: a plain function would be sent
to a thread and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request

from app.core.db import ReadSession, WriteSession
from app.core.runtime import Runtime
from app.verifier.service import Verifier


async def get_runtime(request: Request) -> Runtime:
    """The means of this process."""
    runtime: Runtime = request.app.state.runtime
    return runtime


App = Annotated[Runtime, Depends(get_runtime)]


def read_session(runtime: App) -> Iterator[ReadSession]:
    """A session for reading, closed before the answer is sent."""
    with runtime.database.read() as session:
        yield session


def write_session(runtime: App) -> Iterator[WriteSession]:
    """A session for one change, committed before the answer is sent."""
    with runtime.database.write() as session:
        yield session


async def get_verifier(request: Request) -> Verifier:
    """The verifier of this process."""
    verifier: Verifier = request.app.state.verifier
    return verifier


ReadDb = Annotated[ReadSession, Depends(read_session, scope="function")]
WriteDb = Annotated[WriteSession, Depends(write_session, scope="function")]
BadgeVerifier = Annotated[Verifier, Depends(get_verifier)]
