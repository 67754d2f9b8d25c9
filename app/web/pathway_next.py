"""What somebody can do next on the map, and what runs out soon. Pure.

What waits for them comes before what is new: work that came back, a badge that ended or ends, a module that was begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from app.web.pathway_stops import Link, Stop, StopState, Way

MOST = 3
BY_TALK = "A fresh practice conversation keeps it going, and an assessor finds a time with you."
_WAITING: tuple[StopState, ...] = ("returned", "ended", "ending", "begun")
_FIRST: tuple[StopState, ...] = (*_WAITING, "open")
_WITH_SOMEBODY_ELSE = ("handed_in", "decided", "talked", "proposed")


@dataclass(frozen=True)
class Suggestion:
    """Something to do now about a stop."""

    title: str
    text: str
    link: Link
    stop: Stop


def suggestions(ways: tuple[Way, ...], *, is_alone: bool = False) -> tuple[Suggestion, ...]:
    """At most `MOST` things to do, the first one first: what waits for them, then what is new.

    Args:
        ways: that the page shows.
        is_alone: the page is about one way only, so what is new on it counts, and a word that can be asked for.
    """
    candidates = sorted(_candidates(ways, is_alone=is_alone), key=_rank)
    found = [_suggestion(stop) for stop in candidates]
    return tuple(found[:MOST])


def with_next(ways: tuple[Way, ...], first: Suggestion | None) -> tuple[Way, ...]:
    """The ways with the stop marked that the first suggestion is about."""
    if first is None:
        return ways
    chosen = first.stop
    marked = replace(chosen, is_next=True)
    return tuple(
        replace(
            way,
            stops=tuple(marked if stop is chosen else stop for stop in way.stops),
            end=marked if way.end is chosen else way.end,
        )
        for way in ways
    )


def running_out(ways: tuple[Way, ...]) -> tuple[Stop, ...]:
    """What stops counting soon, the earliest first, each badge once."""
    found = {stop.href.rpartition("#")[2]: stop for stop in _all(ways) if stop.state == "ending"}
    return tuple(sorted(found.values(), key=lambda stop: (stop.until is None, stop.until, stop.key)))


def _candidates(ways: tuple[Way, ...], *, is_alone: bool) -> Iterator[Stop]:
    """What waits for somebody on any way; what is new only on the basic one until that is walked, or on one alone."""
    seen: set[str] = set()
    for way in ways:
        states = _FIRST if (way.level == "basic" or is_alone) and not way.end.is_behind else _WAITING
        for stop in (*way.stops, way.end):
            is_due = stop.kind in ("badge", "conversation") or (is_alone and _can_be_asked(way, stop))
            is_due = is_due and not (stop.state == "ending" and stop.renewal in _WITH_SOMEBODY_ELSE)
            if stop.state in states and is_due and stop.key not in seen:
                seen.add(stop.key)
                yield stop


def _rank(stop: Stop) -> int:
    return _FIRST.index("returned" if stop.renewal == "returned" else stop.state)


def _can_be_asked(way: Way, stop: Stop) -> bool:
    """Whether a word is all that is missing: nobody is asked for it before the steps that take work are there."""
    rest = [each for each in way.stops if each.kind != "confirmation"]
    return stop.kind == "confirmation" and all(each.is_behind for each in rest)


def _all(ways: tuple[Way, ...]) -> Iterable[Stop]:
    for way in ways:
        yield from (*way.stops, way.end)


def _suggestion(stop: Stop) -> Suggestion:
    name = f"{stop.code} · {stop.short}" if stop.code else stop.short
    here = Link("See where you stand", stop.href)
    link = stop.links[0] if stop.links and not stop.links[0].elsewhere else here
    if stop.state == "returned":
        return Suggestion(
            name, "It came back with comments. Nothing is lost: change what you want, and hand in again.", link, stop
        )
    if stop.state == "ended":
        return Suggestion(name, stop.why, link, stop)
    if stop.state == "ending" and stop.renewal is not None:
        return Suggestion(name, f"It ends on {stop.line}. {stop.why}", link, stop)
    if stop.state == "ending":
        update = "A short update keeps it going." if stop.code else BY_TALK
        return Suggestion(name, f"It ends on {stop.line}. {update}", link, stop)
    if stop.state == "begun":
        return Suggestion(name, "You have begun it. Go on where you stopped.", link, stop)
    effort = f" It takes {stop.effort}." if stop.effort else ""
    if stop.kind == "confirmation":
        return Suggestion(name, stop.why, link, stop)
    if stop.kind == "conversation":
        return Suggestion(name, f"All the badges before it are there.{effort}", link, stop)
    return Suggestion(name, f"Nothing stands before it.{effort}", link, stop)
