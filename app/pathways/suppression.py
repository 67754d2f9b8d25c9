"""Counts of people that can be shown to somebody who knows some of them, without telling anything of the others.

A manager knows their own staff by name. So whatever is published of all centres can be read as a count of the others:
the total minus one's own. What is shown is therefore no count but a band of five (45 to 49), and a band only where,
after taking away everybody the reader knows, it still lies five or more above nobody and five or more below everybody:
no count below five can be told, neither of those who hold something nor of those who do not.

The bands must leave room *together* as well. Rows overlap: whoever holds one badge counts in several. So a row that is
part of another could be subtracted from it, or several could be added up until they fit in one way only. It is enough
that the others could be such that every row lies strictly inside its band. For then any one of them could hold anything
else without a band changing, and so the number of people of whatever kind could be another. That this is so is shown by
an example, which is looked for. Where none is found nothing at all is published: a single row left out would say
something to those who know how it is done.

There is one table, whatever the reader filters by: two filters have nothing to be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BAND: Final = 5
"""How many values a band has; the least count that may be told."""

_LOOKED_AT: Final = 40  # people who hold the same, in so many ways: enough to find the way with, and quickly

Holding = frozenset[str]
"""What one person holds."""


@dataclass(frozen=True)
class Band:
    """A count that is told as a range, both ends included."""

    low: int
    high: int


def band_of(count: int) -> Band:
    """The band that a count lies in."""
    low = count - count % BAND
    return Band(low, low + BAND - 1)


def publish(
    known: Sequence[Holding], others: Sequence[Holding], rows: Sequence[Collection[str]]
) -> tuple[Band | None, ...]:
    """For each row how many people hold any of its things, as a band; None where nothing may be told.

    Args:
        known: what those hold whom the reader knows; each person once.
        others: what everybody else holds.
        rows: for each row the things of which any one counts.
    """
    people = _Rows(rows)
    mine, theirs = people.counts(known), people.counts(others)
    ranges = [_Range(own, len(others)) for own in mine]
    bands = tuple(each.band(own + other) for each, own, other in zip(ranges, mine, theirs, strict=True))
    aims = [each.aim(own + other) for each, own, other in zip(ranges, mine, theirs, strict=True)]
    search = _Search(aims, theirs, [people.mask(each) for each in others], _possible(people, others))
    return bands if any(bands) and search.succeeds() else tuple(None for _ in rows)


class _Range:
    """Which bands of a total may be told to somebody who knows `own` of those who count; `others` are the rest."""

    def __init__(self, own: int, others: int) -> None:
        self._own = own
        self._lowest = -(-(own + BAND) // BAND) * BAND  # the first band that begins five above what is known
        self._highest = (own + others - BAND + 1) // BAND * BAND - 1  # the end of the last one five below everybody

    def band(self, total: int) -> Band | None:
        """The band of a total, if it may be told."""
        return band_of(total) if self._lowest <= total <= self._highest else None

    def aim(self, total: int) -> tuple[int | None, int | None]:
        """Between which counts of the others, both included, one more or less changes nothing of what is told.

        That nothing is told of a row says something too: that it lies outside. So there are aims for those as well.
        """
        if self._lowest > self._highest:
            return None, None
        if total < self._lowest:
            return None, self._lowest - 2 - self._own
        if total > self._highest:
            return self._highest + 2 - self._own, None
        low = total - total % BAND - self._own
        return low + 1, low + BAND - 2


class _Rows:
    """Rows as the bits of a number: what a person holds becomes the rows they count in."""

    def __init__(self, rows: Sequence[Collection[str]]) -> None:
        self._size = len(rows)
        self.of_thing: dict[str, int] = {}
        for place, row in enumerate(rows):
            for thing in row:
                self.of_thing[thing] = self.of_thing.get(thing, 0) | 1 << place

    def mask(self, held: Iterable[str]) -> int:
        """The rows somebody counts in."""
        found = 0
        for thing in held:
            found |= self.of_thing.get(thing, 0)
        return found

    def counts(self, people: Iterable[Holding]) -> list[int]:
        """For each row how many count in it."""
        masks = [self.mask(each) for each in people]
        return [sum(mask >> place & 1 for mask in masks) for place in range(self._size)]


def _possible(rows: _Rows, people: Sequence[Holding]) -> Mapping[int, tuple[int, ...]]:
    """What somebody might hold instead, in rows, by what they hold: a thing more, a thing less, nothing, one thing.

    Whatever the programme asks for before a badge: that may have ended since, so every combination can be.
    """
    alone = {0, *rows.of_thing.values()}
    found: dict[int, set[int]] = {}
    for held in set(people):
        here = rows.mask(held)
        near = {rows.mask(held ^ {thing}) for thing in rows.of_thing}
        found[here] = (found.get(here, alone) | near) - {here}
    return {here: tuple(sorted(instead)) for here, instead in found.items()}


class _Search:
    """Looks for others of whom the same would be told, and still if any one of them held otherwise.

    One person at a time holds otherwise; each step is the one that brings the rows nearest to their aims.
    """

    def __init__(
        self, aims: Sequence[tuple[int | None, int | None]], counts: Sequence[int], masks: Sequence[int],
        possible: Mapping[int, tuple[int, ...]],
    ) -> None:  # fmt: skip
        most = len(masks)
        self._low = [-1 if low is None else low for low, _high in aims]
        self._high = [most + 1 if high is None else high for _low, high in aims]
        self._middle = {
            place: (low + high) // 2 for place, (low, high) in enumerate(aims) if low is not None and high is not None
        }
        self._count = list(counts)
        self._people = Counter(sorted(masks))
        self._possible = dict(possible)
        self._everything = tuple(sorted({each for found in possible.values() for each in found}))

    def succeeds(self) -> bool:
        """Whether an example was found."""
        while any(not low <= at <= high for low, at, high in zip(self._low, self._count, self._high, strict=True)):
            held = [each for each, number in self._people.items() if number]
            if not self._step(held[:: 1 + len(held) // _LOOKED_AT]) and not self._step(held):
                return False
        return True

    def _step(self, held: Sequence[int]) -> bool:
        """Take the best step from one of these; returns whether there was one that is any good."""
        up = [self._missed(p, at + 1) - self._missed(p, at) for p, at in enumerate(self._count)]
        down = [self._missed(p, at - 1) - self._missed(p, at) for p, at in enumerate(self._count)]
        best, cost = None, 0
        tried: dict[tuple[int, int], int] = {}
        for here in held:
            for there in self._possible.get(here, self._everything):
                change = (there & ~here, here & ~there)
                worse = tried.get(change)
                if worse is None:
                    worse = sum(up[p] for p in _places(change[0])) + sum(down[p] for p in _places(change[1]))
                    tried[change] = worse
                if worse < cost:
                    best, cost = (here, there), worse
        if best is None:
            return False
        here, there = best
        self._people[here] -= 1
        self._people[there] += 1
        for place in _places(there ^ here):
            self._count[place] += 1 if there >> place & 1 else -1
        return True

    def _missed(self, place: int, at: int) -> int:
        """By how much, squared, a count misses what its row aims at: the middle of a band, or one side of a count."""
        if place in self._middle:
            return (at - self._middle[place]) ** 2
        return max(self._low[place] - at, at - self._high[place], 0) ** 2


def _places(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
