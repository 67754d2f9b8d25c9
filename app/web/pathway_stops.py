"""What the map of a pathway is drawn and told from: one stop for each step, frozen, with its words already found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.awards.renewal_offers import RenewalStage
from app.programme.schemas import Level

StopKind = Literal["badge", "external_badge", "time", "confirmation", "conversation", "choice"]
StopState = Literal["plain", "have", "ending", "recognised", "handed_in", "returned", "begun", "open", "later", "ended"]

BEHIND: frozenset[StopState] = frozenset({"have", "ending", "recognised"})
"""States in which a step counts."""


@dataclass(frozen=True)
class Link:
    """Where somebody can go from a stop; `elsewhere` opens a window of its own, since it leaves the launch's pages."""

    text: str
    href: str
    elsewhere: bool = False


@dataclass(frozen=True)
class Stop:
    """One step of a pathway as the map shows it.

    Attributes:
        key: its anchor on the page, unlike all others of its pathway.
        code: of a badge (`M04`); empty for what is no module's.
        title: in full; `short` is what stands on the map.
        state: `plain` where nobody's progress is shown; `open` can be done now.
        is_next: it is what the page points to.
        word: the state in a word or two.
        line: the one thing to know of it beside the state, such as an hour's count or a day; may be empty.
        about: what it is about, in the programme's own words; empty where the title says it.
        why: what stands open and what would meet it, in whole sentences; empty where nothing is open.
        effort: how much work it takes, in words; empty where that cannot be said.
        minutes: the same as a number; 0 where that cannot be said.
        since: from when on it counts, or since when it no longer does.
        until: when it stops counting.
        image: of its badge; None for what is no badge.
        href: where the map leads from it.
        links: what can be done about it.
        opens: short names of the stops that wait for it.
        ask: key of the confirmation that can be asked for.
        parts: of a choice, what there is to choose from.
        needed: of a choice, how many parts are needed.
        renewal: of a badge that ends or has ended, how far its renewal has come; None where none is under way.
    """

    key: str
    kind: StopKind
    code: str
    title: str
    state: StopState
    is_next: bool = False
    word: str = ""
    line: str = ""
    about: str = ""
    why: str = ""
    effort: str = ""
    minutes: int = 0
    since: datetime | None = None
    until: datetime | None = None
    image: str | None = None
    href: str = ""
    links: tuple[Link, ...] = ()
    opens: tuple[str, ...] = ()
    ask: str | None = None
    parts: tuple[Stop, ...] = ()
    needed: int = 0
    renewal: RenewalStage | None = None

    @property
    def short(self) -> str:
        """The title without what stands behind a colon."""
        return self.title.partition(":")[0]

    @property
    def is_behind(self) -> bool:
        """Whether it counts."""
        return self.state in BEHIND


@dataclass(frozen=True)
class Way:
    """A pathway with its stops in the order of its rule, and the badge at its end."""

    key: str
    level: Level
    title: str
    summary: str
    stops: tuple[Stop, ...]
    end: Stop

    @property
    def behind(self) -> int:
        """How many of its stops count."""
        return sum(stop.is_behind for stop in self.stops)
