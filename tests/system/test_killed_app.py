"""The web server may die in the middle of anything: what it answered is kept, what it did not is whole or absent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import httpx2

from tests.system.house import House, eventually
from tests.system.walker import Walker

ROUNDS = 4


@dataclass
class Tess:
    """Types and saves, again and again."""

    walker: Walker
    at: str
    answered: int = 0
    revision: int = 0

    def save(self) -> None:
        fields = {"text": f"text {self.answered + 1}", "revision": str(self.revision), "intent": "stay"}
        answer = self.walker.send_form(f"{self.at}/activity/reflection", f"{self.at}/activity/reflection/draft", fields)
        assert answer.status_code == 303, answer.text
        self.answered, self.revision = self.answered + 1, self.revision + 1

    def expect_kept(self) -> None:
        """The last text that was answered is there, or the one that was on its way after it."""
        rows = self.walker.house.rows("SELECT content, revision FROM activity_draft WHERE activity_key = 'reflection'")
        drafts = [(json.loads(content)["text"], revision) for content, revision in rows if "text " in content]
        ((text, self.revision),) = [draft for draft in drafts if draft[0].removeprefix("text ").isdigit()]
        number = int(text.removeprefix("text "))
        assert number in (self.answered, self.answered + 1)
        self.answered = number


def until_it_breaks(act: Callable[[], None], stop: Event) -> None:
    """Do something again and again until the server is gone."""
    while not stop.is_set():
        try:
            act()
        except httpx2.TransportError:
            return


def test_killed_in_the_middle_of_launches_drafts_and_decisions(house: House) -> None:
    house.connect()
    house.start_lms()
    app = house.start_app()
    priya, walker = Walker(house), Walker(house)
    tess = Tess(walker, walker.launch("tess"))
    desk = priya.launch("priya")
    learners = [house.hand_in(f"l-{n}", f"Learner {n}", f"l{n}@example.org") for n in range(2 * ROUNDS)]
    waiting = [house.mark(learner) for learner in learners]
    moments = random.Random(7)

    def decide() -> None:
        if waiting:
            page = f"{desk}/assess/{waiting[0]}/award"
            assert priya.send_form(page, page, {}).status_code in (303, 409)
            waiting.pop(0)

    for _ in range(ROUNDS):
        stop, enough = Event(), tess.answered + moments.randint(1, 6)
        with ThreadPoolExecutor(3) as pool:
            doing = [
                pool.submit(until_it_breaks, act, stop)
                for act in (tess.save, decide, lambda: Walker(house).launch("ali"))
            ]
            try:
                eventually(lambda: tess.answered >= enough or any(each.done() for each in doing), "work under way")  # noqa: B023
            finally:
                app.kill()
                app.wait()
                stop.set()
            for each in doing:
                each.result()
        house.expect_consistent()
        tess.expect_kept()
        app = house.start_app()
    while waiting:
        decide()
    house.expect_consistent()
    assert house.count("decision", "outcome = 'awarded'") == len(learners)
