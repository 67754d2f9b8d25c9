"""A question that may never be answered, asked so that whoever waits for the answer is not held up by it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

AnswerT = TypeVar("AnswerT")


class Probe(Generic[AnswerT]):
    """Asks in a thread of its own, one at a time, and waits only so long.

    Args:
        question: what is asked; may block for as long as it likes, in a driver or in the network.
    """

    def __init__(self, question: Callable[[], AnswerT]) -> None:
        self._question = question
        self._asked: Future[AnswerT] | None = None

    async def answer(self, seconds: float) -> AnswerT | None:
        """The answer, or None if none came in time. Whoever asks while one is still awaited waits for the same one.

        Args:
            seconds: how long to wait at most.
        """
        if self._asked is None or self._asked.done():
            self._asked = Future()
            # Not one of the pool in which pages are made: when the database hangs, those are all waiting for it.
            threading.Thread(target=self._ask, args=(self._asked,), name="probe", daemon=True).start()
        answered = asyncio.wrap_future(self._asked)
        done, _ = await asyncio.wait({answered}, timeout=seconds)
        return answered.result() if done else None

    def _ask(self, asked: Future[AnswerT]) -> None:
        try:
            asked.set_result(self._question())
        except BaseException as error:  # noqa: BLE001 - whatever it was, it is handed to those who wait
            asked.set_exception(error)
