"""A small alphabet drawn as strokes, so that a medallion looks the same where no font is installed.

Each sign stands on a grid ten units high: the baseline is at 10, the cap line at 0. The strokes have no width of
their own; whoever places them decides it.
"""

import unicodedata
from dataclasses import dataclass
from math import cos, pi, radians, sin

_BOWL = "M0 10V0H3A2.75 2.75 0 0 1 3 5.5H0"
_ROUND = "M4 0A4 5 0 0 1 4 10A4 5 0 0 1 4 0Z"

STROKES: dict[str, tuple[float, str]] = {
    "A": (7, "M0 10 3.5 0 7 10M1.3 6.6H5.7"),
    "B": (6, "M0 0V10H3.2A2.7 2.7 0 0 0 3.2 4.6H0M0 0H2.8A2.3 2.3 0 0 1 2.8 4.6"),
    "C": (7, "M7 1.9A4 5 0 1 0 7 8.1"),
    "D": (6.8, "M0 0V10H2.4A4.4 5 0 0 0 2.4 0Z"),
    "E": (5, "M5 0H0V10H5M0 4.9H4.2"),
    "F": (4.8, "M4.8 0H0V10M0 4.9H4"),
    "G": (7.3, "M7 1.9A4 5 0 1 0 7.3 7.6V5.4H4.6"),
    "H": (6.5, "M0 0V10M6.5 0V10M0 4.9H6.5"),
    "I": (0, "M0 0V10"),
    "J": (4, "M4 0V7.4A2 2.6 0 0 1 0 7.6"),
    "K": (5.8, "M0 0V10M5.6 0 0 6M2 3.9 5.8 10"),
    "L": (4.6, "M0 0V10H4.6"),
    "M": (8, "M0 10V0L4 6.4 8 0V10"),
    "N": (6.8, "M0 10V0L6.8 10V0"),
    "O": (8, _ROUND),
    "P": (5.7, _BOWL),
    "Q": (8, _ROUND + "M5 7.3 7.7 10.4"),
    "R": (6, _BOWL + "M3 5.5 6 10"),
    "S": (5.6, "M5.2 1.7A2.6 2.4 0 0 0 2.8 0A2.5 2.45 0 0 0 2.8 4.9A2.6 2.55 0 0 1 2.8 10A2.8 2.5 0 0 1 .2 8.2"),
    "T": (6.4, "M0 0H6.4M3.2 0V10"),
    "U": (6.4, "M0 0V6.6A3.2 3.4 0 0 0 6.4 6.6V0"),
    "V": (7, "M0 0 3.5 10 7 0"),
    "W": (10, "M0 0 2.6 10 5 1.5 7.4 10 10 0"),
    "X": (6.4, "M0 0 6.4 10M6.4 0 0 10"),
    "Y": (6.6, "M0 0 3.3 5.2 6.6 0M3.3 5.2V10"),
    "Z": (6, "M0 0H6L0 10H6"),
    "0": (6.4, "M3.2 0A3.2 5 0 0 1 3.2 10A3.2 5 0 0 1 3.2 0Z"),
    "1": (2.6, "M0 2.3 2.6 0V10"),
    "2": (5.6, "M.2 2.8A2.65 2.75 0 0 1 5.4 2.9C5.4 5.2 0 7.4 0 10H5.6"),
    "3": (5.4, "M.3 1.6A2.4 2.3 0 1 1 2.5 4.7A2.7 2.65 0 1 1 .1 8.3"),
    "4": (6.4, "M4.8 10V0L0 7H6.4"),
    "5": (5.6, "M5.1 0H.9L.5 4.5A2.9 2.9 0 1 1 .1 8.5"),
    "6": (6, "M4.7 0C2 1.6 0 4.2 0 7A3 3 0 1 0 .5 5.4"),
    "7": (5.6, "M0 0H5.6L1.8 10"),
    "8": (
        5.6,
        "M2.8 0A2.3 2.35 0 0 1 2.8 4.7A2.3 2.35 0 0 1 2.8 0ZM2.8 4.7A2.8 2.65 0 0 1 2.8 10A2.8 2.65 0 0 1 2.8 4.7Z",
    ),
    "9": (6, "M1.3 10C4 8.4 6 5.8 6 3A3 3 0 1 0 5.5 4.6"),
    "-": (3, "M0 5.5H3"),
    "·": (0, "M0 5H.01"),
    " ": (2, ""),
}

_GAP = 2.7


@dataclass(frozen=True)
class Arc:
    """Where lettering runs: a circle around a centre, all in the picture's own units.

    `middle` is the angle in degrees, clockwise from the top, on which the words are centred. `inward` turns the
    letters' heads to the centre, which keeps words upright at the foot of a ring.
    """

    centre: float
    radius: float
    middle: float
    inward: bool = False


def drawable(text: str) -> str:
    """Return `text` in capitals, without accents, with a space for each sign the alphabet does not have."""
    plain = unicodedata.normalize("NFKD", text.upper())
    kept = (sign for sign in plain if not unicodedata.combining(sign))
    return " ".join("".join(sign if sign in STROKES else " " for sign in kept).split())


def width(text: str) -> float:
    """Return how wide `text` is in alphabet units, from the first stroke to the last."""
    return sum(STROKES[sign][0] for sign in text) + _GAP * max(len(text) - 1, 0)


def on_arc(text: str, arc: Arc, height: float, longest: float) -> str:
    """Return `text` as SVG paths along `arc`, without colour or stroke width.

    `height` is the wished height of a capital; it shrinks where the words would be longer than `longest` degrees.
    """
    words = drawable(text)
    if not words:
        return ""
    scale = min(height / 10, radians(longest) * arc.radius / max(width(words), 1))
    turn = -1 if arc.inward else 1
    at = -width(words) / 2
    paths = []
    for sign in words:
        advance, strokes = STROKES[sign]
        if strokes:
            angle = arc.middle + turn * (at + advance / 2) * scale / arc.radius * 180 / pi
            paths.append(_placed(strokes, advance, angle, arc, scale))
        at += advance + _GAP
    return "".join(paths)


def _placed(strokes: str, advance: float, angle: float, arc: Arc, scale: float) -> str:
    x = arc.centre + arc.radius * sin(radians(angle))
    y = arc.centre - arc.radius * cos(radians(angle))
    tilt = angle + (180 if arc.inward else 0)
    move = f"translate({x:.2f} {y:.2f}) rotate({tilt:.2f}) scale({scale:.3f}) translate({-advance / 2:.2f} -5)"
    return f'<path transform="{move}" d="{strokes}"/>'
