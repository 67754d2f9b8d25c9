"""The picture that goes with a badge's address where somebody passes it on: 1200 by 630 pixels, no holder in it.

Drawn in strokes like the medallions, so that it looks the same where no font is installed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import resvg_py

from app.programme.artwork import GOLD, PAPER
from app.programme.artwork_letters import STROKES

Standing = Literal["stands", "revoked", "suspended", "expired"]

WIDTH, HEIGHT = 1200, 630
_INK, _SOFT, _BRAND, _DANGER, _CAUTION = "#1b2925", "#4b5a54", "#1f5f54", "#93271f", "#744600"
_LEFT, _RIGHT = 540.0, 1130.0
_GAP = 2.7
_MOST_LINES = 3
_TITLE_HEIGHTS = (46.0, 42.0, 38.0, 34.0, 30.0, 26.0, 22.0)

# What names and addresses hold beyond the ring of a medallion.
_SIGNS: Final[dict[str, tuple[float, str]]] = {
    **STROKES,
    ".": (0, "M0 9.9H.01"),
    ",": (1, "M.9 9.4C1 10.6.7 11.4 0 12"),
    ":": (0, "M0 4.2H.01M0 9.9H.01"),
    ";": (1, "M.8 4.2H.81M.9 9.4C1 10.6.7 11.4 0 12"),
    "'": (0, "M0 0V2.6"),
    '"': (2, "M0 0V2.6M2 0V2.6"),
    "/": (4.5, "M0 11.4 4.5-1"),
    "(": (2, "M2-1C-.6 2.2-.6 7.8 2 11"),
    ")": (2, "M0-1C2.6 2.2 2.6 7.8 0 11"),
    "&": (7, "M7 10 1.6 3.2A1.9 1.9 0 1 1 4.6 2.8C4 4.6 0 5 0 7.6A2.6 2.5 0 0 0 2.8 10C5 10 6.4 8 6.6 5.6"),
    "+": (5, "M0 5.5H5M2.5 3V8"),
    "?": (4.6, "M.1 2.2A2.3 2.2 0 1 1 3.4 4.2C2.4 4.8 2.2 5.4 2.2 6.6M2.2 9.9H2.21"),
    "!": (0, "M0 0V6.6M0 9.9H.01"),
}
_PLAIN: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."})
_FOOT: Final[dict[Standing, tuple[str, str]]] = {
    "revoked": ("This badge was revoked", _DANGER),
    "suspended": ("This badge is suspended", _CAUTION),
    "expired": ("This badge has expired", _CAUTION),
}


@dataclass(frozen=True)
class Preview:
    """What the picture says.

    Attributes:
        medallion: the badge's medallion as SVG.
        name: the achievement's name.
        issuer: the issuer's name.
        host: where the badge is checked, e.g. `ips.example.au`.
        standing: how the badge stands, as far as this server knows without checking it.
    """

    medallion: str
    name: str
    issuer: str
    host: str
    standing: Standing = "stands"


@lru_cache(maxsize=64)
def preview_png(preview: Preview) -> bytes:
    """The picture as PNG; same words, same bytes. The last 64 are kept."""
    return bytes(resvg_py.svg_to_bytes(svg_string=_svg(preview), width=WIDTH, height=HEIGHT, skip_system_fonts=True))


def _svg(preview: Preview) -> str:
    body = _medallion(preview.medallion, faded=preview.standing != "stands")
    lines, height = _fitted(preview.name)
    step = height * 1.72
    at = 262 - step * (len(lines) - 1) / 2
    words = [_text("Open Badge", _LEFT, at - 78, 17, _SOFT, 0.16)]
    words += [_text(line, _LEFT, at + step * place, height, _INK, 0.155) for place, line in enumerate(lines)]
    below = at + step * (len(lines) - 1) + height + 44
    words.append(_text(f"Awarded by {preview.issuer}", _LEFT, below, 21, _SOFT, 0.13))
    foot, colour = _FOOT.get(preview.standing, (f"Check this badge at {preview.host}", _BRAND))
    words.append(_text(foot, _LEFT, 520, 22, colour, 0.15))
    rule = f'<path d="M{_LEFT} 484H{_RIGHT}" stroke="#d3d9cd" stroke-width="2"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{_ground()}{body}{rule}{''.join(words)}</svg>"
    )


def _ground() -> str:
    """Paper, a hill behind, and the yellow edge of a trail blaze."""
    return (
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
        f'<path d="M0 470C150 410 300 480 {WIDTH * 0.4:g} 560S700 590 {WIDTH} 560V{HEIGHT}H0Z" fill="#dfebe3"/>'
        f'<path d="M0 545C180 500 330 560 520 600S900 616 {WIDTH} 606V{HEIGHT}H0Z" fill="#c5dacd"/>'
        f'<rect width="14" height="{HEIGHT}" fill="{GOLD}"/>'
    )


def _medallion(svg: str, *, faded: bool) -> str:
    inner = svg.partition(">")[2]
    opacity = ' opacity="0.45"' if faded else ""
    return f'<g{opacity}><svg x="80" y="105" width="400" height="400" viewBox="0 0 512 512">{inner}</g>'


def _fitted(name: str) -> tuple[list[str], float]:
    """A name in at most three lines, as large as it fits; what does not fit at all is cut off."""
    room = _RIGHT - _LEFT
    for height in _TITLE_HEIGHTS:
        lines = _wrapped(name, room / (height / 10))
        if len(lines) <= _MOST_LINES and all(_width(line) * height / 10 <= room for line in lines):
            return _balanced(name, lines, room / (height / 10)), height
    height = _TITLE_HEIGHTS[-1]
    return [_cut(line, room / (height / 10)) for line in _wrapped(name, room / (height / 10))[:_MOST_LINES]], height


def _balanced(name: str, lines: list[str], room: float) -> list[str]:
    """The same words in as many lines, none much shorter than the others."""
    while len(narrower := _wrapped(name, room * 0.95)) == len(lines) and max(map(_width, narrower)) <= room * 0.95:
        lines, room = narrower, room * 0.95
    return lines


def _wrapped(text: str, room: float) -> list[str]:
    lines: list[str] = []
    for word in _drawable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or ["-"]


def _cut(text: str, room: float) -> str:
    while _width(text) > room:
        text = text[:-1]
    return text


def _drawable(text: str) -> str:
    """Capitals without accents, with a space for each sign that cannot be drawn."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN).upper())
    kept = (sign for sign in plain if not unicodedata.combining(sign))
    return " ".join("".join(sign if sign in _SIGNS else " " for sign in kept).split())


def _width(text: str) -> float:
    return sum(_SIGNS[sign][0] for sign in text) + _GAP * max(len(text) - 1, 0)


def _text(text: str, x: float, y: float, height: float, colour: str, weight: float) -> str:
    """Words with their cap line at `y`, in one line, narrowed where they would run over the edge."""
    words = _drawable(text)
    scale = height / 10
    scale = min(scale, (_RIGHT - _LEFT) / max(_width(words), 1))
    at, paths = 0.0, []
    for sign in words:
        advance, strokes = _SIGNS[sign]
        if strokes:
            paths.append(f'<path transform="translate({at:.2f} 0)" d="{strokes}"/>')
        at += advance + _GAP
    pen = f'fill="none" stroke="{colour}" stroke-width="{weight * 10:g}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<g {pen} transform="translate({x:g} {y:g}) scale({scale:.3f})">{"".join(paths)}</g>'
