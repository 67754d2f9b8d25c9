"""Stretches of time: when something holds, when enough of several things hold, and when months of work are full.

Every stretch has its first moment and not its last, so that two that touch leave no moment out and share none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

FOR_GOOD = datetime.max.replace(tzinfo=UTC)  # stands for no end wherever ends are compared


@dataclass(frozen=True)
class Span:
    """From `start` on and up to `end`, which is no longer part of it; None where no end is known."""

    start: datetime
    end: datetime | None = None

    @property
    def last(self) -> datetime:
        """The end, or a moment after all others."""
        return FOR_GOOD if self.end is None else self.end

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies within."""
        return self.start <= at < self.last


Line = tuple[Span, ...]


def together(spans: Iterable[Span]) -> Line:
    """The same time in stretches that neither touch nor overlap, in order."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if span.start >= span.last:
            continue
        if merged and span.start <= merged[-1].last:
            if merged[-1].last < span.last:
                merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return tuple(merged)


def enough(needed: int, lines: Iterable[Line]) -> Line:
    """When at least so many of several lines hold.

    Args:
        needed: 1 or more.
        lines: each as `together` gives it.
    """
    turns: Counter[datetime] = Counter()
    for line in lines:
        for span in line:
            turns[span.start] += 1
            turns[span.last] -= 1
    found: list[Span] = []
    count, since = 0, None
    for moment in sorted(turns):
        count += turns[moment]
        if count >= needed and since is None:
            since = moment
        elif count < needed and since is not None:
            found.append(Span(since, None if moment == FOR_GOOD else moment))
            since = None
    return tuple(found)


def current(line: Line, at: datetime) -> Span | None:
    """The stretch in which a moment lies."""
    return next((span for span in line if span.holds(at)), None)


def months_after(moment: datetime, months: int) -> datetime | None:
    """The same day and time so many months later, or that month's last day; None beyond all calendars."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return None if year > FOR_GOOD.year else moment.replace(year=year, month=month)


def months_full(periods: Iterable[Span], months: int, longest_gap: timedelta | None) -> datetime | None:
    """The moment at which so many months of work are full; None if they never are.

    Time that two periods share counts once. The months are those of the calendar, counted from the beginning of a
    stretch of work, and each gap puts the day off by its own length. Any stretch may be the first that counts: months
    differ in length, so that otherwise an hour of work more, long before, could put the day off.

    Args:
        periods: of work; one without an end goes on.
        months: how many.
        longest_gap: a longer one begins the count anew; None where no gap does.
    """
    line = together(periods)
    moments = (_full(line[first:], months, longest_gap) for first in range(len(line)))
    return min((moment for moment in moments if moment is not None), default=None)


def time_left(periods: Iterable[Span], months: int, longest_gap: timedelta | None, at: datetime) -> timedelta:
    """How much work is missing at a moment until so many months are full; never less than nothing."""
    line = together(Span(each.start, min(each.last, at)) for each in periods)
    whole = _length(at, months)
    missing = [whole]
    for first in range(len(line)):
        stretch = line[first:]
        if longest_gap is None or all(gap <= longest_gap for gap in (*_gaps(stretch), at - stretch[-1].last)):
            missing.append(_length(stretch[0].start, months) - _worked(stretch))
    return max(min(missing), timedelta(0))


def _full(line: Line, months: int, longest_gap: timedelta | None) -> datetime | None:
    due = months_after(line[0].start, months)
    if due is None:
        return None
    left_off = line[0].start
    for span in line:
        gap = span.start - left_off
        if (longest_gap is not None and gap > longest_gap) or gap > FOR_GOOD - due:
            return None
        due += gap
        if due <= span.last:
            return due
        left_off = span.last
    return None


def _length(start: datetime, months: int) -> timedelta:
    return (months_after(start, months) or FOR_GOOD) - start


def _worked(line: Line) -> timedelta:
    return sum((span.last - span.start for span in line), timedelta(0))


def _gaps(line: Sequence[Span]) -> Iterator[timedelta]:
    return (after.start - before.last for before, after in pairwise(line))
