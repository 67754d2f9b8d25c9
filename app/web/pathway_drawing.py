"""The map as a picture: where each stop, each length of track and each word lies. Pure; the template writes it as SVG.

The places follow from the stops alone, whatever a programme's pathways are. There are two shapes: a track that winds
down a narrow page with the words beside it, and one that winds in rows across a wide page with the words below. What
lies beyond the end of the first way branches off there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from app.web import pathway_map_words as words
from app.web.pathway_stops import Stop

Face = Literal["code", "title", "line"]
Anchor = Literal["start", "middle"]

LINE: Final = 19.0  # from one line of text to the next
NARROW: Final = (" \u00a0.,:;'’|!iljtfrI()", 0.34)
BROAD: Final = ("mwMWQO–", 0.9)
SIZES: Final[dict[Face, float]] = {"code": 14, "title": 15, "line": 14}


@dataclass(frozen=True)
class Text:
    """One line of text with the place of its baseline."""

    words: str
    x: float
    y: float
    face: Face
    anchor: Anchor


@dataclass(frozen=True)
class Mark:
    """A stop on the map: a medallion or a blaze of radius `r`, with what stands beside it.

    Attributes:
        gates: whether each step before it is there; None where nobody's progress is shown.
        box: what can be clicked, as x, y, width, height.
    """

    stop: Stop
    x: float
    y: float
    r: float
    texts: tuple[Text, ...]
    gates: tuple[tuple[float, float, bool | None], ...] = ()
    box: tuple[float, float, float, float] = (0, 0, 0, 0)

    @property
    def name(self) -> str:
        """What a screen reader says of it: all that stands beside it, in order."""
        return words.name_of(self.stop)


@dataclass(frozen=True)
class Track:
    """A length of track as SVG path data; `walked` where both its ends are behind somebody."""

    d: str
    walked: bool


@dataclass(frozen=True)
class Drawing:
    """A whole map. `kind` names it among those of a page; `hills` are the lines of the land behind it."""

    kind: str
    width: float
    height: float
    tracks: tuple[Track, ...]
    marks: tuple[Mark, ...]
    hills: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What is drawn: the stops of one way, its end, and the ends of the ways that go on from there with their steps."""

    stops: tuple[Stop, ...]
    end: Stop
    beyond: tuple[tuple[Stop, tuple[Stop, ...]], ...] = ()


def drawings(plan: Plan) -> tuple[Drawing, ...]:
    """The map for a phone, for a frame in an LMS, and for a desk."""
    return (winding(plan), across(plan, "frame", 872, row=4), across(plan, "desk", 1160, row=4))


def wrapped(text: str, width: float, size: float, most: int) -> tuple[str, ...]:
    """Words in lines of at most `width`, at most `most` of them; what is left out is an ellipsis."""
    lines = [""]
    for word in text.split(" "):  # a space that does not break stays
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or length(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]}…"]
    return tuple(_cut(line, width, size) for line in lines)


def _cut(line: str, width: float, size: float) -> str:
    """A line that is no longer than it may be; a single word can be."""
    kept = line.removesuffix("…")
    while kept and length(line, size) > width:
        kept = kept[:-1].rstrip()
        line = f"{kept}…"
    return line


def length(text: str, size: float) -> float:
    """About how long words are, on the safe side of the fonts that systems have."""
    return size * sum(
        NARROW[1] if sign in NARROW[0] else BROAD[1] if sign in BROAD[0] else 0.66 if sign.isupper() else 0.56
        for sign in text
    )


def winding(plan: Plan, width: float = 328) -> Drawing:
    """Down a narrow page, the words beside the track."""
    marks: list[Mark] = []
    y = 14.0
    for number, stop in enumerate(plan.stops):
        x = 34.0 + (14 if number % 2 else 0)
        mark = _beside(stop, x, y, 27, 94, width - 94, most=2)
        marks.append(mark)
        y += max(_height(mark), 54) + 20
    tracks = [_track(one, other) for one, other in pairwise(marks)]
    end = _beside(plan.end, 60, y + 8, 54, 130, width - 130, most=4)
    if marks:
        tracks.append(_track(marks[-1], end))
    y += 8 + max(_height(end), 108) + 24
    for stop, steps in plan.beyond:
        mark = _beside(stop, 66, y, 27, 108, width - 108, most=3, steps=steps)
        tracks.append(Track(_off_the_spine(end, mark), end.stop.is_behind and stop.is_behind))
        marks.append(mark)
        y += max(_height(mark), 54) + 20
    ordered = (*marks[: len(plan.stops)], end, *marks[len(plan.stops) :])
    return Drawing("phone", width, y, tuple(tracks), ordered, tuple(_hills(width, y)))


def across(plan: Plan, kind: str, width: float, *, row: int) -> Drawing:
    """Across a wide page: rows that wind, the end to their right, what lies beyond it to the right of that."""
    rows = _rows(plan.stops, row)
    beyond = 1 if plan.beyond else 0
    end_space = width * ((0.20 if width > 1000 else 0.17) if beyond else 0.26)
    land = width - end_space - width * (0.27 if width > 1000 else 0.25) * beyond
    cell = min((land - 52) / max(len(rows[0]), 1), width / 5)
    land = cell * len(rows[0]) + 52
    r = 66.0 if width > 1000 else 54.0
    marks: list[Mark] = []
    y = 24.0 if len(rows) > 1 else r - 8  # a single row runs into the end, which is taller
    for number, stops in enumerate(rows):
        placed = stops if number % 2 == 0 else stops[::-1]
        free = len(rows[0]) - len(stops) if number % 2 else 0
        line = [_below(stop, 26 + cell * (at + free + 0.5), y, 32, cell - 14) for at, stop in enumerate(placed)]
        marks += line if number % 2 == 0 else line[::-1]
        y += max(_height(mark) for mark in line) + 34
    tall = max(y - 10, len(plan.beyond) * 104.0)
    last = marks[-1]
    end_y = last.y if len(rows) == 1 and not beyond else max(tall / 2 - 30, r + 24)
    end = _below(plan.end, land + end_space / 2, end_y - r, r, min(end_space - 12, 2 * r + 36))
    tall = max(tall, end_y + r + len(end.texts) * LINE + 30)
    tracks = [_turn(one, other, cell) if one.x == other.x else _track(one, other) for one, other in pairwise(marks)]
    tracks.append(_track(last, end, flat=True))
    ends = list(_branches(plan, end, land + end_space, width, tall))
    tracks += [Track(_sideways(end, mark), end.stop.is_behind and mark.stop.is_behind) for mark in ends]
    return Drawing(kind, width, tall, tuple(tracks), (*marks, end, *ends), tuple(_hills(width, tall)))


def _rows(stops: Sequence[Stop], row: int) -> list[Sequence[Stop]]:
    """Stops in rows, an odd number of them, so that the last one leads to the right, where the end is."""
    count = 1
    while -(-len(stops) // count) > row:
        count += 2
    size = -(-len(stops) // count)
    return [stops[at : at + size] for at in range(0, len(stops), size)] or [()]


def _branches(plan: Plan, end: Mark, left: float, width: float, tall: float) -> Iterator[Mark]:
    each = tall / max(len(plan.beyond), 1)
    for number, (stop, steps) in enumerate(plan.beyond):
        drawn = _beside(stop, left + 44, 0, 30, left + 86, width - left - 90, most=4, steps=steps)
        yield _moved(drawn, each * (number + 0.5) - _height(drawn) / 2)


def _beside(
    stop: Stop, x: float, top: float, r: float, left: float, width: float, *, most: int, steps: tuple[Stop, ...] = ()
) -> Mark:
    """A stop with its words to the right, and a blaze for each step before it while it is ahead."""
    steps = () if stop.is_behind else steps
    faces = _words(stop, width - 4, most, gates=len(steps))
    height = max(len(faces) * LINE, 2 * r)
    first = top + (height - len(faces) * LINE) / 2 + 14
    texts = tuple(
        Text(each, left + (len(steps) * 15 + 5 if face == "line" and steps else 0), first + at * LINE, face, "start")
        for at, (face, each) in enumerate(faces)
    )
    gates = tuple(
        (left + 6 + number * 15, texts[-1].y - 5, None if step.state == "plain" else step.is_behind)
        for number, step in enumerate(steps)
    )
    box = (x - r - 4, top - 4, left + width - (x - r - 4), height + 8)
    return Mark(stop, x, top + height / 2, r, texts, gates, box)


def _below(stop: Stop, x: float, top: float, r: float, width: float) -> Mark:
    """A stop with its words below."""
    faces = _words(stop, width, 4)
    first = top + 2 * r + 26
    texts = tuple(Text(each, x, first + at * LINE, face, "middle") for at, (face, each) in enumerate(faces))
    height = 2 * r + 26 + len(faces) * LINE
    box = (x - max(width / 2, r), top - 4, max(width, 2 * r), height)
    return Mark(stop, x, top + r, r, texts, (), box)


def _words(stop: Stop, width: float, most: int, gates: int = 0) -> list[tuple[Face, str]]:
    faces: list[tuple[Face, str]] = []
    title = f"{stop.code} {stop.short}".strip()
    faces += [("title", line) for line in wrapped(title, width, SIZES["title"], most)]
    below = words.state_line(stop)
    for more in (" there", " steps") if gates else ():  # the blazes beside it say the rest
        if length(below, SIZES["line"]) > width - gates * 15 - 5:
            below = below.removesuffix(more)
    if below or gates:
        faces += [("line", line) for line in wrapped(below, width - gates * 15 - 5, SIZES["line"], 1 if gates else 2)]
    return faces


def _height(mark: Mark) -> float:
    return mark.box[3] - 8


def _moved(mark: Mark, down: float) -> Mark:
    left, top, wide, high = mark.box
    return Mark(
        mark.stop, mark.x, mark.y + down, mark.r,
        tuple(Text(each.words, each.x, each.y + down, each.face, each.anchor) for each in mark.texts),
        tuple((x, y + down, there) for x, y, there in mark.gates),
        (left, top + down, wide, high),
    )  # fmt: skip


def _track(one: Mark, other: Mark, *, flat: bool = False) -> Track:
    """From one stop to the next, leaving and arriving along the track's own direction."""
    walked = one.stop.is_behind and other.stop.is_behind
    if flat:  # late, so that it keeps clear of the words of the row above
        way = other.x - one.x
        return Track(_path(one, (one.x + way * 0.75, one.y), (one.x + way * 0.6, other.y), other), walked)
    if abs(other.x - one.x) > abs(other.y - one.y):
        half = (one.x + other.x) / 2
        return Track(_path(one, (half, one.y), (half, other.y), other), walked)
    half = (one.y + other.y) / 2
    return Track(_path(one, (one.x, half), (other.x, half), other), walked)


def _turn(one: Mark, other: Mark, cell: float) -> Track:
    """Round the end of a row, to the side that the row ran to."""
    out = one.x + cell * 0.78 * (1 if one.x > cell else -1)
    return Track(_path(one, (out, one.y), (out, other.y), other), one.stop.is_behind and other.stop.is_behind)


def _off_the_spine(end: Mark, mark: Mark) -> str:
    spine = 20.0
    return (
        f"M{end.x:.0f} {end.y:.0f}C{end.x:.0f} {end.y + end.r + 20:.0f} {spine:.0f} {end.y + end.r:.0f} {spine:.0f} "
        f"{end.y + end.r + 36:.0f}V{mark.y - 24:.0f}Q{spine:.0f} {mark.y:.0f} {mark.x:.0f} {mark.y:.0f}"
    )


def _sideways(end: Mark, mark: Mark) -> str:
    way = mark.x - end.x
    return _path(end, (end.x + way * 0.85, end.y), (end.x + way * 0.5, mark.y), mark)


def _path(one: Mark, leaving: tuple[float, float], arriving: tuple[float, float], other: Mark) -> str:
    middle = f"{leaving[0]:.0f} {leaving[1]:.0f} {arriving[0]:.0f} {arriving[1]:.0f}"
    return f"M{one.x:.0f} {one.y:.0f}C{middle} {other.x:.0f} {other.y:.0f}"


def _hills(width: float, height: float) -> Iterator[str]:
    """Lines of equal height, as on a walker's map."""
    for number in range(int(height // 70) + 1):
        y = 30 + number * 70
        sway = (18, 30, 12, 24)[number % 4]
        yield (
            f"M-10 {y}C{width * 0.2:.0f} {y - sway} {width * 0.3:.0f} {y + sway} {width * 0.5:.0f} {y + sway / 3:.0f}"
            f"S{width * 0.8:.0f} {y - sway * 1.2:.0f} {width + 10:.0f} {y + sway / 2:.0f}"
        )
