"""Badge artwork: one family of medallions, drawn here from code, colour and level.

The same arguments always give the same bytes. Nothing is fetched, nothing depends on installed fonts, and nothing in
the picture can run, so the files may be baked into badges, mailed and opened by strangers.
"""

from collections.abc import Sequence
from math import cos, radians, sin
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import resvg_py

from app.programme.artwork_letters import Arc, drawable, on_arc
from app.programme.artwork_motifs import Palette, motif

Level = Literal["basic", "advanced", "stack"]

DOMAIN_COLOURS: dict[str, str] = {
    "A": "#1f5f54",  # eucalypt: the IPS model
    "B": "#574a8c",  # jacaranda: youth mental health
    "C": "#8a5a0c",  # dry grass: career and education planning
    "D": "#9a4526",  # ironbark: employers
    "E": "#22558a",  # harbour: entitlements and rights
    "F": "#8f2f58",  # rosella: support that lasts
    "G": "#176673",  # lagoon: team and practice
    "H": "#2a3358",  # night: advanced roles
}
TEN = 10
GOLD = "#e5ad3c"
PAPER = "#fdfcf6"

_CENTRE = 256.0
_LETTERS = 204.0
_LEVEL_WORDS: dict[Level, str] = {"basic": "basic level", "advanced": "advanced level", "stack": "full pathway"}


def medallion_svg(
    *, code: str, title: str, domain_colour: str, level: Level, ring_text: str, marks: Sequence[str] = ()
) -> str:
    """Draw a badge's medallion.

    `code` is the module's code (M01, X5), shown at the foot and deciding the motif; `title` is the badge's name, for
    people who cannot see it; `domain_colour` is a domain key A to H or a colour `#rrggbb`; `level` decides the ring;
    `ring_text` runs around the top and shrinks to fit. `marks` are the colours, as above, of the badges that a stack
    stands on: each is a blaze in its ring, clockwise from the top; other levels have none.

    Returns an SVG document 512 units square. Raises ValueError for a colour that is neither.
    """
    code, title = _readable(code), _readable(title)
    blazes = [_colour(each) for each in marks] or [_colour(domain_colour)] * TEN
    deep = _colour(domain_colour)
    palette = Palette(deep, _mix(deep, PAPER, 0.38), _mix(deep, PAPER, 0.8), PAPER, GOLD)
    words = f"Round medallion, {_LEVEL_WORDS[level]}. Around it: {drawable(ring_text).capitalize()}. Code {code}."
    body = "".join(
        (
            _rim(level, palette, blazes),
            _ground(palette),
            f'<g transform="translate(256 250) scale(.97)">{motif(code, stack=level == "stack", palette=palette)}</g>',
            _circle(176, "none", GOLD, 5),
            _lettering(code, ring_text, palette),
        )
    )
    name = quoteattr(f"{title}. {words}")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512" role="img"'
        f" aria-label={name}>"
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>{body}</svg>"
    )


def medallion_png(svg: str, size: int = 512) -> bytes:
    """Render a medallion to a square PNG of `size` pixels on a transparent ground; same input, same bytes.

    Raises ValueError if `svg` is not a well-formed SVG document.
    """
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))


def _colour(domain_colour: str) -> str:
    colour = DOMAIN_COLOURS.get(domain_colour, domain_colour).lower()
    if len(colour) != 7 or colour[0] != "#" or any(sign not in "0123456789abcdef" for sign in colour[1:]):
        raise ValueError(f"{domain_colour!r} is neither a domain key A to H nor a colour like #1f5f54")
    return colour


def _readable(words: str) -> str:
    """Return `words` without the control and stray characters that no XML document may hold (XML 1.0 §2.2)."""
    kept = (sign for sign in words if sign.isprintable() and sign not in "\ufffe\uffff")
    return "".join(kept).strip() or "–"


def _mix(first: str, second: str, share: float) -> str:
    """Return `first` with `share` (0 to 1) of `second` mixed in."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _circle(radius: float, fill: str, edge: str = "none", width: float = 0) -> str:
    return f'<circle cx="256" cy="256" r="{radius:g}" fill="{fill}" stroke="{edge}" stroke-width="{width:g}"/>'


def _around(count: int, radius: float, start: float = 0) -> list[tuple[float, float]]:
    angles = (radians(start + 360 * i / count) for i in range(count))
    return [(_CENTRE + radius * sin(angle), _CENTRE - radius * cos(angle)) for angle in angles]


def _rim(level: Level, p: Palette, marks: Sequence[str]) -> str:
    """The ring tells the level: plain, toothed like a compass card, or gold, set with a blaze for each badge below."""
    if level == "basic":
        return _circle(246, p.deep) + _circle(237, "none", p.gold, 3)
    if level == "advanced":
        points = [p for pair in zip(_around(32, 252), _around(32, 237, 360 / 64), strict=True) for p in pair]
        star = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        return f'<polygon points="{star}" fill="{p.gold}"/>' + _circle(238, p.deep) + _circle(230, "none", p.gold, 3)
    places = zip(_around(len(marks), 238, 180 / len(marks)), marks, strict=True)
    blazes = "".join(
        f'<path d="M{x:.1f} {y - 14:.1f}l14 14-14 14-14-14Z" fill="{p.paper}"/>'
        f'<path d="M{x:.1f} {y - 10:.1f}l10 10-10 10-10-10Z" fill="{mark}"/>'
        for (x, y), mark in places
    )
    return _circle(252, p.gold) + _circle(224, p.deep) + _circle(224, "none", p.paper, 3) + blazes


def _ground(p: Palette) -> str:
    """Paper sky and two hills, which end exactly on the inner circle (radius 176) so that no clipping is needed."""
    near, far = _mix(p.tint, p.deep, 0.12), _mix(p.tint, p.paper, 0.35)
    back = f'<path d="M87.9 308C150 268 200 300 262 288S378 262 425.6 302A176 176 0 0 1 87.9 308Z" fill="{far}"/>'
    front = (
        f'<path d="M104.4 345.5C160 330 220 356 290 344S372 332 408.6 343A176 176 0 0 1 104.4 345.5Z" fill="{near}"/>'
    )
    return _circle(176, p.paper) + back + front


def _lettering(code: str, ring_text: str, p: Palette) -> str:
    ring = on_arc(ring_text, Arc(_CENTRE, _LETTERS, 0), height=22, longest=220)
    foot = on_arc(code, Arc(_CENTRE, _LETTERS, 180, inward=True), height=28, longest=60)
    style = f'fill="none" stroke="{p.paper}" stroke-linecap="round" stroke-linejoin="round"'
    marks = "".join(f'<path d="M{x:.1f} {y - 9:.1f}l9 9-9 9-9-9Z" fill="{p.gold}"/>' for x, y in _marks())
    return f'<g {style} stroke-width="1.5">{ring}</g><g {style} stroke-width="1.75">{foot}</g>{marks}'


def _marks() -> list[tuple[float, float]]:
    """Two blazes that part the words above from the code below."""
    return [(_CENTRE + _LETTERS * sin(radians(a)), _CENTRE - _LETTERS * cos(radians(a))) for a in (134, -134)]
