"""What every request to a service goes through first: it is counted, and meets the trouble there is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from practice_lms.errors import Refused
from practice_lms.services import lms_behind

_HUGE: Final = 10_000_000
_PIECE: Final = b'["nothing to see here"],' * 4000


class AnsweredInstead(Exception):
    """The real answer is held back and this one given."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def service(name: str, refusal: type[Refused]) -> Callable[[Request], Awaitable[None]]:
    """A dependency for the routes of one service; `refusal` is what its outages are raised as."""

    async def meet_trouble(request: Request) -> None:
        lms = lms_behind(request)
        lms.counts[name] += 1
        seconds = lms.trouble.seconds_left(name)
        trouble = lms.trouble.meet(name)
        if trouble is None:
            return
        if trouble.how == "slow":
            await asyncio.sleep(trouble.delay)
        elif trouble.how == "html":
            page = "<!doctype html><title>Maintenance</title><h1>Back soon</h1>"
            raise AnsweredInstead(HTMLResponse(page, trouble.status or 200))
        elif trouble.how == "huge":
            raise AnsweredInstead(StreamingResponse(_huge(), trouble.status or 200, media_type="application/json"))
        else:
            status = trouble.status or 503
            wait = trouble.retry_after if trouble.retry_after is not None else max(1, seconds)
            words = name.replace("_", " ")
            raise refusal(
                f"The {words} service is down for the moment.",
                status=status,
                retry_after=wait if status in (429, 503) else None,
            )

    return meet_trouble


async def _huge() -> AsyncIterator[bytes]:
    yield b"["
    for _ in range(_HUGE // len(_PIECE) + 1):
        yield _PIECE
    yield b"[]]"
